"""Servers as a configuration asks for them: handlers, passwords, origins, files, the client."""

from __future__ import annotations

import base64
import io
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor import http
from supervisor.engine.loop import Loop
from supervisor.http.handlers.auth import _FAILURES_AT_ONCE, supervisor_auth_handler
from supervisor.http.handlers.static import default_handler, os_filesystem
from supervisor.http_client import HTTPHandler, Listener
from supervisor.poller import Poller
from tests.fakes import FakeLog
from tests.http_site import Client, SkewedClock
from tests.http_site import site as make_site


class Plugin:
    """An RPC interface; says ok to everything."""

    def __init__(self, supervisord: Any, **settings: str) -> None:
        self.settings = settings

    def ok(self) -> bool:
        return True


class Home:
    """make_http_servers for one configuration, and what it needs."""

    def __init__(self, *configs: dict[str, Any], factories: Any = (("x", Plugin, {"a": "b"}),)) -> None:
        self.log = FakeLog()
        self.loop = Loop(Poller(), SkewedClock(), self.log)
        self.options: Any = types.SimpleNamespace(
            server_configs=list(configs), rpcinterface_factories=list(factories), logger=self.log, logfile=None,
            identifier="x", mood=1, factory_specs={"rpcinterface:y": "its:spec"})
        supervisord: Any = types.SimpleNamespace(options=self.options, loop=self.loop, process_groups={})
        self.supervisord = supervisord
        self.clients: list[socket.socket] = []
        self.servers = http.make_http_servers(self.options, supervisord)
        self.server = self.servers[0][1]
        self.clock = self.loop.clock

    # What tests.http_site's Client needs of a site.
    turns: Any = None

    def until(self, check: Any) -> None:
        end = self.clock.now() + 10
        while not check():
            assert self.clock.now() < end
            self.loop.turn(0.02)

    def connect(self, number: int = 0) -> Client:
        server = self.servers[number][1]
        sock = socket.socket(server.socket.family)
        sock.connect(server.port if isinstance(server.port, str) else (server.ip, server.port))
        sock.setblocking(False)
        self.clients.append(sock)
        return Client(self, sock)  # type: ignore[arg-type]

    def ask(self, path: str, *headers: str, command: str = "GET", number: int = 0) -> bytes:
        client = self.connect(number)
        client.send("\r\n".join([f"{command} {path} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
        return client.read_all()

    def close(self) -> None:
        for sock in self.clients:
            sock.close()
        for _, server in self.servers:
            server.close()
        self.loop.poller.close()


def inet(**more: Any) -> dict[str, Any]:
    return {"family": socket.AF_INET, "host": "127.0.0.1", "port": 0, "section": "inet_http_server",
            "username": None, "password": None, **more}


def unix(path: pathlib.Path, **more: Any) -> dict[str, Any]:
    return {"family": socket.AF_UNIX, "file": str(path), "chmod": 0o700, "chown": (-1, -1),
            "section": "unix_http_server:x", "username": None, "password": None, **more}


def basic(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return "Authorization: Basic " + base64.b64encode(data).decode()


@pytest.fixture
def locked() -> Iterator[Home]:
    home = Home(inet(username="user", password="pa:ss"))
    yield home
    home.close()


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home(inet())
    yield home
    home.close()


def test_handlers_log_lines_and_settings(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(inet(username="u", password="p"), unix(pathlib.Path("s"), get_actions=True))
    try:
        assert [config["section"] for config, _ in home.servers] == ["inet_http_server", "unix_http_server:x"]
        (_, first), (_, second) = home.servers
        names = ["supervisor_xmlrpc_handler", "logtail_handler", "mainlogtail_handler", "supervisor_ui_handler",
                 "default_handler"]
        assert [type(handler).__name__ for handler in second.handlers] == names
        assert [type(handler).__name__ for handler in first.handlers] == ["supervisor_auth_handler"] * 5
        assert [type(handler.handler).__name__ for handler in first.handlers] == names  # type: ignore[attr-defined]
        assert second.handlers[0].rpcinterface.x.settings == {"a": "b"}  # type: ignore[attr-defined]
        assert (first.get_actions, second.get_actions) == (False, True)
        assert [line for line in home.log.lines if line[0] != "trace"] == [
            ("info", "RPC interface 'x' initialized"), ("info", "RPC interface 'x' initialized"),
            ("critical", "Server 'unix_http_server:x' running without any HTTP authentication checking")]
        started = [text for level, text in home.log.lines if level == "trace"][0]
        assert started.startswith("127.0.0.1:Medusa (V1.12) started at ")
        assert started.endswith(f"\n\tHostname: localhost\n\tPort:{first.port}")
    finally:
        home.close()


def test_handlers_may_be_replaced_and_added(home: Home) -> None:
    class Mine:
        def match(self, request: Any) -> bool:
            return bool(request.uri == "/mine")

        def handle_request(self, request: Any) -> None:
            request.push("mine")
            request.done()

    home.server.handlers[4] = Mine()
    assert home.ask("/mine").endswith(b"\r\n\r\nmine")
    assert home.ask("/other").startswith(b"HTTP/1.1 404 ")
    first = Mine()
    home.server.install_handler(first)
    assert home.server.handlers[0] is first
    home.server.remove_handler(first)
    assert first not in home.server.handlers


def test_a_factory_that_fails_closes_what_was_open(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(supervisord: Any) -> None:
        raise RuntimeError("no luck")

    monkeypatch.chdir(tmp_path)
    told = r"^Could not make y rpc interface: in \[rpcinterface:y\] its:spec raised RuntimeError$"
    with pytest.raises(ValueError, match=told):
        Home(unix(pathlib.Path("s")), factories=[("y", broken, {})])
    assert os.listdir(".") == []


def test_a_factory_may_give_nothing() -> None:
    home = Home(inet(), factories=[("y", lambda supervisord: None, {}), ("x", Plugin, {})])
    body = b"<methodCall><methodName>x.ok</methodName></methodCall>"
    client = home.connect()
    client.send(b"POST /RPC2 HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert b"<boolean>1</boolean>" in client.read_all()
    home.close()


# Passwords

@pytest.mark.parametrize("path", ["/", "/RPC2", "/logtail/x", "/mainlogtail", "/ok.html", "/stylesheets/supervisor.css",
                                  "/nope", "/%00", "*"])
@pytest.mark.parametrize("command", ["GET", "POST", "PUT"])
def test_everything_asks_for_the_password_first(locked: Home, path: str, command: str) -> None:
    answer = locked.ask(path, "Origin: http://evil.example", command=command)
    assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b'\r\nWWW-Authenticate: Basic realm="default"\r\n' in answer and b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("header, status", [
    (basic("user:pa:ss"), 200), (basic("user:pa:ss").replace("Basic", "bAsIc").replace("Auth", "aUTH"), 200),
    (basic("user:pass"), 401), (basic("User:pa:ss"), 401), (basic("user"), 401), (basic(""), 401), (basic(":"), 401),
    (basic(b"\xff\xfe:\xff"), 401), ("Authorization: Basic", 401), ("Authorization: Basic   ", 401),
    ("Authorization: Bearer abc", 401), ('Authorization: Digest username="user"', 401), ("Authorization:", 401),
    ("Authorization: Basic !!!", 401), ("Authorization: Basic dXNlcg=", 400),
])
def test_credentials(locked: Home, header: str, status: int) -> None:
    assert locked.ask("/ok.html", header).startswith(b"HTTP/1.1 %d " % status)


def test_credentials_without_a_colon_are_none_even_where_the_password_is_empty() -> None:
    home = Home(inet(username="user", password=""))
    answers = [home.ask("/ok.html", basic(text))[9:12] for text in ("user:", "user")]
    home.close()
    assert answers == [b"200", b"401"]


def test_a_body_without_credentials_is_not_read(locked: Home) -> None:
    client = locked.connect()
    client.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)
    assert client.read_all().startswith(b"HTTP/1.1 401 ")


def test_guessing_gets_429_and_one_line_and_locks_nobody_out(locked: Home) -> None:
    statuses = [locked.ask("/ok.html", basic(f"user:{n}"))[9:12] for n in range(_FAILURES_AT_ONCE + 10)]
    assert statuses[:_FAILURES_AT_ONCE] == [b"401"] * _FAILURES_AT_ONCE and statuses[-5:] == [b"429"] * 5
    assert locked.ask("/ok.html", basic("user:pa:ss")).startswith(b"HTTP/1.1 200 ")
    warnings = [text for level, text in locked.log.lines if level == "warn"]
    assert warnings == [f"failed login from 127.0.0.1 on 127.0.0.1:{locked.server.port}"]
    locked.clock.ahead += 60  # type: ignore[attr-defined]
    assert locked.ask("/ok.html", basic("user:x")).startswith(b"HTTP/1.1 401 ")
    warnings = [text for level, text in locked.log.lines if level == "warn"]
    assert warnings[1].endswith(f" ({_FAILURES_AT_ONCE + 9} more before it)")
    secrets = ("pa:ss", base64.b64encode(b"user:pa:ss").decode(), "dXNlcj")
    assert not [text for _, text in locked.log.lines for secret in secrets if secret in text]


def test_an_authenticated_request_of_a_foreign_page_is_refused(locked: Home) -> None:
    assert locked.ask("/", basic("user:pa:ss"), "Origin: http://evil.example").startswith(b"HTTP/1.1 403 ")
    # With a password any host name will do.
    assert locked.ask("/ok.html", basic("user:pa:ss"), "Host: any.example").startswith(b"HTTP/1.1 200 ")


def test_a_slow_hash_is_answered_later_and_others_meanwhile() -> None:
    stored = "{PBKDF2-SHA256}1$c2FsdA$" + base64.b64encode(b"x" * 32).decode()
    home = Home(inet(username="user", password=stored))
    assert home.ask("/ok.html", basic("user:secret")).startswith(b"HTTP/1.1 401 ")
    home.close()


def test_a_handler_that_fails_behind_the_password_is_a_server_error() -> None:
    class Broken:
        def match(self, request: Any) -> bool:
            return True

        def handle_request(self, request: Any) -> None:
            raise ValueError("reason")

    with make_site() as site:
        site.server.install_handler(supervisor_auth_handler({"u": "p"}, Broken()))
        client = site.connect()
        client.get("/", basic("u:p"))
        assert client.read(b"</body>").startswith(b"HTTP/1.1 500 ")
        assert [text for level, text in site.log.lines if level == "error" and "reason" in text]


# Origins

def test_foreign_hosts_and_origins(home: Home) -> None:
    for path in ("/", "/RPC2", "/logtail/x", "/stylesheets/supervisor.css"):
        for header in ("Host: evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Referer: http://evil/"):
            answer = home.ask(path, header)
            assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n"), (path, header)
    assert home.ask("/ok.html", "Host: localhost").startswith(b"HTTP/1.1 200 ")


def test_local_sockets_need_neither_check(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(unix(pathlib.Path("s")))
    assert home.ask("/ok.html", "Host: evil.example", "Origin: http://evil.example").startswith(b"HTTP/1.1 200 ")
    home.close()


# Files

@pytest.fixture
def files(tmp_path: pathlib.Path) -> Iterator[Any]:
    (tmp_path / "root" / "sub" / "with index").mkdir(parents=True)
    (tmp_path / "secret.css").write_text("secret")
    (tmp_path / "root" / "a.css").write_bytes(b"x" * 100_000)
    (tmp_path / "root" / "page.html").write_text("template")
    (tmp_path / "root" / "noname").write_text("text")
    (tmp_path / "root" / "sub" / "with index" / "default.html").write_text("index")
    os.mkfifo(tmp_path / "root" / "pipe")
    with make_site() as site:
        site.server.handlers[:] = [default_handler(os_filesystem(str(tmp_path / "root")))]

        def ask(path: str, *headers: str, command: str = "GET") -> bytes:
            client = site.connect()
            client.send("\r\n".join([f"{command} {path} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
            return client.read_all()

        ask.site = site  # type: ignore[attr-defined]
        yield ask


def test_files(files: Any) -> None:
    answer = files("/a.css")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"x" * 100_000
    for line in (b"Content-Type: text/css", b"Content-Length: 100000", b"Last-Modified: "):
        assert b"\r\n" + line in head
    without = files("/a.css", command="HEAD")
    assert b"\r\nContent-Length: 100000\r\n" in without and without.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Type: text/plain\r\n" in files("/noname")
    assert files("/sub/with%20index/").endswith(b"\r\n\r\nindex")
    assert files("//a.css?x=y").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [
    "/../secret.css", "/%2e%2e/secret.css", "/..%2fsecret.css", "/sub/../../secret.css", "/%2e%2e%2fsecret.css",
    "//../secret.css", "/sub/%2e%2e/%2e%2e/secret.css", "/a.css/", "/a.css/x", "/nope", "/pipe", "/%00", "/a.css%00",
    "/sub/", "/", "/" + "x" * 5000, "*", "http://h/a.css", "/%ff",
])
def test_what_is_not_there(files: Any, path: str) -> None:
    answer = files(path)
    assert answer.startswith(b"HTTP/1.1 404 ") and b"secret" not in answer


def test_folders_methods_and_hidden_files(files: Any, tmp_path: pathlib.Path) -> None:
    moved = files("/sub/with%20index%0d%0aX:")
    assert moved.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nLocation: /sub/with%20index/\r\n" in files("/sub/with%20index")
    assert b"\r\nLocation: /sub/\r\n" in files("//sub")
    assert b"\r\nAllow: GET, HEAD\r\n" in files("/a.css", command="TRACE")
    files.site.server.handlers[:] = [default_handler(os_filesystem(str(tmp_path / "root")), (".html",))]
    assert files("/page.html").startswith(b"HTTP/1.1 404 ")
    assert files("/a.css").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("condition, status", [
    ("Thu, 01 Jan 2099 00:00:00 GMT", 304), ("Thu, 01 Jan 2099 00:00:00 GMT; length=100000", 304),
    ("Thu, 01 Jan 2099 00:00:00 GMT;length=100000", 200), ("Thu, 01 Jan 2099 00:00:00 GMT; other=1", 200),
    ("Thu, 01 Jan 2099 00:00:00 GMT; length=1", 200), ("Thu, 01 Jan 2099 00:00:00 GMT; length=x", 200),
    ("Thu, 01 Jan 1980 00:00:00 GMT", 200), ("yesterday", 200), ("", 200),
])
def test_conditions(files: Any, condition: str, status: int) -> None:
    answer = files("/a.css", f"If-Modified-Since: {condition}")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (len(answer.partition(b"\r\n\r\n")[2]) == 0) is (status == 304)


def test_the_templates_of_the_pages_are_not_served(home: Home) -> None:
    assert home.ask("/status.html").startswith(b"HTTP/1.1 404 ")
    assert home.ask("/stylesheets/supervisor.css").startswith(b"HTTP/1.1 200 ")


# Clients

class Heard(Listener):
    def __init__(self) -> None:
        super().__init__(io.StringIO(), io.StringIO())
        self.statuses: list[object] = []
        self.errors: list[object] = []
        self.data = b""
        self.ends: list[str] = []

    def status(self, url: str, status: object) -> None:
        self.statuses.append(status)

    def error(self, url: str, error: object) -> None:
        self.errors.append(error)

    def feed(self, url: str, data: bytes | str) -> None:
        self.data += data if isinstance(data, bytes) else data.encode()

    def done(self, url: str) -> None:
        self.ends.append("done")

    def close(self, url: str) -> None:
        self.ends.append("close")


def fetch(home: Any, url: str, path: str, *login: str) -> Heard:
    heard = Heard()
    thread = threading.Thread(target=HTTPHandler(heard, *login).get, args=(url, path))
    thread.start()
    home.until(lambda: not thread.is_alive())
    thread.join()
    return heard


def test_our_own_client(locked: Home) -> None:
    url = f"http://127.0.0.1:{locked.server.port}"
    heard = fetch(locked, url, "/ok.html", "user", "pa:ss")
    assert (heard.statuses, heard.data, heard.ends) == ([200], b"OK", ["done", "close"])
    heard = fetch(locked, url, "/ok.html", "user", "wrong")
    assert (heard.statuses, heard.errors, heard.data) == ([401], ["Cannot read, status code 401"], b"")


def test_our_own_client_without_a_server() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        heard = Heard()
        HTTPHandler(heard).get(f"http://127.0.0.1:{taken.getsockname()[1]}", "/")
        HTTPHandler(heard).get("unix://nowhere", "/")
        HTTPHandler(heard).get("ftp://nowhere", "/")
    assert len(heard.errors) == 3 and all(str(error).startswith("Cannot connect, error: ") for error in heard.errors)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(unix(pathlib.Path("s")))
    process = subprocess.Popen(["curl", "-sS", "--max-time", "10", "--unix-socket", "s", "http://any/ok.html"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    home.until(lambda: process.poll() is not None)
    out, _ = process.communicate()
    assert out == b"OK"
    home.close()
