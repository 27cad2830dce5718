"""The clock events: TICK_5, TICK_60, TICK_3600.

Promise: a timer runs only for those that somebody subscribed to. Knows not who that is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from supervisor import events
from supervisor.engine.loop import Loop
from supervisor.engine.ticker import Ticker

__all__ = ["Ticks"]


class Ticks:
    """Calls due(event class, when) for each tick that is wanted."""

    def __init__(self, loop: Loop, due: Callable[[type[events.TickEvent], int], object]) -> None:
        self._tickers = [
            (kind, Ticker(loop, kind.period, partial(due, kind))) for kind in events.TICK_EVENTS if kind.period
        ]

    def start(self) -> None:
        """From now on, following every change of the subscriptions."""
        events.on_change(self._arrange)
        self._arrange()

    def stop(self) -> None:
        events.off_change(self._arrange)
        for _, ticker in self._tickers:
            ticker.stop()

    def _arrange(self) -> None:
        for kind, ticker in self._tickers:
            if events.wanted(kind):
                ticker.start()
            else:
                ticker.stop()
