"""What has happened to processes lately: which changed since a page was made, and how often they were started again.

Promise: a few hundred nanoseconds per change of state, memory that does not grow, and not one wake-up of the daemon
unless somebody listens. Must not know pages, rows or requests.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from supervisor import events
from supervisor.hints import Any
from supervisor.states import ProcessStates

__all__ = ["HOURS", "Journal", "Key", "MINUTES"]

Key = tuple[str, str]  # group and process

# Changes that are told one by one; who is further behind has to look at everything.
_KEPT = 1000
# Starts that are remembered of one process, and processes of which any are.
_STARTS = 200
_PROCESSES = 2000
# Between two tellings, in seconds.
_PAUSE = 0.2
# What the charts show.
MINUTES = 60
HOURS = 24

# Where a process comes from that is started again, rather than for the first time or by somebody's wish.
_AGAIN = (ProcessStates.EXITED, ProcessStates.BACKOFF)


class Journal:
    """One for each supervisord, kept through reloads. of() gives it."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._epoch = os.urandom(6).hex()
        self._number = 0
        self._recent: deque[Key] = deque(maxlen=_KEPT)
        self._all_changed_at = 0
        self._fatal = (-1, 0)
        self._starts: dict[Key, list[float]] = {}
        self._minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES)
        self._listeners: dict[Callable[[], object], None] = {}
        self._telling = False
        self._told_at = float("-inf")

    @classmethod
    def of(cls, supervisord: Any) -> Journal:
        """The journal of a supervisord; it hears of changes from the first call on."""
        journal = getattr(supervisord, "web_journal", None)
        if journal is None:
            journal = supervisord.web_journal = cls(supervisord)
        journal._attach()
        found: Journal = journal
        return found

    def _attach(self) -> None:
        """Subscribe, unless that was done since subscriptions were last forgotten, as a reload does."""
        if (events.ProcessStateEvent, self._changed) not in events.callbacks:
            events.subscribe(events.ProcessStateEvent, self._changed)
            events.subscribe(events.ProcessGroupAddedEvent, self._groups_changed)
            events.subscribe(events.ProcessGroupRemovedEvent, self._groups_changed)
            self._groups_changed()

    # What changed

    @property
    def at(self) -> str:
        """The present moment, for since()."""
        return f"{self._epoch}-{self._number}"

    def since(self, at: str) -> list[Key] | None:
        """What changed after that moment, each once; None when that cannot be told one by one."""
        epoch, _, number = at.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit() and len(number) < 20):
            return None
        behind = self._number - int(number)
        if int(number) < self._all_changed_at or not 0 <= behind <= len(self._recent):
            return None
        recent = self._recent
        return list(dict.fromkeys([recent[index] for index in range(len(recent) - behind, len(recent))]))

    def fatal(self) -> int:
        """How many processes are FATAL; counted when something has changed since."""
        if self._fatal[0] != self._number:
            groups = self._supervisord.process_groups.values()
            self._fatal = (self._number, sum([
                process.get_state() == ProcessStates.FATAL for group in groups for process in group.processes.values()
            ]))
        return self._fatal[1]

    def listen(self, tell: Callable[[], object]) -> None:
        """Have tell() called soon after changes, several of them at once."""
        self._listeners[tell] = None

    def unlisten(self, tell: Callable[[], object]) -> None:
        self._listeners.pop(tell, None)

    def _changed(self, event: Any) -> None:
        process = event.process
        group = process.group
        key = (group.config.name if group is not None else "", process.config.name)
        self._number += 1
        self._recent.append(key)
        if event.from_state in _AGAIN and isinstance(event, events.ProcessStateStartingEvent):
            self._started_again(key)
        if self._listeners and not self._telling:
            self._tell_soon()

    def _groups_changed(self, _: object = None) -> None:
        self._number += 1
        self._all_changed_at = self._number
        self._telling = False
        if self._listeners:
            self._tell_soon()

    def _tell_soon(self) -> None:
        self._telling = True
        loop = self._supervisord.loop
        left = self._told_at + _PAUSE - loop.clock.now()
        if left > 0:
            loop.call_later(left, self._tell)
        else:
            # After what is under way: the process is midway between two states.
            loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._told_at = self._supervisord.loop.clock.now()
        for tell in list(self._listeners):
            tell()

    # What was started again

    def _started_again(self, key: Key) -> None:
        now = self._supervisord.loop.clock.wall()
        starts = self._starts.get(key)
        if starts is None:
            if len(self._starts) >= _PROCESSES:
                del self._starts[next(iter(self._starts))]
            starts = self._starts[key] = []
        elif len(starts) >= _STARTS:
            del starts[: _STARTS // 2]
        starts.append(now)
        minute = int(now // 60)
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1] = (minute, self._minutes[-1][1] + 1)
        else:
            self._minutes.append((minute, 1))

    def restarts_by_minute(self) -> list[int]:
        """How often any process was started again in each minute of the last hour, the present one last."""
        now = int(self._supervisord.loop.clock.wall() // 60)
        return _counts([(now - minute, number) for minute, number in self._minutes], MINUTES)

    def restarts_by_hour(self, key: Key) -> list[int]:
        """How often one process was started again in each hour up to now; the last one ends now."""
        now = self._supervisord.loop.clock.wall()
        return _counts([(int((now - start) // 3600), 1) for start in self._starts.get(key, ())], HOURS)


def _counts(ages: list[tuple[int, int]], length: int) -> list[int]:
    counts = [0] * length
    for age, number in ages:
        if 0 <= age < length:
            counts[length - 1 - age] += number
    return counts
