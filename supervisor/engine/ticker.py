"""Calls at multiples of a period of the wall clock.

Promise: on the second as long as the wall clock is left alone; when it is set, at most one call, however far it
jumped. Knows not what the calls are for.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.engine.loop import Loop, Timer

__all__ = ["Ticker", "timeslice"]

# Timers run on monotonic time. Looking at the wall clock this often, in seconds, bounds how long a long
# period is out of step after the wall clock was set.
_LONGEST = 60.0


def timeslice(period: int, when: float) -> int:
    """When, rounded down to a multiple of period.

    >>> timeslice(60, 125.5)
    120
    """
    return int(when - (when % period))


class Ticker:
    """Calls due(when) each time the wall clock enters another multiple of period seconds."""

    def __init__(self, loop: Loop, period: int, due: Callable[[int], object]) -> None:
        self._loop = loop
        self._period = period
        self._due = due
        self._slice = 0
        self._timer: Timer | None = None

    @property
    def running(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        """From now on; the current multiple counts as past."""
        if self._timer is None:
            self._slice = timeslice(self._period, self._loop.clock.wall())
            self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        clock = self._loop.clock
        wall = clock.wall()
        wait = timeslice(self._period, wall) + self._period - wall
        self._timer = self._loop.call_later(min(wait, _LONGEST), self._look)

    def _look(self) -> None:
        current = timeslice(self._period, self._loop.clock.wall())
        self._arm()
        if current != self._slice:
            self._slice = current
            self._due(current)
