"""A small HTTP client that hands an answer on as it arrives: what follows a log stream.

Promise: one GET, over TCP or a local socket, fed to a listener piece by piece; errors are told to it, not raised.
Knows nothing of what is fetched.
"""

from __future__ import annotations

import base64
import socket
import sys
from urllib.parse import urlsplit

from supervisor.hints import TextIO

__all__ = ["CR", "CRLF", "HTTPHandler", "LF", "Listener", "PY2"]

CR = b"\x0d"
LF = b"\x0a"
CRLF = CR + LF
PY2 = False

_RECEIVE = 65536
_LONGEST_LINE = 65536


class Listener:
    """Is told of an answer. This one prints the body."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out
        self._err = err

    def status(self, url: str, status: object) -> None:
        """The status code."""

    def error(self, url: str, error: object) -> None:
        """It went wrong."""
        print(url, error, file=self._err or sys.stderr)

    def response_header(self, url: str, name: str, value: str) -> None:
        """One header."""

    def done(self, url: str) -> None:
        """That was all."""

    def feed(self, url: str, data: bytes | str) -> None:
        """A piece of the body."""
        out = self._out or sys.stdout
        out.write(data if isinstance(data, str) else data.decode("utf-8", "replace"))
        out.flush()

    def close(self, url: str) -> None:
        """The connection is closed."""


class _Ended(Exception):
    """The server closed where more was due."""


class HTTPHandler:
    """One request to a server. get() returns when the answer is over or close() was called, from any thread."""

    def __init__(self, listener: Listener, username: str | None = "", password: str | None = None) -> None:
        self.listener = listener
        self.username = username
        self.password = password
        self.url = ""
        self.error_handled = False
        self._socket: socket.socket | None = None
        self._buffer = b""

    def get(self, serverurl: str, path: str = "") -> None:
        """Fetch path from the server at serverurl, http://HOST:PORT or unix://PATH."""
        self.url = serverurl + path
        try:
            self._socket, host = _connect(serverurl)
        except (OSError, ValueError) as exc:
            self._fail(f"Cannot connect, error: {exc}")
            return
        try:
            self._socket.sendall(self._request(path or "/", host))
            self._answer()
        except (OSError, ValueError, _Ended) as exc:
            # After close() from elsewhere this is no news.
            if self._socket is not None:
                self._fail(f"Connection lost: {exc}")
        else:
            self.listener.done(self.url)
        finally:
            self.close()

    def close(self) -> None:
        """No more of it."""
        sock, self._socket = self._socket, None
        if sock is not None:
            try:
                # Wakes the thread that waits for more.
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
            self.listener.close(self.url)

    def _request(self, path: str, host: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: chunked", "Accept: */*",
                 "User-agent: Supervisor HTTP Client"]
        if self.username:
            login = base64.b64encode(f"{self.username}:{self.password or ''}".encode()).decode()
            lines.append(f"Authorization: Basic {login}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _answer(self) -> None:
        words = self._line().split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            raise ValueError("no HTTP answer")
        status = int(words[1])
        headers = self._headers()
        self.listener.status(self.url, status)
        if status != 200:
            self._fail(f"Cannot read, status code {status}")
            return
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := _chunk_size(self._line()):
                self._body(size)
                self._line()
        elif headers.get("content-length", "").isdigit():
            self._body(int(headers["content-length"]))
        else:
            # What came along with the headers is the beginning of it.
            while self._buffer or self._more():
                self._body(len(self._buffer))

    def _headers(self) -> dict[str, str]:
        headers = {}
        while line := self._line():
            name, _, value = line.decode("utf-8", "replace").partition(":")
            headers[name.strip().lower()] = value.strip()
            self.listener.response_header(self.url, name.strip().lower(), value.strip())
        return headers

    def _body(self, size: int) -> None:
        while size:
            if not self._buffer and not self._more():
                raise _Ended("the answer is not complete")
            piece, self._buffer = self._buffer[:size], self._buffer[size:]
            size -= len(piece)
            self.listener.feed(self.url, piece)

    def _line(self) -> bytes:
        while CRLF not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                raise ValueError("no HTTP answer")
            if not self._more():
                raise _Ended("the answer is not complete")
        line, _, self._buffer = self._buffer.partition(CRLF)
        return line

    def _more(self) -> bool:
        sock = self._socket
        data = b"" if sock is None else sock.recv(_RECEIVE)
        self._buffer += data
        return bool(data)

    def _fail(self, text: str) -> None:
        self.error_handled = True
        self.listener.error(self.url, text)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise ValueError("no HTTP answer")
    return int(digits, 16)


def _connect(serverurl: str) -> tuple[socket.socket, str]:
    if serverurl.startswith("unix://"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(serverurl[len("unix://"):])
        except OSError:
            sock.close()
            raise
        return sock, "localhost"
    parts = urlsplit(serverurl)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"Unknown protocol {parts.scheme}")
    return socket.create_connection((parts.hostname, parts.port or 80)), parts.netloc.rpartition("@")[2]
