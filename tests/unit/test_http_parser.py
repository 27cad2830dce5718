"""Requests out of bytes: whole, cut anywhere, and in every way malformed."""

from __future__ import annotations

import pytest

from supervisor.http.parser import HttpError, RequestParser, parse_head
from tests.pieces import requests

POST = b"POST /RPC2?a=%41 HTTP/1.1\r\nHost: h:9\r\nX-A:   b \r\nx-b:\r\n\tcont\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0A;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)
NEXT = b"GET /next HTTP/1.1\r\n\r\n"


def everything(pieces: list[bytes]) -> list[tuple[str, bytes]]:
    """(request line, body) of each request that is complete."""
    return [(head.line, body) for head, body in requests(RequestParser(), pieces)]


def test_a_request_with_all_its_parts() -> None:
    head = parse_head(POST.partition(b"\r\n\r\n")[0])
    assert (head.command, head.version, head.line) == ("POST", "1.1", "POST /RPC2?a=%41 HTTP/1.1")
    assert head.lines == ["Host: h:9", "X-A:   b ", "x-b:\tcont", "Content-Length: 5"]
    assert (head.get("host"), head.get("x-a"), head.get("x-b"), head.get("none")) == ("h:9", "b", "cont", None)
    assert (head.length, head.chunked, head.keep) == (5, False, True)


