from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events, supervisord
from supervisor.daemon.foreign import ForeignDispatchers
from supervisor.process import Subprocess
from supervisor.states import ProcessStates, SupervisorStates
from supervisor.supervisord import Supervisor, timeslice
from tests.fakes import FakeLog, FakeSystem, fake_loop


class GroupConfig:
    def __init__(self, name: str, priority: int = 999, facts: object = None) -> None:
        self.name = name
        self.priority = priority
        self.facts = facts
        self.prepared = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupConfig) and (self.name, self.facts) == (other.name, other.facts)

    def after_setuid(self) -> None:
        self.prepared += 1

    def make_group(self) -> Group:
        assert self.prepared == 1
        return Group(self)


class Process:
    pid = 0

    def __init__(self, state: int = ProcessStates.STOPPED) -> None:
        self.state = state
        self.dispatchers: dict[int, object] = {}


class Group:
    def __init__(self, config: GroupConfig) -> None:
        self.config = config
        self.processes: dict[str, Process] = {}
        self.transitions = 0
        self.told: list[str] = []

    def transition(self) -> None:
        self.transitions += 1

    def get_unstopped_processes(self) -> list[Process]:
        return [process for process in self.processes.values() if process.state != ProcessStates.STOPPED]

    def get_dispatchers(self) -> dict[int, object]:
        return {fd: one for process in self.processes.values() for fd, one in process.dispatchers.items()}

    def before_remove(self) -> None:
        self.told.append("before_remove")

    def reopenlogs(self) -> None:
        self.told.append("reopenlogs")

    def stop_all(self) -> None:
        self.told.append("stop_all")


class Options:
    mood = SupervisorStates.RUNNING
    httpservers: Any = ()
    test = False

    def __init__(self) -> None:
        self.logger = FakeLog()
        self.pidhistory: dict[int, Any] = {}
        self.process_group_configs: list[GroupConfig] = []
        self.broken = ""

    def reread(self) -> None:
        if self.broken:
            raise ValueError(self.broken)


class Scene:
    """A supervisor that was built, on fake collaborators."""

    def __init__(self) -> None:
        self.options = Options()
        self.log = self.options.logger
        self.loop, self.poller, self.clock, _ = fake_loop(self.log)
        options: Any = self.options
        self.supervisor = Supervisor(options)
        self.supervisor.system = self.system = FakeSystem()
        self.supervisor.clock = self.clock
        self.supervisor.loop = self.loop
        self.supervisor.process_groups = {}
        self.supervisor._foreign = ForeignDispatchers(self.loop, self.log)
        self.heard: list[events.Event] = []
        events.subscribe(events.Event, self.heard.append)

    def add(self, name: str, *states: int, priority: int = 999) -> Group:
        assert self.supervisor.add_process_group(GroupConfig(name, priority))
        group: Group = self.supervisor.process_groups[name]
        group.processes = {str(number): Process(state) for number, state in enumerate(states)}
        return group


@pytest.fixture
def scene() -> Iterator[Scene]:
    saved = list(events.callbacks)
    events.clear()
    yield Scene()
    events.clear()
    events.callbacks.extend(saved)


def test_the_class_shows_that_there_are_no_groups_yet() -> None:
    assert Supervisor.process_groups is None


def test_timeslice() -> None:
    assert (timeslice(5, 1009.9), timeslice(60, 120), timeslice(3600, 3599)) == (1005, 120, 0)


def test_adding_a_group_announces_it_once(scene: Scene) -> None:
    scene.add("one")
    assert not scene.supervisor.add_process_group(GroupConfig("one"))
    assert [type(event) for event in scene.heard] == [events.ProcessGroupAddedEvent]
    assert scene.heard[0].payload() == "groupname:one\n"


def test_a_group_added_while_running_starts_in_the_next_turn(scene: Scene) -> None:
    before = scene.add("before")
    scene.supervisor._running = True
    during = scene.add("during")
    scene.loop.turn()
    assert (before.transitions, during.transitions) == (0, 1)


def test_removing_a_group_needs_it_stopped(scene: Scene) -> None:
    group = scene.add("one", ProcessStates.RUNNING)
    assert not scene.supervisor.remove_process_group("one")
    assert (group.told, len(scene.heard)) == ([], 1)
    group.processes["0"].state = ProcessStates.STOPPED
    assert scene.supervisor.remove_process_group("one")
    assert group.told == ["before_remove"]
    assert scene.supervisor.process_groups == {}
    assert isinstance(scene.heard[-1], events.ProcessGroupRemovedEvent)
    with pytest.raises(KeyError):
        scene.supervisor.remove_process_group("one")


def test_a_subscriber_that_raises_stops_nothing(scene: Scene) -> None:
    def broken(event: object) -> None:
        raise ValueError("oh")

    events.subscribe(events.ProcessGroupEvent, broken)
    scene.add("one")
    assert "one" in scene.supervisor.process_groups
    assert "a subscriber to ProcessGroupAddedEvent (<class 'ValueError'>:oh [" in scene.log.texts[0]


