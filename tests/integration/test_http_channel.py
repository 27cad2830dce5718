"""Connections, spoken to in bytes."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor.http import channel as channel_module
from supervisor.http.departed import departed
from supervisor.http.listener import supervisor_af_inet_http_server
from supervisor.http.producers import deferring_globbing_producer
from supervisor.xmlrpc.deferred import NOT_DONE_YET
from tests.http_site import BIG, Client, Site
from tests.http_site import site as make_site

GET = b"GET /a HTTP/1.1\r\n\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield made


def post(body: bytes, *headers: bytes, path: bytes = b"/p") -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Content-Length: %d" % len(body), *headers, b"", body])


def test_an_ordinary_answer_is_one_piece_and_keeps_the_connection(site: Site) -> None:
    client = site.connect()
    for _ in range(3):
        client.send(GET)
        answer = client.read(b"\r\n\r\n/a")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nContent-Length: 2\r\n" in answer and b"Connection:" not in answer
    assert not client.ended
    assert len(site.server.channels) == 1


@pytest.mark.parametrize("version, header, word", [
    ("1.1", "Connection: close", b"\r\nConnection: close\r\n"), ("1.0", "A: b", b"\r\nConnection: close\r\n"),
])
def test_the_last_answer_says_so(site: Site, version: str, header: str, word: bytes) -> None:
    client = site.connect()
    client.get("/a", header, version=version)
    assert word in client.read_all()
    site.until(lambda: not site.server.channels)


def test_requests_on_new_connections_are_carried_out_in_their_order(site: Site) -> None:
    first = site.connect()
    site.turns()        # it is known, and has sent nothing
    first.sock.send(post(b"1"))
    for body in (b"2", b"3"):
        site.connect().sock.send(post(body))
    site.until(lambda: len(site.echo.bodies) == 3)
    assert site.echo.bodies == [b"1", b"2", b"3"]


def test_http_1_0_is_kept_on_request(site: Site) -> None:
    client = site.connect()
    client.get("/a", "Connection: Keep-Alive", version="1.0")
    answer = client.read(b"\r\n\r\n/a")
    assert answer.startswith(b"HTTP/1.0 200 OK") and b"\r\nConnection: Keep-Alive\r\n" in answer
    client.get("/b", version="1.0")
    assert client.read_all().endswith(b"/b")


def test_byte_by_byte(site: Site) -> None:
    client = site.connect()
    for byte in post(b"hello"):
        client.send(bytes([byte]))
        site.turns(1)
    assert client.read(b"\r\n\r\nhello")


def test_a_thousand_requests_in_one_pipeline_are_answered_in_order(site: Site) -> None:
    client = site.connect()
    client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(999)) + b"GET /end HTTP/1.0\r\n\r\n")
    answers = client.read_all().split(b"HTTP/1.")[1:]
    assert [answer.rpartition(b"\r\n\r\n/")[2] for answer in answers] == [*(b"%d" % n for n in range(999)), b"end"]


def test_costly_requests_in_one_pipeline_let_others_in_between(site: Site) -> None:
    class Costly:
        done = 0

        def match(self, request: Any) -> bool:
            return bool(request.uri == "/costly")

        def handle_request(self, request: Any) -> None:
            self.done += 1
            site.clock.ahead += 0.05
            request.reply(200, b"paid", "text/plain")

    costly = Costly()
    site.server.install_handler(costly)
    client, other = site.connect(), site.connect()
    site.turns()
    client.send(b"GET /costly HTTP/1.1\r\n\r\n" * 60)
    other.send(GET)
    other.read(b"/a")
    assert 0 < costly.done < 60
    site.until(lambda: costly.done == 60)
    assert client.read(b"paid").count(b"paid") > 0


def test_a_deferred_answer_holds_back_the_next_ones(site: Site) -> None:
    client, other = site.connect(), site.connect()
    client.send(b"GET /held HTTP/1.1\r\n\r\n" + GET)
    site.until(lambda: site.echo.held)
    other.send(GET)
    other.read(b"/a")
    client.receive()
    assert client.data == b""
    site.echo.held[0].reply(200, b"late", "text/plain")
    assert client.read(b"\r\n\r\n/a").index(b"late") > 0


def test_a_client_that_ends_its_side_still_gets_all_its_answers(site: Site) -> None:
    client = site.connect()
    client.send(GET * 200 + b"GET /held HTTP/1.1\r\n\r\n" + post(b"body"))
    client.sock.shutdown(socket.SHUT_WR)
    site.until(lambda: site.echo.held)
    site.turns(20)
    site.echo.held[0].reply(200, b"late", "text/plain")
    data = client.read_all()
    assert data.count(b"/a") == 200 and data.endswith(b"body") and b"late" in data
    site.until(lambda: not site.server.channels)


def test_half_a_request_and_the_end(site: Site) -> None:
    client = site.connect()
    client.send(post(b"12345")[:-1])
    client.sock.shutdown(socket.SHUT_WR)
    assert client.read_all() == b""
    site.until(lambda: not site.server.channels)


def test_a_client_that_vanishes_while_an_answer_is_owed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "HALF_CLOSED", 0.05)
    client = site.connect()
    client.send(b"GET /held HTTP/1.1\r\n\r\n")
    site.until(lambda: site.echo.held)
    told = []
    site.echo.held[0].on_close(lambda: told.append(True))
    client.sock.close()
    site.until(lambda: told)
    assert site.echo.held[0].closed and not site.server.channels
    site.echo.held[0].reply(200, b"late", "text/plain")
    site.turns()
    assert not [line for line in site.log.lines if line[0] in ("critical", "error")]


def test_a_client_that_resets(site: Site) -> None:
    client = site.connect()
    client.send(GET)
    client.read(b"/a")
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.sock.close()
    site.until(lambda: not site.server.channels)
    assert not [line for line in site.log.lines if line[0] == "critical"]


def test_a_large_answer_reaches_a_slow_reader_whole(site: Site) -> None:
    client = site.connect(window=4096)
    client.send(b"GET /big HTTP/1.1\r\n\r\n" + GET)
    site.turns(50)
    (channel,) = site.server.channels
    assert not channel.idle
    data = client.read(b"\r\n\r\n/a")
    assert data.count(b"x") > BIG


def test_pipelining_without_reading_is_bounded(site: Site) -> None:
    client = site.connect(window=4096)
    request = post(b"y" * 10_000)
    for _ in range(3000):
        try:
            client.sock.send(request)
        except BlockingIOError:
            site.turns(1)
    site.turns(50)
    (channel,) = site.server.channels
    assert channel._outbox.size < 500_000
    assert channel._parser.pending < 500_000


@pytest.mark.parametrize("data, status", [
    (b"hello\r\n\r\n", 400), (b"GET / HTTP/1.1\nA: b\n\n", 400), (b"\x16\x03\x01\x00\x00\x00", 400),
    (b"GET /" + b"a" * 300_000, 414), (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000, 431),
    (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1_000_000, 413),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"FFFFF\r\n" + b"x" * 0xFFFFF + b"\r\nFFFFFF\r\n", 413),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
])
def test_early_refusals_are_read_by_clients_that_are_still_sending(
    site: Site, data: bytes, status: int
) -> None:
    site.server.max_body = 2_000_000
    answer, ended = site.talk(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:100]
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1 and ended


def test_lingering_is_bounded(site: Site) -> None:
    client = site.connect()
    client.send(b"nonsense\r\n")
    client.read_all()
    assert len(site.server.channels) == 1
    site.clock.ahead += 11
    site.until(lambda: not site.server.channels)


@pytest.mark.parametrize("request_, statuses", [
    (b"POST /p HTTP/1.1\r\n\r\n", [b"411"]),
    (b"GET /unmatched HTTP/1.1\r\n\r\n", [b"404"]),
    (b"GET /fails HTTP/1.1\r\n\r\n", [b"500"]),
    (post(b"thrown away", path=b"/unread"), [b"200"]),
    (post(b""), [b"200"]),
    (post(b"GET /smuggled HTTP/1.1\r\n\r\n", path=b"/unread"), [b"200"]),
])
def test_the_connection_stays_usable_after(site: Site, request_: bytes, statuses: list[bytes]) -> None:
    client = site.connect()
    client.send(request_ + b"GET /next HTTP/1.1\r\n\r\n")
    data = client.read(b"\r\n\r\n/next")
    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [*statuses, b"200"]


def test_a_failure_is_logged_and_not_shown(site: Site) -> None:
    client = site.connect()
    client.get("/fails")
    assert b"secret" not in client.read(b"</body>")
    (line,) = [text for level, text in site.log.lines if level == "error"]
    assert line.startswith("127.0.0.1:Server Error: <class 'SystemExit'>, secret reason: file: ")


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["head", "body", "stream"])
def test_whatever_a_handler_raises_is_its_own_end(
        site: Site, monkeypatch: pytest.MonkeyPatch, where: str, error: type[BaseException]) -> None:
    def fails(*_: object) -> None:
        raise error("secret reason")

    client = site.connect()
    if where == "stream":
        client.get("/held")
        site.until(lambda: site.echo.held)
        slow = Slow(b"begun", NOT_DONE_YET)
        site.echo.held[0].push(slow)
        site.echo.held[0].done()
        client.read(b"begun")
        monkeypatch.setattr(slow, "more", fails)
        assert client.read_all() == b""
        assert slow.closed == 1
    else:
        monkeypatch.setattr(site.echo, "handle_request" if where == "head" else "answer", fails)
        client.send(post(b"hello"))
        assert client.read(b"</body>").startswith(b"HTTP/1.1 500 ")
    (line,) = [text for level, text in site.log.lines if level == "error"]
    assert f"Server Error: {error}, secret reason: file: " in line


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_is_told_as_one(site: Site, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, "no more")

    monkeypatch.setattr(site.echo, "answer", fails)
    client = site.connect()
    client.send(post(b"hello"))
    assert client.read(b"</body>").startswith(b"HTTP/1.1 503 ")


def test_head_has_no_body_and_the_same_length(site: Site) -> None:
    client = site.connect()
    client.send(b"HEAD /unmatched HTTP/1.1\r\n\r\nHEAD /abc HTTP/1.1\r\n\r\n" + GET)
    data = client.read(b"\r\n\r\n/a")
    first, second, third = data.split(b"HTTP/1.1 ")[1:]
    assert b"Content-Length: 134\r\n" in first and first.endswith(b"\r\n\r\n")
    assert b"Content-Length: 4\r\n" in second and second.endswith(b"\r\n\r\n")


def test_expect_continue(site: Site) -> None:
    client = site.connect()
    request = post(b"hello", b"Expect: 100-continue")
    client.send(request[:-5])
    assert client.read(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert client.read(b"hello").startswith(b"HTTP/1.1 200 OK")


def test_unfinished_bodies_are_bounded_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.http.channel.MOST_UNFINISHED", 300_000)
    top = b"POST /a HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"

    def begun(size: int, head: bytes = top) -> Client:
        before, client = site.server.unfinished, site.connect()
        client.send(head + b"x" * size)
        site.until(lambda: site.server.unfinished == before + size or client.data or client.receive())
        return client

    first, second = begun(199_999), begun(60_000)
    third = begun(50_000)  # small ones are not refused
    fourth = begun(100_000)
    assert fourth.read_all().startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert site.server.unfinished == 199_999 + 60_000 + 50_000
    first.send(b"x")
    assert first.read(b"x" * 200_000)
    second.sock.close()
    site.until(lambda: site.server.unfinished == 50_000)
    chunked = begun(0, b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n")
    chunked.send(b"y" * 100_000)
    site.until(lambda: site.server.unfinished == 150_000)
    chunked.send(b"\r\n0\r\n\r\n")
    assert chunked.read(b"y" * 100_000)
    third.sock.close()
    site.until(lambda: site.server.unfinished == 0)


def test_chunked_request_bodies(site: Site) -> None:
    client = site.connect()
    client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + GET)
    client.read(b"\r\n\r\n/a")
    assert site.echo.bodies == [b"hello"]


def test_a_silent_half_request_gets_408_and_a_silent_connection_nothing(site: Site) -> None:
    half, body, silent = site.connect(), site.connect(), site.connect()
    half.send(b"GET / HT")
    body.send(post(b"hello")[:-1])
    site.turns()
    site.clock.ahead += channel_module.PATIENCE - 1
    site.turns()
    half.receive()
    assert half.data == b""
    site.clock.ahead += 2
    for client in (half, body):
        assert client.read_all().startswith(b"HTTP/1.1 408 Request Time-out\r\n")
    site.clock.ahead += 100_000
    silent.send(GET)
    assert silent.read(b"/a")


def test_a_reader_that_never_reads_is_let_go(site: Site) -> None:
    client = site.connect(window=4096)
    client.send(b"GET /big HTTP/1.1\r\n\r\n")
    site.turns(50)
    assert site.server.channels
    site.clock.ahead += channel_module.STALLED + 1
    site.until(lambda: not site.server.channels)


class Slow:
    """A producer of the old kind: it has to be asked again."""

    delay = 0.01

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)
        self.closed = 0

    def more(self) -> Any:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.closed += 1


def test_producers_are_polled_and_framed(site: Site) -> None:
    client = site.connect()
    client.send(b"GET /held HTTP/1.1\r\n\r\n" + GET)
    site.until(lambda: site.echo.held)
    request, slow = site.echo.held[0], Slow(b"one", NOT_DONE_YET, "two", NOT_DONE_YET, b"three")
    request["Content-Type"] = "text/plain"
    request.push("zero")
    request.push(slow)
    request.done()
    data = client.read(b"\r\n\r\n/a")
    assert b"\r\nTransfer-Encoding: chunked\r\n" in data
    assert b"\r\n\r\n4\r\nzero\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200" in data
    assert slow.closed == 1


@pytest.mark.parametrize("header", ["Connection: close", "A: b"])
def test_streams_end_by_closing_where_chunks_are_not_understood(site: Site, header: str) -> None:
    client = site.connect()
    client.get("/held", header, version="1.1" if header != "A: b" else "1.0")
    site.until(lambda: site.echo.held)
    site.echo.held[0].push(deferring_globbing_producer(Slow(b"one", NOT_DONE_YET, b"two")))
    site.echo.held[0].done()
    data = client.read_all()
    assert data.endswith(b"\r\n\r\nonetwo") and b"\r\nConnection: close\r\n" in data and b"chunked" not in data


def test_bytes_that_are_pushed_get_a_length(site: Site) -> None:
    client = site.connect()
    client.get("/held")
    site.until(lambda: site.echo.held)
    site.echo.held[0].push("é")
    site.echo.held[0].push(b"!")
    site.echo.held[0].done()
    assert b"\r\nContent-Length: 3\r\n" in client.read(b"!")


def test_nothing_is_made_for_a_client_that_stopped_reading(site: Site) -> None:
    class Endless:
        made = 0
        closed = False

        def more(self) -> bytes:
            self.made += 65536
            return b"x" * 65536

        def close(self) -> None:
            self.closed = True

    client = site.connect(window=4096)
    client.get("/held")
    site.until(lambda: site.echo.held)
    endless = Endless()
    site.echo.held[0].push(endless)
    site.echo.held[0].done()
    site.turns(100)
    (channel,) = site.server.channels
    made = endless.made
    assert channel._outbox.size < 300_000
    site.turns(20)
    assert endless.made == made
    client.sock.close()
    site.until(lambda: endless.closed)


def test_access_lines(site: Site) -> None:
    client = site.connect()
    client.get("/an-error")
    answer = client.read(b"/an-error")
    (line,) = [text for level, text in site.log.lines if level == "trace" and '"GET' in text]
    host, port = client.sock.getsockname()
    assert line.startswith(f"{host}:{port} - - [")
    assert line.endswith(f'+0000] "GET /an-error HTTP/1.1" 200 {len(answer)}')


def test_closing_the_server_closes_its_connections(site: Site) -> None:
    client = site.connect()
    client.send(GET)
    client.read(b"/a")
    site.server.close()
    assert client.read_all() == b""


def test_the_standard_client(site: Site) -> None:
    answers: list[Any] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(site.server.port), timeout=10)
        for body in (b"one", b"x" * 1_000_000, iter([b"chunk", b"ed"])):
            connection.request("POST", "/p", body)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    site.until(lambda: not thread.is_alive())
    thread.join()
    assert answers == [(200, b"one"), (200, b"x" * 1_000_000), (200, b"chunked")]


def test_short_of_descriptors(site: Site) -> None:
    """Idle connections make room, oldest first; one whose answer is owed stays."""
    owed = site.connect()
    owed.send(b"GET /held HTTP/1.1\r\n\r\n")
    site.until(lambda: site.echo.held)
    idle = [site.connect() for _ in range(3)]
    for client in idle:
        client.send(GET)
        client.read(b"/a")
    late = site.connect()
    late.send(GET)
    accept, tries = site.server.accept, []

    def short() -> Any:
        tries.append(1)
        if len(tries) <= 2:
            raise OSError(24, os.strerror(24))
        return accept()

    site.server.accept = short
    late.read(b"/a")
    assert idle[0].read_all() == b"" and idle[1].read_all() == b""
    idle[2].receive()
    assert not idle[2].ended
    site.echo.held[0].reply(200, b"late", "text/plain")
    assert owed.read(b"late")


def test_without_any_descriptor_accepting_rests(site: Site) -> None:
    waiting = site.connect()
    accept, tries = site.server.accept, []

    def short() -> Any:
        tries.append(1)
        raise OSError(24, os.strerror(24))

    site.server.accept = short
    site.turns(50)
    assert len(tries) == 1
    site.server.accept = accept
    site.clock.ahead += 1
    waiting.send(GET)
    assert waiting.read(b"/a")


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="the kernel lists no connections")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_on_this_machine_that_waits_is_told_from_one_that_left(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "HALF_CLOSED", 0.02)
    with make_site(lambda loop, log: supervisor_af_inet_http_server(host, 0, loop, log)) as site:
        waiting, leaving = site.connect(), site.connect()
        for client in (waiting, leaving):
            client.send(b"GET /held HTTP/1.1\r\n\r\n")
            client.sock.shutdown(socket.SHUT_WR)
        site.until(lambda: len(site.echo.held) == 2)
        looks = []
        monkeypatch.setattr(channel_module, "departed", lambda sock: looks.append(sock) or departed(sock))
        site.until(lambda: len(looks) >= 4)
        assert len(site.server.channels) == 2
        leaving.sock.close()
        site.until(lambda: len(site.server.channels) == 1)
        stayed = [request for request in site.echo.held if not request.closed]
        stayed[0].reply(200, b"late", "text/plain")
        assert waiting.read_all().endswith(b"late")


def test_departed_on_a_local_socket() -> None:
    ours, theirs = socket.socketpair()
    assert departed(ours) is False
    theirs.shutdown(socket.SHUT_WR)
    assert departed(ours) is False
    theirs.close()
    assert departed(ours) is True
    ours.close()
