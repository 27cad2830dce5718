"""Dispatchers on real pipes, with a fake loop: what reaches the log, the events, the activity log and the child."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.dispatchers import PDispatcher, PInputDispatcher, POutputDispatcher, QueueFull
from supervisor.dispatchers.base import LARGE_PIPE
from supervisor.dispatchers.capture import BEGIN, END
from supervisor.dispatchers.input import MOST_WAITING
from supervisor.engine.system import PIECE, System
from supervisor.logfile import LogFile, attend, settle
from supervisor.process.world import World
from tests.fakes import FakeLog, fake_loop, pipe_pair


class Process:
    """As much of a process as dispatchers need."""

    def __init__(self, folder: Path) -> None:
        loop, self.poller, self.clock, self.log = fake_loop()
        self.log.level = 20
        self.settings = SimpleNamespace(strip_ansi=False, loglevel=20)
        self.world = World(loop, System(), self.clock, self.log, self.settings)
        self.pid = 42
        self.group = SimpleNamespace(config=SimpleNamespace(name="g"))
        self.config = SimpleNamespace(name="p")
        for channel in ("stdout", "stderr"):
            for name, value in {
                "logfile": str(folder / channel),
                "logfile_maxbytes": 0,
                "logfile_backups": 0,
                "capture_maxbytes": 0,
                "events_enabled": False,
                "syslog": False,
            }.items():
                setattr(self.config, f"{channel}_{name}", value)

    def __str__(self) -> str:
        return "<Subprocess at 1 with name p in state RUNNING>"


class Output:
    """A dispatcher and the child's end of its pipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = Process(folder)
        self.reader, self.writer = pipe_pair()
        self.dispatcher: POutputDispatcher = None  # type: ignore[assignment]

    def make(self, event_type: type = events.ProcessCommunicationStdoutEvent, **config: Any) -> POutputDispatcher:
        for name, value in config.items():
            setattr(self.process.config, name, value)
        self.dispatcher = POutputDispatcher(self.process, event_type, self.reader)
        self.dispatcher.attach()
        return self.dispatcher

    def say(self, *pieces: bytes) -> None:
        """The child writes pieces; each is read before the next."""
        for piece in pieces:
            os.write(self.writer, piece)
            self.ready()

    def ready(self) -> None:
        self.process.poller.ready_to_read = [self.reader]
        self.process.world.loop.turn(0)

    def end(self) -> None:
        os.close(self.writer)
        self.writer = -1

    def logged(self, name: str = "stdout") -> bytes:
        return (self.folder / name).read_bytes()

    def close(self) -> None:
        if self.dispatcher is not None:
            self.dispatcher.close()
        else:
            os.close(self.reader)
        if self.writer >= 0:
            self.end()


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    output = Output(tmp_path)
    yield output
    output.close()


@pytest.fixture
def heard() -> Iterator[Callable[[type], list[Any]]]:
    """subscribe(type) -> the list that its events go to."""
    subscribed: list[tuple[type, Any]] = []

    def subscribe(kind: type) -> list[Any]:
        found: list[Any] = []
        events.subscribe(kind, found.append)
        subscribed.append((kind, found.append))
        return found

    yield subscribe
    for kind, callback in subscribed:
        events.unsubscribe(kind, callback)


# Output


def test_every_byte_is_logged(output: Output) -> None:
    output.make()
    data = bytes(range(256)) * 300 + b"\r\nno end"
    for at in range(0, len(data), 5000):
        output.say(data[at : at + 5000])
    assert output.logged() == data


def test_one_read_at_a_time(output: Output) -> None:
    output.process.settings.strip_ansi = True
    output.make()
    fcntl.fcntl(output.writer, fcntl.F_SETPIPE_SZ, 1024 * 1024)
    os.write(output.writer, b"x" * 300_000)
    output.ready()
    assert len(output.logged()) == PIECE


def test_a_full_pipe_is_enlarged(output: Output) -> None:
    output.make()
    before = fcntl.fcntl(output.reader, fcntl.F_GETPIPE_SZ)
    output.say(b"x" * (before - 1))
    assert fcntl.fcntl(output.reader, fcntl.F_GETPIPE_SZ) == before
    output.say(b"x" * before)
    assert fcntl.fcntl(output.reader, fcntl.F_GETPIPE_SZ) == 1024 * 1024


def test_the_log_is_there_from_the_start(output: Output) -> None:
    output.make()
    assert output.logged() == b""


def test_a_log_that_cannot_be_opened_is_the_callers_error(output: Output) -> None:
    with pytest.raises(FileNotFoundError):
        output.make(stdout_logfile=str(output.folder / "missing" / "x"))


