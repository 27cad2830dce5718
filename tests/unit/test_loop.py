from __future__ import annotations

import os

import pytest

from supervisor.engine import loop as loop_module
from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.poller import Poller
from tests.fakes import FakeLog, fake_loop, pipe_pair


def test_nothing_to_do_means_no_timeout() -> None:
    loop, poller, _, _ = fake_loop()
    loop.turn()
    loop.turn(longest=1.0)
    assert poller.waits == [None, 1.0]


def test_sleeps_until_exactly_the_next_deadline() -> None:
    loop, poller, clock, _ = fake_loop()
    seen: list[str] = []
    start = clock.now()
    loop.call_later(5, seen.append, "late")
    loop.call_at(start + 2, seen.append, "early")
    loop.turn()
    assert (seen, clock.now()) == (["early"], start + 2)
    loop.turn(longest=1)
    assert (seen, clock.now()) == (["early"], start + 3)
    loop.turn()
    assert seen == ["early", "late"]
    assert poller.waits == [2, 1, 2]


def test_a_wall_clock_that_jumps_changes_no_deadline() -> None:
    loop, poller, clock, _ = fake_loop()
    loop.call_later(5, lambda: None)
    clock.set_wall(0)
    loop.turn()
    assert poller.waits == [5]


def test_timers_due_together_run_in_the_order_they_were_armed() -> None:
    loop, _, clock, _ = fake_loop()
    seen: list[int] = []
    when = clock.now() + 1
    for number in range(5):
        loop.call_at(when, seen.append, number)
    loop.turn()
    assert seen == [0, 1, 2, 3, 4]


def test_cancelled_timers_neither_run_nor_wake() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[str] = []
    timer = loop.call_later(1, seen.append, "no")
    timer.cancel()
    timer.cancel()
    loop.turn()
    assert (poller.waits, seen) == ([None], [])


def test_a_timer_may_cancel_another_that_is_due_in_the_same_turn() -> None:
    loop, _, clock, _ = fake_loop()
    seen: list[str] = []
    when = clock.now() + 1
    loop.call_at(when, lambda: other.cancel())
    other = loop.call_at(when, seen.append, "no")
    loop.turn()
    assert seen == []


def test_many_cancelled_timers_are_swept_out() -> None:
    loop, _, _, _ = fake_loop()
    seen: list[str] = []
    timers = [loop.call_later(1000, seen.append, "no") for _ in range(500)]
    loop.call_later(1, seen.append, "yes")
    for timer in timers:
        timer.cancel()
    assert len(loop._timers) < 100
    loop.turn()
    assert seen == ["yes"]


def test_a_timer_that_arms_itself_without_delay_does_not_hold_the_turn() -> None:
    loop, _, _, _ = fake_loop()
    seen: list[int] = []

    def again() -> None:
        seen.append(1)
        loop.call_later(0, again)

    loop.call_later(0, again)
    loop.turn()
    assert seen == [1]
    loop.turn()
    assert seen == [1, 1]


def test_timers_leave_the_turn_when_their_share_is_spent() -> None:
    loop, poller, clock, _ = fake_loop()
    seen: list[int] = []

    def costly(number: int) -> None:
        seen.append(number)
        clock.advance(loop_module.TIMER_SHARE * 2)

    timers = [loop.call_later(1, costly, number) for number in range(3)]
    loop.turn()
    assert seen == [0]
    timers[1].cancel()
    loop.turn()
    assert seen == [0, 2]
    assert poller.waits == [1, 0]


def test_lower_descriptors_are_read_first() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[int] = []
    for fd in (7, 5, 6):
        loop.add_reader(fd, lambda fd=fd: seen.append(fd))
    poller.ready_to_read = [6, 7, 5]
    loop.turn()
    assert seen == [5, 6, 7]


def test_soon_runs_before_the_loop_sleeps() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[str] = []
    loop.call_later(1, loop.call_soon, seen.append, "after the timer")
    loop.turn()
    assert seen == ["after the timer"]
    loop.call_soon(loop.call_soon, seen.append, "next turn, at once")
    loop.turn()
    loop.turn()
    assert seen[1:] == ["next turn, at once"]
    assert poller.waits == [1, 0, 0]


def test_background_work_has_a_bounded_share_and_keeps_its_order() -> None:
    loop, poller, clock, _ = fake_loop()
    seen: list[int] = []

    def work(number: int) -> None:
        seen.append(number)
        clock.advance(loop_module.BACKGROUND_SHARE / 2)

    for number in range(5):
        loop.call_background(work, number)
    loop.turn()
    assert seen == [0, 1]
    loop.turn()
    loop.turn()
    loop.turn()
    assert seen == [0, 1, 2, 3, 4]
    assert poller.waits == [0, 0, 0, None]


