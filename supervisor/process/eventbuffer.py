"""The events that wait for a pool's listeners, and the telling of those that found no room.

Promise: what waits is bounded by number and by the memory of what it carries; the oldest make room for the newest, and
it is said. Must not know listeners.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from sys import getsizeof

from supervisor.hints import Any

__all__ = ["EventBuffer", "Overflow"]

_TEXT = (str, bytes)
# Overflow is told once in this time.
OVERFLOW_PERIOD = 1.0


class EventBuffer:
    """A queue of events. One that is larger than all that may wait can wait alone."""

    def __init__(self, most: int, most_bytes: int, dropped: Callable[[object], None]) -> None:
        self.size = 0  # bytes
        self._events: deque[Any] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._dropped = dropped

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, number: int) -> Any:
        return self._events[number]

    def takes(self, event: Any) -> bool:
        """Whether there is room for an event as it is."""
        waiting = self._events
        return not waiting or (len(waiting) < self._most and self.size + _carried(event) <= self._most_bytes)

    def append(self, event: Any) -> None:
        """Let an event wait behind the others, of which the oldest make room."""
        if self._events:
            self._make_room(event)
        self.size += _carried(event)
        self._events.append(event)

    def give_back(self, event: Any) -> None:
        """Let an event that was taken wait before all others. Room is made as for a new one."""
        self._make_room(event)
        self.size += _carried(event)
        self._events.appendleft(event)

    def popleft(self) -> Any:
        """Take the oldest."""
        event = self._events.popleft()
        self.size -= event.carried_bytes
        return event

    def clear(self) -> None:
        """Forget all."""
        self._events.clear()
        self.size = 0

    def _make_room(self, event: Any) -> None:
        while not self.takes(event):
            self._dropped(self.popleft().serial)


class Overflow:
    """Tells of a pool's dropped events: the first at once, the rest of a period by their number."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._untold = 0
        self._last: object = None
        self._timer: Any = None

    def dropped(self, serial: object) -> None:
        """An event found no room."""
        self._last = serial
        if self._timer is not None:
            self._untold += 1
            return
        self._tell(serial)

    def stop(self) -> None:
        """Nothing more is told."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self, serial: object, more: str = "") -> None:
        self._pool.log.error(
            f"pool {self._pool.config.name} event buffer overflowed, discarding event {serial}{more}"
        )
        self._timer = self._pool.world.loop.call_later(OVERFLOW_PERIOD, self._period_over)

    def _period_over(self) -> None:
        self._timer = None
        if self._untold:
            untold, self._untold = self._untold, 0
            self._tell(self._last, f" ({untold} events since the last message)" if untold > 1 else "")


def _carried(event: Any) -> int:
    """Bytes of memory of the text and data of an event, the same however often and by whomever it is asked."""
    facts = event.__dict__
    size: int | None = facts.get("carried_bytes")
    if size is None:
        size = 0
        for value in facts.values():
            if isinstance(value, _TEXT):
                size += getsizeof(value)
        facts["carried_bytes"] = size
    return size
