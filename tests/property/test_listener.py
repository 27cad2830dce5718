"""The listener protocol under any input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.dispatchers.listener import LONGEST_HEADER, Happening, ListenerTalk, Result
from supervisor.states import EventListenerStates as States

pieces = st.lists(
    st.one_of(
        st.sampled_from([b"READY\n", b"RESULT 2\n", b"OK", b"RESULT 0\n", b"RESULT -3\n", b"RESULT ", b"\n", b"5"]),
        st.binary(max_size=8),
    ),
    max_size=12,
).map(b"".join)


def converse(chunks: list[bytes]) -> tuple[list[Happening], int]:
    """Feed, giving an event whenever the listener is ready at the end of a chunk that brought all there was."""
    talk = ListenerTalk(longest_result=100)
    happenings: list[Happening] = []
    for chunk in chunks:
        happenings += talk.feed(chunk)
    return happenings, talk.state


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(pieces, st.lists(st.integers(0, 1000), max_size=6))
def test_where_reads_end_does_not_matter(data: bytes, places: list[int]) -> None:
    talk, again = ListenerTalk(longest_result=100), ListenerTalk(longest_result=100)
    for one in (talk, again):
        one.feed(b"READY\n")
        one.busy()
    whole = talk.feed(data)
    parts = [happening for chunk in cut(data, places) for happening in again.feed(chunk)]
    # What a violation quotes depends on what had arrived; that it is one, and all before it, does not.
    assert [type(happening) for happening in parts] == [type(happening) for happening in whole]
    assert [h for h in parts if isinstance(h, Result)] == [h for h in whole if isinstance(h, Result)]
    assert talk.state == again.state


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_any_input_ends_in_a_state_and_a_bounded_buffer(chunks: list[bytes]) -> None:
    happenings, state = converse(chunks)
    assert state in (States.ACKNOWLEDGED, States.READY, States.UNKNOWN)
    assert len(happenings) <= 2
    assert all(len(happening.data) <= LONGEST_HEADER for happening in happenings)


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_a_result_is_exactly_what_was_announced(result: bytes, more: bytes) -> None:
    talk = ListenerTalk(longest_result=100)
    talk.feed(b"READY\n")
    talk.busy()
    happenings = talk.feed(b"RESULT %d\n%b" % (len(result), result) + more)
    assert happenings[0] == Result(result)