def test_background_work_may_ask_for_soon_in_the_same_turn() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[str] = []
    loop.call_background(loop.call_soon, seen.append, "done")
    loop.turn()
    assert seen == ["done"]


def test_descriptors_are_called_until_removed() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[str] = []
    loop.add_reader(7, lambda: seen.append("r"))
    loop.add_writer(7, lambda: seen.append("w"))
    poller.ready_to_read, poller.ready_to_write = [7], [7]
    loop.turn()
    assert seen == ["r", "w"]
    loop.remove_reader(7)
    loop.remove_reader(7)
    loop.remove_writer(7)
    loop.remove_writer(8)
    assert not poller.readables and not poller.writables


def test_an_event_for_a_descriptor_removed_in_the_same_turn_is_skipped() -> None:
    loop, poller, _, _ = fake_loop()
    seen: list[str] = []

    def close_the_other() -> None:
        loop.remove_reader(8)
        loop.add_reader(8, lambda: seen.append("the newcomer has no event yet"))

    loop.add_reader(7, close_the_other)
    loop.add_reader(8, lambda: seen.append("gone"))
    poller.ready_to_read = [7, 8]
    loop.turn()
    assert seen == []


class Owner:
    def __init__(self) -> None:
        self.closed = 0

    def __repr__(self) -> str:
        return "<Owner>"

    def close(self) -> None:
        self.closed += 1


def boom() -> None:
    raise ValueError("too bad")


def test_a_failing_callback_closes_its_owner_and_spares_the_others() -> None:
    loop, poller, _, log = fake_loop()
    seen: list[str] = []
    owner = Owner()
    loop.add_reader(7, boom, owner)
    loop.add_reader(8, lambda: seen.append("fine"))
    poller.ready_to_read = [7, 8]
    loop.turn()
    assert (owner.closed, seen) == (1, ["fine"])
    level, text = log.lines[0]
    assert level == "critical"
    assert text.startswith(
        "uncaptured python exception, closing channel <Owner> (<class 'ValueError'>:too bad ["
    )
    assert text.endswith("])") and "test_loop.py|boom|" in text
    assert "\n" not in text


def test_a_failing_callback_without_owner_loses_its_registration() -> None:
    loop, poller, _, log = fake_loop()
    loop.add_writer(7, boom)
    poller.ready_to_write = [7]
    loop.turn()
    assert 7 not in poller.writables
    assert len(log.lines) == 1


def test_an_owner_that_fails_to_close_is_told_about_too() -> None:
    loop, poller, _, log = fake_loop()

    class Stubborn(Owner):
        def close(self) -> None:
            raise KeyError("stuck")

    loop.add_reader(7, boom, Stubborn())
    poller.ready_to_read = [7]
    loop.turn()
    assert len(log.lines) == 2


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("ask", ["call_soon", "call_background"])
def test_failures_of_other_work_are_told_and_survived(ask: str, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error("too bad")

    loop, _, _, log = fake_loop()
    seen: list[str] = []
    getattr(loop, ask)(fail)
    getattr(loop, ask)(seen.append, "next")
    loop.turn()
    assert seen == ["next"]
    assert len(log.lines) == 1


def test_single_events_are_told_at_the_lowest_level_only() -> None:
    loop, poller, _, log = fake_loop()
    loop.add_reader(7, lambda: None, Owner())
    poller.ready_to_read = [7]
    loop.turn()
    assert log.lines == []
    log.level = 3
    poller.ready_to_read = [7]
    loop.turn()
    assert log.lines == [("blather", "read event caused by <Owner>")]


def test_with_real_descriptors() -> None:
    loop = Loop(Poller(), Clock(), FakeLog())
    reader, writer = pipe_pair()
    got: list[bytes] = []
    loop.add_reader(reader, lambda: got.append(os.read(reader, 10)))
    try:
        loop.turn(0)
        assert got == []
        os.write(writer, b"x")
        loop.turn()
        assert got == [b"x"]
        loop.call_later(0.002, os.write, writer, b"y")
        loop.turn()
        loop.turn()
        assert got == [b"x", b"y"]
    finally:
        loop.poller.close()
        os.close(reader)
        os.close(writer)


def test_without_memory_for_words_the_loop_goes_on() -> None:
    loop, _, _, log = fake_loop()

    def no_words(msg: str) -> None:
        raise MemoryError

    log.critical = no_words  # type: ignore[assignment,method-assign]
    seen: list[int] = []
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(seen.append, 1)
    loop.turn()
    assert seen == [1]
