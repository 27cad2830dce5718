"""Bodies of requests while they come in.

Promise: never more is kept than the limit says, and nothing of what follows the body is used. Knows no head.
"""

from __future__ import annotations

import re

__all__ = ["Body", "ChunkedBody", "HttpError", "PlainBody"]

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_CHUNK_SIZE_BEGUN = re.compile(rb"([0-9A-Fa-f]{1,15}[ \t]*(;[^\r\n]*)?\r?)?")
_TRAILER_BEGUN = re.compile(rb"[^\r\n]*\r?")
_LONGEST_CHUNK_LINE = 4096
# A body of more bytes is not copied.
_LARGE = 1024 * 1024
_MOST_TRAILERS = 16 * 1024


class HttpError(Exception):
    """What is to be answered instead of going on; the connection cannot be used any further."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


class Body:
    """A body under way."""

    complete = False

    def __init__(self) -> None:
        self._whole: bytes | bytearray = b""

    def eat(self, data: bytes | bytearray, pos: int, limit: int, keep: bool) -> int:
        """Use data from pos on; the position behind what was used."""
        raise NotImplementedError

    @property
    def kept(self) -> int:
        """Bytes of it that are here."""
        return len(self._whole)

    def joined(self) -> bytes | bytearray:
        """All of it; whoever is done with a bytearray may empty it, wherever else it is still held."""
        return self._whole if len(self._whole) > _LARGE else bytes(self._whole)

    def _keep(self, piece: bytes | bytearray) -> None:
        # Mostly it comes in one piece. If not, it grows where it is: the pieces and their sum would be twice as much.
        if not self._whole:
            self._whole = bytes(piece)
        else:
            if isinstance(self._whole, bytes):
                self._whole = bytearray(self._whole)
            self._whole += piece


class PlainBody(Body):
    """So many bytes."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self._length = length
        self._left = length

    def eat(self, data: bytes | bytearray, pos: int, limit: int, keep: bool) -> int:
        if self._length > limit:
            raise HttpError(413)
        end = min(pos + self._left, len(data))
        if keep and end > pos:
            self._keep(data[pos:end])
        self._left -= end - pos
        self.complete = not self._left
        return end


class ChunkedBody(Body):
    """Chunks, each with its size; then trailers, which nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self._left = 0
        self._trailers = -1

    def eat(self, data: bytes | bytearray, pos: int, limit: int, keep: bool) -> int:
        while not self.complete:
            if self._left > 2:
                end = min(pos + self._left - 2, len(data))
                if end == pos:
                    return pos
                if keep:
                    self._keep(data[pos:end])
                self._left -= end - pos
                pos = end
                continue
            end = data.find(b"\r\n", pos, pos + _LONGEST_CHUNK_LINE)
            if end < 0:
                self._judge_beginning(bytes(data[pos:pos + _LONGEST_CHUNK_LINE]))
                return pos
            self._line(bytes(data[pos:end]), limit)
            pos = end + 2
        return pos

    def _judge_beginning(self, begun: bytes) -> None:
        """A line that is not complete: refuse at once what can never become one."""
        if self._left:
            possible = begun in (b"", b"\r")
        else:
            shape = _TRAILER_BEGUN if self._trailers >= 0 else _CHUNK_SIZE_BEGUN
            possible = len(begun) < _LONGEST_CHUNK_LINE and shape.fullmatch(begun) is not None
        if not possible:
            raise HttpError(400)

    def _line(self, line: bytes, limit: int) -> None:
        if self._left:
            # The line end that belongs to the chunk before.
            if line:
                raise HttpError(400)
            self._left = 0
        elif self._trailers >= 0:
            self._trailers += len(line) + 2
            if b"\n" in line or b"\r" in line:
                raise HttpError(400)
            if self._trailers > _MOST_TRAILERS:
                raise HttpError(431)
            self.complete = not line
        else:
            match = _CHUNK_SIZE.fullmatch(line)
            if not match:
                raise HttpError(400)
            size = int(match[1], 16)
            self._size += size
            if self._size > limit:
                raise HttpError(413)
            if size:
                self._left = size + 2
            else:
                self._trailers = 0
