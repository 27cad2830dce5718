"""The capture tokens: found wherever they are split, everything else is output."""

import pytest

from supervisor.dispatchers.capture import BEGIN, END, Capture, Found, LastBytes, find_prefix_at_end


def spoken(pieces: list[bytes]) -> list[tuple[Found, bytes]]:
    """What is found, neighbours of one kind joined."""
    capture = Capture()
    found: list[tuple[Found, bytes]] = []
    pieces_found: list[tuple[Found, bytes]] = []
    for piece in pieces:
        idle = capture.is_idle(bytearray(piece) + BEGIN, len(piece))  # what follows in the memory does not count
        fed = capture.feed(piece)
        assert idle == (fed == [(Found.OUTPUT, piece)]) or not piece
        pieces_found += fed
    rest = capture.finish()
    if rest:
        pieces_found.append((Found.OUTPUT, rest))
    for kind, data in pieces_found:
        if found and found[-1][0] is kind and kind is not Found.END:
            found[-1] = (kind, found[-1][1] + data)
        else:
            found.append((kind, data))
    return found


STORY = b"a" + BEGIN + b"one" + END + b"b" + BEGIN + END + b"<!--X" + END + b"c" + BEGIN + b"<!--X" + BEGIN + END + b"<"
TOLD = [
    (Found.OUTPUT, b"a"),
    (Found.CAPTURED, b"one"),
    (Found.END, b""),
    (Found.OUTPUT, b"b"),
    (Found.END, b""),
    (Found.OUTPUT, b"<!--X" + END + b"c"),
    (Found.CAPTURED, b"<!--X" + BEGIN),
    (Found.END, b""),
    (Found.OUTPUT, b"<"),
]


def test_one_piece() -> None:
    assert spoken([STORY]) == TOLD


@pytest.mark.parametrize("cut", range(len(STORY)))
def test_two_pieces(cut: int) -> None:
    assert spoken([STORY[:cut], STORY[cut:]]) == TOLD


def test_bytes_one_by_one() -> None:
    assert spoken([bytes([byte]) for byte in STORY]) == TOLD


def test_only_a_possible_token_waits() -> None:
    capture = Capture()
    assert capture.feed(b"some output\n") == [(Found.OUTPUT, b"some output\n")]
    assert capture.feed(b"x<!--XSUPER") == [(Found.OUTPUT, b"x")]
    assert capture.feed(b"FLUOUS") == [(Found.OUTPUT, b"<!--XSUPERFLUOUS")]


def test_a_token_cut_by_the_end_is_output_outside_and_nobodys_inside() -> None:
    capture = Capture()
    capture.feed(b"x" + BEGIN[:-1])
    assert capture.finish() == BEGIN[:-1]
    capture = Capture()
    capture.feed(BEGIN + b"x" + END[:-1])
    assert capture.finish() == b""


def test_last_bytes() -> None:
    kept = LastBytes(5)
    kept.add(b"abc")
    kept.add(b"defg")
    assert kept.take() == b"cdefg"
    assert kept.take() == b""
    kept.add(b"0123456789")
    assert kept.take() == b"56789"


@pytest.mark.parametrize(
    ("haystack", "needle", "length"),
    [
        (b"abc<!-", b"<!--X", 3),
        (b"", b"abc", 0),
        (b"abc", b"abc", 0),
        (b"aab", b"abab", 2),
        (b"x", b"", 0),
        (b"aa", b"aaa", 2),
    ],
)
def test_find_prefix_at_end(haystack: bytes, needle: bytes, length: int) -> None:
    assert find_prefix_at_end(haystack, needle) == length
