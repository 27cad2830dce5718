"""How much a real daemon asks of the kernel, counted instead of timed.

The kernel counts reads, writes and the times a process went to sleep for everybody; strace, where it is there and may
be used, counts every system call.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness.daemon import Daemon, eventually

PROGRAMS = 20
SLEEPER = {"command": "/bin/sleep 1000", "startsecs": 0, "autorestart": "true", "redirect_stderr": True,
           "stdout_logfile": "@dir@/sleeper.log", "stdout_logfile_maxbytes": 0}


def counts(pid: int) -> tuple[int, int]:
    """Reads and writes of files and pipes, without those of children that ended; times it went to sleep."""
    with open(f"/proc/{pid}/task/{pid}/io") as file:
        io = dict(line.split(": ") for line in file.read().splitlines())
    with open(f"/proc/{pid}/status") as file:
        switches = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.MULTILINE)
    assert switches is not None
    return int(io["syscr"]) + int(io["syscw"]), int(switches[1])


def traced(pid: int, action: Callable[[], object], name: str = "total") -> int | None:
    """The number of system calls, or of those called so, that the process makes meanwhile; None where that cannot be
    known."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    tracer = subprocess.Popen([strace, "-c", "-U", "calls,name", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    with tracer, contextlib.closing(tracer.stderr):
        if "attached" not in tracer.stderr.readline():
            tracer.kill()
            return None
        action()
        tracer.send_signal(signal.SIGINT)
        summary = tracer.stderr.read()
    total = re.search(rf"^\s*(\d+)\s+{name}$", summary, re.MULTILINE)
    return int(total[1]) if total else 0


@pytest.fixture
def busy(daemon: Daemon) -> Daemon:
    """A daemon with programs that sleep, and with nobody who listens."""
    daemon.start("", probe=None, loglevel="info",
                 **{f"p{number}": dict(SLEEPER, stdout_logfile=f"@dir@/{number}.log") for number in range(PROGRAMS)})
    eventually(lambda: daemon.log().count("entered RUNNING state") == PROGRAMS)
    daemon.call("supervisor.getState")
    settle(daemon)
    return daemon


def settle(daemon: Daemon) -> None:
    """Until it sleeps, and goes on sleeping."""
    def asleep() -> bool:
        before = counts(daemon.pid)
        time.sleep(0.05)
        return counts(daemon.pid) == before

    eventually(asleep)


def test_an_idle_daemon_does_nothing_at_all(busy: Daemon):
    before = counts(busy.pid)
    # Shorter than any period of ours, longer than what one a second would need to show.
    time.sleep(1.2)
    assert counts(busy.pid) == before
    assert traced(busy.pid, lambda: time.sleep(0.5)) in (None, 0, 1)


@contextlib.contextmanager
def caller(daemon: Daemon, header: bytes = b"") -> Iterator[Callable[[], bytes]]:
    body = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>"
    request = b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n%bContent-Length: %d\r\n\r\n%b" % (header, len(body), body)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(daemon.socket)

        def call() -> bytes:
            sock.sendall(request)
            data = b""
            while b"</methodResponse>" not in data:
                data += sock.recv(65536)
            return data

        yield call


def test_a_call_is_three_system_calls(busy: Daemon):
    with caller(busy) as call:
        assert b"RUNNING" in call()
        settle(busy)
        before = counts(busy.pid)
        for _ in range(50):
            call()
        settle(busy)
        after = counts(busy.pid)
        # Sockets are not read as files are: nothing else is touched. One sleep before each call, or less.
        assert after[0] == before[0]
        assert 1 <= after[1] - before[1] <= 60
        number = traced(busy.pid, lambda: [call() for _ in range(50)])
        assert number is None or 145 <= number <= 160


def test_nobody_is_asked_for_in_vain_behind_a_connection_that_is_alone(busy: Daemon):
    """An accept that finds nobody costs the kernel as much as one that does."""
    def call_anew() -> None:
        with caller(busy, b"Connection: close\r\n") as call:
            assert b"RUNNING" in call()

    busy.rpc("close")()  # its connection is kept otherwise, and where somebody is connected more are asked for
    call_anew()
    settle(busy)
    number = traced(busy.pid, lambda: [call_anew() for _ in range(50)], "accept4?")
    assert number in (None, 50)


def restarts(daemon: Daemon, number: int) -> None:
    """Kill a program so many times, each time once it is there again."""
    pattern = re.compile(r"spawned: 'p3' with pid (\d+)")
    for _ in range(number):
        spawned, running = pattern.findall(daemon.log()), daemon.log().count("success: p3 ")
        os.kill(int(spawned[-1]), signal.SIGKILL)
        eventually(lambda so_far=running: daemon.log().count("success: p3 ") > so_far)
        time.sleep(0.02)     # longer than a life that would be taken for too short


def test_a_restart_is_a_few_dozen_system_calls(busy: Daemon):
    before = counts(busy.pid)
    restarts(busy, 5)
    settle(busy)
    after = counts(busy.pid)
    # The end of the pipe, the signal and its note, the word of the exec, and three lines in two activity logs.
    assert 5 * 7 <= after[0] - before[0] <= 5 * 12
    assert 1 <= after[1] - before[1] <= 5 * 8
    number = traced(busy.pid, lambda: restarts(busy, 5))
    assert number is None or 5 * 20 <= number <= 5 * 45