def test_differences_to_what_is_active(scene: Scene) -> None:
    for name in ("same", "changed", "removed"):
        scene.add(name)
    read = [GroupConfig("added"), GroupConfig("changed", facts=1), GroupConfig("same")]
    scene.options.process_group_configs = read
    added, changed, removed = scene.supervisor.diff_to_active()
    assert (added, changed) == ([read[0]], [read[1]])
    assert removed == [scene.supervisor.process_groups["removed"].config]


def test_the_process_map_is_a_new_one_each_time(scene: Scene) -> None:
    group = scene.add("one", ProcessStates.RUNNING)
    group.processes["0"].dispatchers = {7: "seven"}
    got = scene.supervisor.get_process_map()
    assert got == {7: "seven"}
    got.clear()
    assert scene.supervisor.get_process_map() == {7: "seven"}


class Foreign:
    closed = False
    reads = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self.reads += 1


def test_an_ordinary_turn_sleeps_as_long_as_it_likes(scene: Scene) -> None:
    scene.supervisor._turn()
    assert scene.poller.waits == [None]


def test_a_replaced_process_map_is_asked_once_per_turn_and_polled(scene: Scene) -> None:
    original = scene.supervisor.get_process_map
    foreign = Foreign()
    asked: list[int] = []

    def ours() -> dict[int, Any]:
        asked.append(1)
        return {**original(), 77: foreign}

    scene.supervisor.get_process_map = ours  # type: ignore[method-assign]
    scene.supervisor._turn()
    scene.poller.ready_to_read = [77]
    scene.supervisor._turn()
    assert (len(asked), foreign.reads) == (2, 1)
    assert scene.poller.waits == [1.0, 1.0]


def test_a_replaced_transition_is_called_every_second(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    group = scene.add("one")
    original = Subprocess.transition
    monkeypatch.setattr(Subprocess, "transition", lambda self: original(self))
    for _ in range(8):
        scene.supervisor._turn()
    start = 1000.0
    assert group.transitions >= scene.clock.now() - start - 1 > 1


def test_a_mood_set_by_hand_ends_it(scene: Scene) -> None:
    group = scene.add("one", ProcessStates.RUNNING)
    scene.options.mood = SupervisorStates.SHUTDOWN
    group.processes["0"].state = ProcessStates.STOPPED
    scene.supervisor._turn(0)
    assert scene.supervisor._down
    assert [type(event) for event in scene.heard][1:] == [events.SupervisorStoppingEvent]
    scene.supervisor._turn(0)
    assert len(scene.heard) == 2


def test_a_reload_is_refused_when_the_new_file_is_broken(scene: Scene) -> None:
    scene.options.broken = "first\nsecond"
    with pytest.raises(ValueError, match="first"):
        scene.supervisor.request_restart()
    assert scene.log.texts == ["configuration not reloaded, the old one stays in force: first",
                               "configuration not reloaded, the old one stays in force: second"]
    assert scene.supervisor.get_state() == SupervisorStates.RUNNING
    scene.options.broken = ""
    scene.supervisor.request_restart()
    assert scene.supervisor.get_state() == SupervisorStates.RESTARTING
    scene.options.mood = SupervisorStates.SHUTDOWN
    scene.supervisor.request_restart()
    assert scene.supervisor.get_state() == SupervisorStates.SHUTDOWN


def test_logs_are_reopened_and_one_that_fails_does_not_stop_the_next(scene: Scene) -> None:
    class Handler:
        def reopen(self) -> None:
            raise OSError("disk gone")

    scene.log.handlers.append(Handler())
    group = scene.add("one")
    scene.supervisor.reopen_logs()
    assert group.told == ["reopenlogs"]
    assert "disk gone" in scene.log.texts[0]


def test_very_many_deaths_are_seen_to_in_several_turns(scene: Scene) -> None:
    for pid in range(1000, 1250):
        scene.system.die(pid)
    scene.supervisor.reap(once=True)
    assert len(scene.system.deaths) == 249
    scene.supervisor.reap()
    assert len(scene.system.deaths) == 149
    scene.loop.turn()
    scene.loop.turn()
    assert scene.system.deaths == []
    scene.loop.turn()
    assert scene.poller.waits[-1] is None


def test_deaths_seen_together_stand_in_the_order_of_their_groups(scene: Scene) -> None:
    ended: list[int] = []
    for pid, number in ((1, 7), (2, 5), (3, 7), (4, 0), (5, 5)):
        group = SimpleNamespace(stop_number=number)
        scene.options.pidhistory[pid] = SimpleNamespace(group=group, finish=lambda pid, status: ended.append(pid))
        scene.system.die(pid)
    scene.supervisor.reap()
    assert ended == [4, 2, 5, 1, 3]


def test_public_names_are_found_here() -> None:
    for name in ("SupervisorStates", "getSupervisorStateDescription", "go", "main", "profile"):
        assert hasattr(supervisord, name)
