"""Whatever bytes come, and however they are cut: the same requests, or the same refusal."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from supervisor.http.parser import HttpError, RequestParser
from tests.pieces import requests

GOOD = [
    b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n",
    b"POST /RPC2 HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    b"\r\n",
]
LIMIT = 2000


def outcome(pieces: list[bytes]) -> tuple[list[tuple[str, bytes]], int | None]:
    parser, found = RequestParser(LIMIT, LIMIT), []

    def one_by_one() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            assert parser.pending <= LIMIT + 5000

    try:
        for head, body in requests(parser, one_by_one()):
            found.append((head.line, body))
    except HttpError as error:
        return found, error.status
    return found, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]


streams = st.lists(st.sampled_from(GOOD), min_size=1, max_size=4).map(b"".join)
places = st.lists(st.integers(0, 10_000), max_size=6)


@given(streams, places)
def test_cuts_do_not_matter(stream: bytes, where: list[int]) -> None:
    assert outcome(cut(stream, where)) == outcome([stream])


@given(streams, places, st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 4))
def test_mutations_are_requests_or_refusals(
    stream: bytes, where: list[int], at: int, put: bytes, drop: int
) -> None:
    at %= len(stream) + 1
    mutated = stream[:at] + put + stream[at + drop:]
    whole, status = outcome([mutated])
    in_pieces, early = outcome(cut(mutated, where))
    assert status in (None, 400, 413, 414, 431)
    # A refusal may come earlier when less is known at a time, never after more requests.
    assert in_pieces == whole
    assert (early is None) == (status is None)


@given(st.binary(max_size=300), places)
def test_any_bytes(data: bytes, where: list[int]) -> None:
    whole, status = outcome([data])
    in_pieces, early = outcome(cut(data, where))
    assert in_pieces == whole
    assert (early is None) == (status is None)
