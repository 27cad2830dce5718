"""A server of our own on a real loop in the test's thread, and clients that make the loop turn while they wait."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.engine.memory import give_back
from supervisor.http.listener import supervisor_af_inet_http_server, supervisor_http_server
from supervisor.http.request import deferring_http_request
from supervisor.poller import Poller
from tests.fakes import FakeLog

DEADLINE = 30.0
# More than the kernel takes for a client that does not read.
BIG = 12_000_000


MakeServer = Callable[[Loop, FakeLog], supervisor_http_server]


class Echo:
    """Answers with what it was sent; some paths behave in their own way."""

    def __init__(self) -> None:
        self.held: list[deferring_http_request] = []
        self.bodies: list[bytes] = []

    def match(self, request: deferring_http_request) -> bool:
        return request.uri != "/unmatched"

    def handle_request(self, request: deferring_http_request) -> None:
        path = request.split_uri()[0]
        if path == "/held":
            self.held.append(request)
        elif path == "/fails":
            raise SystemExit("secret reason")
        elif path == "/big":
            request.reply(200, b"x" * BIG, "text/plain")
        elif request.command == "POST" and path != "/unread":
            request.read_body(lambda body: self.answer(request, body))
        else:
            request.reply(200, request.uri.encode(), "text/plain")

    def answer(self, request: deferring_http_request, body: bytes) -> None:
        self.bodies.append(body)
        request.reply(200, body, "text/plain")


class SkewedClock(Clock):
    """The real clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead


class Site:
    """Loop, server and clients."""

    def __init__(self, server: MakeServer | None = None, **settings: Any) -> None:
        self.log = FakeLog()
        self.log.level = 5
        self.clock = SkewedClock()
        self.loop = Loop(Poller(), self.clock, self.log)
        self.server = (
            supervisor_af_inet_http_server("127.0.0.1", 0, self.loop, self.log, **settings)
            if server is None else server(self.loop, self.log)
        )
        self.echo = Echo()
        self.server.install_handler(self.echo)
        self.clients: list[socket.socket] = []

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.server.close()
        self.loop.poller.close()

    def connect(self, window: int = 0) -> Client:
        if isinstance(self.server.port, str):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.connect(self.server.port)
        else:
            sock = socket.socket(socket.AF_INET6 if ":" in self.server.ip else socket.AF_INET, socket.SOCK_STREAM)
            if window:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            sock.connect((self.server.ip, self.server.port))
        sock.setblocking(False)
        self.clients.append(sock)
        return Client(self, sock)

    def until(self, check: Callable[[], object]) -> None:
        """Let the loop turn until check() is true."""
        end = time.monotonic() + DEADLINE
        while not check():
            assert time.monotonic() < end, "the deadline is over"
            self.loop.turn(0.02)

    def turns(self, number: int = 5) -> None:
        for _ in range(number):
            self.loop.turn(0)

    def talk(self, data: bytes) -> tuple[bytes, bool]:
        """What comes back for data that must be answered by closing."""
        client = self.connect()
        client.send(data)
        client.read_all()
        return client.data, client.ended


class Client:
    """One connection."""

    def __init__(self, site: Site, sock: socket.socket) -> None:
        self.site = site
        self.sock = sock
        self._got = bytearray()  # grows without being copied each time
        self.ended = False

    @property
    def data(self) -> bytes:
        """What came and was not read."""
        return bytes(self._got)

    @data.setter
    def data(self, data: bytes) -> None:
        self._got = bytearray(data)

    def send(self, data: bytes) -> None:
        """All of it, or as much as the server takes before it closes."""
        left = memoryview(data)

        def go_on() -> bool:
            nonlocal left
            try:
                left = left[self.sock.send(left):]
            except BlockingIOError:
                self.receive()
            except OSError:
                return True
            return not left

        self.site.until(go_on)

    def receive(self) -> None:
        """What is there now."""
        try:
            while data := self.sock.recv(1 << 20):
                self._got += data
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def read(self, needle: bytes) -> bytes:
        """What came, once it has needle in it."""

        looked = 0

        def look() -> bool:
            nonlocal looked
            self.receive()
            found = self._got.find(needle, looked) >= 0
            looked = max(0, len(self._got) - len(needle))
            return found or self.ended

        self.site.until(look)
        assert needle in self.data, self.data[-300:]
        data, self.data = self.data, b""
        return data

    def read_size(self, size: int) -> bytes:
        def look() -> bool:
            self.receive()
            return len(self._got) >= size or self.ended

        self.site.until(look)
        return self.data

    def read_all(self) -> bytes:
        """What comes until the server closes."""

        def look() -> bool:
            self.receive()
            return self.ended

        self.site.until(look)
        return self.data

    def get(self, path: str, *headers: str, version: str = "1.1") -> None:
        self.send("\r\n".join([f"GET {path} HTTP/{version}", *headers, "", ""]).encode())


@contextmanager
def site(server: MakeServer | None = None, **settings: Any) -> Iterator[Site]:
    """A site that is gone afterwards, with every descriptor it had."""
    give_back()  # from the first use of ctypes on, newer versions of libffi keep a descriptor
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    made = Site(server, **settings)
    try:
        yield made
    finally:
        made.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before
