"""Every protocol cut at every point, with every byte changed, and fed with junk: by itself and in a running daemon.

FUZZ_RUNS is the number of random inputs for each reader; SEED makes the requests to the daemon the same again.
"""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor import http_client
from supervisor.config.reader import SyntaxProblem, decode, merged, read_sections
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.dispatchers.ansi import AnsiStripper
from supervisor.dispatchers.capture import BEGIN, END
from supervisor.dispatchers.listener import ListenerTalk
from supervisor.http.parser import Head, HttpError, RequestParser
from supervisor.process.commands import split_command
from supervisor.process.errors import BadCommand
from supervisor.xmlrpc import codec, lean, wire
from tests.harness import DEADLINE, Daemon, eventually
from tests.pieces import captured
from tests.sturdy.measure import MEGABYTE, fds, memory
from tests.sturdy.raw import Raw, call, get, post

RUNS = int(os.environ.get("FUZZ_RUNS", "300"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)

Pieces = list[bytes]


# --- the readers


def requests(pieces: Pieces) -> Any:
    parser, found = RequestParser(2000, 2000), []
    head: Head | None = None
    try:
        for piece in pieces:
            parser.feed(piece)
            while (head := head or parser.head()) is not None:
                body = parser.body()
                if body is None:
                    break
                found.append((head.line, head.get("host"), body))
                head = None
            assert parser.pending <= 8000
    except HttpError as error:
        assert error.status in (400, 413, 414, 431)
        return found, True
    return found, False


def xml_calls(pieces: Pieces) -> Any:
    try:
        return repr(codec.loads_call(b"".join(pieces)))
    except codec.CodecError:
        return "refused"


def xml_answers(pieces: Pieces) -> Any:
    try:
        return repr(lean.loads_response(b"".join(pieces)))
    except lean.Fault as fault:
        return "fault", repr(fault)
    except ValueError:
        return "refused"


class FakeConnection:
    """Gives the pieces one by one, then the end."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def sendall(self, data: bytes) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


def http_answers(pieces: Pieces) -> Any:
    """As supervisorctl's calls read them."""
    try:
        answer = wire._Answer(FakeConnection(pieces), "u")  # type: ignore[arg-type]
        return answer.status, answer.body()
    except (wire.ProtocolError, OSError) as exc:
        return type(exc) is not None


class Heard(http_client.Listener):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def status(self, url: str, status: int) -> None:
        self.heard.append(status)

    def error(self, url: str, error: object) -> None:
        self.heard.append("error")

    def feed(self, url: str, data: bytes) -> None:
        if self.heard and isinstance(self.heard[-1], bytes):
            self.heard[-1] += data
        else:
            self.heard.append(data)

    def done(self, url: str) -> None:
        self.heard.append("done")


def streams(pieces: Pieces) -> Any:
    """As supervisorctl tail -f reads them."""
    heard = Heard()
    handler = http_client.HTTPHandler(heard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_client, "_connect", lambda url: (FakeConnection(pieces), "h"))
        handler.get("http://x")
    return heard.heard


def listeners(pieces: Pieces) -> Any:
    talk = ListenerTalk(longest_result=100)
    happenings = talk.feed(b"READY\n")
    talk.busy()
    for piece in pieces:
        happenings += talk.feed(piece)
    assert all(len(happening.data) <= 4096 for happening in happenings)
    return [type(happening) for happening in happenings], talk.state


def colours(pieces: Pieces) -> Any:
    stripper = AnsiStripper()
    return b"".join(map(stripper.feed, pieces))


def configurations(pieces: Pieces) -> Any:
    try:
        return repr(merged(read_sections(decode(b"".join(pieces)), "F"), lambda name: True))
    except (SyntaxProblem, UnicodeError) as exc:
        return type(exc)


def words(pieces: Pieces) -> Any:
    text = b"".join(pieces).decode("utf-8", "surrogateescape")
    found: list[Any] = []
    try:
        found.append(split_command(text))
    except BadCommand as exc:
        found.append(str(exc))
    try:
        found.append(dict_of_key_value_pairs(text))
    except ValueError as exc:
        found.append(str(exc))
    return found


class Protocol(NamedTuple):
    read: Callable[[Pieces], Any]
    samples: list[bytes]
    tokens: list[bytes]


ANSWER = codec.dumps_response([1, "é <&>", True, {"a": [None or "", 0.5]}, "x\x1b"])
PROTOCOLS = {
    "requests": Protocol(requests, [
        b"\r\nGET /a%20b;c?d=e#f HTTP/1.1\r\nHost: x\r\nFolded: a\r\n b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\nHost: y\r\nContent-Length: 5\r\n\r\nabcdePOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n"
        b"GET /next HTTP/1.1\r\n\r\n",
    ], [b"GET ", b" HTTP/1.1\r\n", b"\r\n\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked", b"%00", b"\r",
        b"\n"]),
    "xml calls": Protocol(xml_calls, [
        lean.dumps_call("supervisor.a", ["é<&>", 1, True, {"a": [0.5]}, [[]]]),
        lean.dumps_call("system.multicall", [[{"methodName": "a.b", "params": [1, "x"]}]]),
    ], [b"<value>", b"</value>", b"<!DOCTYPE", b"<![CDATA[", b"]]>", b"&#0;", b"&#x110000;", b"<nil/>", b"<!--"]),
    "xml answers": Protocol(xml_answers, [ANSWER, codec.dumps_fault(10, "BAD_NAME: é")],
                            [b"<value>", b"<int>", b"&amp;", b"&", b"</array>", b"<fault>"]),
    "http answers": Protocol(http_answers, [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n",
        b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\nno",
    ], [b"HTTP/1.1 ", b"Content-Length: -", b"\r\n\r\n", b"chunked", b"-5\r\n", b"ffffffffffffffff\r\n"]),
    "streams": Protocol(streams, [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
    ], [b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n", b"-1\r\n", b"+5\r\n", b"0x5\r\n", b"1_0\r\n"]),
    "listeners": Protocol(listeners, [b"RESULT 2\nOKREADY\n", b"RESULT 4\nFAIL", b"RESULT 0\nREADY\nREADY\n"],
                          [b"READY\n", b"RESULT ", b"RESULT -1\n", b"RESULT 99999999999999999999\n", b"\n"]),
    "captures": Protocol(captured, [b"a" + BEGIN + b"<b>" + END + b"c" + END + BEGIN + b"d",
                                    BEGIN[:-1] + BEGIN + END[1:]],
                         [BEGIN, END, BEGIN[:5], END[7:], b"<"]),
    "colours": Protocol(colours, [b"a\x1b[1;31mb\x1b]0;title\x07c\x1b]8;;u\x1b\\d\x1b(Be\x1bMf\x1b[?25lg\x9bh\n\xc3",
                                  b"\x1b\x1b[\x1b]\x1b"],
                        [b"\x1b", b"\x1b[", b"\x1b]", b"\x07", b"\x1b\\", b";", b"m", b"\n"]),
    "configurations": Protocol(configurations, [
        b"[supervisord]\nlogfile = /x ; y\n[program:a]\ncommand=/bin/cat\n  --more\n\tk\n"
        b"environment=A=\"b\",C=%(here)s\n",
        "\ufeff[a]\r\né=ü\r\n; c\r\n\r\n[b]\r\nk:v".encode(),
    ], [b"[", b"]", b"=", b"\n ", b";", b"%(", b"\xff", b"\0", b"\r", b"\xef\xbb\xbf"]),
    "words": Protocol(words, [b"/bin/sh -c 'a b' \"c \\\" d\" e\\ f %(x)s", b"A=\"b,c\",D='e',F=g\n,H=\"\""],
                      [b"'", b'"', b"\\", b",", b"=", b" ", b"\n", b"\0", b"#"]),
}
names = pytest.mark.parametrize("name", PROTOCOLS)


@names
def test_cut_at_every_point(name: str) -> None:
    """In two at every point, and in single bytes: it means the same."""
    protocol = PROTOCOLS[name]
    for sample in protocol.samples:
        whole = protocol.read([sample])
        assert protocol.read([bytes([byte]) for byte in sample]) == whole
        for at in range(len(sample) + 1):
            assert protocol.read([sample[:at], sample[at:]]) == whole, at


def damaged(sample: bytes) -> Iterator[bytes]:
    for at in range(len(sample)):
        before, byte, after = sample[:at], sample[at], sample[at + 1:]
        yield before
        yield before + after
        for other in (b"\0", b"\xff", b"\n", b"\r", b" ", b"<", b"-", b"9", bytes([byte ^ 32]), bytes([byte] * 2)):
            yield before + other + after


@names
def test_every_byte_changed(name: str) -> None:
    """Dropped, doubled, replaced, cut off behind: read or refused, and the same however it comes."""
    protocol = PROTOCOLS[name]
    for sample in protocol.samples:
        for number, data in enumerate(damaged(sample)):
            whole = protocol.read([data])
            half = number % (len(data) + 1)
            in_pieces = protocol.read([data[:half], data[half:]])
            if name != "streams" or "error" not in whole:
                assert in_pieces == whole, data


@names
def test_junk(name: str) -> None:
    """FUZZ_RUNS inputs made of what the protocol is made of, and of anything."""
    protocol = PROTOCOLS[name]
    pieces = st.one_of(st.sampled_from([*protocol.tokens, *protocol.samples]), st.binary(max_size=12))
    runs = 0

    @settings(max_examples=RUNS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(pieces, max_size=12))
    def feed(data: Pieces) -> None:
        nonlocal runs
        runs += 1
        apart, whole = protocol.read(data), protocol.read([b"".join(data)])
        if name != "streams" or "error" not in whole:
            assert apart == whole

    feed()
    assert runs >= RUNS


# --- a running daemon


SAMPLES = [
    post(call("supervisor.getPID")), post(call("supervisor.getProcessInfo", "on")),
    post(call("supervisor.tailProcessStdoutLog", "on", 0, 100)),
    post(call("system.multicall", [{"methodName": "supervisor.getState", "params": []}])),
    post(call("supervisor.readLog", 0, 10), "Transfer-Encoding: chunked", length=False)[:-1],
    get("/", "Host: localhost"), get("/tail.html?processname=on&limit=2000"), get("/stylesheets/supervisor.css"),
    get("/logtail/on/stdout"), get("/mainlogtail", "Connection: close"), get("/ok.html", "Authorization: Basic eDp5"),
    post(b"processname=on&action=refresh&token=x", path="/index.html"),
]


def mutated(random_: random.Random) -> bytes:
    data = bytearray(random_.choice(SAMPLES))
    for _ in range(random_.choice((1, 1, 1, 2, 5, 20))):
        at = random_.randrange(len(data)) if data else 0
        kind = random_.randrange(7)
        if kind == 0:
            del data[at:at + random_.choice((1, 2, 10, 1000))]
        elif kind == 1:
            data[at:at] = random_.randbytes(random_.choice((1, 4, 100)))
        elif kind == 2:
            data[at:at + 1] = random_.choice((b"\r\n", b"\n", b"\0", b" ", b":", b"%", b"<", b"&", b"\xff", b"9" * 30))
        elif kind == 3:
            data[at:at] = data[at:at + random_.choice((5, 50, 500))]
        elif kind == 4:
            data += random_.choice(SAMPLES)
        elif kind == 5:
            sign = random_.choice((b"-", b"1", b"0x", b"+"))
            data = bytearray(data.replace(b"Content-Length: ", b"Content-Length: " + sign))
        elif data:
            data[at] ^= 1 << random_.randrange(8)
    return bytes(data)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_thousands_of_mutated_requests(daemon: Daemon) -> None:
    """Each gets an answer that blames nobody else, or a close; the daemon is as it was."""
    print(f"SEED={SEED}")
    random_ = random.Random(SEED)
    daemon.start(inet="", probe=None, on={"startsecs": 0, "stdout_logfile": "@dir@/on.log"})
    daemon.child("on").tell("out", "some text\n")
    on = daemon.info("on")["pid"]
    level, room = fds(daemon.pid), memory(daemon.pid)
    for number in range(max(2000, RUNS)):
        data = mutated(random_)
        with Raw(daemon.socket if number % 2 else daemon.port) as client:
            client.send(data)
            # A stream would go on for ever.
            following = b"logtail" in data
            if following:
                client.sock.settimeout(0.01)
            else:
                try:
                    client.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    continue
            try:
                answer = client._file.read(200) if following else client._file.read()
            except (TimeoutError, ConnectionResetError):
                continue
        if answer:
            assert answer.startswith(b"HTTP/"), (data, answer)
            assert b"HTTP/1.1 5" not in answer and not answer.split(b" ", 2)[1].startswith(b"5"), (data, answer)
    with Raw(daemon.socket) as client:
        client.sock.settimeout(DEADLINE)
        assert client.ask(post(call("supervisor.getPID"))).value == daemon.pid
    assert daemon.info("on")["pid"] == on
    eventually(lambda: fds(daemon.pid) <= level + 3, "descriptors that come back")
    assert memory(daemon.pid) - room < 20 * MEGABYTE
