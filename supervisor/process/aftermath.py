"""What is left of process groups whose program was stopped.

Promise: what is dying with its program is left in peace; what stays is told in one line; to look costs one walk through
the processes of the machine, however many programs were stopped. Must not know processes or states.
"""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.engine.leftovers import group_exists, living_groups
from supervisor.engine.loop import Loop, Timer
from supervisor.engine.system import System
from supervisor.hints import Any, Protocol

__all__ = ["Aftermath", "PATIENCE"]

# What is left of a group may be dying with its program: it gets this long before it is told, in seconds.
PATIENCE = 0.2


class Log(Protocol):
    """The part of the activity log that is used here."""

    def warn(self, msg: str) -> object: ...


class Aftermath:
    """Process groups by their number, which was the pid of their program."""

    def __init__(self, loop: Loop, system: System, log: Log, pids: Mapping[int, Any]) -> None:
        self._loop = loop
        self._system = system
        self._log = log
        self._pids = pids  # of children that live: a group of such a number is a new one
        self._waiting: dict[int, tuple[str, float]] = {}  # program, when its patience ends
        self._timer: Timer | None = None

    def look_after(self, name: str, group: int) -> None:
        """The program of this group was stopped and is gone."""
        if self._exists(group):
            self._waiting[group] = (name, self._loop.clock.now() + PATIENCE)
            self._arm()

    def pending(self) -> bool:
        """Whether there may be something to tell."""
        self._waiting = {group: known for group, known in self._waiting.items() if self._exists(group)}
        return bool(self._waiting)

    def _exists(self, group: int) -> bool:
        return group not in self._pids and group_exists(self._system, group)

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = self._loop.call_at(min(end for _, end in self._waiting.values()), self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.clock.now()
        due = {group: name for group, (name, end) in self._waiting.items() if end <= now}
        for group in due:
            del self._waiting[group]
        there = {group for group in due if self._exists(group)}
        living = living_groups(self._system, there) if there else ()
        for group in sorted(living):
            self._log.warn(f"{due[group]} was stopped, but processes it started are still running "
                           f"(process group {group}); stopasgroup=true stops them with it")
        self._arm()
