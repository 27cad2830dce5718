"""Programs of a real daemon: births, deaths, stops, and what outlives them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
import resource
import signal
import time
import xmlrpc.client

import pytest

from tests.harness.daemon import Daemon, alive, eventually
from tests.sturdy.measure import loop_cpu

MEGABYTE = 1 << 20


def fds(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def state(pid: int) -> str:
    """The kernel's letter for it."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def test_an_unexpected_exit_is_restarted(daemon: Daemon):
    daemon.start(once={"startsecs": 0, "autorestart": "unexpected"})
    first = daemon.child("once")
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="once")
    first.tell("exit", 3)
    assert daemon.wait_event("PROCESS_STATE_EXITED", processname="once")["expected"] == "0"
    second = daemon.child("once")
    assert second.pid != first.pid and daemon.info("once")["pid"] == second.pid


def test_what_a_child_finds(daemon: Daemon, tmp_path):
    daemon.start(a={"directory": tmp_path, "umask": "027", "environment": 'OWN="1",SUPERVISOR_ENABLED="mine"'})
    child = daemon.child("a")
    assert child.hello["ppid"] == daemon.pid and child.hello["cwd"] == str(tmp_path)
    assert child.tell("fds") == [0, 1, 2]
    assert child.tell("signals") == {"SigIgn": 0x1001000, "SigBlk": 0}
    assert child.tell("value", "(os.umask(0), os.getpgrp() == os.getpid(), os.getsid(0))") == [
        0o27, True, os.getsid(daemon.pid)]
    assert child.tell("value", "[os.environ[k] for k in ('OWN', 'SUPERVISOR_ENABLED', 'SUPERVISOR_SERVER_URL')]") == [
        "1", "mine", f"unix://{daemon.socket}"]


def test_all_that_was_in_a_large_pipe_is_logged(daemon: Daemon):
    daemon.start(a={"stdout_logfile": "@dir@/a.log", "startsecs": 0})
    child = daemon.child("a")
    assert child.tell("value", f"__import__('fcntl').fcntl(1, {fcntl.F_SETPIPE_SZ}, {MEGABYTE})") == MEGABYTE
    daemon.signal(signal.SIGSTOP)
    child.tell("flood", 1, 900_000)
    child.ask("die", "SIGKILL")
    daemon.signal(signal.SIGCONT)
    daemon.wait_event("PROCESS_STATE_EXITED", processname="a")
    assert (daemon.dir / "a.log").stat().st_size == 900_000


def test_a_grandchild_that_holds_the_pipe_delays_nothing_and_is_heard(daemon: Daemon):
    daemon.start(a={"stdout_logfile": "@dir@/a.log", "startsecs": 0, "autorestart": "true"})
    daemon.expect_leftovers()
    child = daemon.child("a")
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="a")
    level = fds(daemon.pid)
    fifo = str(daemon.dir / "fifo")
    os.mkfifo(fifo)
    script = f"read x <{fifo}; echo late; read x <{fifo}"
    pid = child.tell("value", f"__import__('subprocess').Popen(['/bin/sh', '-c', {script!r}]).pid")
    child.tell("exit", 1)
    successor = daemon.child("a")
    with open(fifo, "w") as speak:
        speak.write("\n")
    eventually(lambda: daemon.read("a.log") == "late\n", "the grandchild's word")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: fds(daemon.pid) == level, "all descriptors back")
    assert successor.tell("fds") == [0, 1, 2]


