"""Event types, payloads, the bus."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.states import ProcessStates

PARENTS = {
    "EVENT": None,
    "PROCESS_STATE": "EVENT",
    "PROCESS_STATE_STARTING": "PROCESS_STATE",
    "PROCESS_STATE_BACKOFF": "PROCESS_STATE",
    "PROCESS_STATE_RUNNING": "PROCESS_STATE",
    "PROCESS_STATE_STOPPING": "PROCESS_STATE",
    "PROCESS_STATE_STOPPED": "PROCESS_STATE",
    "PROCESS_STATE_EXITED": "PROCESS_STATE",
    "PROCESS_STATE_FATAL": "PROCESS_STATE",
    "PROCESS_STATE_UNKNOWN": "PROCESS_STATE",
    "PROCESS_COMMUNICATION": "EVENT",
    "PROCESS_COMMUNICATION_STDOUT": "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDERR": "PROCESS_COMMUNICATION",
    "PROCESS_LOG": "EVENT",
    "PROCESS_LOG_STDOUT": "PROCESS_LOG",
    "PROCESS_LOG_STDERR": "PROCESS_LOG",
    "REMOTE_COMMUNICATION": "EVENT",
    "SUPERVISOR_STATE_CHANGE": "EVENT",
    "SUPERVISOR_STATE_CHANGE_RUNNING": "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_STOPPING": "SUPERVISOR_STATE_CHANGE",
    "TICK": "EVENT",
    "TICK_5": "TICK",
    "TICK_60": "TICK",
    "TICK_3600": "TICK",
    "PROCESS_GROUP": "EVENT",
    "PROCESS_GROUP_ADDED": "PROCESS_GROUP",
    "PROCESS_GROUP_REMOVED": "PROCESS_GROUP",
}


@pytest.fixture(autouse=True)
def quiet_bus() -> Iterator[None]:
    events.clear()
    yield
    events.clear()


def process(name: str = "p", group: str | None = "g", pid: int = 42, backoff: int = 3) -> Any:
    return SimpleNamespace(
        config=SimpleNamespace(name=name),
        group=group and SimpleNamespace(config=SimpleNamespace(name=group)),
        pid=pid,
        backoff=backoff,
    )


def test_types_and_their_hierarchy() -> None:
    types = {name: kind for name, kind in vars(events.EventTypes).items() if name.isupper()}
    assert set(types) == set(PARENTS)
    for name, parent in PARENTS.items():
        if parent is not None:
            assert issubclass(types[name], types[parent]), name
        assert events.getEventNameByType(types[name]) == name


def test_names_of_classes_that_are_no_type() -> None:
    assert events.getEventNameByType(object) is None
    assert events.getEventNameByType("__module__") is None


def test_register_adds_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(events.Event):
        pass

    monkeypatch.setattr(events.EventTypes, "MINE", None, raising=False)
    events.register("MINE", Mine)
    assert events.getEventNameByType(Mine) == "MINE"


@pytest.mark.parametrize(
    ("kind", "tail"),
    [
        (events.ProcessStateStartingEvent, " tries:3"),
        (events.ProcessStateBackoffEvent, " tries:3"),
        (events.ProcessStateRunningEvent, " pid:42"),
        (events.ProcessStateStoppingEvent, " pid:42"),
        (events.ProcessStateStoppedEvent, " pid:42"),
        (events.ProcessStateExitedEvent, " expected:1 pid:42"),
        (events.ProcessStateFatalEvent, ""),
        (events.ProcessStateUnknownEvent, ""),
    ],
)
def test_payload_of_states(kind: type[events.ProcessStateEvent], tail: str) -> None:
    event = kind(process(), ProcessStates.STARTING)
    assert event.payload() == f"processname:p groupname:g from_state:STARTING{tail}"


def test_an_unexpected_exit() -> None:
    event = events.ProcessStateExitedEvent(process(), ProcessStates.RUNNING, expected=False)
    assert event.payload() == "processname:p groupname:g from_state:RUNNING expected:0 pid:42"


def test_numbers_are_of_the_moment_and_names_of_the_sending() -> None:
    p = process()
    event = events.ProcessStateRunningEvent(p, ProcessStates.STARTING)
    p.pid = 0
    p.config.name = "renamed"
    assert event.payload() == "processname:renamed groupname:g from_state:STARTING pid:42"


def test_a_process_without_a_group() -> None:
    event = events.ProcessStateFatalEvent(process(group=None), ProcessStates.BACKOFF)
    assert event.payload() == "processname:p groupname: from_state:BACKOFF"


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (events.ProcessLogStdoutEvent, "processname:p groupname:g pid:7 channel:stdout\n"),
        (events.ProcessLogStderrEvent, "processname:p groupname:g pid:7 channel:stderr\n"),
        (events.ProcessCommunicationStdoutEvent, "processname:p groupname:g pid:7\n"),
        (events.ProcessCommunicationStderrEvent, "processname:p groupname:g pid:7\n"),
    ],
)
def test_payload_of_data(kind: Any, head: str) -> None:
    assert kind(process(), 7, "é\n").payload() == head + "é\n"
    assert kind(process(), 7, "é\n".encode()).payload() == head + "é\n"
    assert kind(process(), 7, b"\xff").payload() == head + "Undecodable: b'\\xff'"
    assert kind(process(), 7, b"\xff").payload_bytes() == head.encode() + b"\xff"
    assert kind(process(), 7, "é").payload_bytes() == head.encode() + "é".encode()
    assert kind.channel in ("stdout", "stderr")


@pytest.mark.parametrize(
    ("kind", "data", "payload"),
    [
        ("a", "b", "type:a\nb"),
        ("", "", "type:\n"),
        ("a: b\nc", "\n", "type:a: b\nc\n\n"),
        (5, [1, "a"], "type:5\n[1, 'a']"),
        (None, True, "type:None\nTrue"),
    ],
)
def test_payload_of_remote_communication(kind: object, data: object, payload: str) -> None:
    assert events.RemoteCommunicationEvent(kind, data).payload() == payload


def test_payload_of_the_others() -> None:
    assert events.SupervisorRunningEvent().payload() == ""
    assert events.SupervisorStoppingEvent().payload() == ""
    assert events.Tick5Event(1700000005, None).payload() == "when:1700000005"
    assert events.ProcessGroupAddedEvent("g").payload() == "groupname:g\n"
    assert events.ProcessGroupRemovedEvent("g").payload() == "groupname:g\n"
    assert events.Event().payload_bytes() == b""


def test_bytes_of_text_that_utf8_cannot_carry() -> None:
    assert events.RemoteCommunicationEvent("a", "\ud800").payload_bytes() == b"type:a\n?"


def test_ticks_in_order() -> None:
    assert [kind.period for kind in events.TICK_EVENTS] == [5, 60, 3600]
    assert events.TickEvent(1, None).period is None


def test_tokens() -> None:
    assert events.ProcessCommunicationEvent.BEGIN_TOKEN == b"<!--XSUPERVISOR:BEGIN-->"
    assert events.ProcessCommunicationEvent.END_TOKEN == b"<!--XSUPERVISOR:END-->"


def test_subscribers_are_called_in_order_for_their_type_and_its_subtypes() -> None:
    heard: list[tuple[str, object]] = []
    events.subscribe(events.TickEvent, lambda event: heard.append(("tick", event)))
    events.subscribe(events.Tick60Event, lambda event: heard.append(("60", event)))
    events.subscribe(events.Event, lambda event: heard.append(("all", event)))
    tick, other = events.Tick5Event(1, None), events.SupervisorRunningEvent()
    events.notify(tick)
    events.notify(other)
    assert heard == [("tick", tick), ("all", tick), ("all", other)]


@pytest.mark.parametrize("error", [ValueError("oh"), SystemExit(1), RecursionError(), KeyboardInterrupt()])
def test_a_subscriber_that_raises_keeps_no_other_from_being_told(error: BaseException) -> None:
    heard: list[object] = []
    reported: list[tuple[object, BaseException]] = []

    def fail(event: object) -> None:
        raise error

    events.subscribe(events.Event, fail)
    events.subscribe(events.Event, heard.append)
    events.report_to(lambda event, exc: reported.append((event, exc)))
    event = events.Event()
    try:
        events.notify(event)
    finally:
        events.report_to(None)
    assert heard == [event] and reported == [(event, error)]
    with pytest.raises(type(error)):
        events.notify(event)


def test_unsubscribe_undoes_one_subscription() -> None:
    heard: list[object] = []
    events.subscribe(events.Event, heard.append)
    events.subscribe(events.Event, heard.append)
    events.unsubscribe(events.Event, heard.append)
    events.notify(events.Event())
    assert len(heard) == 1
    events.unsubscribe(events.Event, heard.append)
    with pytest.raises(ValueError):
        events.unsubscribe(events.Event, heard.append)
    events.notify(events.Event())
    assert len(heard) == 1


def test_a_list_changed_by_hand_counts() -> None:
    heard: list[object] = []
    events.notify(events.Event())
    events.callbacks.append((events.Event, heard.append))
    events.notify(events.Event())
    del events.callbacks[:]
    events.notify(events.Event())
    assert len(heard) == 1


def test_subscribing_while_an_event_is_told_is_for_the_next() -> None:
    heard: list[object] = []

    def subscribe_more(event: object) -> None:
        events.subscribe(events.Event, heard.append)

    events.subscribe(events.Event, subscribe_more)
    events.notify(events.Event())
    assert heard == []
    events.notify(events.Event())
    assert len(heard) == 1


def test_wanted_knows_base_types_and_changes() -> None:
    assert not events.wanted(events.Tick5Event)
    events.subscribe(events.TickEvent, print)
    assert events.wanted(events.Tick5Event)
    assert not events.wanted(events.ProcessLogEvent)
    events.clear()
    assert not events.wanted(events.Tick5Event)


def test_changes_of_subscriptions_are_told() -> None:
    changes: list[bool] = []

    def look() -> None:
        changes.append(events.wanted(events.TickEvent))

    events.on_change(look)
    try:
        events.subscribe(events.Tick5Event, print)
        events.subscribe(events.Event, print)
        events.unsubscribe(events.Event, print)
        events.clear()
    finally:
        events.off_change(look)
    events.off_change(look)
    events.subscribe(events.Event, print)
    assert changes == [False, True, False, False]


def test_a_rejection_is_no_event_that_a_listener_could_hear() -> None:
    heard: list[object] = []
    events.subscribe(events.Event, heard.append)
    events.notify(events.EventRejectedEvent(None, None))
    assert heard == []


@pytest.mark.parametrize("data", [b"plain\n", "\u00e9".encode(), b"\xff", b""])
def test_data_that_is_spared_the_way_through_text_comes_out_the_same(data: bytes) -> None:
    event = events.ProcessLogStdoutEvent(process("p\u00e9"), 3, data)
    parts = event.raw_parts()
    assert parts is not None and b"".join(parts) == event.payload_bytes()
    if all(map(bytes.isascii, parts)):
        assert b"".join(parts).decode() == event.payload()
