"""Answers that come in pieces.

Promise: a producer is asked for more only while its client takes what there is. Knows no socket.

A producer has more(): bytes or text, empty at the end, NOT_DONE_YET when there is nothing right now. It is then asked
again after its ``delay`` (seconds), or, if it has a true ``wakes``, when it calls ``channel.wake()``. If it has
close(), that is called when it is used up or nobody wants the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import Any
from supervisor.http.kinds import Producer
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = [
    "Stream",
    "deferring_chunked_producer",
    "deferring_composite_producer",
    "deferring_globbing_producer",
    "deferring_hooked_producer",
]

# Asking a producer that says nothing about it, in seconds.
_USUAL_DELAY = 0.1


class Stream:
    """The body of one answer."""

    def __init__(self, items: list[Any], chunked: bool) -> None:
        self._items = items
        self._chunked = chunked
        self._next = 0
        self._over = False
        # When to ask a producer again that has nothing now; None if it will wake the channel itself.
        self.delay: float | None = None

    def more(self) -> Any:
        """The next piece as it goes over the wire; None at the end; NOT_DONE_YET."""
        while self._next < len(self._items):
            item = self._items[self._next]
            if isinstance(item, (bytes, bytearray, str)):
                self._next += 1
                piece: Any = item
            else:
                piece = item.more()
                if piece is NOT_DONE_YET:
                    self.delay = None if getattr(item, "wakes", False) else getattr(item, "delay", _USUAL_DELAY)
                    return piece
                if not piece:
                    self._next += 1
                    _close(item)
            if piece:
                data = _as_bytes(piece)
                return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
        if self._chunked and not self._over:
            self._over = True
            return b"0\r\n\r\n"
        return None

    def close(self) -> None:
        """Nobody wants the rest."""
        for item in self._items[self._next:]:
            _close(item)


class _Wrapper:
    """A producer around another one."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer

    @property
    def delay(self) -> float:
        return float(getattr(self.producer, "delay", _USUAL_DELAY))


class deferring_chunked_producer(_Wrapper):
    """Frames what another producer gives as chunks."""

    def __init__(self, producer: Producer, footers: list[str] | None = None) -> None:
        super().__init__(producer)
        self.footers = footers
        self._over = False

    def more(self) -> Any:
        if self._over:
            return b""
        data = self.producer.more()
        if data is NOT_DONE_YET:
            return data
        if data:
            data = _as_bytes(data)
            return b"%x\r\n%b\r\n" % (len(data), data)
        self._over = True
        return "\r\n".join(["0", *(self.footers or ()), "", ""]).encode()


class deferring_composite_producer:
    """One producer after the other."""

    def __init__(self, producers: list[Producer]) -> None:
        self.producers = producers

    @property
    def delay(self) -> float:
        return float(getattr(self.producers[0], "delay", _USUAL_DELAY)) if self.producers else _USUAL_DELAY

    def more(self) -> Any:
        while self.producers:
            data = self.producers[0].more()
            if data is NOT_DONE_YET or data:
                return data
            self.producers.pop(0)
        return b""


class deferring_globbing_producer(_Wrapper):
    """Gathers small pieces into larger ones. What is there goes out when the source has nothing more for now."""

    def __init__(self, producer: Producer, buffer_size: int = 1 << 16) -> None:
        super().__init__(producer)
        self.buffer_size = buffer_size

    def more(self) -> Any:
        buffer = bytearray()
        while len(buffer) < self.buffer_size:
            data = self.producer.more()
            if data is NOT_DONE_YET:
                return bytes(buffer) if buffer else data
            if not data:
                break
            buffer += _as_bytes(data)
        return bytes(buffer)


class deferring_hooked_producer(_Wrapper):
    """Calls function(number of bytes given) at the end."""

    def __init__(self, producer: Producer | None, function: Callable[[int], object]) -> None:
        if producer is not None:
            super().__init__(producer)
        self._live = producer is not None
        self.function = function
        self.bytes = 0

    def more(self) -> Any:
        if not self._live:
            return b""
        data = self.producer.more()
        if data is NOT_DONE_YET:
            return data
        if data:
            self.bytes += len(data)
        else:
            self._live = False
            self.function(self.bytes)
        return data


def _as_bytes(piece: Any) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def _close(item: Any) -> None:
    close = getattr(item, "close", None)
    if close is not None:
        close()