def test_who_ignores_a_stop_is_killed(daemon: Daemon):
    daemon.start(deaf={"stopwaitsecs": 1}, frozen={"stopwaitsecs": 1}, probe=None)
    deaf, frozen = daemon.child("deaf"), daemon.child("frozen")
    deaf.tell("ignore", "SIGTERM")
    os.kill(frozen.pid, signal.SIGSTOP)
    eventually(lambda: state(frozen.pid) == "T", "a stopped process")
    begun = time.monotonic()
    assert [one["status"] for one in daemon.call("stopAllProcesses")] == [80, 80]
    assert time.monotonic() - begun > 0.9
    # Nobody is told to stop after the patience with another is over.
    told = re.findall(r"killing .* with signal (SIG\w+)", daemon.log())
    assert told[:4] == ["SIGTERM", "SIGTERM", "SIGKILL", "SIGKILL"], told
    for name, child in ("deaf", deaf), ("frozen", frozen):
        assert f"killing '{name}' ({child.pid}) with SIGKILL" in daemon.log()
        assert daemon.info(name)["statename"] == "STOPPED" and not alive(child.pid)


@pytest.mark.parametrize("option", ["stopasgroup", "killasgroup"])
def test_a_group_that_is_to_go_goes(daemon: Daemon, option):
    daemon.start(a={option: True, "startsecs": 0, "stopwaitsecs": 1}, probe=None)
    child = daemon.child("a")
    grandchild = child.tell("spawn", *(["stubborn"] if option == "killasgroup" else []))
    if option == "killasgroup":
        child.tell("ignore", "SIGTERM")
    daemon.call("stopProcess", "a")
    eventually(lambda: not alive(grandchild), "the grandchild's end")
    assert "still running" not in daemon.log()


def test_what_outlives_a_stop_is_told(daemon: Daemon):
    daemon.start(a={"startsecs": 0}, probe=None)
    child = daemon.child("a")
    grandchild = child.tell("spawn")
    daemon.call("stopProcess", "a")
    daemon.wait_log("still running")
    assert alive(grandchild) and f"process group {child.pid}" in daemon.log()
    os.kill(grandchild, signal.SIGKILL)


def test_what_outlives_a_shutdown_is_told(daemon: Daemon):
    daemon.start(a={"startsecs": 0}, probe=None)
    child = daemon.child("a")
    grandchild = child.tell("spawn")
    daemon.expect_leftovers()
    assert daemon.stop() == 0
    text = f"a was stopped, but processes it started are still running (process group {child.pid})"
    assert daemon.log().count(text) == 1
    os.kill(grandchild, signal.SIGKILL)


def test_a_stop_right_after_a_start_is_never_lost(daemon: Daemon):
    daemon.start(a={"startsecs": 0, "autostart": False, "autorestart": "true", "command": "/bin/sleep 1000"},
                 probe=None)
    for _ in range(25):
        daemon.call("startProcess", "a", False)
        pid = daemon.info("a")["pid"]
        daemon.call("stopProcess", "a", True)
        assert daemon.info("a")["statename"] == "STOPPED" and not alive(pid)
    assert daemon.log().count("terminated by SIGTERM") == 25


def test_a_stop_is_final_in_backoff_and_between_exit_and_restart(daemon: Daemon):
    daemon.start(fails={"command": "/bin/false", "startsecs": 1, "startretries": 9999},
                 flaps={"command": "/bin/false", "startsecs": 0, "autorestart": "true"}, probe=None)
    daemon.wait_state("fails", "BACKOFF")
    daemon.wait_log("exited: flaps", 6)
    daemon.call("stopAllProcesses")
    spawned = daemon.log().count("spawned")
    assert {one["statename"] for one in daemon.call("getAllProcessInfo")} == {"STOPPED"}
    with contextlib.suppress(xmlrpc.client.Fault):  # it may have failed by then
        daemon.call("startProcess", "fails", False)
    # Its first retry comes after more than the longest pause of the other one.
    daemon.wait_state("fails", "BACKOFF")
    daemon.wait_log("spawned: 'fails'", daemon.log().count("spawned: 'fails'") + 1)
    assert daemon.log().count("spawned: 'flaps'") + daemon.log().count("spawned: 'fails'") == spawned + 2
    assert daemon.info("flaps")["statename"] == "STOPPED"


