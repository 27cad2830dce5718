"""Requests out of bytes: head, framing, body.

Promise: the same requests come out wherever the reads were cut; nothing is guessed (what could be read in two ways is
an error with its status), and no more is stored than the limits say. Knows no socket, no clock and no route.
"""

from __future__ import annotations

import re
from functools import lru_cache

from supervisor.hints import TYPE_CHECKING
from supervisor.http.bodies import Body, ChunkedBody, HttpError, PlainBody
from supervisor.late import Late

if TYPE_CHECKING:
    from urllib import parse as urls
else:
    urls = Late("urllib.parse")

__all__ = ["DEFAULT_MAX_BODY", "DEFAULT_MAX_HEADER", "Head", "HttpError", "RequestParser", "parse_head"]

DEFAULT_MAX_HEADER = 256 * 1024
DEFAULT_MAX_BODY = 16 * 1024 * 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(_TOKEN + rb" [^ ]+ HTTP/[0-9]\.[0-9]")
_BEGINNING = re.compile(_TOKEN + rb"?(?: |$)")
_FIELD_NAME = re.compile(_TOKEN.decode() + ":")
# Control characters, and the line ends that other readers of HTTP take for line ends.
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?=[^\n])|(?<!\r)\n")
_URI = re.compile(r"([^;?#]*)(;[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)

# A client sends the same head again and again; what it means is worked out once.
_REMEMBERED_HEADS = 64
_REMEMBERED_SIZE = 2048

# Lengths beyond this are no lengths, whatever a body's limit is.
_LENGTH_DIGITS = 18


class Head:
    """A request line with its header lines. Never changed: equal requests share one."""

    __slots__ = ("line", "command", "target", "version", "lines", "length", "chunked", "keep", "expects", "uri",
                 "split", "judged", "_fields")

    def __init__(self, line: str, lines: list[str], fields: dict[str, str]) -> None:
        self.line = line
        self.command, self.target, protocol = line.split(" ")
        self.version = protocol[5:]
        self.lines = lines
        self._fields = fields
        # What somebody found out about it, and who.
        self.judged: tuple[object, str | None] = (None, None)
        self.uri, self.split = _split_target(self.target)
        self.chunked = _chunked(fields.get("transfer-encoding"), self.version)
        self.length = _length(fields.get("content-length"))
        if self.chunked and self.length is not None:
            raise HttpError(400)
        self.keep = _kept(fields.get("connection", ""), self.version)
        self.expects = self.version >= "1.1" and fields.get("expect", "").lower() == "100-continue"

    def get(self, name: str) -> str | None:
        """The value of the first header of that name; name in lower case."""
        return self._fields.get(name)


def parse_head(block: bytes) -> Head:
    """The head in block, which ends before the blank line; HttpError(400) if it is none."""
    if _FORBIDDEN.search(block) or block.endswith(b"\r"):
        raise HttpError(400)
    first, _, rest = block.partition(b"\r\n")
    if not _REQUEST_LINE.fullmatch(first):
        raise HttpError(400)
    try:
        line, text = first.decode(), rest.decode()
    except UnicodeDecodeError:
        raise HttpError(400)
    lines: list[str] = []
    for each in text.split("\r\n") if text else ():
        if each[:1] in (" ", "\t"):
            if not lines:
                raise HttpError(400)
            lines[-1] += each
        elif _FIELD_NAME.match(each):
            lines.append(each)
        else:
            raise HttpError(400)
    return Head(line, lines, _fields(lines))


_parse_head_again = lru_cache(_REMEMBERED_HEADS)(parse_head)


def _fields(lines: list[str]) -> dict[str, str]:
    """Lower-case names to values; of repeated names the first counts, but none of those that frame a body is lost."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if fields.setdefault(name, value) != value and name in ("content-length", "transfer-encoding"):
            raise HttpError(400)
    return fields


def _length(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value.lstrip("0")) > _LENGTH_DIGITS:
        raise HttpError(400)
    return int(value)


def _chunked(value: str | None, version: str) -> bool:
    if value is None:
        return False
    if value.lower() != "chunked" or version < "1.1":
        raise HttpError(400)
    return True


def _kept(connection: str, version: str) -> bool:
    """Whether the client will go on to use the connection, if the answer allows that."""
    if not connection:
        return version >= "1.1"
    words = [word.strip().lower() for word in connection.split(",")]
    if version >= "1.1":
        return "close" not in words
    return version == "1.0" and "keep-alive" in words


def _split_target(target: str) -> tuple[str, tuple[str, str | None, str | None, str | None]]:
    """The target with its path percent-decoded, and in pieces: path, ;params, ?query, #fragment.

    An encoded mark does not divide: it is part of a name.

    >>> _split_target("/a%20b%3B?c=%41")
    ('/a b;?c=%41', ('/a b;', None, '?c=%41', None))
    """
    match = _URI.fullmatch(target)
    assert match is not None  # each piece may be empty, and the last takes all
    path = match[1]
    if "%" in path:
        rest = target[len(path):]
        path = urls.unquote_to_bytes(path).decode("utf-8", "replace")
        target = path + rest
    return target, (path, match[2], match[3], match[4])


class RequestParser:
    """Eats the bytes of one connection. Asked in turn for a head, its body, the next head …"""

    def __init__(self, max_header: int = DEFAULT_MAX_HEADER, max_body: int = DEFAULT_MAX_BODY) -> None:
        self.max_header = max_header
        self.max_body = max_body
        self._data: bytes | bytearray = b""
        self._pos = 0
        # Up to where the end of the head under way was looked for.
        self._scanned = 0
        self._line_seen = False
        # Of the body of the last head something is still to be read or skipped: as much as _due says, or _body knows.
        self.in_body = False
        self._due = 0
        self._body: Body | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes of the connection."""
        if self._pos >= len(self._data):
            self._data = data
        elif isinstance(self._data, bytearray):
            del self._data[:self._pos]
            self._data += data
        else:
            self._data = bytearray(memoryview(self._data)[self._pos:])
            self._data += data
        self._scanned -= self._pos
        self._pos = 0

    @property
    def pending(self) -> int:
        """Bytes that were fed and not yet used."""
        return len(self._data) - self._pos

    @property
    def kept(self) -> int:
        """Bytes of the body under way that are here."""
        return 0 if self._body is None else self._body.kept

    @property
    def midway(self) -> bool:
        """Whether a request has begun that is not complete."""
        return self.in_body or self._pos < len(self._data)

    def head(self) -> Head | None:
        """The next head, once it is complete. Its body has to be read or skipped before the next one."""
        data, pos = self._data, self._pos
        if pos < len(data) and data[pos] in b"\r\n":
            pos = self._skip_blank_lines()
        if pos >= len(data):
            return None
        end = data.find(b"\r\n\r\n", max(pos, self._scanned))
        if end < 0:
            self._judge_beginning()
            return None
        if end - pos > self.max_header:
            raise self._too_long()
        block = bytes(data[pos:end])
        head = _parse_head_again(block) if len(block) <= _REMEMBERED_SIZE else parse_head(block)
        self._pos = self._scanned = end + 4
        self._line_seen = False
        if head.chunked:
            self._body, self.in_body = ChunkedBody(), True
        elif head.length:
            self._due, self.in_body = head.length, True
        return head

    def body(self, limit: int | None = None) -> bytes | bytearray | None:
        """The body of the head that was given last, once it is complete; 413 when it is longer than limit."""
        if not self.in_body:
            return b""
        limit = self.max_body if limit is None else limit
        end = self._pos + self._due
        if self._due and self._due <= limit and end <= len(self._data):
            # It came together with its head, as most do.
            whole = bytes(self._data[self._pos:end])
            self._pos = self._scanned = end
            self._due, self.in_body = 0, False
            return whole
        body = self._body_begun()
        return body.joined() if self._eat(body, limit, True) else None

    def skip_body(self) -> bool:
        """Throw away what is there of the body; whether that was all of it."""
        return not self.in_body or self._eat(self._body_begun(), self.max_body, False)

    def _body_begun(self) -> Body:
        if self._body is None:
            self._body, self._due = PlainBody(self._due), 0
        return self._body

    def _eat(self, body: Body, limit: int, keep: bool) -> bool:
        """Use what is there of the body; whether that was its end."""
        self._pos = body.eat(self._data, self._pos, limit, keep)
        self._scanned = max(self._scanned, self._pos)
        if body.complete:
            self._body, self.in_body = None, False
        return body.complete

    def forget(self) -> None:
        """Nothing of what came is wanted any more."""
        self._data, self._pos, self._scanned = b"", 0, 0
        self._body, self._due, self.in_body = None, 0, False

    def _skip_blank_lines(self) -> int:
        data, pos = self._data, self._pos
        while pos < len(data) and (data[pos] == 10 or data[pos:pos + 2] == b"\r\n"):
            pos += 1 if data[pos] == 10 else 2
        if pos == len(data) - 1 and data[pos] == 13:
            # Perhaps half a line end; it stays until more is known.
            self._pos = pos
            return pos + 1
        self._pos = self._scanned = pos
        return pos

    def _judge_beginning(self) -> None:
        """A head that is not complete: refuse at once what can never become one."""
        data, pos = self._data, self._pos
        if len(data) - pos > self.max_header + 3:
            raise self._too_long()
        if _FORBIDDEN.search(data, max(pos, self._scanned - 1)):
            raise HttpError(400)
        if not self._line_seen:
            end = data.find(b"\r\n", max(pos, self._scanned - 1))
            if end >= 0:
                if not _REQUEST_LINE.fullmatch(data, pos, end):
                    raise HttpError(400)
                self._line_seen = True
            elif not _BEGINNING.match(data, pos):
                raise HttpError(400)
        self._scanned = max(pos, len(data) - 3)

    def _too_long(self) -> HttpError:
        """414 if it is the request line that takes the room."""
        line = self._data.find(b"\r\n", self._pos)
        return HttpError(414 if line < 0 or line - self._pos > self.max_header // 2 else 431)
