"""Finding what a program says between the two capture tokens.

Promise: it does not matter where reads end; no byte waits but those that may begin a token. Pure. Must not know
events or logs.
"""

from __future__ import annotations

from enum import Enum, auto

from supervisor.events import ProcessCommunicationEvent

__all__ = ["Capture", "Found", "LastBytes", "find_prefix_at_end"]

BEGIN = ProcessCommunicationEvent.BEGIN_TOKEN
END = ProcessCommunicationEvent.END_TOKEN


class Found(Enum):
    """What a piece of a stream turned out to be."""

    OUTPUT = auto()  # outside of sections
    CAPTURED = auto()  # inside of one
    END = auto()  # the end of a section; no bytes


class Capture:
    """One stream. ``inside`` tells whether a section is open."""

    __slots__ = ("inside", "_held")

    def __init__(self) -> None:
        self.inside = False
        self._held = b""  # the beginning of a token, perhaps

    def is_idle(self, data: bytearray, count: int) -> bool:
        """Whether the first ``count`` bytes are output and nothing else, as a whole: then they need no feeding."""
        return not (
            self.inside
            or self._held
            or data.find(BEGIN, 0, count) >= 0
            or find_prefix_at_end(data[max(count - len(BEGIN), 0) : count], BEGIN)
        )

    def feed(self, data: bytes) -> list[tuple[Found, bytes]]:
        """What the next piece brings, in order."""
        if self._held:
            data = self._held + data
        found: list[tuple[Found, bytes]] = []
        start = 0
        while True:
            token = END if self.inside else BEGIN
            at = data.find(token, start)
            if at < 0:
                break
            self._add(found, data[start:at])
            if self.inside:
                found.append((Found.END, b""))
            self.inside = not self.inside
            start = at + len(token)
        held = find_prefix_at_end(data[max(start, len(data) - len(token)) :], token)
        end = len(data) - held
        self._held = data[end:]
        self._add(found, data[start:end])
        return found

    def finish(self) -> bytes:
        """The end of the stream: output that waited. A section that is still open is nobody's."""
        held, self._held = self._held, b""
        return b"" if self.inside else held

    def _add(self, found: list[tuple[Found, bytes]], data: bytes) -> None:
        if data:
            found.append((Found.CAPTURED if self.inside else Found.OUTPUT, data))


class LastBytes:
    """Keeps exactly the last ``maxbytes`` of what is added."""

    __slots__ = ("_maxbytes", "_kept")

    def __init__(self, maxbytes: int) -> None:
        self._maxbytes = maxbytes
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        self._kept += data[-self._maxbytes :]
        del self._kept[: max(len(self._kept) - self._maxbytes, 0)]

    def take(self) -> bytes:
        """What is kept, which is then forgotten."""
        kept = bytes(self._kept)
        self._kept.clear()
        return kept


def find_prefix_at_end(haystack: bytes | bytearray, needle: bytes) -> int:
    """The length of the longest end of haystack that is a proper beginning of needle."""
    length = min(len(needle) - 1, len(haystack))
    while length > 0 and not haystack.endswith(needle[:length]):
        length -= 1
    return max(length, 0)
