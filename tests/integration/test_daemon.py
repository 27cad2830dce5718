"""The life of the daemon itself: starting, signals, reloading, ending, and what it withstands."""

from __future__ import annotations

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.harness import DEADLINE, Daemon, eventually

EASY: dict[str, object] = {"startsecs": 0}
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


def lines(daemon: Daemon, level: str = "") -> list[str]:
    """The activity log without dates, of INFO and above."""
    found = [line[24:] for line in daemon.log().splitlines() if re.match(r"\d{4}-", line)]
    return [line for line in found if line[:4] in ("CRIT", "ERRO", "WARN", "INFO") and line.startswith(level)]


def shape(text: str) -> str:
    """A log line with its pids replaced."""
    return re.sub(r"\bpid \d+", "pid N", text)


def names(daemon: Daemon) -> set[str]:
    return set(os.listdir(daemon.dir))


def test_the_log_of_an_ordinary_life(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    daemon.child("one")
    assert daemon.stop() == 0
    told = [shape(line) for line in lines(daemon) if "running as root" not in line]
    assert told == [
        "INFO RPC interface 'supervisor' initialized",
        "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
        "INFO supervisord started with pid N",
        "INFO spawned: 'one' with pid N",
        "INFO success: one entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
        "WARN received SIGTERM indicating exit request",
        "INFO waiting for one to die",
        "WARN stopped: one (terminated by SIGTERM)",
    ]
    assert daemon.read("out").splitlines() == daemon.log().splitlines()
    assert not daemon.pidfile.exists()
    assert not os.path.exists(daemon.socket)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_three_signals_end_it(daemon: Daemon, number: int) -> None:
    daemon.start(probe=None)
    daemon.signal(number)
    assert daemon.wait() == 0
    assert f"WARN received {signal.Signals(number).name} indicating exit request" in lines(daemon)


@LINUX
def test_exactly_six_signals_are_caught_and_none_is_blocked(daemon: Daemon) -> None:
    daemon.start(probe=None)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
    caught = {number for number in range(1, 65) if int(status["SigCgt"], 16) >> (number - 1) & 1}
    assert caught == {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2}
    assert int(status["SigBlk"], 16) == 0


@LINUX
def test_idle_means_asleep(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY, two=EASY, three=EASY)
    for name in ("one", "two", "three"):
        daemon.child(name)

    def switches() -> int:
        return int(Path(f"/proc/{daemon.pid}/status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])

    # It settles, and from then on sleeps while others work.
    eventually(lambda: state(daemon.pid) == "S")
    before = switches()
    child = daemon.ctl("version")
    assert child.returncode == 0
    settled = switches()
    eventually(lambda: state(daemon.pid) == "S")
    for _ in range(200):
        os.sched_yield()
    assert settled > before
    assert switches() - settled <= 2


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@LINUX
def test_a_daemon_has_no_terminal_and_its_parent_ends_when_it_is_up(daemon: Daemon) -> None:
    daemon.start(probe=None, daemonize=True, supervisord="directory=@dir@")
    # The parent has ended: everything is there without waiting.
    assert daemon.pidfile.read_text() == f"{daemon.pid}\n"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(daemon.socket)
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{daemon.pid}/fd/{fd}") == "/dev/null"
    assert os.getsid(daemon.pid) == daemon.pid
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == os.path.realpath(daemon.dir)
    assert "INFO daemonizing the supervisord process" in lines(daemon)
    assert f"INFO set current directory: '{daemon.dir}'" in lines(daemon)


def test_a_second_instance_is_refused_and_touches_nothing(daemon: Daemon) -> None:
    daemon.start(probe=None, one={**EASY, "stdout_logfile": "AUTO"})
    daemon.child("one")
    before = {name: (daemon.dir / name).stat().st_ino for name in names(daemon)}
    log = daemon.log()
    for mode in ((), ("-n",)):
        second = daemon.run(*mode, "-c", str(daemon.conf))
        assert second.returncode == 2
        assert "Error: Another program is already listening on a port" in second.stderr
        assert second.stderr.splitlines()[-1].startswith("For help, use ")
    assert {name: (daemon.dir / name).stat().st_ino for name in names(daemon)} == before
    assert daemon.pidfile.read_text() == f"{daemon.pid}\n"
    assert daemon.log().startswith(log)
    assert "CRIT Another program is already listening" in daemon.log()


def test_without_a_server_the_pid_file_tells_a_second_instance(daemon: Daemon) -> None:
    daemon.start(probe=None, unix=None)
    for mode in ((), ("-n",)):
        second = daemon.run(*mode, "-c", str(daemon.conf))
        assert second.returncode == 2
        assert f"Error: Another supervisord with pid {daemon.pid} holds the pid file" in second.stderr
    assert daemon.pidfile.read_text() == f"{daemon.pid}\n"


def test_a_pid_file_that_cannot_be_written_is_told_and_survived(daemon: Daemon) -> None:
    daemon.configure(probe=None)
    (daemon.dir / "folder").mkdir()
    daemon.conf.write_text(daemon.conf.read_text().replace("/supervisord.pid", "/folder"))
    process = subprocess.Popen([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
                               env=daemon.environment(), cwd=daemon.dir, stdout=subprocess.DEVNULL)
    try:
        daemon.wait_log(f"CRIT could not write pidfile {daemon.dir}/folder")
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert (daemon.dir / "folder").is_dir()


def test_an_unclean_end_is_survived_and_what_is_left_is_named(daemon: Daemon) -> None:
    daemon.start(probe=None, one={**EASY, "autostart": False})
    daemon.call("startProcess", "one")
    left = daemon.child("one")
    daemon.kill()
    daemon.launch()
    daemon.wait_log(f"one (pid {left.pid})")
    warning = next(line for line in lines(daemon, "WARN") if "still running" in line)
    assert f"one (pid {left.pid})" in warning
    left.tell("exit", 0)
    daemon.stop()
    count = daemon.log().count("still running")
    daemon.launch()
    daemon.stop()
    assert daemon.log().count("still running") == count


def test_hup_starts_everything_anew_in_the_same_process(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    first = daemon.child("one")
    pid = daemon.pid
    daemon.configure(probe=None, two=EASY)
    daemon.signal(signal.SIGHUP)
    daemon.child("two")
    first.gone()
    assert eventually(lambda: daemon.pidfile.exists() and daemon.pidfile.read_text()) == f"{pid}\n"
    assert daemon.call("getPID") == pid
    assert [info["name"] for info in daemon.call("getAllProcessInfo")] == ["two"]
    assert [shape(line) for line in lines(daemon)].count("INFO supervisord started with pid N") == 2


@pytest.mark.parametrize("broken", ["[program:one]\n", "no section\n", "[supervisord]\nloglevel=loud\n", None])
def test_hup_with_a_broken_file_changes_nothing(daemon: Daemon, broken: str | None) -> None:
    daemon.start(probe=None, one=EASY)
    one = daemon.child("one")
    if broken is None:
        daemon.conf.unlink()
    else:
        daemon.conf.write_text(broken)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("configuration not reloaded, the old one stays in force")
    assert daemon.info("one")["pid"] == one.pid
    assert daemon.call("getState")["statename"] == "RUNNING"


def test_hup_during_a_shutdown_is_ignored(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    one = daemon.child("one")
    one.tell("report", "SIGTERM")
    daemon.signal(signal.SIGTERM)
    one.wait_signal("SIGTERM")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("WARN ignored SIGHUP indicating restart request (shutdown in progress)")
    one.tell("exit", 0)
    assert daemon.wait() == 0


def test_a_request_to_end_turns_a_reload_into_a_shutdown(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    one = daemon.child("one")
    one.tell("report", "SIGTERM")
    daemon.signal(signal.SIGHUP)
    one.wait_signal("SIGTERM")
    daemon.signal(signal.SIGINT)
    daemon.wait_log("received SIGINT indicating exit request")
    one.tell("exit", 0)
    assert daemon.wait() == 0


def test_equal_priorities_end_together_and_others_in_order(daemon: Daemon) -> None:
    daemon.start(probe=None, early={**EASY, "priority": 1}, late={**EASY, "priority": 5}, later={**EASY, "priority": 5})
    children = {name: daemon.child(name) for name in ("early", "late", "later")}
    for child in children.values():
        child.tell("report", "SIGTERM")
    daemon.signal(signal.SIGTERM)
    children["late"].wait_signal("SIGTERM")
    children["later"].wait_signal("SIGTERM")
    daemon.wait_log("INFO waiting for early, late, later to die")
    children["late"].tell("exit", 0)
    assert children["early"].signalled() == []
    children["later"].tell("exit", 0)
    children["early"].wait_signal("SIGTERM")
    children["early"].tell("exit", 0)
    assert daemon.wait() == 0


def test_a_second_request_well_after_the_first_hastens(daemon: Daemon) -> None:
    daemon.start(probe=None, one={**EASY, "stopwaitsecs": 60})
    one = daemon.child("one")
    one.tell("report", "SIGTERM")
    daemon.signal(signal.SIGTERM)
    one.wait_signal("SIGTERM")

    def ended() -> bool:
        assert daemon.process is not None
        daemon.signal(signal.SIGTERM)
        return "with SIGKILL" in daemon.log()

    eventually(ended)
    assert daemon.wait() == 0
    assert "WARN stopped: one (terminated by SIGKILL)" in lines(daemon)


def test_a_request_while_python_takes_itself_down_changes_nothing(daemon: Daemon) -> None:
    daemon.configure(probe=None)
    # Module globals go after the handlers of signals.
    script = textwrap.dedent("""
        import os
        from supervisor.supervisord import main

        class Late:
            def __del__(self, kill=os.kill, pid=os.getpid(), write=os.write):
                for sig in (1, 2, 3, 15):
                    kill(pid, sig)
                write(1, b"late")

        late = Late()
        main()
    """)
    process = subprocess.Popen([sys.executable, "-c", script, "-n", "-c", str(daemon.conf)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=daemon.environment(), cwd=daemon.dir)
    daemon.wait_log("supervisord started with pid")
    process.terminate()
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0 and said.endswith(b"late")


def test_logs_are_reopened(daemon: Daemon) -> None:
    daemon.start(probe=None, one={**EASY, "stdout_logfile": "@dir@/one.log"})
    one = daemon.child("one")
    one.tell("out", "before\n")
    eventually(lambda: daemon.read("one.log") == "before\n")
    daemon.logfile.rename(daemon.dir / "old.log")
    (daemon.dir / "one.log").rename(daemon.dir / "old.one.log")
    daemon.signal(signal.SIGUSR2)
    eventually(lambda: daemon.logfile.exists() and (daemon.dir / "one.log").exists())
    one.tell("out", "after\n")
    eventually(lambda: daemon.read("one.log") == "after\n")
    assert daemon.read("old.one.log") == "before\n"
    old = daemon.read("old.log").splitlines()
    assert [line[24:] for line in old if "log" in line[24:]][-2:] == [
        "INFO received SIGUSR2 indicating log reopen request",
        "INFO supervisord logreopen",
    ]
    assert "logreopen" not in daemon.log()


def test_unknown_children_are_reaped(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    # exec keeps the children: what is started before it belongs to the daemon's own process later.
    script = f"sleep 0.05 & exec {sys.executable} -m supervisor.supervisord -n -c {daemon.conf}"
    daemon.stop()
    with open(daemon.dir / "out", "ab") as out:
        process = subprocess.Popen(["/bin/sh", "-c", script], stdout=out, stderr=out, env=daemon.environment(),
                                   cwd=daemon.dir, start_new_session=True)
    try:
        daemon.wait_log("reaped unknown pid")
        assert re.search(r"INFO reaped unknown pid \d+ \(exit status 0\)", daemon.log())
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0


@LINUX
@pytest.mark.parametrize("how", ["unlink", "replace", "folder"])
def test_a_swept_socket_name_is_restored(daemon: Daemon, how: str) -> None:
    daemon.start(probe=None, one=EASY)
    one = daemon.child("one")
    moved = daemon.dir.with_name(daemon.dir.name + "moved")
    if how == "unlink":
        os.unlink(daemon.socket)
    elif how == "folder":
        daemon.dir.rename(moved)
        eventually(lambda: "cannot be made anew yet" in (moved / "supervisord.log").read_text(), "a word of it")
        daemon.dir.mkdir()
    else:
        (daemon.dir / "other").write_text("")
        os.unlink(daemon.socket)

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(daemon.socket) == 0

    eventually(answers)
    assert daemon.proxy().supervisor.getPID() == daemon.pid
    assert daemon.info("one")["pid"] == one.pid
    if how == "folder":
        os.unlink(daemon.socket)
        daemon.dir.rmdir()
        moved.rename(daemon.dir)
    assert any("socket" in line for line in lines(daemon, "WARN"))


def test_a_relative_configuration_path_survives_a_change_of_directory(daemon: Daemon) -> None:
    daemon.configure(probe=None, supervisord="directory=/", one=EASY)
    daemon.conf = Path("supervisord.conf")
    here = os.getcwd()
    os.chdir(daemon.dir)
    try:
        daemon.launch(daemonize=True)
        one = daemon.child("one")
        daemon.signal(signal.SIGHUP)
        again = daemon.child("one")
        assert again.pid != one.pid
        assert eventually(lambda: daemon.pidfile.exists() and daemon.pidfile.read_text()) == f"{daemon.pid}\n"
    finally:
        os.chdir(here)


@LINUX
def test_many_reloads_leave_the_descriptors_as_they_were(daemon: Daemon) -> None:
    daemon.start(probe=None, one=EASY)
    daemon.child("one")

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{daemon.pid}/fd"))

    def reload() -> None:
        daemon.signal(signal.SIGHUP)
        daemon.child("one")
        eventually(lambda: daemon.info("one")["statename"] == "RUNNING")

    reload()
    before = descriptors()
    for _ in range(5):
        reload()
    assert descriptors() == before


def test_the_umask_holds_for_everything(daemon: Daemon) -> None:
    old = os.umask(0)
    try:
        daemon.start(probe=None, one={**EASY, "stdout_logfile": "AUTO"})
    finally:
        os.umask(old)
    daemon.child("one")
    for path in daemon.dir.iterdir():
        if path.name not in ("out", "err", "supervisord.conf", "home.sock"):
            assert path.stat().st_mode & 0o022 == 0, path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@LINUX
def test_becoming_another_user_is_complete(daemon: Daemon) -> None:
    daemon.dir.chmod(0o777)
    daemon.start(probe=None, supervisord="user=nobody")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
    nobody = pwd.getpwnam("nobody")
    assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
    assert "0" not in status["Groups"].split()
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert f"INFO Set uid to user {nobody.pw_uid} succeeded" in lines(daemon)