@pytest.mark.parametrize("none", [None, ""])
def test_without_a_log_output_is_read_all_the_same(output: Output, none: str | None) -> None:
    output.make(stdout_logfile=none)
    output.say(b"x")
    output.dispatcher.reopenlogs()
    output.dispatcher.removelogs()
    with pytest.raises(BlockingIOError):
        os.read(output.reader, 1)


def test_without_memory_output_is_read_in_small_pieces(output: Output) -> None:
    class Short(System):
        @staticmethod
        def read(fd: int, most: int) -> bytes:
            if most > 4096:
                raise MemoryError
            return os.read(fd, most)

    output.process.world.system = Short()
    output.make(stdout_capture_maxbytes=100)
    output.say(b"x" * 6000)
    output.ready()
    assert output.logged() == b"x" * 6000 and not output.process.log.lines


def test_without_any_memory_output_stays_in_the_pipe(output: Output) -> None:
    class Nothing(System):
        calls = 0

        def read(self, fd: int, most: int) -> bytes:
            self.calls += 1
            raise MemoryError

    system = output.process.world.system = Nothing()
    output.process.settings.strip_ansi = True
    dispatcher = output.make()
    output.say(b"text\n")
    assert system.calls == 2 and not dispatcher.readable()
    for _ in range(3):  # it is tried again, not at once
        output.process.world.loop.turn()
        output.ready()
    assert system.calls == 8 and not dispatcher.closed
    assert output.process.log.lines == [
        ("warn", "no memory to read stdout of p; it is read when there is some")]
    del Nothing.read
    output.process.world.loop.turn()
    output.ready()
    assert output.logged() == b"text\n"


def test_end_of_output(output: Output) -> None:
    dispatcher = output.make()
    output.process.log.level = 10
    output.say(b"last")
    output.end()
    shown = repr(dispatcher)
    output.ready()
    assert dispatcher.closed and not dispatcher.readable()
    assert output.process.log.texts[-1] == f"fd {output.reader} closed, stopped monitoring {shown}"
    assert shown == f"<POutputDispatcher at {id(dispatcher)} for {output.process} (stdout)>"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(output.reader)
    assert not output.process.poller.readables


def test_drain_reads_all_there_is(output: Output) -> None:
    dispatcher = output.make(stdout_capture_maxbytes=10)
    fcntl.fcntl(output.writer, fcntl.F_SETPIPE_SZ, 1024 * 1024)
    data = os.urandom(1024) * 900 + BEGIN[:5]
    os.write(output.writer, data)
    assert not dispatcher.drain()
    assert output.logged() == data[:-5]
    os.write(output.writer, b"x")
    output.end()
    assert dispatcher.drain()
    assert output.logged() == data + b"x"
    assert dispatcher.drain()


