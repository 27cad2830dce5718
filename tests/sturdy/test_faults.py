"""The daemon itself: suspended, flooded with signals, killed, started twice, reloaded in a row, with a clock that
jumps, as process 1, and after a long life."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator

import pytest

from tests.harness import DEADLINE, Daemon, eventually
from tests.harness.daemon import alive
from tests.sturdy import faketime
from tests.sturdy.measure import MEGABYTE, children, fds, memory, only_root
from tests.sturdy.raw import Raw, call, get, post

SLEEP = {"command": "/bin/sleep 1000", "startsecs": 0}


def test_suspended_and_continued(daemon: Daemon) -> None:
    daemon.start(well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None,
                 dies={"startsecs": 0, "autorestart": True}, stops={"startsecs": 0, "stopwaitsecs": 20})
    well, dies, stops = (daemon.child(name) for name in ("well", "dies", "stops"))
    daemon.call("getState")
    daemon.signal(signal.SIGSTOP)
    well.tell("flood", 1, 60_000)
    dies.tell("die")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.socket)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        begun = time.monotonic()
        eventually(lambda: time.monotonic() - begun > 2, "two seconds")
        daemon.signal(signal.SIGCONT)
        client.settimeout(DEADLINE)
        assert client.recv(4096).startswith(b"HTTP/1.")
    assert daemon.child("dies").pid != dies.pid
    eventually(lambda: (daemon.dir / "well").stat().st_size == 60_000, "the output")
    assert daemon.info("well")["pid"] == well.pid and daemon.info("stops")["pid"] == stops.pid
    assert "with SIGKILL" not in daemon.log()


def test_floods_of_signals_change_nothing(daemon: Daemon) -> None:
    daemon.start(well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None, loglevel="info")
    well = daemon.child("well")
    level = fds(daemon.pid)
    for _ in range(1500):
        for number in (signal.SIGCHLD, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE):
            daemon.signal(number)
    well.tell("out", "fine\n")
    eventually(lambda: daemon.read("well") == "fine\n", "output")
    assert daemon.call("getState")["statename"] == "RUNNING" and daemon.info("well")["pid"] == well.pid
    assert fds(daemon.pid) <= level + 1


@pytest.mark.parametrize("daemonize", [False, True])
def test_killed_and_started_again(daemon: Daemon, daemonize: bool) -> None:
    daemon.start(p=SLEEP, q={**SLEEP, "autostart": False}, probe=None, daemonize=daemonize)
    pid = daemon.wait_state("p", "RUNNING")["pid"]
    daemon.kill()
    assert alive(pid) and daemon.pidfile.exists() and os.path.exists(daemon.socket)
    daemon._rpc = None
    daemon.launch(daemonize=daemonize)
    daemon.wait_log("still running: p")
    assert f"p (pid {pid})" in daemon.log()
    assert daemon.wait_state("p", "RUNNING")["pid"] != pid
    os.kill(pid, signal.SIGKILL)
    assert daemon.stop() == 0
    assert not daemon.pidfile.exists() and not os.path.exists(daemon.socket)
    daemon._rpc = None
    daemon.launch(daemonize=daemonize)
    assert daemon.log().count("still running:") == 1


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [[], ["-n"]])
def test_a_second_start_is_refused_and_touches_nothing(daemon: Daemon, first: bool, second: list[str]) -> None:
    daemon.start(p={**SLEEP, "stdout_logfile": "AUTO"}, probe=None, daemonize=first, loglevel="info",
                 supervisord="logfile_maxbytes=10KB")
    pid = daemon.wait_state("p", "RUNNING")["pid"]
    with open(daemon.logfile, "a") as log:
        log.write("x" * (9999 - daemon.logfile.stat().st_size) + "\n")  # rotation is due with the next line
    before = {path.name: path.stat().st_ino for path in daemon.dir.iterdir()}
    refused = daemon.run("-c", str(daemon.conf), *second)
    assert refused.returncode != 0 and "Error" in refused.stderr
    assert {path.name: path.stat().st_ino for path in daemon.dir.iterdir()} == before
    assert daemon.info("p")["pid"] == pid and int(daemon.pidfile.read_text()) == daemon.pid


def test_reloads_in_a_row_with_crashes_and_half_requests(daemon: Daemon) -> None:
    daemon.start(p=SLEEP, crash={"command": "/bin/false", "startsecs": 0, "autorestart": True}, probe=None,
                 loglevel="info")
    daemon.wait_state("p", "RUNNING")
    level = 0
    for turn in range(12):
        with socket.socket(socket.AF_UNIX) as half:
            half.connect(daemon.socket)
            half.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Le")
            pid = daemon.info("p")["pid"]
            daemon.signal(signal.SIGHUP)
            daemon._rpc = None

            def reloaded(pid: int = pid) -> bool:
                with contextlib.suppress(OSError, xmlrpc.client.Error), daemon.proxy() as proxy:
                    info = proxy.supervisor.getProcessInfo("p")
                    return bool(info["pid"]) and info["pid"] != pid
                return False

            eventually(reloaded, "the next run")
        if turn == 1:
            level = fds(daemon.pid)
    assert int(daemon.pidfile.read_text()) == daemon.pid
    eventually(lambda: fds(daemon.pid) <= level, f"descriptors as before ({fds(daemon.pid)}, {level})")
    assert list(children(daemon.pid).values()).count("Z") < 2


# A clock that jumps


@pytest.fixture
def jumping(daemon: Daemon) -> dict[str, str]:
    """An environment whose wall clock can be made to jump."""
    if faketime.LIBRARY is None:
        assert not os.environ.get("CI"), "libfaketime is not installed"
        pytest.skip("libfaketime is not installed")
    return faketime.environment(daemon.dir)


def test_the_clock_jumps_again_and_again(daemon: Daemon, jumping: dict[str, str]) -> None:
    whole = time.monotonic()
    daemon.start(env=jumping, probe="TICK_5", well=SLEEP, slow={"startsecs": 2, "autostart": False},
                 deaf={"startsecs": 0, "stopwaitsecs": 2},
                 fails={"command": "/bin/false", "startretries": 1, "autostart": False})
    deaf = daemon.child("deaf")
    deaf.tell("ignore", "SIGTERM")
    well = daemon.wait_state("well", "RUNNING")["pid"]

    jumps = 0

    def jump(days: int) -> None:
        nonlocal jumps
        faketime.jump(daemon.dir, days)
        jumps += 1

    # Each waits for its real time, whichever way the clock goes meanwhile.
    for there in (1, -1):
        begun = time.monotonic()
        daemon.call("startProcess", "slow", False)
        jump(there)
        daemon.wait_state("slow", "RUNNING")
        assert time.monotonic() - begun > 1.8, "startsecs"
        jump(0)
        daemon.call("stopProcess", "slow")
    begun = time.monotonic()
    daemon.call("stopProcess", "deaf", False)
    jump(2)
    daemon.wait_state("deaf", "STOPPED")
    assert time.monotonic() - begun > 1.8, "stopwaitsecs"
    with contextlib.suppress(xmlrpc.client.Fault):  # it may have died already
        daemon.call("startProcess", "fails", False)
    for days in (-3, 3, -1, 5):
        jump(days)
    daemon.wait_state("fails", "FATAL")
    info = daemon.info("well")
    assert info["pid"] == well and info["statename"] == "RUNNING" and "uptime" in info["description"]
    assert "-" not in info["description"]
    assert daemon.log().count("spawned: 'well'") == 1
    assert "TICK_5" in {event.name for event in daemon.seen()}
    assert len(daemon.seen()) <= jumps + (time.monotonic() - whole) / 5 + 1
    days = {line[:10] for line in daemon.log().splitlines()}
    assert len(days) >= 4, "the clock did not jump"


# As process 1


@only_root
def test_as_process_1(daemon: Daemon) -> None:
    (daemon.dir / "orphans.sh").write_text("(sleep 0.05 & sleep 0.1 &)\nexec sleep 1000\n")
    orphans = "/bin/sh @dir@/orphans.sh"
    daemon.configure(p={"command": orphans, "startsecs": 0}, last={**SLEEP, "priority": 1}, probe=None,
                     supervisord="user=root")
    daemon.process = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-m", "supervisor.supervisord",
         "-n", "-c", str(daemon.conf)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=daemon.dir,
        env=daemon.environment())
    try:
        daemon.wait_log("reaped unknown pid", 2)
        inside = next(iter(children(daemon.process.pid)))
        eventually(lambda: sorted(children(inside).values()) == ["S", "S"], "two programs and no zombie")
        os.kill(inside, signal.SIGTERM)
        assert daemon.process.wait(DEADLINE) == 0
    finally:
        daemon.process.kill()
        daemon.process.wait(DEADLINE)
    log = daemon.log()
    assert "supervisord started with pid 1\n" in log
    assert log.index("stopped: p") < log.index("stopped: last")


# A long life


def small_calls(daemon: Daemon) -> Iterator[object]:
    """What goes on all the time in a long life, once each."""
    yield daemon.call("getAllProcessInfo")
    yield daemon.call("readLog", -100, 0)
    yield daemon.call("reloadConfig")
    yield daemon.call("system.multicall", [{"methodName": "supervisor.getPID", "params": []}] * 10)
    with daemon.proxy() as proxy:
        yield proxy.supervisor.getState()
    yield daemon.fault("getProcessInfo", "nobody")


def test_a_long_life_costs_neither_descriptors_nor_memory(daemon: Daemon) -> None:
    text = daemon.configure(again={"command": "/bin/true", "startsecs": 0, "autorestart": True,
                                   "stdout_logfile": "@dir@/again", "stdout_logfile_maxbytes": 0},
                            talks={"command": "/bin/echo some words", "startsecs": 0, "autorestart": True},
                            probe=None, loglevel="warn", supervisord="logfile_maxbytes=100KB")
    more = text + daemon.fill(daemon.program("extra", **{**SLEEP, "stdout_logfile": "@dir@/extra"}))
    daemon.launch()

    def live(turns: int) -> None:
        for turn in range(turns):
            for _ in small_calls(daemon):
                pass
            daemon.signal(signal.SIGUSR2)
            daemon.conf.write_text(more if turn % 2 else text)
            added, changed, removed = daemon.call("reloadConfig")[0]
            assert not changed
            for name in added:
                daemon.call("addProcessGroup", name)
            for name in removed:
                daemon.call("stopProcessGroup", name)
                daemon.call("removeProcessGroup", name)

    live(60)
    level, before = fds(daemon.pid), memory(daemon.pid)
    live(200)
    # More for a moment, while children are being replaced.
    eventually(lambda: fds(daemon.pid) <= level + 6, "few descriptors")
    assert memory(daemon.pid) - before < 5 * MEGABYTE
    assert daemon.info("again")["start"] > 0


def test_files_that_were_replaced_under_us(daemon: Daemon) -> None:
    """A package is upgraded, a folder moved: what runs goes on, and what it needs later is there."""
    daemon.start(p=SLEEP, probe=None)
    daemon.wait_state("p", "RUNNING")
    shutil.copy(daemon.conf, daemon.dir / "kept")
    daemon.conf.unlink()
    assert daemon.fault("reloadConfig").faultCode == 92
    daemon.conf.mkdir()
    assert daemon.fault("reloadConfig").faultCode == 92
    daemon.conf.rmdir()
    shutil.copy(daemon.dir / "kept", daemon.conf)
    assert daemon.call("reloadConfig") == [[[], [], []]]
    daemon.pidfile.unlink()
    daemon.pidfile.write_text("1\n")  # somebody else's now
    assert daemon.stop() == 0
    assert daemon.pidfile.read_text() == "1\n"


@pytest.mark.parametrize("mode", ["-n", ""])
@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "</dev/null >/dev/null 2>&-", "</dev/null >/dev/full 2>/dev/full"])
def test_started_without_a_place_for_words(daemon: Daemon, streams: str, mode: str) -> None:
    """By a cron job or a script that closed everything, with something to tell: a stale socket, an unknown option."""
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(daemon.socket)
    daemon.configure(probe=None, supervisord="nonsense=1", well={"startsecs": 0, "stdout_logfile": "@dir@/well"})
    command = f"exec {daemon.python} -m supervisor.supervisord {mode} -c {daemon.conf} {streams}"
    daemon.process = subprocess.Popen(["/bin/sh", "-c", command], cwd=daemon.dir, env=daemon.environment())
    well = daemon.child("well")
    well.tell("out", "fine\n")
    eventually(lambda: daemon.read("well") == "fine\n", "output")
    assert daemon.ctl("status").stdout.startswith("well")
    daemon.pid = daemon.call("getPID")
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{daemon.pid}/fd/{fd}") in ("/dev/null", "/dev/full")
    os.kill(daemon.pid, signal.SIGTERM)
    eventually(lambda: not alive(daemon.pid), "the end")
    assert not pathlib.Path(daemon.socket).exists()


@pytest.mark.parametrize("which", ["daemon", "client"])
def test_in_a_folder_that_was_removed(daemon: Daemon, which: str) -> None:
    daemon.configure(probe=None)
    place = daemon.dir / "place"
    place.mkdir()
    program = ["-m", "supervisor.supervisord", "-n"] if which == "daemon" else ["-m", "supervisor.supervisorctl"]
    command = f"cd {place} && rmdir {place} && exec {daemon.python} {' '.join(program)} -c supervisord.conf"
    done = subprocess.run(["/bin/sh", "-c", command], env=daemon.environment(), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE)
    assert done.returncode == 2
    reason = "The current directory has been removed" if which == "daemon" else "could not find config file"
    assert done.stderr.startswith(f"Error: {reason}") and "Traceback" not in done.stderr, done.stderr


def test_without_memory_it_refuses_and_recovers(daemon: Daemon) -> None:
    """A limit of the address space, as a service manager sets it: what does not fit fails, and nothing else."""
    daemon.start(well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, floods={"startsecs": 0}, probe=None, inet="",
                 **{f"sleeps{number}": SLEEP for number in range(20)})
    well = daemon.child("well")
    for trouble in ("MemoryError", "failed to map segment", "Cannot allocate memory"):
        daemon.tolerate(trouble)
    size = int(pathlib.Path(f"/proc/{daemon.pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_AS)
    big = post(call("supervisor.getProcessInfo", "x" * 12 * MEGABYTE))
    many = post(call("system.multicall", [{"methodName": "supervisor.getAllProcessInfo", "params": []}] * 500))
    for room in (8, 4, 2, 1, 0):
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (size + room * MEGABYTE, limits[1]))
        for data in (big, many, get("/"), get("/logtail/well"), *[post(call("supervisor.getAllProcessInfo"))] * 50):
            with contextlib.suppress(OSError), Raw(daemon.socket) as client:
                client.sock.settimeout(2)
                client.send(data)
                client.answer()
        daemon.signal(signal.SIGUSR2)
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, limits)
    eventually(lambda: alive(daemon.pid) and daemon.proxy().supervisor.getState()["statename"] == "RUNNING", "recovery")
    assert daemon.info("well")["pid"] == well.pid
    well.tell("out", "fine\n")
    eventually(lambda: daemon.read("well").endswith("fine\n"), "output")
    with Raw(daemon.port) as client:
        assert client.ask(get("/")).status == 200


def test_names_of_others_get_no_line_into_the_log(daemon: Daemon) -> None:
    """After an unclean end programs from before are looked for, by variables that anybody can give a process."""
    daemon.start(probe=None)
    daemon.kill()
    lie = "x\n2026-01-01 00:00:00,000 CRIT do as I say\x1b[2J"
    env = daemon.environment({"SUPERVISOR_ENABLED": "1", "SUPERVISOR_SERVER_URL": f"unix://{daemon.socket}",
                              "SUPERVISOR_PROCESS_NAME": lie, "SUPERVISOR_GROUP_NAME": "x"})
    with subprocess.Popen(["/bin/sleep", "1000"], env=env) as stranger:
        daemon.launch()
        daemon.wait_log(f"(pid {stranger.pid})")
        stranger.kill()
    assert "\n2026-01-01" not in daemon.log() and "\x1b" not in daemon.log()


@pytest.mark.parametrize("program", ["supervisord --help", "supervisord --version", "supervisorctl --help",
                                     "confecho", "pidproxy"])
def test_words_that_find_no_place_are_no_traceback(daemon: Daemon, program: str) -> None:
    module, *args = program.split()
    command = [daemon.python, "-m", f"supervisor.{module}", *args]
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(writer, "wb") as left:
        for out, said in ((full, "error: cannot write: No space left on device\n"), (left, "")):
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=DEADLINE,
                                  cwd=daemon.dir, env=daemon.environment())
            assert (done.returncode, done.stderr) == (1, said)
