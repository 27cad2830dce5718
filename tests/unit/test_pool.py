"""Event listener pools: buffer, dispatch, giving back, trouble."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.process import pool as pools
from supervisor.process.pool import EventListenerPool, new_serial
from supervisor.process.world import World
from supervisor.states import EventListenerStates, ProcessStates, SupervisorStates
from tests.fakes import FakeSystem, fake_loop


class FakeListener:
    """A listener that keeps what it is sent."""

    def __init__(self, config: Any, group: Any = None) -> None:
        self.config = config
        self.group = group
        self.state = ProcessStates.RUNNING
        self.listener_state = EventListenerStates.READY
        self.event: Any = None
        self.sent: list[bytes] = []
        self.error: OSError | None = None
        self.stops = self.spawns = 0

    def write(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(data)

    def stop(self) -> None:
        self.stops += 1

    def spawn(self) -> None:
        self.spawns += 1

    def wants_spawn(self) -> bool:
        return False

    def transition(self) -> None:
        pass

    def retire(self) -> None:
        pass

    def answer(self, accept: bool = True) -> None:
        """What the dispatcher does when an answer came, and READY after it."""
        event, self.event = self.event, None
        if accept:
            self.group.processed(self)
        else:
            events.notify(events.EventRejectedEvent(self, event))
        self.listener_state = EventListenerStates.READY
        self.group.listener_ready(self)

    def change(self, state: int, kind: type[events.ProcessStateEvent]) -> None:
        old, self.state = self.state, state
        events.notify(kind(self, old))  # type: ignore[arg-type]

    pid = 1
    backoff = 0


class Scene:
    def __init__(self) -> None:
        self.loop, self.poller, self.clock, self.log = fake_loop()
        self.settings = SimpleNamespace(identifier="sid", mood=SupervisorStates.RUNNING, loglevel=10)
        self.world = World(
            loop=self.loop, system=FakeSystem(), clock=self.clock, log=self.log, settings=self.settings
        )

    def pool(self, name: str = "l", kinds: Any = (events.RemoteCommunicationEvent,), size: int = 10,
             processes: int = 1, **more: Any) -> Any:
        members = [self.member(name if processes == 1 else f"{name}{number}") for number in range(processes)]
        config = SimpleNamespace(name=name, priority=-1, process_configs=members, pool_events=list(kinds),
                                 buffer_size=size, result_handler=None,
                                 **{"event_len": "characters", "restart_unknown": False,
                                    "buffer_maxbytes": 1 << 20, **more})
        return EventListenerPool(config, self.world)

    def member(self, name: str) -> Any:
        config = SimpleNamespace(name=name, priority=999)
        config.make_process = lambda group=None: FakeListener(config, group)
        return config

    def turn(self, longest: float = 0) -> None:
        self.loop.turn(longest)

    def send(self, *texts: str) -> None:
        for text in texts:
            events.notify(events.RemoteCommunicationEvent("t", text))


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    events.clear()
    monkeypatch.setattr(pools.GlobalSerial, "serial", -1)
    yield Scene()
    events.clear()


def payloads(listener: Any) -> list[str]:
    return [data.decode().partition("\n")[2].removeprefix("type:t\n") for data in listener.sent]


def heads(listener: Any) -> list[dict[str, str]]:
    return [dict(token.split(":", 1) for token in data.decode().partition("\n")[0].split()) for data in listener.sent]


def only(pool: Any) -> Any:
    [listener] = pool.processes.values()
    return listener


def test_envelope(scene: Scene) -> None:
    listener = only(scene.pool())
    scene.send("é")
    scene.turn()
    assert listener.sent == [
        b"ver:3.0 server:sid serial:0 pool:l poolserial:0 eventname:REMOTE_COMMUNICATION len:8\n" + "type:t\né".encode()
    ]
    assert listener.listener_state == EventListenerStates.BUSY
    assert listener.event.serial == 0
    assert "event 0 sent to listener l" in scene.log.texts


def test_length_in_bytes_and_data_as_it_is(scene: Scene) -> None:
    listener = only(scene.pool(event_len="bytes", kinds=[events.ProcessLogEvent]))
    events.notify(events.ProcessLogStdoutEvent(listener, 7, b"\xff\n"))
    scene.turn()
    head, _, payload = listener.sent[0].partition(b"\n")
    assert payload == b"processname:l groupname:l pid:7 channel:stdout\n\xff\n"
    assert head.endswith(b"len:%d" % len(payload))


def test_one_event_at_a_time_oldest_first(scene: Scene) -> None:
    listener = only(scene.pool())
    scene.send("a", "b", "c")
    scene.turn()
    assert payloads(listener) == ["a"]
    listener.answer()
    listener.answer()
    assert payloads(listener) == ["a", "b", "c"]
    assert [head["poolserial"] for head in heads(listener)] == ["0", "1", "2"]


def test_the_first_ready_process_in_the_order_of_the_file_gets_it(scene: Scene) -> None:
    first, second, third = scene.pool(processes=3).processes.values()
    first.listener_state = EventListenerStates.ACKNOWLEDGED
    second.state = ProcessStates.STARTING
    scene.send("a")
    scene.turn()
    assert [payloads(one) for one in (first, second, third)] == [[], [], ["a"]]


def test_nothing_is_sent_before_running(scene: Scene) -> None:
    listener = only(scene.pool())
    listener.state = ProcessStates.STARTING
    scene.send("a")
    scene.turn()
    assert listener.sent == []
    listener.change(ProcessStates.RUNNING, events.ProcessStateRunningEvent)
    scene.turn()
    assert payloads(listener) == ["a"]


def test_transition_dispatches(scene: Scene) -> None:
    pool = scene.pool()
    listener = only(pool)
    listener.listener_state = EventListenerStates.ACKNOWLEDGED
    scene.send("a")
    scene.turn()
    listener.listener_state = EventListenerStates.READY
    pool.transition()
    assert payloads(listener) == ["a"]


def test_serials(scene: Scene) -> None:
    one, two = only(scene.pool("one")), only(scene.pool("two", [events.Event]))
    events.notify(events.SupervisorRunningEvent())
    scene.turn()
    two.answer()
    scene.send("a")
    scene.turn()
    assert [(head["serial"], head["poolserial"]) for head in heads(one)] == [("1", "0")]
    assert [(head["serial"], head["poolserial"]) for head in heads(two)] == [("0", "0"), ("1", "1")]
    assert payloads(one)[0] == payloads(two)[1]


def test_serials_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SimpleNamespace(serial=-1)
    assert [new_serial(row), new_serial(row)] == [0, 1]
    monkeypatch.setattr("sys.maxsize", 2)
    assert [new_serial(row), new_serial(row)] == [2, 0]


def test_a_type_and_its_supertype_bring_an_event_once(scene: Scene) -> None:
    listener = only(scene.pool(kinds=[events.Tick5Event, events.TickEvent, events.TickEvent, events.Tick60Event]))
    events.notify(events.Tick5Event(5, None))
    scene.turn()
    listener.answer()
    assert len(listener.sent) == 1


def test_overflow_drops_the_oldest_and_counts(scene: Scene) -> None:
    pool = scene.pool(size=2)
    listener = only(pool)
    listener.listener_state = EventListenerStates.ACKNOWLEDGED
    scene.send("a", "b", "c", "d", "e", "f")
    said = [text for text in scene.log.texts if "overflowed" in text]
    assert said == ["pool l event buffer overflowed, discarding event 0"]
    scene.turn()
    scene.turn(2)
    assert [text for text in scene.log.texts if "overflowed" in text] == [
        "pool l event buffer overflowed, discarding event 0",
        "pool l event buffer overflowed, discarding event 3 (3 events since the last message)",
    ]
    scene.turn(2)
    scene.send("g")
    assert scene.log.texts[-1] == "pool l event buffer overflowed, discarding event 4"
    listener.listener_state = EventListenerStates.READY
    pool.dispatch()
    listener.answer()
    assert payloads(listener) == ["f", "g"]


def test_large_events_overflow_by_the_memory_they_take(scene: Scene) -> None:
    """Each counts once, whoever else has it; the oldest go, as many as it takes, and small ones find room."""
    pool, other = scene.pool(buffer_maxbytes=10_000), scene.pool("other", buffer_maxbytes=1_000_000)
    for one in (pool, other):
        only(one).listener_state = EventListenerStates.ACKNOWLEDGED
    scene.send("a" * 3000, "b" * 3000, "c" * 3000)
    assert [len(one.event_buffer) for one in (pool, other)] == [3, 3]
    scene.send("d")
    assert not [text for text in scene.log.texts if "overflowed" in text]
    scene.send("e" * 6000)
    scene.turn()
    scene.turn(2)
    assert [text for text in scene.log.texts if "overflowed" in text] == [
        "pool l event buffer overflowed, discarding event 0",
        "pool l event buffer overflowed, discarding event 1",
    ]
    assert 9000 < pool.event_buffer.size <= 10_000
    only(pool).listener_state = EventListenerStates.READY
    pool.dispatch()
    for _ in range(3):
        only(pool).answer()
    assert payloads(only(pool)) == ["c" * 3000, "d", "e" * 6000]
    assert (pool.event_buffer.size, len(other.event_buffer)) == (0, 5)


def test_an_event_above_all_bounds_waits_alone(scene: Scene) -> None:
    pool = scene.pool(buffer_maxbytes=1000)
    listener = only(pool)
    scene.send("a", "b", "c" * 2000)
    assert len(pool.event_buffer) == 1
    assert "pool l event buffer overflowed, discarding event 1" in scene.log.texts
    listener.answer(accept=False)
    listener.answer()
    assert payloads(listener) == ["a", "a"] and pool.event_buffer.size == 0


def test_what_is_carried_is_text_and_bytes_of_any_event(scene: Scene) -> None:
    pool = scene.pool(kinds=[events.Event])
    only(pool).listener_state = EventListenerStates.ACKNOWLEDGED
    sizes = [0]
    for event in (events.ProcessLogStdoutEvent(only(pool), 7, b"x" * 1000),
                  events.ProcessCommunicationStdoutEvent(only(pool), 7, "é" * 1000),
                  events.RemoteCommunicationEvent("t" * 1000, "\u20ac" * 1000), events.Tick5Event(5, None)):
        events.notify(event)
        sizes.append(pool.event_buffer.size)
    grown = [after - before for before, after in zip(sizes, sizes[1:], strict=False)]
    assert [size // 1000 for size in grown] == [1, 1, 3, 0]


def test_a_large_event_does_not_keep_what_was_made_of_it(scene: Scene) -> None:
    one, two = scene.pool("one"), scene.pool("two")
    only(two).listener_state = EventListenerStates.ACKNOWLEDGED
    scene.send("x" * 100_000, "small")
    scene.turn()
    only(one).answer()
    only(one).answer()
    large, small = two.event_buffer[0], two.event_buffer[1]
    assert (len(large.rendered), len(small.rendered)) == (0, 1)
    only(two).listener_state = EventListenerStates.READY
    two.dispatch()
    only(two).answer()
    assert payloads(only(one)) == payloads(only(two)) == ["x" * 100_000, "small"]


def test_a_full_buffer_is_sent_from_before_something_is_dropped(scene: Scene) -> None:
    listener = only(scene.pool(size=1))
    scene.send("a", "b")
    listener.answer()
    assert payloads(listener) == ["a", "b"]
    assert not [text for text in scene.log.texts if "overflowed" in text]


def test_a_rejected_event_comes_again_first_and_keeps_its_numbers(scene: Scene) -> None:
    listener = only(scene.pool())
    scene.send("a", "b")
    scene.turn()
    listener.answer(accept=False)
    assert "rebuffering event 0 for pool l (buf size=1, max=10)" in scene.log.texts
    assert payloads(listener) == ["a", "a"]
    assert listener.sent[0] == listener.sent[1]
    listener.answer()
    assert payloads(listener) == ["a", "a", "b"]


def test_rebuffering_into_a_full_buffer_drops_the_oldest_buffered(scene: Scene) -> None:
    listener = only(scene.pool(size=2))
    scene.send("a")
    scene.turn()
    scene.send("b", "c")
    listener.answer(accept=False)
    listener.answer()
    assert payloads(listener) == ["a", "a", "c"]
    said = [text for text in scene.log.texts if "pool l" in text]
    assert said == ["rebuffering event 0 for pool l (buf size=2, max=2)",
                    "pool l event buffer overflowed, discarding event 1",
                    "rebuffering event 2 for pool l (buf size=0, max=2)"]


def test_what_a_dispatch_leaves_is_told(scene: Scene) -> None:
    listener = only(scene.pool())
    scene.send("a", "b", "c")
    scene.turn()
    assert payloads(listener) == ["a"]
    assert scene.log.texts[-2:] == ["event 0 sent to listener l",
                                    "rebuffering event 1 for pool l (buf size=1, max=10)"]
    listener.answer()
    assert scene.log.texts[-2:] == ["event 1 sent to listener l",
                                    "rebuffering event 2 for pool l (buf size=0, max=10)"]


def test_a_rejected_event_stays_in_its_pool(scene: Scene) -> None:
    one, other = only(scene.pool("one")), only(scene.pool("other"))
    scene.send("a")
    scene.turn()
    other.answer()
    one.answer(accept=False)
    scene.turn()
    assert payloads(one) == ["a", "a"]
    assert payloads(other) == ["a"]


def test_a_listener_that_fails_on_every_event_is_given_pauses(scene: Scene) -> None:
    listener = only(scene.pool())
    scene.send("a")
    scene.turn()
    waits = []
    for _ in range(10):
        before, sent = scene.clock.now(), len(listener.sent)
        listener.answer(accept=False)
        while len(listener.sent) == sent:
            scene.turn(100)
        waits.append(round(scene.clock.now() - before, 3))
    assert waits == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
    listener.answer()
    scene.send("b")
    scene.turn()
    assert payloads(listener)[-1] == "b"


def test_others_go_on_while_one_is_given_a_pause(scene: Scene) -> None:
    bad, good = scene.pool(processes=2).processes.values()
    scene.send("a")
    scene.turn()
    bad.answer(accept=False)
    bad.answer(accept=False)
    scene.turn()
    assert payloads(good) == ["a"]
    scene.send("b")
    scene.turn()
    good.answer()
    assert payloads(good) == ["a", "b"]


def test_epipe_leaves_the_listener_and_tries_the_next(scene: Scene) -> None:
    first, second = scene.pool(processes=2).processes.values()
    first.error = OSError(errno.EPIPE, "gone")
    scene.send("a")
    scene.turn()
    assert payloads(second) == ["a"]
    assert first.listener_state == EventListenerStates.READY
    assert "epipe occurred while sending event 0 to listener l0, listener state unchanged" in scene.log.texts


def test_what_nobody_takes_stays_first(scene: Scene) -> None:
    listener = only(scene.pool())
    listener.error = OSError(errno.EPIPE, "gone")
    scene.send("a", "b")
    scene.turn()
    listener.error = None
    scene.send("c")
    scene.turn()
    assert payloads(listener) == ["a"]


def test_a_listener_that_does_not_read_is_tried_again_later(scene: Scene) -> None:
    listener = only(scene.pool())
    listener.error = OSError(errno.ENOBUFS, "full")
    scene.send("a")
    scene.turn()
    scene.turn(1)
    listener.error = None
    while not listener.sent:
        scene.turn(100)
    assert payloads(listener) == ["a"]
    assert scene.clock.now() - 1000 < 1


def test_a_payload_that_raises_is_dropped_with_one_line(scene: Scene) -> None:
    class Broken(events.RemoteCommunicationEvent):
        def payload(self) -> str:
            raise ValueError("no text")

    listener = only(scene.pool())
    events.notify(Broken("t", ""))
    scene.send("a")
    scene.turn()
    assert payloads(listener) == ["a"]
    assert [line for line in scene.log.lines if line[0] == "error"] == [
        ("error", "pool l cannot send event 0, discarding it: ValueError('no text')")
    ]


def test_an_unnamed_type_goes_by_its_base(scene: Scene) -> None:
    class Mine(events.RemoteCommunicationEvent):
        pass

    listener = only(scene.pool())
    events.notify(Mine("t", "a"))
    scene.turn()
    assert heads(listener)[0]["eventname"] == "REMOTE_COMMUNICATION"


def test_removal_ends_all(scene: Scene) -> None:
    pool = scene.pool(size=1)
    listener = only(pool)
    listener.listener_state = EventListenerStates.BUSY
    scene.send("a", "b")
    pool.before_remove()
    assert events.callbacks == []
    listener.listener_state = EventListenerStates.READY
    pool.dispatch()
    scene.send("c")
    scene.turn()
    scene.turn(100)
    assert listener.sent == []
    assert scene.poller.waits[-1] == 100  # no timer is left


def test_unknown_stays_unless_the_section_wants_a_restart(scene: Scene) -> None:
    patient, strict = scene.pool("patient"), scene.pool("strict", restart_unknown=True)
    for pool in (patient, strict):
        pool.listener_unknown(only(pool))
        scene.turn()
    assert only(patient).stops == 0
    listener = only(strict)
    assert listener.stops == 1
    listener.change(ProcessStates.STOPPING, events.ProcessStateStoppingEvent)
    listener.change(ProcessStates.STOPPED, events.ProcessStateStoppedEvent)
    scene.turn()
    assert listener.spawns == 1
    # the next stop is an administrator's
    listener.change(ProcessStates.STOPPED, events.ProcessStateStoppedEvent)
    scene.turn()
    assert listener.spawns == 1


def test_no_restart_while_shutting_down(scene: Scene) -> None:
    pool = scene.pool(restart_unknown=True)
    pool.listener_unknown(only(pool))
    scene.turn()
    scene.settings.mood = SupervisorStates.SHUTDOWN
    only(pool).change(ProcessStates.STOPPED, events.ProcessStateStoppedEvent)
    scene.turn()
    assert only(pool).spawns == 0


def test_the_work_of_listeners(scene: Scene) -> None:
    pool = scene.pool(processes=2)
    scene.send("a", "b", "c")
    assert pool.work_left() == 0
    scene.turn()
    first, second = pool.processes.values()
    assert pool.work_left() == 3
    first.answer()
    assert pool.work_left() == 2
    second.event = first.event = None
    assert pool.work_left() == 0