def test_drain_does_not_follow_a_writer_for_ever(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatcher = output.make()
    reads = []

    def endless(fd: int, buffers: list[bytearray]) -> int:
        reads.append(fd)
        return 65536

    monkeypatch.setattr(System, "readv", staticmethod(endless))
    assert not dispatcher.drain()
    assert 0 < len(reads) <= 16


def test_lingering_for_others_who_hold_the_pipe(output: Output) -> None:
    dispatcher = output.make()
    dispatcher.linger(5.0)
    output.say(b"of a grandchild")
    assert output.logged() == b"of a grandchild"
    output.process.clock.advance(5.0)
    output.process.world.loop.turn(0)
    assert dispatcher.closed


def test_what_waits_is_logged_when_the_dispatcher_is_closed(output: Output) -> None:
    dispatcher = output.make(stdout_capture_maxbytes=10)
    output.say(b"text" + BEGIN[:-1])
    dispatcher.close()
    dispatcher.close()
    assert output.logged() == b"text" + BEGIN[:-1]


def test_ansi_across_reads(output: Output) -> None:
    output.process.settings.strip_ansi = True
    output.make()
    output.say(b"a\x1b[3", b"1mred\x1b[0", b"m\n")
    assert output.logged() == b"ared\n"


def test_capture(output: Output, heard: Callable[[type], list[Any]]) -> None:
    output.process.log.level = 10
    output.process.settings.strip_ansi = True
    sections, logs = heard(events.ProcessCommunicationEvent), heard(events.ProcessLogEvent)
    output.make(stdout_capture_maxbytes=5, stdout_events_enabled=True)
    output.say(b"a" + BEGIN[:7], BEGIN[7:] + b"one\x1b[31m", b"two" + END + b"z\n")
    assert output.logged() == b"az\n"
    assert [(type(event), event.pid, event.data) for event in sections] == [
        (events.ProcessCommunicationStdoutEvent, 42, b"netwo")
    ]
    assert [event.data for event in logs] == [b"a", b"z\n"]
    assert output.process.log.texts == [
        "'p' stdout output:\na",
        "'p' stdout output:\none",
        "'p' stdout output:\ntwo",
        "'p' stdout emitted a comm event",
        "'p' stdout output:\nz\n",
    ]


def test_log_events(output: Output, heard: Callable[[type], list[Any]]) -> None:
    logs = heard(events.ProcessLogEvent)
    output.make(events.ProcessCommunicationStderrEvent, stderr_events_enabled=True, stderr_logfile=None)
    output.say(b"one\n")
    assert [(type(event), event.process, event.pid, event.data) for event in logs] == [
        (events.ProcessLogStderrEvent, output.process, 42, b"one\n")
    ]


def test_characters_are_not_cut_by_reads(output: Output, heard: Callable[[type], list[Any]]) -> None:
    logs = heard(events.ProcessLogEvent)
    output.process.log.level = 10
    output.make(stdout_events_enabled=True)
    text = "é€😀\n".encode()
    output.say(*(text[at : at + 1] for at in range(len(text))))
    output.say(b"\xff\xc3")
    output.end()
    output.ready()
    assert [event.data for event in logs] == ["é".encode(), "€".encode(), "😀".encode(), b"\n", b"\xff", b"\xc3"]
    assert output.logged() == text + b"\xff\xc3"
    assert "'p' stdout output:\n😀" in output.process.log.texts
    assert "'p' stdout output:\nUndecodable: b'\\xff'" in output.process.log.texts


def test_events_that_nobody_hears_are_not_made(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(events.ProcessLogStdoutEvent, "__init__", lambda self, *args: made.append(args))
    output.make(stdout_events_enabled=True)
    output.say(b"x")
    assert output.logged() == b"x"
    assert made == []


def test_syslog(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr("supervisor.dispatchers.sinks.system_log.write", lines.append)
    output.make(stdout_syslog=True)
    output.say(b"one\ntwo\xff\0\n\n", b"three")
    assert lines == ["p one", "p two\\xff\0", "p three"]
    assert output.logged() == b"one\ntwo\xff\0\n\nthree"


def test_log_replaced_on_the_class_gets_everything(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[tuple[str, object]] = []

    def log(self: POutputDispatcher, data: bytes) -> None:
        got.append((self.channel, data))

    output.make(stdout_logfile=None)
    monkeypatch.setattr(POutputDispatcher, "_log", log)
    output.say(b"one", b"two")
    assert got == [("stdout", b"one"), ("stdout", b"two")]
    assert all(type(data) is bytes for _, data in got)


def test_clearing_and_reopening(output: Output) -> None:
    dispatcher = output.make()
    output.say(b"one")
    os.rename(output.folder / "stdout", output.folder / "old")
    dispatcher.reopenlogs()
    output.say(b"two")
    assert (output.logged("old"), output.logged()) == (b"one", b"two")
    dispatcher.removelogs()
    output.say(b"three")
    assert output.logged() == b"three"


def test_a_slow_reader_of_the_log_is_waited_for(output: Output) -> None:
    fifo = str(output.folder / "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    dispatcher = output.make(stdout_logfile=fifo)
    data = b"".join(b"%07d\n" % number for number in range(50_000))
    got = bytearray()
    at = 0
    os.set_blocking(output.writer, False)
    while len(got) < len(data):
        try:
            at += os.write(output.writer, data[at : at + 50_000]) if at < len(data) else 0
        except BlockingIOError:
            pass
        output.process.poller.ready_to_write = list(output.process.poller.writables)
        output.ready()
        try:
            got += os.read(reader, 3000)
        except BlockingIOError:
            pass
    os.close(reader)
    assert bytes(got) == data
    assert not dispatcher.closed and dispatcher.readable()
    assert output.process.log.lines == []


def test_what_waits_for_a_slow_reader_follows_although_nothing_more_is_said(output: Output) -> None:
    fifo = str(output.folder / "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    output.make(stdout_logfile=fifo)
    fcntl.fcntl(output.writer, fcntl.F_SETPIPE_SZ, 1024 * 1024)
    output.say(b"x" * 200_000)
    output.ready()
    output.ready()
    got = b""
    while len(got) < 200_000:
        got += os.read(reader, 1 << 20)
        output.process.poller.ready_to_write = list(output.process.poller.writables)
        output.process.world.loop.turn(0)
    os.close(reader)
    assert not output.process.poller.writables and output.process.poller.readables


def test_the_loop_attends_to_logs_that_nobody_waits_for(output: Output) -> None:
    fifo = str(output.folder / "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    world = output.process.world
    log = LogFile(fifo, system=world.system, clock=world.clock, report=output.process.log.warn)
    log.open()
    attend(world.loop)
    try:
        log.write(b"x" * 100_000)
        os.read(reader, 65536)
        output.process.poller.ready_to_write = list(output.process.poller.writables)
        world.loop.turn(0)
        assert len(os.read(reader, 65536)) == 100_000 - 65536
        assert not output.process.poller.writables
    finally:
        settle(0)
        log.close()
        os.close(reader)


def test_a_reader_that_stopped_reading_holds_nobody_for_ever(output: Output) -> None:
    fifo = str(output.folder / "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    dispatcher = output.make(stdout_logfile=fifo)
    output.say(*[b"x" * 65536] * 2)
    output.ready()
    assert not dispatcher.readable() and not output.process.poller.readables
    output.process.clock.advance(10.0)
    output.process.world.loop.turn(0)
    assert dispatcher.readable() and output.process.poller.readables
    for _ in range(200):
        output.say(b"y" * 65535 + b"\n")
    assert len(output.process.log.lines) == 1
    assert "see why its reader does not read" in output.process.log.texts[0]
    os.close(reader)


def test_a_plugins_mistake_closes_the_channel_only(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatcher = output.make()
    monkeypatch.setattr(POutputDispatcher, "_log", lambda self, data: 1 / 0)
    output.say(b"x")
    assert dispatcher.closed
    assert "uncaptured python exception, closing channel <POutputDispatcher" in output.process.log.texts[0]


# Input


class Input:
    def __init__(self, folder: Path) -> None:
        self.process = Process(folder)
        self.process.log.level = 10
        self.reader, self.writer = pipe_pair()
        os.set_blocking(self.writer, False)
        self.dispatcher = PInputDispatcher(self.process, "stdin", self.writer)
        self.dispatcher.attach()

    def read(self) -> bytes:
        """What the child reads until there is no more, the loop doing its part."""
        got = b""
        while True:
            try:
                got += os.read(self.reader, 1 << 20)
            except BlockingIOError:
                if not self.process.poller.writables:
                    return got
            self.process.poller.ready_to_write = list(self.process.poller.writables)
            self.process.world.loop.turn(0)


@pytest.fixture
def stdin(tmp_path: Path) -> Iterator[Input]:
    stdin = Input(tmp_path)
    yield stdin
    stdin.dispatcher.close()
    try:
        os.close(stdin.reader)
    except OSError:
        pass


def test_input_is_written_at_once(stdin: Input) -> None:
    stdin.dispatcher.write(b"hello\n")
    assert os.read(stdin.reader, 100) == b"hello\n"
    assert not stdin.dispatcher.writable() and not stdin.process.poller.writables


def test_the_rest_follows_when_the_child_reads(stdin: Input) -> None:
    data = os.urandom(1000) * 3000
    stdin.dispatcher.write(data)
    stdin.dispatcher.write(b"end")
    assert stdin.dispatcher.writable() and stdin.process.poller.writables
    assert stdin.read() == data + b"end"
    assert not stdin.dispatcher.writable() and not stdin.process.poller.writables


def test_what_waits_is_bounded(stdin: Input) -> None:
    accepted = 0
    with pytest.raises(QueueFull) as full:
        while True:
            stdin.dispatcher.write(b"x" * 100_000)
            accepted += 100_000
    assert full.value.errno == errno.ENOBUFS
    assert accepted <= MOST_WAITING + LARGE_PIPE + 200_000
    assert len(stdin.read()) == accepted
    stdin.dispatcher.write(b"again")
    assert stdin.read() == b"again"


def test_a_child_that_closed_its_stdin(stdin: Input) -> None:
    os.close(stdin.reader)
    shown = repr(stdin.dispatcher)
    for _ in range(2):
        with pytest.raises(BrokenPipeError):
            stdin.dispatcher.write(b"x")
    assert stdin.dispatcher.closed
    assert stdin.process.log.texts == [f"fd {stdin.writer} closed, stopped monitoring {shown}"]


def test_a_child_that_closes_its_stdin_while_something_waits(stdin: Input) -> None:
    stdin.dispatcher.write(b"x" * 3_000_000)
    os.close(stdin.reader)
    stdin.process.poller.ready_to_write = [stdin.writer]
    stdin.process.world.loop.turn(0)
    assert stdin.dispatcher.closed and not stdin.dispatcher.writable()


# All


def test_base(tmp_path: Path) -> None:
    process = Process(tmp_path)
    one, other = socket.socketpair()
    dispatcher = PDispatcher(process, "stdout", one.detach())
    assert not dispatcher.readable() and not dispatcher.writable()
    dispatcher.attach()
    dispatcher.flush()
    with pytest.raises(NotImplementedError):
        dispatcher.handle_read_event()
    with pytest.raises(NotImplementedError):
        dispatcher.handle_write_event()
    try:
        raise ValueError("what happened")
    except ValueError:
        dispatcher.handle_error()
    assert dispatcher.closed and "what happened" in process.log.texts[0]
    assert other.recv(1) == b""
    other.close()
    assert isinstance(process.log, FakeLog)