@pytest.mark.parametrize("stream, expected", [
    (POST + NEXT, [("POST /RPC2?a=%41 HTTP/1.1", b"hello"), ("GET /next HTTP/1.1", b"")]),
    (CHUNKED + NEXT, [("POST /x HTTP/1.1", b"abc0123456789"), ("GET /next HTTP/1.1", b"")]),
    (b"\r\n\n\r\n" + NEXT + b"\r\n" + NEXT, [("GET /next HTTP/1.1", b"")] * 2),
])
def test_the_same_wherever_it_is_cut(stream: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert everything([stream]) == expected
    for cut in range(len(stream) + 1):
        assert everything([stream[:cut], stream[cut:]]) == expected, cut
    assert everything([stream[at:at + 1] for at in range(len(stream))]) == expected


@pytest.mark.parametrize("target, uri, split", [
    ("/", "/", ("/", None, None, None)),
    ("/a%20b/%C3%A9", "/a b/é", ("/a b/é", None, None, None)),
    ("/a;p?q=%41#f", "/a;p?q=%41#f", ("/a", ";p", "?q=%41", "#f")),
    ("/a%3Bb%3Fc%23d%2Fe;p?q=%3B", "/a;b?c#d/e;p?q=%3B", ("/a;b?c#d/e", ";p", "?q=%3B", None)),
    ("/%zz%2", "/%zz%2", ("/%zz%2", None, None, None)),
    ("/%ff", "/\ufffd", ("/\ufffd", None, None, None)),
    ("*", "*", ("*", None, None, None)),
])
def test_targets(target: str, uri: str, split: tuple[str | None, ...]) -> None:
    head = parse_head(f"GET {target} HTTP/1.1".encode())
    assert (head.uri, head.split) == (uri, split)


@pytest.mark.parametrize("version, connection, keep", [
    ("1.1", None, True), ("1.1", "close", False), ("1.1", "Keep-Alive, Close", False), ("1.1", "upgrade", True),
    ("1.0", None, False), ("1.0", "keep-alive", True), ("0.9", "keep-alive", False), ("2.0", None, True),
])
def test_who_keeps_the_connection(version: str, connection: str | None, keep: bool) -> None:
    lines = [f"GET / HTTP/{version}", *([] if connection is None else [f"Connection: {connection}"])]
    assert parse_head("\r\n".join(lines).encode()).keep is keep


@pytest.mark.parametrize("head", [
    b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET / http/1.1", b"GET / HTTP/11",
    b"GET / HTTP/1.x", b"GET", b"", b"G(T / HTTP/1.1", b"GET / HTTP/1.1\r\n cont: 1", b"GET / HTTP/1.1\r\nno colon",
    b"GET / HTTP/1.1\r\nA : b", b"GET / HTTP/1.1\r\n: b", b"GET / HTTP/1.1\r\nA: b\nC: d", b"GET / HTTP/1.1\r\nA: b\rC",
    b"GET / HTTP/1.1\r\nA: b\r",
    b"GET / HTTP/1.1\r\nA: \0", b"GET / HTTP/1.1\r\nA: \x7f", b"GET /\xff HTTP/1.1", b"GET / HTTP/1.1\r\nA: \xe9",
    b"GET /\t/ HTTP/1.1\r\nA\t: x",
])
def test_malformed_heads(head: bytes) -> None:
    with pytest.raises(HttpError) as info:
        parse_head(head)
    assert info.value.status == 400


@pytest.mark.parametrize("fields", [
    "Content-Length: -1", "Content-Length:", "Content-Length: +1", "Content-Length: 0x10", "Content-Length: 1_0",
    "Content-Length: 1.0", "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1, 1", "Content-Length: 1 1",
    "Content-Length: 9223372036854775808", "Content-Length: \u0661", "Content-Length: 1\r\n 0",
    "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 0",
    "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding:", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "content-length: x",
])
def test_lengths_are_never_guessed(fields: str) -> None:
    with pytest.raises(HttpError) as info:
        parse_head(f"POST / HTTP/1.1\r\n{fields}".encode())
    assert info.value.status == 400


@pytest.mark.parametrize("fields, length", [
    ("Content-Length: 0", 0), ("Content-Length: 007", 7), ("Content-Length:\t5\t", 5), ("A: b", None),
    ("Content-Length: 5\r\nContent-Length: 5", 5),
])
def test_lengths_that_are_clear(fields: str, length: int | None) -> None:
    assert parse_head(f"POST / HTTP/1.1\r\n{fields}".encode()).length == length


@pytest.mark.parametrize("beginning, status", [
    (b"\x16\x03\x01\x02\x00", 400), (b"GET / HTTP/1.1\n", 400), (b"hello world\r\n", 400), (b"js", None),
    (b"js on", None), (b"{x", 400), (b"GET / HTTP/1.1\r\nA: b\n", 400), (b"GET / HTTP/1.1\r\nA\0", 400),
    (b"GET /" + b"a" * 300, 414), (b"GET / HTTP/1.1\r\nA: " + b"a" * 300, 431),
    (b"GET /" + b"a" * 250 + b" HTTP/1.1\r\n" + b"a" * 100, 414), (b"GET / HTT", None),
    (b"GET / HTTP/1.1\r\nA: b\r", None), (b"\r\n\r", None),
])
def test_what_cannot_become_a_head_is_refused_at_once(beginning: bytes, status: int | None) -> None:
    parser = RequestParser(max_header=256)
    parser.feed(beginning)
    if status is None:
        assert parser.head() is None
    else:
        with pytest.raises(HttpError) as info:
            parser.head()
        assert info.value.status == status


def test_a_complete_head_may_be_too_long_too() -> None:
    parser = RequestParser(max_header=256)
    parser.feed(b"GET / HTTP/1.1\r\nA: " + b"a" * 300 + b"\r\n\r\n")
    with pytest.raises(HttpError) as info:
        parser.head()
    assert info.value.status == 431


@pytest.mark.parametrize("body, status", [
    (b"5\r\nhello0\r\n\r\n", 400), (b"-1\r\n", 400), (b"0x3\r\nabc\r\n", 400), (b"\r\n", 400), (b"3 4\r\n", 400),
    (b"G\r\n", 400), (b"1" * 5000, 400), (b"1" * 16 + b"\r\n", 400), (b"65\r\n", 413), (b"5\r\nhelloX", 400),
    (b"0\r\n" + b"t: x\r\n" * 4000, 431),
])
def test_chunks_that_are_none(body: bytes, status: int) -> None:
    parser = RequestParser(max_body=100)
    parser.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert parser.head() is not None
    with pytest.raises(HttpError) as info:
        parser.body()
    assert info.value.status == status


def test_a_body_over_its_limit_is_refused_before_it_comes() -> None:
    parser = RequestParser(max_body=100)
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n")
    assert parser.head() is not None
    with pytest.raises(HttpError) as info:
        parser.body()
    assert info.value.status == 413


def test_a_handler_may_set_a_limit_of_its_own() -> None:
    parser = RequestParser(max_body=100)
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n")
    assert parser.head() is not None
    with pytest.raises(HttpError) as info:
        parser.body(limit=10)
    assert info.value.status == 413


def test_a_body_that_is_skipped_is_not_kept() -> None:
    parser = RequestParser()
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234")
    assert parser.head() is not None
    assert not parser.skip_body()
    assert (parser.pending, parser.midway) == (0, True)
    parser.feed(b"56789" + NEXT)
    assert parser.skip_body()
    head = parser.head()
    assert head is not None and head.target == "/next"
    assert not parser.midway


def test_a_large_head_byte_by_byte_takes_no_ages() -> None:
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"v" * 180) for n in range(500)) + b"\r\n"
    parser = RequestParser()
    found = []
    for at in range(len(head)):
        parser.feed(head[at:at + 1])
        found.append(parser.head())
    assert found[-1] is not None and len(found[-1].lines) == 500
    assert found[:-1] == [None] * (len(head) - 1)
