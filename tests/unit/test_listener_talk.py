"""What a listener's bytes mean."""

from __future__ import annotations

import pytest

from supervisor.dispatchers.listener import (
    LONGEST_HEADER,
    BadResult,
    Happening,
    ListenerTalk,
    Ready,
    RejectEvent,
    Result,
    Spurious,
    default_handler,
)
from supervisor.states import EventListenerStates as States


def busy(**kw: int) -> ListenerTalk:
    talk = ListenerTalk(**kw)
    assert talk.feed(b"READY\n") == [Ready()]
    talk.busy()
    return talk


def test_begins_acknowledged_so_that_a_restart_cures_unknown() -> None:
    assert ListenerTalk().state == States.ACKNOWLEDGED


def test_ready_may_arrive_in_pieces_and_early_results_are_a_violation() -> None:
    talk = ListenerTalk()
    assert talk.feed(b"REA") == []
    assert talk.state == States.ACKNOWLEDGED
    assert talk.feed(b"DY\nRESULT 2\n") == [Ready(), Spurious(b"RESULT 2\n")]
    assert talk.state == States.UNKNOWN


def test_fewer_than_six_bytes_are_waited_for_even_when_they_are_wrong() -> None:
    talk = ListenerTalk()
    assert talk.feed(b"READX") == []
    assert talk.feed(b"\n") == [Spurious(b"READX\n")]


def test_ready_twice_is_a_violation() -> None:
    talk = ListenerTalk()
    assert talk.feed(b"READY\nREADY\n") == [Ready(), Spurious(b"READY\n")]
    assert talk.state == States.UNKNOWN


def test_ready_means_ready_until_a_byte_comes() -> None:
    talk = ListenerTalk()
    talk.feed(b"READY\n")
    assert talk.feed(b"") == []
    assert talk.state == States.READY


def test_result_and_ready_in_one_piece() -> None:
    talk = busy()
    assert talk.feed(b"RESULT 2\nOKREADY\n") == [Result(b"OK"), Ready()]
    assert talk.state == States.READY


def test_a_line_feed_after_the_result_is_not_ready() -> None:
    talk = busy()
    assert talk.feed(b"RESULT 2\nOK\n") == [Result(b"OK")]
    assert talk.state == States.ACKNOWLEDGED
    assert talk.feed(b"READY\n") == [Spurious(b"\nREADY\n")]


def test_an_empty_result_counts_at_once() -> None:
    talk = busy()
    assert talk.feed(b"RESULT 0\n") == [Result(b"")]
    assert talk.state == States.ACKNOWLEDGED


def test_a_result_holds_any_bytes() -> None:
    data = bytes(range(256))
    assert busy().feed(b"RESULT 256\n" + data) == [Result(data)]


@pytest.mark.parametrize("line", [b"RESULT 2\r", b"RESULT  2", b"RESULT 2 ", b"RESULT 0002"])
def test_lengths_that_are_understood(line: bytes) -> None:
    assert busy().feed(line + b"\nOK") == [Result(b"OK")]


@pytest.mark.parametrize(
    "line",
    [
        b"XXXXXXX2",
        b"result 2",
        b"RESULT",
        b"RESULT ",
        b"RESULT x",
        b"RESULT -1",
        b"RESULT 1.0",
        b"RESULT 0x2",
        b"RESULT \xb2",
        b"RESULT 2 2",
        b"RESULT 1048577",
        b"RESULT " + b"9" * 4000,
        b"\x00\x00\x00",
        b"",
    ],
)
def test_lines_that_are_no_header(line: bytes) -> None:
    talk = busy()
    assert talk.feed(line + b"\nOK") == [BadResult(line)]
    assert talk.state == States.UNKNOWN


def test_a_header_has_a_limit_with_or_without_its_line_feed() -> None:
    for data in (b"RESULT 2" + b" " * LONGEST_HEADER, b"RESULT 2" + b" " * (LONGEST_HEADER - 8) + b"\nOK"):
        assert busy().feed(data) == [BadResult(data[:LONGEST_HEADER])]
    longest = b"RESULT 2" + b" " * (LONGEST_HEADER - 9) + b"\n"
    assert busy().feed(longest + b"OK") == [Result(b"OK")]


def test_a_result_has_a_limit_that_can_be_set() -> None:
    assert busy(longest_result=3).feed(b"RESULT 4\n") == [BadResult(b"RESULT 4")]
    assert busy(longest_result=3).feed(b"RESULT 3\nabc") == [Result(b"abc")]


def test_nothing_counts_in_unknown() -> None:
    talk = ListenerTalk()
    talk.violated()
    assert talk.feed(b"READY\n" * 1000) == []
    assert talk.state == States.UNKNOWN


def test_a_violation_drops_what_was_collected() -> None:
    talk = busy()
    talk.feed(b"RESULT 10\nabc")
    talk.violated()
    talk.state = States.ACKNOWLEDGED
    assert talk.feed(b"READY\n") == [Ready()]


def test_the_default_handler_accepts_only_ok() -> None:
    default_handler(object(), b"OK")
    for response in (b"FAIL", b"", b"OK\n", b"ok"):
        with pytest.raises(RejectEvent):
            default_handler(object(), response)


def test_happenings_compare_by_kind_and_data() -> None:
    assert Ready() == Ready() and Result(b"a") != Spurious(b"a") and Result(b"a") != Result(b"b")
    assert len({Ready(), Ready(), Happening()}) == 2
    assert repr(Result(b"OK")) == "Result(b'OK')" and repr(Ready()) == "Ready()"
