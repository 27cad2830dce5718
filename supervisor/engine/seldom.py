"""Telling now and then of what may happen thousands of times a second.

Promise: so many a minute are told, the others are counted and the next one told says how many. Knows not what is told.
"""

from __future__ import annotations

__all__ = ["Seldom"]

_PERIOD = 60.0


class Seldom:
    """
    >>> seldom = Seldom(1)
    >>> [seldom.more(now) for now in (0.0, 1.0, 2.0, 60.0, 120.0)]
    ['', None, None, ' (2 more before it)', '']
    """

    def __init__(self, a_minute: int) -> None:
        self._most = a_minute
        self._began = float("-inf")
        self._told = 0
        self._untold = 0

    def more(self, now: float) -> str | None:
        """What to add to the text that is told now; None when nothing is to be told."""
        if now - self._began >= _PERIOD:
            self._began, self._told = now, 0
        if self._told >= self._most:
            self._untold += 1
            return None
        self._told += 1
        untold, self._untold = self._untold, 0
        return f" ({untold} more before it)" if untold else ""
