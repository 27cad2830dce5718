"""What time it is: monotonic for decisions, the wall clock for people.

Promise: a wall clock that jumps changes no decision. Knows no timers.
"""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """The two clocks of the machine; tests hand in one that they advance themselves."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
