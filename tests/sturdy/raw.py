"""Clients that say what they like: bytes to a daemon's socket, and what comes back."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
import xmlrpc.client
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.harness import DEADLINE, Daemon
from tests.sturdy.measure import loop_cpu


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """Of an XML-RPC answer; xmlrpc.client.Fault is raised."""
        return xmlrpc.client.loads(self.body)[0][0]

    @property
    def outcome(self) -> Any:
        """The value, or the code of the fault, or the status when it is not 200."""
        if self.status != 200:
            return f"HTTP {self.status}"
        try:
            return self.value
        except xmlrpc.client.Fault as fault:
            return fault.faultCode


class Raw:
    """One connection; place is a port or the path of a socket."""

    def __init__(self, place: int | str) -> None:
        self.sock = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
        self.sock.settimeout(DEADLINE)
        try:
            self.sock.connect(place if isinstance(place, str) else ("127.0.0.1", place))
        except OSError:
            self.sock.close()
            raise
        self._file = self.sock.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        """All of it, or as much as the other side takes."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)

    def answer(self, body: bool = True) -> Answer | None:
        """The next answer; None when the connection ended instead. body: whether one comes (not after HEAD)."""
        try:
            line = self._file.readline()
            if not line.endswith(b"\n"):
                return None
            headers = {}
            while (field := self._file.readline().strip()):
                name, _, value = field.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            data = b""
            if body:
                length = headers.get("content-length")
                data = self._file.read(int(length)) if length is not None else b""
        except ConnectionResetError:
            return None
        return Answer(int(line.split()[1]), headers, data)

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        answer = self.answer()
        assert answer is not None, f"no answer to {data[:200]!r}"
        return answer

    def ended(self) -> bool:
        """Wait for the end; whether nothing came before it."""
        try:
            return not self._file.read(1)
        except ConnectionResetError:
            return True


def call(method: str, *params: Any) -> bytes:
    """The body of a call."""
    return xmlrpc.client.dumps(params, method, allow_none=True).encode()


def post(body: bytes, *headers: str, path: str = "/RPC2", length: object = None) -> bytes:
    """A request with a body, and a length that may be a lie."""
    lines = [f"POST {path} HTTP/1.1", *headers]
    if length is None:
        length = len(body)
    if length is not False:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode()


class Patience:
    """How long others wait: an honest client that asks again and again.

    What is measured is the processor time of the daemon's loop meanwhile, which is the same on a busy machine. A daemon
    that waits instead of working is found by the client's own deadline.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stop = threading.Event()
        self.worst = 0.0
        self.asked = 0

    def _run(self) -> None:
        with Raw(self._daemon.socket) as client:
            while True:  # once at least, however soon the others are done
                began = loop_cpu(self._daemon.pid)
                assert client.ask(post(call("supervisor.getPID"))).value == self._daemon.pid
                self.worst = max(self.worst, loop_cpu(self._daemon.pid) - began)
                self.asked += 1
                if self._stop.is_set():
                    break


@contextlib.contextmanager
def others_served(daemon: Daemon, within: float = 1.0) -> Iterator[Patience]:
    """Meanwhile somebody else asks, and never waits for more seconds of the daemon's work."""
    patience = Patience(daemon)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            patience._run()
        except BaseException as exc:
            failure.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield patience
    finally:
        patience._stop.set()
        thread.join()
    assert not failure, failure
    assert patience.worst < within, patience.worst


class Peak:
    """How far a process's memory has grown at its highest since this was made."""

    def __init__(self, pid: int) -> None:
        self._proc = pathlib.Path(f"/proc/{pid}")
        (self._proc / "clear_refs").write_text("5")
        self._before = self._high()

    def _high(self) -> int:
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def grown(self) -> int:
        return self._high() - self._before
