"""The lean client and the transport for ServerProxy against a scripted server."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import subprocess
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.xmlrpc import SupervisorTransport, codec, reach
from supervisor.xmlrpc.wire import Fault, ProtocolError, Server, call

OK = codec.dumps_response(["é", 1])


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Script:
    """A server that gives one prepared answer per request, and closes where the script says None."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.answers: list[bytes | None] = []
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while self.answers:
            connection, _ = self.listener.accept()
            self.connections += 1
            with connection, connection.makefile("rb") as stream:
                while self.answers and self._one(connection, stream):
                    pass

    def _one(self, connection: socket.socket, stream: Any) -> bool:
        if self.answers[0] is None:
            self.answers.pop(0)
            return False
        head = []
        while (line := stream.readline().decode()) not in ("\r\n", ""):
            head.append(line.strip())
        if not head:
            return False
        length = next(int(h.split(":")[1]) for h in head if h.lower().startswith("content-length"))
        self.requests.append(("\n".join(head), stream.read(length)))
        data = self.answers.pop(0)
        assert data is not None
        connection.sendall(data)
        return b"Content-Length" in data or b"chunked" in data


@pytest.fixture(params=["unix", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Callable[..., Script]]]:
    if request.param == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        url = f"unix://{tmp_path}/s"
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.listen()
    listener.settimeout(10)
    scripts: list[Script] = []

    def start(*answers: bytes | None) -> Script:
        script = Script(listener)
        script.answers = list(answers)
        script.thread.start()
        scripts.append(script)
        return script

    yield url, start
    for script in scripts:
        script.thread.join(10)
    listener.close()


def test_calls_share_a_connection(place: Any) -> None:
    url, start = place
    script = start(answer(OK), answer(OK), answer(OK))
    server = Server(url, "me", "secret:é")
    assert [call(server, "a.b", [1, "<"]) for _ in range(3)] == [["é", 1]] * 3
    server.close()
    assert script.connections == 1
    head, body = script.requests[0]
    assert head.startswith("POST /RPC2 HTTP/1.1\n")
    assert "Authorization: Basic " + base64.b64encode("me:secret:é".encode()).decode() in head
    assert codec.loads_call(body) == ("a.b", (1, "<"))


def test_a_connection_that_was_closed_meanwhile_is_opened_again(place: Any) -> None:
    url, start = place
    script = start(answer(OK), None, answer(OK))
    server = Server(url)
    assert server.call("a.b") == server.call("a.b", harmless=True)
    server.close()
    script.thread.join(10)
    assert script.connections == 2
    assert "Authorization" not in script.requests[0][0]


def test_a_closed_connection_is_noticed_before_a_call_is_sent(place: Any) -> None:
    url, start = place
    script = start(answer(OK), None, answer(OK))
    server = Server(url)
    server.call("a.b")
    assert server._socket is not None
    select.select([server._socket], [], [], 10)  # the end has arrived
    assert server.call("a.start") == ["é", 1]
    server.close()
    script.thread.join(10)
    assert script.connections == 2


@pytest.mark.parametrize("harmless", [False, True])
def test_only_a_harmless_call_is_sent_again_when_its_answer_is_lost(place: Any, harmless: bool) -> None:
    url, start = place
    script = start(answer(OK), b"", *([answer(OK)] if harmless else []))
    server = Server(url)
    server.call("a.b")
    if harmless:
        assert server.call("a.get", harmless=True) == ["é", 1]
    else:
        with pytest.raises(ConnectionResetError):
            server.call("a.start")
    server.close()
    script.thread.join(10)
    assert len(script.requests) == 2 + harmless


def test_what_of_an_address_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for text in ("127.0.0.1:{}", "127.0.0.1:{}/any/path", "127.0.0.1:{}?a=/b", "127.0.0.1:{}#c",
                     "me:secret@127.0.0.1:{}"):
            url = "http://" + text.format(port)
            assert reach.host_of(url) == f"127.0.0.1:{port}"
            reach.connect(url).close()


@pytest.mark.parametrize(("host", "refusal"), [
    ("localhost:www", "Port could not be cast to integer value as 'www'"),
    ("localhost:-1", "Port could not be cast to integer value as '-1'"),
    ("localhost:65536", "Port out of range 0-65535"),
    (":9001", "the serverurl names no host"),
    ("", "the serverurl names no host"),
])
def test_addresses_that_name_no_place_are_refused(host: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=f"^{refusal}$"):
        reach.connect(f"http://{host}/")