def test_any_mixture_of_commands_leaves_one_instance_or_none(daemon: Daemon):
    rows = {"startsecs": 0, "autorestart": "true", "command": "/bin/sleep 1000"}
    daemon.start(a=rows, b={**rows, "startsecs": 1}, probe=None)
    dice = random.Random(4)
    for _ in range(60):
        name = dice.choice("ab")
        call = dice.choice([("startProcess", name, False), ("stopProcess", name, False), ("startProcess", name),
                            ("stopProcess", name), ("signalProcess", name, "KILL")])
        try:
            daemon.call(*call)
        except xmlrpc.client.Fault as fault:
            assert fault.faultCode in (30, 40, 50, 60, 70), fault
    daemon.call("stopAllProcesses")
    eventually(lambda: not daemon.descendants(), "the end of all programs")
    daemon.call("startAllProcesses")
    running = {one["pid"] for one in daemon.call("getAllProcessInfo")}
    assert sorted(running) == daemon.descendants() and len(running) == 2


def test_programs_that_die_at_once_leave_the_machine_alone(daemon: Daemon):
    daemon.start("".join(daemon.program(f"q{number}", command="/bin/true", startsecs=0, autorestart="true")
                         for number in range(30)), supervisord="loglevel=info", probe=None)
    daemon.wait_log("spawned", 200)
    before = loop_cpu(daemon.pid)
    for _ in range(20):
        assert daemon.call("getState")["statename"] == "RUNNING"
    assert loop_cpu(daemon.pid) - before < 5
    daemon.call("stopAllProcesses")
    assert daemon.descendants() == []


def test_hundreds_that_print_one_line_and_exit(daemon: Daemon):
    count = 150
    daemon.start("".join(
        daemon.program(f"p{number}", command=f"/bin/echo line {number}", startsecs=0, stdout_logfile=f"@dir@/p{number}")
        for number in range(count)), probe=None)
    daemon.wait_log("exited: p", count)
    assert [daemon.read(f"p{number}") for number in range(count)] == [f"line {number}\n" for number in range(count)]


def test_a_shutdown_waits_for_every_exit_handler(daemon: Daemon):
    daemon.start(a={"stdout_logfile": "@dir@/a"}, b={"stdout_logfile": "@dir@/b"}, probe=None)
    for name in "ab":
        daemon.child(name).tell("on", "SIGTERM", ["out", "goodbye\n"], ["exit", 0])
    assert daemon.stop() == 0
    assert daemon.read("a") == daemon.read("b") == "goodbye\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_for_good(daemon: Daemon):
    daemon.dir.chmod(0o711)
    daemon.start(a={"user": "nobody", "command": "/usr/bin/id", "startsecs": 0, "stdout_logfile": "@dir@/a.log"},
                 b={"user": "nobody", "command": "/bin/cat /proc/self/status", "startsecs": 0,
                    "stdout_logfile": "@dir@/status"}, probe=None)
    daemon.wait_log("exited:", 2)
    assert daemon.read("a.log").startswith("uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)")
    status = dict(line.split(":\t", 1) for line in daemon.read("status").splitlines())
    assert int(status["CapEff"], 16) == 0
    assert int(status["SigIgn"], 16) & ~(3 << 31) == 0x1001000  # 32 and 33 are glibc's own


def test_descriptors_run_short_and_come_back(daemon: Daemon):
    daemon.start(a={"autostart": False, "command": "/bin/cat", "startsecs": 0, "startretries": 0}, probe=None)
    level = fds(daemon.pid)
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (level + 2, limits[1]))
    for _ in range(3):
        assert daemon.fault("startProcess", "a").faultCode == 50
        assert daemon.wait_state("a", "FATAL")["spawnerr"] == "too many open files to spawn 'a'"
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
    assert fds(daemon.pid) <= level + 1
    daemon.call("startProcess", "a")
    assert daemon.info("a")["statename"] == "RUNNING"
