"""What the daemon does with a listener's bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.dispatchers import PEventListenerDispatcher, RejectEvent, default_handler
from supervisor.engine.system import System
from supervisor.process.world import World
from supervisor.states import EventListenerStates as States
from tests.fakes import fake_loop, pipe_pair

UNKNOWN = (
    "l: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated "
    "the eventlistener protocol"
)


class FakePool:
    def __init__(self, handler: Any) -> None:
        self.config = SimpleNamespace(name="l", result_handler=handler, result_maxbytes=1000)
        self.told: list[str] = []

    def listener_ready(self, process: Any) -> None:
        self.told.append("ready")

    def processed(self, process: Any) -> None:
        self.told.append("processed")

    def listener_unknown(self, process: Any) -> None:
        self.told.append("unknown")


class Scene:
    def __init__(self, tmp_path: Path) -> None:
        self.loop, _, clock, self.log = fake_loop()
        world = World(loop=self.loop, system=System(), clock=clock, log=self.log, settings=None)
        self.logfile = tmp_path / "log"
        config = SimpleNamespace(name="l", stdout_logfile=str(self.logfile), stdout_logfile_maxbytes=0,
                                 stdout_logfile_backups=0)
        self.pool = FakePool(self.handle)
        self.process = SimpleNamespace(config=config, world=world, group=self.pool, listener_state=None, event=None)
        reader, self.writer = pipe_pair()
        self.dispatcher = PEventListenerDispatcher(self.process, "stdout", reader)
        self.rejected: list[Any] = []
        self.handler: Any = default_handler
        self.results: list[tuple[Any, bytes]] = []
        events.subscribe(events.EventRejectedEvent, self.rejected.append)

    def handle(self, event: Any, result: bytes) -> None:
        self.results.append((event, result))
        self.handler(event, result)

    def says(self, data: bytes) -> None:
        os.write(self.writer, data)
        self.dispatcher.handle_read_event()

    def busy(self, event: Any = "event") -> None:
        self.says(b"READY\n")
        self.process.listener_state = States.BUSY
        self.process.event = event
        self.log.lines.clear()
        self.pool.told.clear()

    def said(self) -> list[tuple[str, str]]:
        return [line for line in self.log.lines if "output:" not in line[1]]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    events.clear()
    made = Scene(tmp_path)
    yield made
    made.dispatcher.close()
    os.close(made.writer)
    events.clear()


def test_a_spawn_begins_acknowledged(scene: Scene) -> None:
    assert scene.process.listener_state == States.ACKNOWLEDGED


def test_ready(scene: Scene) -> None:
    scene.says(b"READY\n")
    assert scene.process.listener_state == States.READY
    assert scene.pool.told == ["ready"]
    assert scene.log.lines == [
        ("debug", "'l' stdout output:\nb'READY\\n'"),
        ("debug", "l: ACKNOWLEDGED -> READY"),
    ]


def test_an_accepted_event(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT 2\nOK")
    assert scene.results == [("event", b"OK")]
    assert scene.process.listener_state == States.ACKNOWLEDGED
    assert scene.process.event is None
    assert scene.said() == [("debug", "l: event was processed"), ("debug", "l: BUSY -> ACKNOWLEDGED")]
    assert scene.pool.told == ["processed"]


def test_answer_and_ready_in_one_read(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT 2\nOKREADY\n")
    assert scene.pool.told == ["processed", "ready"]


def test_a_rejected_event_goes_back(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT 4\nFAILREADY\n")
    [rejection] = scene.rejected
    assert (rejection.process, rejection.event) == (scene.process, "event")
    assert scene.said() == [
        ("warn", "l: event was rejected"),
        ("debug", "l: BUSY -> ACKNOWLEDGED"),
        ("debug", "l: ACKNOWLEDGED -> READY"),
    ]
    assert scene.pool.told == ["ready"]


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), SystemExit(1), RecursionError()])
def test_a_handler_that_raises(scene: Scene, error: BaseException) -> None:
    def handler(event: Any, result: bytes) -> None:
        raise error

    scene.busy()
    scene.handler = handler
    scene.says(b"RESULT 2\nOKREADY\n")
    assert [line for line in scene.said() if line[0] != "trace"] == [
        ("warn", "l: event caused an error"),
        ("debug", "l: BUSY -> UNKNOWN"),
        ("warn", UNKNOWN),
    ]
    assert len(scene.rejected) == 1
    assert scene.pool.told == ["unknown"]


def test_a_handler_of_ones_own_may_reject(scene: Scene) -> None:
    def handler(event: Any, result: bytes) -> None:
        raise RejectEvent("not yet")

    scene.busy()
    scene.handler = handler
    scene.says(b"RESULT 2\nOK")
    assert scene.process.listener_state == States.ACKNOWLEDGED
    assert len(scene.rejected) == 1


def test_a_bad_result_line(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT \x1b[2J\n" + b"x" * 100)
    assert scene.said() == [
        ("warn", "l: bad result line: 'RESULT \\x1b[2J'"),
        ("debug", "l: BUSY -> UNKNOWN"),
        ("warn", UNKNOWN),
    ]
    assert [rejection.event for rejection in scene.rejected] == ["event"]


def test_the_longest_result_is_what_the_section_says(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT 1001\n")
    assert scene.said()[0] == ("warn", "l: bad result line: 'RESULT 1001'")


def test_a_long_bad_line_is_cut_in_the_log(scene: Scene) -> None:
    scene.busy()
    scene.says(b"x" * 5000)
    assert len(scene.said()[0][1]) < 300
    assert scene.process.listener_state == States.UNKNOWN


def test_bytes_out_of_turn(scene: Scene) -> None:
    scene.says(b"READY\nREADY\n")
    assert scene.said() == [
        ("debug", "l: ACKNOWLEDGED -> READY"),
        ("debug", "l: READY -> UNKNOWN"),
        ("warn", UNKNOWN),
    ]
    assert scene.pool.told == ["unknown"] and scene.rejected == []
    scene.log.lines.clear()
    scene.says(b"READY\n")
    assert scene.said() == []


def test_a_state_set_from_outside_counts(scene: Scene) -> None:
    scene.says(b"junkjunk")
    scene.process.listener_state = States.ACKNOWLEDGED
    scene.says(b"READY\n")
    assert scene.process.listener_state == States.READY


def test_everything_is_logged(scene: Scene) -> None:
    scene.busy()
    scene.says(b"RESULT 2\nOK\xff\x00")
    assert scene.logfile.read_bytes() == b"READY\nRESULT 2\nOK\xff\x00"


def test_reopening_and_removing_the_log(scene: Scene) -> None:
    scene.says(b"one")
    scene.logfile.rename(scene.logfile.with_suffix(".old"))
    scene.dispatcher.reopenlogs()
    scene.says(b"two")
    assert scene.logfile.read_bytes() == b"two"
    scene.dispatcher.removelogs()
    assert scene.logfile.read_bytes() == b""


def test_the_end_of_the_pipe(scene: Scene) -> None:
    scene.dispatcher.attach()
    scene.says(b"READY\n")
    os.close(scene.writer)
    scene.writer = os.open(os.devnull, os.O_WRONLY)
    scene.dispatcher.handle_read_event()
    assert scene.dispatcher.closed and not scene.dispatcher.readable()
    assert scene.log.texts[-1] == f"fd {scene.dispatcher.fd} closed, stopped monitoring {scene.dispatcher!r}"
    assert scene.process.listener_state == States.ACKNOWLEDGED  # it can answer no event any more


def test_drain_reads_all_that_is_there(scene: Scene) -> None:
    scene.busy()
    os.write(scene.writer, b"RESULT 2\nOK" + b"x" * 50000)
    assert scene.dispatcher.drain() is False
    assert len(scene.logfile.read_bytes()) == 6 + 11 + 50000
    assert scene.results == [("event", b"OK")]
    os.close(scene.writer)
    scene.writer = os.open(os.devnull, os.O_WRONLY)
    assert scene.dispatcher.drain() is True


def test_no_formatting_without_debug(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.log, "level", 20, raising=False)
    scene.says(b"READY\n")
    assert "output:" not in " ".join(scene.log.texts)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"RESULT it's", "RESULT it's"),
        ("RESULT \u2603".encode(), "RESULT \u2603"),
        (b"RESULT \xff", "Undecodable: b'RESULT \\xff'"),
    ],
)
def test_a_bad_line_is_shown_as_it_is(scene: Scene, line: bytes, shown: str) -> None:
    scene.busy()
    scene.says(line + b"\n")
    assert scene.said()[0] == ("warn", f"l: bad result line: '{shown}'")
