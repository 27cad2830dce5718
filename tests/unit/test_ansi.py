"""Control sequences: what is removed, and what is not."""

import pytest

from supervisor.dispatchers.ansi import AnsiStripper, stripEscapes


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1b[m",
        b"\x1b[31m",
        b"\x1b[1;31;42m",
        b"\x1b[38:2:1:2:3m",
        b"\x1b[2K",
        b"\x1b[10G",
        b"\x1b[6n",
        b"\x1b[?25l",
        b"\x1b[1 q",
        b"\x1b[!p",
        b"\x1b]0;a title\x07",
        b"\x1b]0;\xc3\xa9t\xc3\xa9\x1b\\",
        b"\x1bPq#0;2;0;0;0\x1b\\",
        b"\x1b_G\x1b\\",
        b"\x1b(B",
        b"\x1b#8",
        b"\x1b7",
        b"\x1b8",
        b"\x1b=",
        b"\x1bM",
        b"\x1bc",
    ],
)
def test_sequences_are_removed_at_every_split(sequence: bytes) -> None:
    data = b"before" + sequence + b"after\n"
    for cut in range(len(data) + 1):
        stripper = AnsiStripper()
        assert stripper.feed(data[:cut]) + stripper.feed(data[cut:]) == b"beforeafter\n"


@pytest.mark.parametrize(
    "text",
    [
        b"no escapes\n",
        b"\xc3\xa9\x9b31m\n",  # 0x9b is a part of characters
        b"\x1bhello\n",  # begins no sequence
        b"\x1b\x1b\n",
        b"\x1b[12\nab",  # a line feed is in no sequence
        b"\x1b]0;never ended\nnext line\n",
        b"\x1b]" + b"x" * 5000,
        b"\x1b[" + b"1" * 5000 + b"m",
        b"[31m",
    ],
)
def test_nothing_else_is_removed(text: bytes) -> None:
    assert AnsiStripper().feed(text) == text


def test_what_begins_a_sequence_waits() -> None:
    stripper = AnsiStripper()
    assert stripper.feed(b"text\x1b[3") == b"text"
    assert stripper.feed(b"1") == b""
    assert stripper.feed(b"mred\x1b") == b"red"
    assert stripper.feed(b"]0;title\x1b") == b""
    assert stripper.feed(b"\\end") == b"end"


def test_a_string_that_never_ends_does_not_grow() -> None:
    stripper = AnsiStripper()
    data = b"\x1b]" + b"x" * 20000
    out = b"".join(stripper.feed(data[at : at + 7]) for at in range(0, len(data), 7))
    assert out == data


def test_one_piece() -> None:
    assert stripEscapes(b"a\x1b[31mb\x1b[1") == b"ab"
    assert stripEscapes(b"") == b""
    assert stripEscapes(b"\x1b") == b""
