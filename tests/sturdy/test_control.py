"""The control plane under clients that are slow, rude, gone, or many: the others are served and nothing piles up."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import DEADLINE, Daemon, eventually
from tests.sturdy.measure import MEGABYTE, cpu, fds, loop_cpu, memory
from tests.sturdy.raw import Answer, Peak, Raw, call, get, others_served, post

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

OFF = {"autostart": False, "startsecs": 0}
PID = post(call("supervisor.getPID"))


@pytest.fixture(scope="module")
def quiet() -> Iterator[Daemon]:
    """A daemon that several tests talk to and none changes for good."""
    daemon = Daemon()
    try:
        daemon.start(inet="", off=OFF, on={"startsecs": 0})
        daemon.wait_state("on", "RUNNING")
        yield daemon
    finally:
        daemon.close()


def outcome(daemon: Daemon, method: str, *params: Any) -> Any:
    """The value of a call, or the code of its fault."""
    with Raw(daemon.socket) as client:
        return client.ask(post(call(f"supervisor.{method}", *params))).outcome


def connections(pid: int) -> int:
    """The number of sockets that are open."""
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return count


# --- requests that are no requests


MISTAKES = {
    "no target": (b"GET\r\n\r\n", 400),
    "no version": (b"GET /ok.html\r\n\r\n", 400),
    "two blanks": (b"GET  /ok.html HTTP/1.1\r\n\r\n", 400),
    "a line of junk": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a header without a colon": (b"GET /ok.html HTTP/1.1\r\nwords\r\n\r\n", 400),
    "a header that is not UTF-8": (b"GET /ok.html HTTP/1.1\r\nA: \xff\r\n\r\n", 400),
    "a header with NUL": (b"GET /ok.html HTTP/1.1\r\nA: \0\r\n\r\n", 400),
    "a bare line feed": (b"GET /ok.html HTTP/1.1\nA: b\n\n", 400),
    "a target without end": (b"GET /" + b"a" * 300_000, 414),
    "headers without end": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 60_000, 431),
    "one header without end": (b"GET / HTTP/1.1\r\nA: " + b"b" * 300_000, 431),
    "a body over the limit": (post(b"x", length=17_000_000), 413),
    "a chunk over the limit": (post(b"2000000\r\n", "Transfer-Encoding: chunked", length=False), 413),
    "the wrong method": (get("/RPC2"), 405),
    "an unknown method": (get("/ok.html", method="BREW"), 405),
    "no length": (post(b"", length=False), 411),
    "a body that is not UTF-8": (post(b"\xff\xfe"), 400),
    "a body that is not XML": (post(b"{'method': 1}"), 400),
    "an empty body": (post(b""), 400),
    "half a call": (post(call("a.b")[:-20]), 400),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_the_client_has_its_answer(quiet: Daemon, name: str) -> None:
    data, status = MISTAKES[name]
    for place in (quiet.socket, quiet.port):
        with Raw(place) as client:
            answer = client.ask(data)
            assert answer.status == status
            # What the client can correct leaves the connection usable, after what cannot be understood it ends.
            if "close" in answer.headers.get("connection", ""):
                assert client.ended()
            else:
                assert client.ask(PID).value == quiet.pid


LENGTHS = ["-1", "", "+5", "0x10", "1_0", "1.0", "1e2", "5, 5", "5,6", "9" * 19, "99999999999999999999999", "٣",
           "5\r\nContent-Length: 6", "5\r\nTransfer-Encoding: chunked", " ", "5 5", "NaN"]
CODINGS = ["identity", "gzip, chunked", "chunked, chunked", "xchunked", "chunked\r\nTransfer-Encoding: identity",
           " chunked\x0b"]


@pytest.mark.parametrize("field", [*(f"Content-Length: {length}" for length in LENGTHS),
                                   *(f"Transfer-Encoding: {coding}" for coding in CODINGS)])
def test_a_length_is_never_guessed(quiet: Daemon, field: str) -> None:
    """Neither the call nor one hidden in its body is carried out; the connection ends at once."""
    hidden = post(call("supervisor.sendRemoteCommEvent", "hidden", field))
    body = call("supervisor.sendRemoteCommEvent", "outer", field)
    with Raw(quiet.socket) as client:
        client.send(f"POST /RPC2 HTTP/1.1\r\n{field}\r\n\r\n".encode() + body + hidden)
        answer = client.answer()
        assert answer is None or answer.status in (400, 413)
        assert client.ended()
    quiet.call("sendRemoteCommEvent", "marker", "")
    quiet.wait_event("REMOTE_COMMUNICATION", type="marker")
    assert not [event for event in quiet.seen() if event.tokens.get("type") in ("hidden", "outer")]


@pytest.mark.parametrize("body", [b"5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello", b"5;" + b"x" * 9000, b"g\r\n",
                                  b"0x5\r\nhello", b"5\r\nhelloX\r\n", b"5\nhello\n0\n\n", b" 5\r\nhello\r\n0\r\n\r\n",
                                  b"5\rhello", b"5;a\rb", b"0\r\nA: b\n\n", b"0\r\nA: b\rc", b"5\n"])
def test_chunks_that_are_none(quiet: Daemon, body: bytes) -> None:
    with Raw(quiet.socket) as client:
        assert client.ask(post(body, "Transfer-Encoding: chunked", length=False)).status in (400, 413)


# --- bodies


def test_an_early_refusal_can_be_read_by_who_is_still_sending(quiet: Daemon) -> None:
    """The connection lingers; a close with bytes unread would reset it and take the answer along."""
    body = b"x" * (20 * MEGABYTE)
    for place in (quiet.socket, quiet.port):
        with Raw(place) as client:
            client.send(post(b"", length=len(body)) + body)
            answer = client.answer()
            assert answer is not None and answer.status == 413


def test_who_closes_only_its_sending_side_gets_its_answers(quiet: Daemon) -> None:
    with Raw(quiet.port) as client:
        client.send(PID * 3)
        client.sock.shutdown(socket.SHUT_WR)
        assert [client.answer().value for _ in range(3)] == [quiet.pid] * 3  # type: ignore[union-attr]
        assert client.ended()


def test_a_body_of_any_size_costs_little(quiet: Daemon) -> None:
    peak = Peak(quiet.pid)
    with others_served(quiet):
        with Raw(quiet.socket) as client:
            client.send(post(b"", length=10**12) + bytes(MEGABYTE) * 40)
        with Raw(quiet.socket) as client:
            client.send(post(b"", "Transfer-Encoding: chunked", length=False))
            for _ in range(40):
                client.send(b"%x\r\n%b\r\n" % (MEGABYTE, bytes(MEGABYTE)))
        with Raw(quiet.socket) as client:  # where no body is wanted at all
            client.send(get("/ok.html", f"Content-Length: {40 * MEGABYTE}") + bytes(MEGABYTE) * 40)
            answer = client.answer()
            assert answer is not None and answer.status in (200, 413)
        with Raw(quiet.socket) as client:  # just what is allowed
            assert client.ask(post(bytes(16 * MEGABYTE))).status == 400
    assert peak.grown() < 32 * MEGABYTE


def test_a_name_of_many_megabytes_comes_back_whole(quiet: Daemon) -> None:
    name = "n" * (8 * MEGABYTE - 100)
    peak = Peak(quiet.pid)
    with others_served(quiet), Raw(quiet.socket) as client:
        answer = client.ask(post(value(f"<string>{name}</string>")))
        assert answer.status == 200 and f"BAD_NAME: {name}<".encode() in answer.body
    assert peak.grown() < 32 * MEGABYTE


@pytest.mark.parametrize("wide", ["", "\U0001f600"])
def test_a_longer_name_is_a_fault_that_does_not_repeat_it(quiet: Daemon, wide: str) -> None:
    peak = Peak(quiet.pid)
    with others_served(quiet), Raw(quiet.socket) as client:
        answer = client.ask(post(value("n" * (15 * MEGABYTE) + wide)))
        assert answer.outcome == 2 and len(answer.body) < 1000
    assert peak.grown() < 32 * MEGABYTE


def test_wide_characters_do_not_multiply_a_name(quiet: Daemon) -> None:
    """One of them makes each character of a text four bytes in memory."""
    peak = Peak(quiet.pid)
    with Raw(quiet.socket) as client:
        assert client.ask(post(value("n" * (8 * MEGABYTE - 100) + "\U0001f600"))).outcome == 10
    assert peak.grown() < 100 * MEGABYTE


def test_a_name_that_grows_when_it_is_escaped_is_cut(quiet: Daemon) -> None:
    peak = Peak(quiet.pid)
    with Raw(quiet.socket) as client:
        answer = client.ask(post(value("<![CDATA[" + "&" * (8 * MEGABYTE - 100) + "]]>")))
    assert answer.outcome == 10 and 8_000_000 < len(answer.body) < 9_000_000
    assert b"BAD_NAME: &amp;&amp;" in answer.body and b"&amp;...<" in answer.body
    assert peak.grown() < 32 * MEGABYTE


def test_a_form_of_megabytes(quiet: Daemon) -> None:
    """What it says is shown, a value of any length as far as it can be of use."""
    def form(body: str) -> Answer:
        with Raw(quiet.port) as client:
            return client.ask(post(body.encode(), path="/"))

    with others_served(quiet):
        peak = Peak(quiet.pid)
        page = form("message=" + "x" * (MEGABYTE - 100))
        assert page.status == 200 and b"x" * 100_000 in page.body and len(page.body) < MEGABYTE
        assert form("filter=" + "%26" * (MEGABYTE // 3 - 100)).status == 200
        assert form("message=" + "%" * (MEGABYTE - 100)).status == 200
        assert form("message=" + "%26a" * (MEGABYTE // 4 - 100)).status == 200
        assert form("message=" + "x" * (2 * MEGABYTE)).status == 413
        assert peak.grown() < 32 * MEGABYTE


def value(inner: str) -> bytes:
    return (f"<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>{inner}</value>"
            "</param></params></methodCall>").encode()


def nested(depth: int) -> str:
    return "<array><data><value>" * depth + "</value></data></array>" * depth


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "depth": value(nested(100_000)),
    "depth without an end": value("<array><data><value>" * 100_000),
    "unknown elements": value("<a>" * 100_000),
    "many values": value("<array><data>" + "<value/>" * 300_000 + "</data></array>"),
    "many members": value("<struct>" + "<member><name>a</name><value/></member>" * 200_000 + "</struct>"),
    "many attributes": b"<methodCall " + b" ".join(b'a%d="x"' % n for n in range(100_000)) + b"/>",
    "many comments": value("<!-- x -->" * 300_000),
    "a long name": f"<methodCall><methodName>{'a' * 5_000_000}.b</methodName></methodCall>".encode(),
    "a long number": value(f"<int>{'9' * 2_000_000}</int>"),
    "many character references": value("&#65;" * 1_000_000),
    "a laugh": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'.encode() + value("&l9;"),
    "an entity": b'<!DOCTYPE x [<!ENTITY a "on">]>' + value("&a;"),
    "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + value("&a;"),
    "a web page": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">' + value("on"),
    "a doctype": b"<!DOCTYPE methodCall>" + value("on"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_xml_that_means_harm(quiet: Daemon, name: str) -> None:
    peak = Peak(quiet.pid)
    with others_served(quiet), Raw(quiet.socket) as client:
        before = cpu(quiet.pid)
        answer = client.ask(post(BOMBS[name]))
        took = cpu(quiet.pid) - before
    assert answer.status == 400 or isinstance(answer.outcome, int), answer
    assert b"root:" not in answer.body
    if b"<!DOCTYPE" in BOMBS[name]:
        assert answer.status == 400
    assert took < 3
    assert peak.grown() < 100 * MEGABYTE


# --- multicall


def item(method: str, *params: Any) -> dict[str, Any]:
    return {"methodName": method, "params": list(params)}


def test_entries_of_a_multicall_that_are_none_are_faults_in_their_place(quiet: Daemon) -> None:
    good = item("supervisor.getPID")
    calls = [good, {}, {"methodName": 5}, {"methodName": []}, {"methodName": "a" * 100_000}, good,
             {"methodName": "supervisor.getPID", "params": 5}, {"methodName": "supervisor.getPID", "params": {"a": 1}},
             item("system.multicall", [good]), item("system.multicall"), {"params": []}, good]
    results = quiet.call("system.multicall", calls)
    assert [result if isinstance(result, int) else result["faultCode"] for result in results] == [
        quiet.pid, 2, 2, 2, 1, quiet.pid, 2, 2, 2, 2, 2, quiet.pid]
    for wrong in ("x", 5, {}, [1], [[good]], True):
        assert quiet.fault("system.multicall", wrong).faultCode == 2
    nest: Any = [good]
    for _ in range(40):
        nest = [item("system.multicall", nest)]
    (result,) = quiet.call("system.multicall", nest)
    assert result["faultCode"] == 2


def test_thousands_of_heavy_entries_let_others_in_between(daemon: Daemon) -> None:
    daemon.start(probe=None, on={"startsecs": 0, "stdout_logfile": "@dir@/on.log"})
    (daemon.dir / "on.log").write_bytes(b"\x1b&<" * (MEGABYTE // 3))
    calls = [item("supervisor.readProcessStdoutLog", "on", 0, 0)] * 3000
    peak = Peak(daemon.pid)
    with others_served(daemon), Raw(daemon.socket) as client:
        client.sock.settimeout(60)
        results = client.ask(post(call("system.multicall", calls))).value
    whole = [result for result in results if isinstance(result, str)]
    assert len(results) == 3000 and 1 <= len(whole) < 100
    assert {result["faultCode"] for result in results if not isinstance(result, str)} == {30}
    assert peak.grown() < 100 * MEGABYTE


# --- methods and arguments


VALUES: list[Any] = [
    "", "on", "off", "on:", "on:*", ":", "*", "a:b:c", "a" * 100_000, "\u00e9\u2028\U0001f600", "../../etc/passwd",
    "<b>&amp;", "a\nb\tc", "%(x)s %s {0}", 0, -1, 2**31 - 1, -2**31, True, False, 0.5, 1e300, float("inf"),
    float("nan"), None, [], [[]], ["on"], {}, {"a": []}, b"", b"on", b"\xff",
]


def test_every_method_with_every_number_and_type_of_arguments(daemon: Daemon) -> None:
    """A value or a fault, never an error; afterwards all is as it was."""
    daemon.start(probe=None, off=OFF, on={"startsecs": 0, "stopwaitsecs": 1})
    methods = daemon.call("system.listMethods")
    assert len(methods) == 41
    requests: list[tuple[str, tuple[Any, ...]]] = []
    for method in methods:
        if method not in ("supervisor.shutdown", "supervisor.restart"):
            requests.append((method, ()))
        for value in VALUES:
            requests += [(method, (value,) * count) for count in range(1, 4)]
            requests += [(method, ("off", value)), (method, ("off", value, value)), (method, ("off", 0, value)),
                         (method, ("on", "x", value)), (method, (value,) * 5)]
    with Raw(daemon.socket) as client:
        client.sock.settimeout(60)
        # In one pipeline: the answers keep their order.
        feeder = threading.Thread(target=lambda: client.sock.sendall(
            b"".join(post(call(method, *params)) for method, params in requests)))
        feeder.start()
        for request in requests:
            answer = client.answer()
            assert answer is not None, str(request)[:300]
            binary = any(value == b"\xff" for value in request[1])
            assert answer.status == 200 or (binary and answer.status == 400), (str(request)[:300], answer)
            assert not str(answer.outcome).startswith("HTTP 5")
        feeder.join()
    assert daemon.call("getPID") == daemon.pid
    assert {info["name"] for info in daemon.call("getAllProcessInfo")} <= {"off", "on"}
    assert len(requests) > 10_000


@pytest.mark.parametrize("method", [
    "supervisor._update", "supervisor.__class__", "supervisor.__init__", "supervisor.supervisord",
    "supervisor.update_text", "supervisor.supervisord.options", "supervisor.getPID.__func__",
    "supervisor.getPID.__globals__", "system.namespaces",
    "system.__dict__", "supervisor.__reduce__", "supervisor.__getattribute__", "__class__.__init__", "supervisor.mro",
    "getPID", "supervisor", ".getPID", "supervisor.", "supervisor..getPID", "supervisor.getPID.", " supervisor.getPID",
    "Supervisor.getPID", "supervisor.getpid", "supervisor.getPID\0", "supervisor.get\u0050ID ", "os.system", "x.y",
])
def test_only_listed_methods_exist(quiet: Daemon, method: str) -> None:
    with Raw(quiet.socket) as client:
        body = b"<methodCall><methodName>%b</methodName></methodCall>" % method.encode().replace(b"\0", b"&#0;")
        assert client.ask(post(body)).outcome in (1, "HTTP 400")
    assert quiet.call("system.multicall", [item(method.replace("\0", ""))])[0] == {
        "faultCode": 1, "faultString": "UNKNOWN_METHOD"} or "\0" in method
    assert quiet.fault("system.methodHelp", method.replace("\0", "_")).faultCode == 4


# --- many, slow and stalled clients


def test_hundreds_of_half_open_and_dribbling_clients(quiet: Daemon) -> None:
    level = fds(quiet.pid)
    halves = [Raw(place) for place in (quiet.socket, quiet.port) for _ in range(200)]
    beginnings = [b"", b"G", b"GET / HTTP/1.1\r\nA: ", post(b"<meth", length=100), PID[:-1]]
    before = cpu(quiet.pid)
    with others_served(quiet):
        for number, client in enumerate(halves):
            client.send(beginnings[number % len(beginnings)])
        for byte in range(20):
            for client in halves[byte::20]:
                client.send(b"x")
    assert cpu(quiet.pid) - before < 5
    # A few that were here before may have gone.
    eventually(lambda: fds(quiet.pid) > level + 390, "all of them taken in")
    for client in halves:
        client.close()
    eventually(lambda: fds(quiet.pid) <= level, "descriptors that come back")


def test_a_request_byte_by_byte(quiet: Daemon) -> None:
    with Raw(quiet.port) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in PID:
            client.send(bytes([byte]))
        answer = client.answer()
    assert answer is not None and answer.value == quiet.pid


def test_a_thousand_requests_in_one_pipeline_in_order(quiet: Daemon) -> None:
    names = [f"nobody{number}" for number in range(1000)]
    with others_served(quiet), Raw(quiet.port) as client:
        feeder = threading.Thread(target=client.send, args=(
            b"".join(post(call("supervisor.getProcessInfo", name)) for name in names),))
        feeder.start()
        answers = [client.answer() for _ in names]
        feeder.join()
    for name, answer in zip(names, answers, strict=True):
        assert answer is not None and f"BAD_NAME: {name}<".encode() in answer.body


def test_thousands_of_quick_connections(quiet: Daemon) -> None:
    level, peak = fds(quiet.pid), Peak(quiet.pid)
    with others_served(quiet):
        for number in range(10_000):
            with Raw(quiet.socket if number % 2 else quiet.port) as client:
                if number % 3:
                    assert client.ask(get("/ok.html", "Connection: close")).body == b"OK"
    eventually(lambda: fds(quiet.pid) <= level, "descriptors that come back")
    assert peak.grown() < 5 * MEGABYTE


def test_readers_that_stop_reading_hold_little(daemon: Daemon) -> None:
    """Whatever they asked for: large answers, many of them, or a stream of a log that grows."""
    daemon.start(probe=None, on={"startsecs": 0, "stdout_logfile": "@dir@/on.log", "stdout_logfile_maxbytes": 0})
    child = daemon.child("on")
    child.tell("flood", 1, 8 * MEGABYTE)
    eventually(lambda: (daemon.dir / "on.log").stat().st_size >= 8 * MEGABYTE)
    peak = Peak(daemon.pid)
    clients = [Raw(daemon.socket) for _ in range(30)]
    with others_served(daemon):
        for number, client in enumerate(clients):
            if number % 3 == 0:
                client.send(get("/logtail/on"))
            else:
                client.sock.setblocking(False)
                request = post(call("supervisor.tailProcessStdoutLog", "on", 0, 2 * MEGABYTE))
                try:
                    client.sock.send(request * 500)
                except BlockingIOError:
                    pass
        child.tell("flood", 1, 50 * MEGABYTE)
        eventually(lambda: (daemon.dir / "on.log").stat().st_size >= 58 * MEGABYTE)
    assert peak.grown() < 30 * 10 * MEGABYTE
    level = fds(daemon.pid)
    for client in clients:
        client.close()
    eventually(lambda: fds(daemon.pid) <= level - 30, "descriptors that come back")
    assert daemon.call("getPID") == daemon.pid


def held(pid: int, place: str, request: bytes) -> float:
    """Bytes of memory for each of some clients that ask for something and do not read it."""
    before = memory(pid)
    clients = [Raw(place) for _ in range(4)]  # so many that a hole left in the heap by reading counts little
    for client in clients:
        client.send(request)
        client.sock.recv(1, socket.MSG_PEEK)
    with Raw(place) as other:
        other.ask(PID)
    grown = memory(pid) - before
    for client in clients:
        client.close()
    return grown / len(clients)


def test_one_large_answer_holds_little(daemon: Daemon) -> None:
    """However it became large: by what a log holds, by what is repeated of the request, or by many calls in one."""
    text = "[program:{0}]\ncommand=/bin/cat\nstdout_logfile=@dir@/{0}.log\nstartsecs=0\n"
    daemon.start("".join(map(text.format, ("words", "marks", "nuls", "odd"))), probe=None, loglevel="info")
    for name, content in (("words", b"words\n"), ("marks", b"&<"), ("nuls", b"\0"), ("odd", b"\xff")):
        (daemon.dir / f"{name}.log").write_bytes(content * (5 * MEGABYTE // len(content)))
    read = "supervisor.readProcessStdoutLog"
    requests = {
        "a log": post(call(read, "marks", 0, 0)), "another log": post(call(read, "nuls", 0, 0)),
        "the end of a log": post(call("supervisor.tailProcessStdoutLog", "odd", 0, 10**8)),
        "a page": get("/tail.html?processname=marks&limit=100000000"),
        "a name": post(value("n" * (8 * MEGABYTE - 100))),
        "a name of marks": post(value("<![CDATA[" + "&" * (4 * MEGABYTE) + "]]>")),
        "a name of NULs": post(call("supervisor.getProcessInfo", bytes(4 * MEGABYTE))),
        "no text": post(call("supervisor.sendProcessStdin", "words", [bytes(4 * MEGABYTE)])),
        "logs": post(call("system.multicall", [item(read, "words", 0, 0)] * 20)),
        "facts": post(call("system.multicall", [item("supervisor.getProcessInfo", "words")] * 9000)),
        "no calls": post(call("system.multicall", [{}] * 32_000)),
        "many more that are none": post(call("system.multicall", [{}] * 40_000)),
    }
    for name, request in requests.items():
        assert held(daemon.pid, daemon.socket, request) < 10 * MEGABYTE, name
    with Raw(daemon.socket) as client:
        text, size, overflow = client.ask(requests["the end of a log"]).value
        assert (size, overflow, set(text)) == (5 * MEGABYTE, True, {"\ufffd"})
    assert daemon.fault("system.multicall", [{}] * 40_000).faultString == "INCORRECT_PARAMETERS: too many calls"


def test_a_signal_of_megabytes_is_told_for_each_process_as_far_as_an_answer_goes(daemon: Daemon) -> None:
    daemon.start("[program:p]\ncommand=/bin/cat\nnumprocs=20\nprocess_name=%(process_num)02d\nstartsecs=0\n"
                 "stdout_logfile=NONE\nstderr_logfile=NONE", probe=None, loglevel="info")
    eventually(lambda: all(one["statename"] == "RUNNING" for one in daemon.call("getAllProcessInfo")), "all running")
    peak = Peak(daemon.pid)
    for method, *params in (("signalAllProcesses",), ("signalProcessGroup", "p"), ("signalProcess", "p:*")):
        results = daemon.call(method, *params, "S" * (4 * MEGABYTE))
        assert [result["status"] for result in results] == [11] * 20
        (description,) = {result["description"] for result in results}
        assert description.startswith("BAD_SIGNAL: SSS") and description.endswith("S...")
        assert 0.9 < len(description) * 20 / (8 * MEGABYTE) < 1.01
    assert peak.grown() < 32 * MEGABYTE
    assert daemon.call("signalProcessGroup", "p", " " * 1000 + "CONT ")[0]["status"] == 80


def test_a_listing_of_thousands_of_programs(daemon: Daemon) -> None:
    daemon.start("[program:p]\ncommand=/bin/cat\nautostart=false\nnumprocs=3000\nprocess_name=%(process_num)04d\n"
                 "stdout_logfile=NONE\nstderr_logfile=NONE", probe=None, inet="", loglevel="info")
    for _ in range(2):
        before = loop_cpu(daemon.pid)
        with Raw(daemon.socket) as client:
            listing = client.ask(post(call("supervisor.getAllProcessInfo")))
        took = loop_cpu(daemon.pid) - before
        assert len(listing.value) == 3000
    assert took < 1.0
    with others_served(daemon):
        for _ in range(5):
            with Raw(daemon.socket) as client:
                client.ask(post(call("supervisor.getAllProcessInfo")))
            with Raw(daemon.port) as client:
                assert client.ask(get("/")).status == 200


def test_floods_of_output_do_not_hold_up_answers(daemon: Daemon) -> None:
    flood = {"command": "/bin/sh -c 'exec cat /dev/zero'", "startsecs": 0, "stdout_logfile": "/dev/null",
             "stdout_logfile_maxbytes": 0}
    daemon.start(probe=None, a=flood, b=flood, c={**flood, "stdout_capture_maxbytes": 1000}, d=flood)
    with others_served(daemon) as patience:
        eventually(lambda: patience.asked > 20)


# --- clients that vanish


def test_who_vanishes_at_any_point_costs_nothing(daemon: Daemon) -> None:
    daemon.start(inet="", on={"startsecs": 0}, slow={"startsecs": 1, "autostart": False}, stubborn={"startsecs": 0})
    stubborn = daemon.child("stubborn")
    stubborn.tell("ignore", "SIGTERM")
    daemon.child("on").tell("flood", 1, MEGABYTE)
    daemon.call("getPID")
    level = connections(daemon.pid)
    log = len(daemon.log())
    requests = [PID[:1], PID[:40], PID[:-5], PID, PID * 50, get("/logtail/on"), get("/"), get("/mainlogtail"),
                post(call("supervisor.tailProcessStdoutLog", "on", 0, MEGABYTE)) * 5,
                post(call("supervisor.startProcess", "slow")), post(call("supervisor.stopProcess", "stubborn"))]
    for place in (daemon.socket, daemon.port):
        for request in requests:
            for rude in (False, True):
                client = Raw(place)
                if rude:
                    # Closing sends a reset then.
                    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.send(request)
                client.close()
    # What they asked for is done.
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="slow")
    daemon.wait_event("PROCESS_STATE_STOPPING", processname="stubborn")
    eventually(lambda: connections(daemon.pid) <= level, "descriptors that come back")
    assert not [line for line in daemon.log()[log:].splitlines() if " ERRO " in line or " CRIT " in line]
    stubborn.tell("exit", 0)
    before = cpu(daemon.pid)
    daemon.wait_event("PROCESS_STATE_STOPPED", processname="stubborn")
    assert cpu(daemon.pid) - before < 0.5


def test_idle_connections_give_way_when_descriptors_run_short(daemon: Daemon) -> None:
    daemon.start(probe=None, inet="", on={"startsecs": 0}, later={"startsecs": 0, "autostart": False})
    daemon.wait_state("on", "RUNNING")
    level = fds(daemon.pid)
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (level + 30, limits[1]))
    follower = Raw(daemon.socket)
    follower.send(get("/mainlogtail"))
    idle = [Raw(place) for place in (daemon.socket, daemon.port) for _ in range(40)]
    before = cpu(daemon.pid)
    # Something is left for programs.
    assert daemon.call("supervisor.startProcess", "later") is True
    with Raw(daemon.socket) as administrator:
        assert administrator.ask(PID).value == daemon.pid
    with Raw(daemon.port) as administrator:
        assert administrator.ask(PID).value == daemon.pid
    assert cpu(daemon.pid) - before < 1
    # The oldest were closed, and not the one that is being answered.
    assert idle[0].ended()
    assert daemon.call("supervisor.stopProcess", "later") is True
    answer = follower.answer(body=False)
    assert answer is not None and answer.status == 200
    for client in [*idle, follower]:
        client.close()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
    eventually(lambda: fds(daemon.pid) <= level + 2, "descriptors that come back")


def test_a_request_that_has_come_is_heard_before_idle_ones_are_closed(daemon: Daemon) -> None:
    daemon.start(probe=None)
    level = fds(daemon.pid)
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (level + 30, limits[1]))
    known = Raw(daemon.socket)
    known.ask(PID)
    # All of them wait to be accepted in one turn of the loop, before the request of the one that was here.
    os.kill(daemon.pid, signal.SIGSTOP)
    clients = [Raw(daemon.socket) for _ in range(60)]
    for client in (*clients[:8], known):
        client.send(PID)
    os.kill(daemon.pid, signal.SIGCONT)
    for client in (*clients[:8], known):
        answer = client.answer()
        assert answer is not None and answer.value == daemon.pid
    for client in (*clients, known):
        client.close()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)


def test_without_descriptors_a_log_is_not_called_missing(daemon: Daemon) -> None:
    daemon.start(probe=None, on={"startsecs": 0})
    daemon.child("on")
    with Raw(daemon.socket) as client:
        for _ in range(2):
            client.ask(PID)  # after the second one it is not accepting any more
        limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        for path in ("/logtail/on", "/mainlogtail", "/stylesheets/supervisor.css"):
            assert client.ask(get(path)).status == 503
        assert client.ask(get("/logtail/nobody")).status == 404
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
        assert client.ask(get("/stylesheets/supervisor.css")).status == 200
        client.send(get("/logtail/on"))
        answer = client.answer(body=False)
        assert answer is not None and answer.status == 200


# --- standard input


def test_standard_input_that_nobody_reads_is_bounded(daemon: Daemon) -> None:
    daemon.start(probe=None, on={"startsecs": 0})
    child = daemon.child("on")
    peak = Peak(daemon.pid)
    piece = "x" * MEGABYTE
    taken = 0
    with others_served(daemon):
        assert daemon.call("sendProcessStdin", "on", piece) is True
        taken += 1
        for _ in range(100):
            if outcome(daemon, "sendProcessStdin", "on", piece) is not True:
                break
            taken += 1
        else:
            raise AssertionError("all was taken")
    assert 1 <= taken < 20
    assert peak.grown() < 64 * MEGABYTE
    assert daemon.fault("sendProcessStdin", "on", piece).faultCode == 30
    # All of what was taken is there, and nothing of what was refused.
    assert len(child.tell("read", taken * MEGABYTE)) == taken * MEGABYTE
    daemon.call("sendProcessStdin", "on", "after\n")
    assert child.tell("readline") == "after\n"


def test_standard_input_that_is_closed_is_a_fault(daemon: Daemon) -> None:
    daemon.start(probe=None, on={"startsecs": 0})
    daemon.child("on").tell("close", 0)
    before = cpu(daemon.pid)
    outcomes = [outcome(daemon, "sendProcessStdin", "on", "x") for _ in range(3)]
    assert outcomes[1:] == [20, 20], outcomes
    assert cpu(daemon.pid) - before < 0.5


# --- supervisorctl and servers that are none


class Impostor:
    """A server that says one thing to everybody, and hangs up."""

    def __init__(self, says: bytes, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen(16)
        self._says = says
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client = self._socket.accept()[0]
            except OSError:
                return
            with client:
                client.settimeout(DEADLINE)
                try:
                    client.recv(65536)
                    client.sendall(self._says)
                except OSError:
                    pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<html></html>"


@pytest.mark.parametrize("says", [
    b"", b"\0\1\2nonsense\n" * 100, HTML, b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 500\r\n\r\n<?xml", b"SSH-2.0-OpenSSH_9.0\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
], ids=range(9))
def test_supervisorctl_and_a_server_that_is_none(daemon: Daemon, says: bytes) -> None:
    daemon.configure(probe=None)
    impostor = Impostor(says, daemon.socket)
    try:
        for command in (["status"], ["pid"], ["tail", "a"], ["start", "a"]):
            done = daemon.ctl(*command)
            told = (done.stdout + done.stderr).strip().splitlines()
            assert done.returncode != 0, done
            assert 1 <= len(told) <= 3 and "Traceback" not in done.stderr, done
    finally:
        impostor.close()


def test_supervisorctl_ends_quietly_with_its_reader(daemon: Daemon) -> None:
    daemon.start("[program:p]\ncommand=/bin/cat\nautostart=false\nnumprocs=2000\nprocess_name=%(process_num)04d\n"
                 "stdout_logfile=NONE\nstderr_logfile=NONE", probe=None, loglevel="info")
    program = f"{sys.executable} -c 'from supervisor.supervisorctl import main; main()'"
    command = f"{program} -c {daemon.conf} status | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=daemon.environment(),
                          timeout=DEADLINE)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_without_a_server_supervisorctl_says_so(daemon: Daemon) -> None:
    daemon.configure(probe=None)
    done = daemon.ctl("status")
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (4, 1, "")
    assert not os.path.exists(daemon.socket)
