"""The parts of the daemon that need no configuration: ending, foreign dispatchers, ticks, addresses in use."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor import events
from supervisor.daemon.ending import Ending
from supervisor.daemon.foreign import ForeignDispatchers
from supervisor.daemon.reaper import reap
from supervisor.daemon.ticks import Ticks
from supervisor.engine.inuse import in_use
from supervisor.states import STOPPED_STATES, ProcessStates
from tests.fakes import FakeLog, FakeSystem, fake_loop


class Named:
    def __init__(self, name: str, priority: int = 999) -> None:
        self.name = name
        self.priority = priority


class Process:
    """Obeys when the test says so."""

    pid = 1

    def __init__(self, name: str, state: int = ProcessStates.RUNNING, at_once: bool = False) -> None:
        self.config = Named(name)
        self.state = state
        self.at_once = at_once
        self.signals: list[int] = []
        self.watchers: list[Callable[[Any, int], object]] = []

    def __eq__(self, other: object) -> bool:
        return True

    def get_state(self) -> int:
        return self.state

    def watch(self, callback: Callable[[Any, int], object]) -> None:
        self.watchers.append(callback)

    def unwatch(self, callback: Callable[[Any, int], object]) -> None:
        self.watchers.remove(callback)

    def kill(self, sig: int) -> None:
        self.signals.append(sig)

    def become(self, state: int) -> None:
        self.state = state
        for callback in list(self.watchers):
            callback(self, state)


class Group:
    def __init__(self, name: str, priority: int, told: list[str], *processes: Process) -> None:
        self.config = Named(name, priority)
        self.told = told
        self.processes = processes
        self.work = self.transitions = 0

    def transition(self) -> None:
        self.transitions += 1

    def work_left(self) -> int:
        return self.work

    def get_unstopped_processes(self) -> list[Process]:
        return [process for process in self.processes if process.state not in STOPPED_STATES]

    def stop_all(self) -> None:
        self.told.append(self.config.name)
        for process in self.get_unstopped_processes():
            process.become(ProcessStates.STOPPED if process.at_once else ProcessStates.STOPPING)


class Scene:
    def __init__(self, **groups: tuple[int, list[Process]]) -> None:
        self.loop, self.poller, self.clock, self.log = fake_loop()
        self.told: list[str] = []
        self.down: list[bool] = []
        self.groups = {name: Group(name, pri, self.told, *members) for name, (pri, members) in groups.items()}
        self.ending = Ending(self.loop, self.log, self.groups, lambda: self.down.append(True))


def test_phases_go_from_the_highest_number_down_and_equal_ones_go_together() -> None:
    a, b, c, d = (Process(name) for name in "abcd")
    scene = Scene(first=(1, [a]), b=(5, [b]), c=(5, [c]), d=(7, [d]))
    scene.ending.begin()
    assert scene.told == ["d"]
    assert scene.log.texts == ["waiting for a, b, c, d to die"]
    d.become(ProcessStates.STOPPED)
    scene.loop.turn(0)
    assert scene.told == ["d", "c", "b"]
    c.become(ProcessStates.STOPPED)
    scene.loop.turn(0)
    assert scene.told == ["d", "c", "b"]
    b.become(ProcessStates.UNKNOWN)
    scene.loop.turn(0)
    assert scene.told == ["d", "c", "b", "first"]
    assert scene.down == []
    a.become(ProcessStates.STOPPED)
    scene.loop.turn(0)
    assert scene.down == [True]
    assert scene.log.texts == ["waiting for a, b, c, d to die"]
    assert scene.loop._patience(None) is None


def test_listeners_at_work_are_told_when_they_do_nothing_any_more() -> None:
    a = Process("a")
    scene = Scene(listeners=(-1, [Process("l")]), a=(5, [a]))
    scene.ending.begin()
    scene.groups["listeners"].work = 3
    a.become(ProcessStates.STOPPED)
    for left in (3, 2, 1):
        scene.groups["listeners"].work = left
        for _ in range(20):
            scene.clock.advance(0.01)
            scene.loop.turn(0)
        assert scene.told == ["a"]
    for _ in range(10):
        scene.clock.advance(0.01)
        scene.loop.turn(0)
    assert scene.told == ["a", "listeners"]


def test_listeners_that_have_done_their_work_are_told() -> None:
    scene = Scene(listeners=(-1, [Process("l")]))
    scene.groups["listeners"].work = 1
    scene.ending.begin()
    assert scene.told == []
    scene.groups["listeners"].work = 0
    scene.clock.advance(0.01)
    scene.loop.turn(0)
    assert scene.told == ["listeners"]


def test_a_hastened_end_waits_for_no_listener() -> None:
    scene = Scene(listeners=(-1, [Process("l")]))
    scene.groups["listeners"].work = 1
    scene.ending.begin()
    scene.ending.hasten()
    scene.clock.advance(0.01)
    scene.loop.turn(0)
    assert scene.told == ["listeners"]


def test_whom_it_waits_for_is_told_every_three_seconds() -> None:
    a, b = Process("a"), Process("b")
    scene = Scene(a=(1, [a]), b=(2, [b]))
    scene.ending.begin()
    for _ in range(2):
        scene.loop.turn()
    b.become(ProcessStates.STOPPED)
    for _ in range(4):
        scene.loop.turn()
    assert scene.log.texts == ["waiting for a, b to die"] * 3 + ["waiting for a to die"] * 4
    assert scene.poller.waits[:2] == pytest.approx([3.1, 3.1])


def test_the_lowest_level_also_shows_states() -> None:
    scene = Scene(a=(1, [Process("a")]))
    scene.ending.begin()
    assert scene.log.lines == [("info", "waiting for a to die"), ("blather", "a state: STOPPING")]


def test_nothing_to_stop_is_down_at_once_and_silently() -> None:
    scene = Scene(a=(1, [Process("a", ProcessStates.FATAL)]), b=(2, [Process("b", ProcessStates.BACKOFF, True)]))
    scene.ending.begin()
    assert (scene.down, scene.told, scene.log.lines) == ([True], ["b"], [])


def test_hastening_kills_what_is_stopping_and_leaves_the_rest() -> None:
    a, b, c = Process("a"), Process("b"), Process("c")
    scene = Scene(a=(1, [a]), b=(2, [b, c]))
    scene.ending.begin()
    c.become(ProcessStates.STOPPED)
    scene.ending.hasten()
    assert (a.signals, b.signals, c.signals) == ([], [9], [])
    assert scene.log.lines[-1] == ("warn", "killing 'b' (1) with SIGKILL")


def test_a_state_set_by_hand_is_noticed() -> None:
    a = Process("a")
    scene = Scene(a=(1, [a]))
    scene.ending.begin()
    a.state = ProcessStates.STOPPED
    scene.loop.turn()
    assert scene.down == [True]


class Dispatcher:
    closed = False

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.wants = {"read": True, "write": False}
        self.error: Exception | None = None

    def readable(self) -> bool:
        return self.wants["read"]

    def writable(self) -> bool:
        return self.wants["write"]

    def handle_read_event(self) -> None:
        self.seen.append("read")
        if self.error:
            raise self.error

    def handle_write_event(self) -> None:
        self.seen.append("write")

    def handle_error(self) -> None:
        self.seen.append("error")


def test_foreign_dispatchers_are_polled_as_they_wish() -> None:
    loop, poller, _, log = fake_loop()
    foreign = ForeignDispatchers(loop, log)
    ours, theirs = Dispatcher(), Dispatcher()
    both = {4: ours, 5: theirs}
    foreign.refresh(lambda: both, {4: ours})
    assert (poller.readables, poller.writables) == ({5}, set())
    poller.ready_to_read = [5]
    loop.turn()
    theirs.wants = {"read": False, "write": True}
    foreign.refresh(lambda: both, {4: ours})
    assert (poller.readables, poller.writables) == (set(), {5})
    poller.ready_to_write = [5]
    loop.turn()
    assert theirs.seen == ["read", "write"]
    theirs.closed = True
    foreign.refresh(lambda: both, {4: ours})
    assert (poller.readables, poller.writables) == (set(), set())


def test_foreign_dispatchers_come_and_go() -> None:
    loop, poller, _, log = fake_loop()
    foreign = ForeignDispatchers(loop, log)
    first, second = Dispatcher(), Dispatcher()
    foreign.refresh(lambda: {5: first}, {})
    foreign.refresh(lambda: {5: second}, {})
    poller.ready_to_read = [5]
    loop.turn()
    assert (first.seen, second.seen) == ([], ["read"])
    foreign.refresh(dict, {})
    assert poller.readables == set()
    foreign.refresh(lambda: {5: first}, {})
    foreign.forget_all()
    assert poller.readables == set()


def test_a_foreign_dispatcher_handles_its_own_errors() -> None:
    loop, poller, _, log = fake_loop()
    theirs = Dispatcher()
    theirs.error = ValueError("bad")
    foreign = ForeignDispatchers(loop, log)
    foreign.refresh(lambda: {5: theirs}, {})
    poller.ready_to_read = [5]
    loop.turn()
    assert theirs.seen == ["read", "error"]
    assert log.lines == []


def test_a_replacement_that_raises_is_told_about_once() -> None:
    loop, poller, _, log = fake_loop()
    foreign = ForeignDispatchers(loop, log)
    foreign.refresh(lambda: {5: Dispatcher()}, {})
    asked: list[int] = []

    def broken() -> dict[int, Any]:
        asked.append(1)
        raise KeyError("oh")

    for _ in range(3):
        foreign.refresh(broken, {})
    assert (asked, poller.readables) == ([1], set())
    assert len(log.lines) == 1 and "it is not asked any more (<class 'KeyError'>:'oh' [" in log.texts[0]
    foreign.refresh(lambda: {5: Dispatcher()}, {})
    assert poller.readables == {5}


class Mortal:
    def __init__(self, error: Exception | None = None) -> None:
        self.ends: list[tuple[int, int]] = []
        self.error = error

    def __repr__(self) -> str:
        return "<Mortal>"

    def finish(self, pid: int, status: int) -> None:
        self.ends.append((pid, status))
        if self.error:
            raise self.error


def test_reaping_goes_on_until_nothing_is_left() -> None:
    system, log = FakeSystem(), FakeLog()
    one, two = Mortal(ValueError("oh")), Mortal()
    history: dict[int, Any] = {7: one, 8: two, 9: Mortal()}
    for pid, status in ((7, 0x100), (55, 9), (8, 0)):
        system.die(pid, status)
    system.children = [9]
    assert not reap(system, log, history)
    assert (one.ends, two.ends, list(history)) == ([(7, 0x100)], [(8, 0)], [9])
    assert log.lines[0][1].startswith("uncaptured python exception at the end of <Mortal> (<class 'ValueError'>:oh [")
    assert log.lines[1:] == [("info", "reaped unknown pid 55 (terminated by SIGKILL)")]


def test_reaping_once_and_reaping_very_many() -> None:
    system, log = FakeSystem(), FakeLog()
    for pid in range(1000, 1150):
        system.die(pid)
    assert reap(system, log, {}, once=True)
    assert len(system.deaths) == 149
    assert reap(system, log, {})
    assert not reap(system, log, {})
    assert system.deaths == []


@pytest.mark.parametrize(("number", "told"), [(errno.EINTR, 0), (errno.ECHILD, 0), (errno.EPERM, 1)])
def test_errors_of_waitpid(number: int, told: int) -> None:
    system, log = FakeSystem(), FakeLog()
    system.fail("waitpid", OSError(number, "no"))
    assert not reap(system, log, {})
    assert log.texts == ["waitpid error 1; a process may not be cleaned up properly"] * told


@pytest.fixture
def bus() -> Iterator[None]:
    saved = list(events.callbacks)
    events.clear()
    yield
    events.clear()
    events.callbacks.extend(saved)


def test_ticks_have_timers_only_while_wanted(bus: None) -> None:
    loop, poller, clock, _ = fake_loop()
    clock.set_wall(3590.0)
    seen: list[tuple[type, int]] = []
    ticks = Ticks(loop, lambda kind, when: seen.append((kind, when)))
    ticks.start()
    loop.turn()
    assert poller.waits == [None]
    heard: list[Any] = []
    events.subscribe(events.Tick3600Event, heard.append)
    loop.turn()
    assert seen == [(events.Tick3600Event, 3600)]
    events.subscribe(events.TickEvent, heard.append)
    loop.turn()
    assert seen[1:] == [(events.Tick5Event, 3605)]
    ticks.stop()
    loop.turn()
    assert poller.waits == [None, 10, 5, None]


def test_addresses_in_use(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    unix = {"family": socket.AF_UNIX, "file": path}
    assert not in_use(unix)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert not in_use(unix)
        server.listen()
        assert in_use(unix)
    assert not in_use(unix)
    assert os.path.exists(path)
    with socket.socket(socket.AF_INET) as server:
        server.bind(("127.0.0.1", 0))
        inet = {"family": socket.AF_INET, "host": "127.0.0.1", "port": server.getsockname()[1]}
        server.listen()
        assert in_use(inet)
        assert in_use({**inet, "host": ""})
    assert not in_use(inet)
    assert not in_use({**inet, "host": "no such host."})


def test_the_fake_log_formats_like_the_real_one() -> None:
    log = FakeLog()
    log.info("%(a)s", a=1)
    log.info("100 %")
    assert log.texts == ["1", "100 %"]