def test_a_server_that_says_nothing_is_given_up(place: Any) -> None:
    url, _ = place  # connections wait to be accepted, which nobody does
    server = Server(url)
    with pytest.raises(TimeoutError, match=f"^{url} does not answer"):
        server.call("a.getVersion", patience=0.01)


def test_a_local_server_that_accepts_nobody_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PATIENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as waiting:
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        with pytest.raises(TimeoutError, match=f"^unix://{tmp_path}/s does not answer"):
            for _ in range(10):
                waiting.callback(reach.connect(f"unix://{tmp_path}/s").close)


def test_a_request_that_is_not_taken_is_given_up(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = place
    monkeypatch.setattr(reach, "PATIENCE", 0.1)
    with pytest.raises(TimeoutError, match=f"^{url} does not answer"):
        Server(url).call("a.b", ["x" * 2**24])


def test_an_encrypted_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = (f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {tmp_path}/key "
               f"-out {tmp_path}/cert -addext subjectAltName=DNS:localhost")
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as plain, context.wrap_socket(plain, server_side=True) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}/"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
        script = Script(listener)
        script.answers = [answer(OK), None, answer(OK)]
        script.thread.start()
        server = Server(url)
        assert server.call("a.b") == server.call("a.start") == ["é", 1]
        script.thread.join(10)
        assert script.requests[0][0].split("\n")[1] == f"Host: {url[8:-1]}"


@pytest.mark.parametrize(
    "data",
    [
        answer(OK, "200 OK", "Connection: close"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(OK), OK),
        b"HTTP/1.0 200 OK\r\n\r\n" + OK,
    ],
)
def test_lengths_in_all_manners(place: Any, data: bytes) -> None:
    url, start = place
    start(data)
    server = Server(url)
    assert server.call("a.b") == ["é", 1]
    server.close()


def test_faults(place: Any) -> None:
    url, start = place
    start(answer(codec.dumps_fault(10, "BAD_NAME: x")))
    server = Server(url)
    with pytest.raises(Fault) as caught:
        server.call("a.b")
    server.close()
    assert (caught.value.faultCode, caught.value.faultString) == (10, "BAD_NAME: x")


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (answer(b"", "401 Unauthorized"), 401, "Unauthorized"),
        (answer(b"<html>", "500 Internal Server Error"), 500, "Internal Server Error"),
        (answer(b"<html></html>"), 200, "the answer is not XML-RPC"),
        (b"220 mail.example ESMTP\r\n", 0, "the server does not speak HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", 0, "the server does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", 0, "the server does not speak HTTP"),
    ],
)
def test_answers_that_are_none(place: Any, data: bytes, code: int, message: str) -> None:
    url, start = place
    start(data)
    server = Server(url)
    with pytest.raises(ProtocolError) as caught:
        server.call("a.b")
    server.close()
    assert (caught.value.errcode, caught.value.errmsg) == (code, message)
    assert message in str(caught.value)


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\nConten", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nxx"])
def test_a_server_that_leaves_early(place: Any, data: bytes) -> None:
    url, start = place
    if b"50" in data:
        data = data.replace(b"Content-Length", b"content-length")  # the script closes after it
    start(data)
    server = Server(url)
    with pytest.raises(ConnectionResetError):
        server.call("a.b")
    server.close()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Server(f"unix://{tmp_path}/nope").call("a.b")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            Server(f"http://127.0.0.1:{taken.getsockname()[1]}").call("a.b")
    for url in ("ftp://x", "", "localhost:9001"):
        with pytest.raises(ValueError, match="^Unknown protocol for serverurl "):
            Server(url)
        with pytest.raises(ValueError, match="^Unknown protocol for serverurl "):
            SupervisorTransport("", "", url)


def test_server_proxy(place: Any) -> None:
    url, start = place
    script = start(answer(OK), answer(OK), None, answer(OK), answer(b"", "401 Unauthorized"))
    transport = SupervisorTransport("me", "secret", serverurl=url + "/" if url.startswith("http") else url)
    assert transport.connection is None
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
        assert [proxy.a.b("x") for _ in range(3)] == [["é", 1]] * 3
        assert transport.connection is not None
        with pytest.raises(xmlrpc.client.ProtocolError) as caught:
            proxy.a.b()
    assert (caught.value.errcode, caught.value.errmsg) == (401, "Unauthorized")
    assert caught.value.url == "127.0.0.1/RPC2"
    assert transport.connection is None
    script.thread.join(10)
    assert script.connections == 2
    assert "Basic bWU6c2VjcmV0" in script.requests[0][0]
