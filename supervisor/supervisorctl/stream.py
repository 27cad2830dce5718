"""Logs as they grow: GET requests over raw sockets, decoded piece by piece.

Promise: bytes are handed on as soon as they come, whatever their boundaries; nothing waits but ``follow``, which a
wake-up descriptor ends at once. It must not know what is done with the bytes.
"""

from __future__ import annotations

import os
import select

from supervisor.supervisorctl.link import UnknownProtocol
from supervisor.xmlrpc import wire
from supervisor.xmlrpc.reach import connect, host_of, is_secure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.supervisorctl.link import Link

PIECE = 65536
LONGEST_HEAD = 65536
BRIEFLY = 0.05
USER_AGENT = "Supervisor HTTP Client"


class CannotRead(Exception):
    """The server answered with another status than 200, or with nothing that has a status (0)."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} Cannot read, status code {status}")
        self.status = status


class ReaderLeft(Exception):
    """Nobody reads what is printed any more."""


class Chunks:
    """Takes a chunked body in pieces of any size, gives what it carries."""

    def __init__(self) -> None:
        self.ended = False
        self._line = b""
        self._left = 0
        self._in_data = False

    def feed(self, data: bytes) -> bytes:
        """What the next bytes of the body carry. ValueError when they are no chunks."""
        out = []
        while data and not self.ended:
            if self._left:
                piece = data[: self._left]
                data = data[len(piece) :]
                self._left -= len(piece)
                out.append(piece)
                continue
            line, newline, data = (self._line + data).partition(b"\n")
            if not newline:
                if len(line) > LONGEST_HEAD:
                    raise ValueError("a line of a chunked body has no end")
                self._line = line
                break
            self._line = b""
            self._size(line.strip())
        return b"".join(out)

    def _size(self, line: bytes) -> None:
        if self._in_data and not line:
            self._in_data = False  # the line end after the data of a chunk
            return
        self._left = int(line.partition(b";")[0], 16)
        if self._left < 0:
            raise ValueError("a chunk of negative size")
        self._in_data = True
        self.ended = self._left == 0


class Stream:
    """One GET whose answer is handed on while it comes."""

    def __init__(self, link: Link, path: str) -> None:
        url, username, password = link.place
        try:
            host = host_of(url)
        except ValueError as problem:
            raise UnknownProtocol(str(problem)) from None
        self.url = url + path
        self._head = b""
        self._chunks: Chunks | None = None
        self._left: int | None = None  # bytes of a body whose length was told
        self._in_body = False
        self.socket = connect(url)
        request = (
            f"GET {quoted(path)} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: chunked\r\nAccept: */*\r\n"
            f"User-agent: {USER_AGENT}\r\n{wire.authorization(username, password)}\r\n"
        )
        try:
            self.socket.sendall(request.encode())
        except BaseException:
            self.socket.close()
            raise
        # What makes an encrypted connection readable may be no data.
        self.socket.settimeout(BRIEFLY if is_secure(url) else None)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self.socket.fileno()

    def read(self) -> bytes | None:
        """What has come (b'' when it was no text yet), None at the end; CannotRead when the server refuses."""
        try:
            data = self.socket.recv(PIECE)
        except TimeoutError:
            return b""
        if not data:
            return None
        if not self._in_body:
            data = self._read_head(data)
        if self._chunks is not None:
            return self._chunks.feed(data)
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data

    @property
    def ended(self) -> bool:
        """Whether the answer is complete, though the server may keep the connection open."""
        return self._left == 0 or (self._chunks is not None and self._chunks.ended)

    def _read_head(self, data: bytes) -> bytes:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(head) > LONGEST_HEAD:
                raise CannotRead(self.url, 0)
            return b""
        lines = head.decode("latin-1").lower().split("\r\n")
        words = lines[0].split()
        if len(words) < 2 or not words[0].startswith("http/") or not words[1].isdigit():
            raise CannotRead(self.url, 0)
        if words[1] != "200":
            raise CannotRead(self.url, int(words[1]))
        self._in_body = True
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name == "transfer-encoding" and "chunked" in value:
                self._chunks = Chunks()
            elif name == "content-length" and value.strip().isdigit():
                self._left = int(value)
        return rest

    def close(self) -> None:
        """Leave."""
        self.socket.close()


def quoted(path: str) -> str:
    """A path as a request line can carry it: blanks, control characters and what ends a path are encoded."""
    keep = bytes(range(0x21, 0x7F)).translate(None, b'%?#"<>\\^`{|}')
    return "".join(chr(byte) if byte in keep else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogateescape"))


class WakeUp:
    """Ends a ``follow`` that runs in another thread, or would wait."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self.called = False

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        return self._reader

    def call(self) -> None:
        """Wake whoever waits; again and again does no harm."""
        if not self.called:
            self.called = True
            os.write(self._writer, b"\0")

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._reader)
        os.close(self._writer)


def follow(streams: Mapping[Stream, Callable[[bytes], None]], wake_up: WakeUp | None = None,
           missing_is_fine: bool = False, output: int | None = None) -> None:
    """Hand on what the streams bring until all have ended or the wake-up is called. ReaderLeft when the reader of the
    pipe ``output`` has left, which writing alone would tell at the next byte, if ever."""
    poll = select.poll()
    by_fd = {stream.fileno(): stream for stream in streams}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    if wake_up is not None:
        poll.register(wake_up.fileno(), select.POLLIN)
    if output is not None:
        poll.register(output, 0)
    while by_fd:
        for fd, _ in poll.poll():
            if fd == output:
                raise ReaderLeft()
            stream = by_fd.get(fd)
            if stream is None:
                return
            try:
                data = stream.read()
            except CannotRead:
                if not missing_is_fine:
                    raise
                data = None
            if data:
                streams[stream](data)
            if data is None or stream.ended:
                poll.unregister(fd)
                del by_fd[fd]
