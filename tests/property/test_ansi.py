"""It does not matter where reads end, and text without escape bytes is never touched."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.dispatchers.ansi import AnsiStripper

fragments = st.sampled_from(
    [b"\x1b", b"[", b"]", b"31", b"m", b";", b"\\", b"\x07", b"\n", b"P", b"(", b"B", b"text", b" ", b"\xc3\xa9", b"?"]
)
streams = st.lists(st.one_of(fragments, st.binary(max_size=4)), max_size=40).map(b"".join)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(streams, st.lists(st.integers(0, 100), max_size=8))
def test_splits_do_not_matter(data: bytes, cuts: list[int]) -> None:
    stripper = AnsiStripper()
    assert b"".join(map(stripper.feed, pieces(data, cuts))) == AnsiStripper().feed(data)


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\x1b", b"")), max_size=8))
def test_text_and_whole_sequences(texts: list[bytes]) -> None:
    assert AnsiStripper().feed(b"\x1b[1;31m".join(texts)) == b"".join(texts)
