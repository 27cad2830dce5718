"""The system logger: what it is sent, and that nobody waits for it."""

from __future__ import annotations

import pathlib
import re
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.logfile.systemlog import SystemLog
from supervisor.poller import PollPoller
from tests.fakes import FakeClock, FakeLog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the C library does it elsewhere")


class Logger:
    """What listens at the path."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.sock.setblocking(False)

    def lines(self) -> list[str]:
        found = []
        try:
            while True:
                found.append(self.sock.recv(1 << 16).decode())
        except BlockingIOError:
            return found

    def texts(self) -> list[str]:
        return [line.partition(": ")[2] for line in self.lines()]


@pytest.fixture
def logger(tmp_path: pathlib.Path) -> Iterator[Logger]:
    made = Logger(tmp_path / "log")
    yield made
    made.sock.close()


@pytest.fixture
def log(logger: Logger) -> Iterator[SystemLog]:
    made = SystemLog(str(logger.path), most=100_000)
    yield made
    made.attend(None)
    made.close()


def test_a_line_is_as_the_c_library_writes_it(
    logger: Logger, log: SystemLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/supervisord", "-n"])
    log.write("p a \0 \udcff \u00e9")
    (line,) = logger.lines()
    assert re.fullmatch(r"<14>[A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} supervisord: p a \\x00 \\udcff \u00e9", line), line


def test_one_that_stands_still_keeps_nobody_and_gets_everything_later(logger: Logger, log: SystemLog) -> None:
    loop = Loop(PollPoller(), Clock(), FakeLog())
    log.attend(loop)
    wanted = [f"line {number}" for number in range(2000)]
    for text in wanted:
        log.write(text)
    got: list[str] = []
    while len(got) < len(wanted):
        got += logger.texts()
        loop.turn(1)
    assert got == wanted
    assert not loop.busy


def test_what_finds_no_place_is_counted_and_told_once(logger: Logger, log: SystemLog) -> None:
    loop = Loop(PollPoller(), Clock(), FakeLog())
    told: list[str] = []
    log.attend(loop, told.append)
    for number in range(5000):
        log.write(f"{number:0100}")
    assert len(told) == 1 and "its daemon does not read" in told[0]
    got: list[str] = []
    while len(told) < 2:
        got += logger.texts()
        loop.turn(1)
    got += logger.texts()
    assert [int(text) for text in got] == list(range(len(got)))
    assert told[1] == f"the system log can be written again; {5000 - len(got)} lines were dropped"


def test_one_that_is_started_anew_is_found(logger: Logger, log: SystemLog) -> None:
    log.write("one")
    assert logger.texts() == ["one"]
    logger.sock.close()
    log.write("nobody hears this")
    logger.start()
    log.write("two")
    assert logger.texts() == ["two"]


def test_what_waits_while_it_is_started_anew_comes_later(logger: Logger, log: SystemLog) -> None:
    clock = FakeClock()
    loop = Loop(PollPoller(), clock, FakeLog())
    log.attend(loop)
    for number in range(1000):
        log.write(str(number))
    taken = len(logger.texts())
    logger.sock.close()
    loop.turn(1)
    logger.start()
    clock.advance(1)
    got: list[str] = []
    while taken + len(got) < 1000:
        loop.turn(0)
        clock.advance(1)
        got += logger.texts()
    assert [int(text) for text in got] == list(range(taken, 1000))


def test_a_machine_without_one(tmp_path: pathlib.Path) -> None:
    log = SystemLog(str(tmp_path / "none"))
    log.write("x")
    begun = time.monotonic()
    log.settle()
    assert time.monotonic() - begun < 1


def test_the_end_waits_a_little_for_what_waits(logger: Logger, log: SystemLog) -> None:
    for number in range(300):
        log.write(str(number))
    log.settle(0.05)
    assert 0 < len(logger.texts()) < 300
