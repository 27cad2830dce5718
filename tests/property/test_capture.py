"""Capture does not care where reads end, and loses nothing outside of sections."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.dispatchers.capture import BEGIN, END, Found, LastBytes, find_prefix_at_end
from tests.pieces import captured

fragments = st.one_of(st.sampled_from([BEGIN, END, BEGIN[:9], END[5:], b"<", b"<!--", b"-->"]), st.binary(max_size=5))
streams = st.lists(fragments, max_size=20).map(b"".join)


@given(streams, st.lists(st.integers(0, 200), max_size=8))
def test_splits_do_not_matter(data: bytes, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert captured(pieces) == captured([data])


@given(streams)
def test_output_is_what_is_outside(data: bytes) -> None:
    outside, rest = [], data
    while BEGIN in rest:
        before, _, rest = rest.partition(BEGIN)
        outside.append(before)
        _, ended, rest = rest.partition(END)
        if not ended:
            rest = b""
    outside.append(rest)
    assert b"".join(piece for kind, piece in captured([data]) if kind is Found.OUTPUT) == b"".join(outside)


@given(st.lists(st.binary(max_size=30)), st.integers(1, 40))
def test_last_bytes(pieces: list[bytes], maxbytes: int) -> None:
    kept = LastBytes(maxbytes)
    for piece in pieces:
        kept.add(piece)
    assert kept.take() == b"".join(pieces)[-maxbytes:]


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_find_prefix_at_end(haystack: bytes, needle: bytes) -> None:
    lengths = [n for n in range(len(needle)) if haystack.endswith(needle[:n])]
    assert find_prefix_at_end(haystack, needle) == max(lengths, default=0)
