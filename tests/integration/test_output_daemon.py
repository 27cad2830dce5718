"""Output of real programs under a real daemon: floods, deaths, troubles, and what the listeners are told."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.client import Fault

import pytest

from tests.harness import DEADLINE, Child, Daemon, eventually

# Numbered lines without end, in pieces that end anywhere.
COUNTER = """
import os, sys
number, rest = 0, b""
while True:
    rest += b"".join(b"%08d\\n" % n for n in range(number, number + 10000))
    number += 10000
    while len(rest) > 50001:
        rest = rest[os.write(1, rest[:50001]):]
"""


def numbers(*pieces: bytes) -> list[int]:
    """The numbers of whole lines; the first and the last may be cut."""
    lines = b"".join(pieces).split(b"\n")[1:-1]
    assert all(len(line) == 8 for line in lines)
    return [int(line) for line in lines]


def unbroken(found: list[int]) -> bool:
    return len(found) > 10 and found == list(range(found[0], found[0] + len(found)))


def flooding(daemon: Daemon, **options: object) -> Path:
    """A daemon with a program that writes without end; its log."""
    (daemon.dir / "counter.py").write_text(COUNTER)
    command = "@python@ -I -S @dir@/counter.py"
    rows = {"command": command, "stdout_logfile": "@dir@/flood", "redirect_stderr": True, "startsecs": 0}
    daemon.start(flood={**rows, **options}, loglevel="info")
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="flood")
    return daemon.dir / "flood"


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_all_that_was_in_the_pipe_at_death_is_logged_before_it_is_told(daemon: Daemon) -> None:
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out"})
    child = daemon.child("p")
    child.tell("value", f"__import__('fcntl').fcntl(1, {fcntl.F_SETPIPE_SZ}, 1 << 20)")
    os.kill(daemon.pid, signal.SIGSTOP)
    child.tell("flood", 1, 1_000_000)
    child.ask("die")
    eventually(lambda: not descriptors(child), "its death")
    os.kill(daemon.pid, signal.SIGCONT)
    daemon.wait_event("PROCESS_STATE_EXITED", processname="p")
    assert size(daemon.dir / "p.out") == 1_000_000


def descriptors(child: Child) -> list[str]:
    """What a process has open; nothing once it is dead."""
    try:
        return os.listdir(f"/proc/{child.pid}/fd")
    except OSError:
        return []


def test_output_of_survivors_is_logged(daemon: Daemon) -> None:
    os.mkfifo(daemon.dir / "go")
    command = "/bin/sh -c '(read x <@dir@/go; echo late) & echo early'"
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out", "command": command})
    daemon.wait_event("PROCESS_STATE_EXITED", processname="p")
    assert (daemon.dir / "p.out").read_text() == "early\n"
    (daemon.dir / "go").write_text("go\n")
    eventually(lambda: (daemon.dir / "p.out").read_text() == "early\nlate\n", "output of the survivor")


def test_rotation_in_a_flood(daemon: Daemon) -> None:
    log = flooding(daemon, stdout_logfile_maxbytes="300KB", stdout_logfile_backups=3)
    eventually(lambda: size(Path(f"{log}.3")) > 0, "three backups")
    daemon.call("stopProcess", "flood")
    names = [Path(f"{log}.{number}") for number in (3, 2, 1)] + [log]
    assert sorted(daemon.dir.glob("flood*")) == sorted(names)
    assert unbroken(numbers(*(name.read_bytes() for name in names)))
    assert max(map(size, names)) <= 300 * 1024 + (1 << 20)


def test_clear_and_rename_in_a_flood(daemon: Daemon) -> None:
    log = flooding(daemon, stdout_logfile_maxbytes=0)
    eventually(lambda: size(log) > 1_000_000, "a flood")
    daemon.call("clearProcessLogs", "flood")
    eventually(lambda: size(log) > 1_000_000, "a flood")
    log.rename(f"{log}.old")
    daemon.signal(signal.SIGUSR2)
    eventually(lambda: size(log) > 1_000_000, "a new log")
    daemon.call("stopProcess", "flood")
    found = numbers(Path(f"{log}.old").read_bytes(), log.read_bytes())
    assert unbroken(found)
    assert found[0] > 0


def test_a_full_device_harms_nobody(daemon: Daemon) -> None:
    daemon.start(
        full={"startsecs": 0, "stdout_logfile": "/dev/full", "redirect_stderr": True},
        well={"startsecs": 0, "stdout_logfile": "@dir@/well"},
    )
    full, well = daemon.child("full"), daemon.child("well")
    for _ in range(3):
        full.tell("flood", 1, 1_000_000)
        well.tell("out", "fine\n")
    eventually(lambda: (daemon.dir / "well").read_text() == "fine\n" * 3, "the log of the other")
    told = [line for line in daemon.log().splitlines() if "/dev/full" in line]
    assert len(told) == 1 and "WARN cannot write to log '/dev/full': No space left on device" in told[0]
    assert daemon.call("getProcessInfo", "full")["pid"] == full.pid


def test_a_folder_as_log_is_that_programs_trouble_only(daemon: Daemon) -> None:
    (daemon.dir / "folder").mkdir()
    daemon.start(p={"startretries": 0, "stdout_logfile": "@dir@/folder"}, well={"startsecs": 0})
    daemon.wait_event("PROCESS_STATE_FATAL", processname="p")
    assert daemon.info("p")["spawnerr"] == "unknown error making dispatchers for 'p': EISDIR"
    daemon.child("well").tell("out", "fine\n")


@contextlib.contextmanager
def foreground(daemon: Daemon, stdout: int) -> Iterator[None]:
    """A daemon whose standard output is ours to read."""
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL,
        cwd=daemon.dir, env=daemon.environment(), start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)


def test_stdout_of_the_daemon_has_a_slow_reader(daemon: Daemon) -> None:
    command = "/bin/sh -c 'seq 1000000 1099999; exec sleep 1000'"
    daemon.configure(
        probe=None, supervisord="silent=true", loglevel="info",
        p={"startsecs": 0, "stdout_logfile": "/dev/stdout", "command": command},
    )
    ours, theirs = os.pipe()
    try:
        with foreground(daemon, theirs):
            wanted = b"".join(b"%d\n" % number for number in range(1000000, 1100000))
            got = b""
            while len(got) < len(wanted):
                assert select.select([ours], [], [], DEADLINE)[0], f"only {len(got)} bytes came"
                got += os.read(ours, 4000)
            assert got == wanted
    finally:
        os.close(ours)
        os.close(theirs)
    assert "/dev/stdout" not in daemon.log()


def test_stdout_of_the_daemon_is_a_socket(daemon: Daemon) -> None:
    """As under a service manager that gives the socket of its journal; the activity log goes there, too."""
    command = "/bin/sh -c 'echo hello; exec sleep 1000'"
    daemon.configure(probe=None, p={"startsecs": 0, "stdout_logfile": "/dev/stdout", "command": command})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(DEADLINE)
        with foreground(daemon, theirs.fileno()):
            got = b""
            while b"spawned: 'p' with pid" not in got or b"\nhello\n" not in got:
                got += ours.recv(4096)


def test_sections_logs_and_characters_reach_listeners(daemon: Daemon) -> None:
    daemon.start(
        probe="PROCESS_COMMUNICATION,PROCESS_LOG",
        p={"startsecs": 0, "stdout_logfile": "@dir@/p.out", "stdout_capture_maxbytes": 100,
           "stdout_events_enabled": True},
    )
    child = daemon.child("p")
    child.tell("out", "caf\xc3")
    eventually(lambda: (daemon.dir / "p.out").read_bytes() == b"caf\xc3", "the first half")
    child.tell("out", "\xa9 <!--XSUPERVISOR:BEG")
    eventually(lambda: (daemon.dir / "p.out").read_bytes() == "café ".encode(), "the second half")
    child.tell("out", "IN-->kept<!--XSUPERVISOR:END-->\n")
    assert daemon.wait_event("PROCESS_COMMUNICATION_STDOUT", processname="p").data == "kept"
    eventually(lambda: (daemon.dir / "p.out").read_bytes().endswith(b"\n"), "the end of the line")
    assert (daemon.dir / "p.out").read_bytes() == "café \n".encode()
    text = ""
    while not text.endswith("\n"):
        text += daemon.wait_event("PROCESS_LOG_STDOUT", processname="p", pid=child.pid).data
    assert text == "café \n"


def test_input_that_nobody_reads_is_bounded(daemon: Daemon) -> None:
    daemon.start(p={"startsecs": 0, "stdout_logfile": "NONE"})
    child = daemon.child("p")
    sent = 0
    with pytest.raises(Fault):
        while sent < 100_000_000:
            daemon.call("sendProcessStdin", "p", "x" * 500_000)
            sent += 500_000
    assert 2_000_000 <= sent <= 10_000_000
    assert len(child.tell("read", sent)) == sent
