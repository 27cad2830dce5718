"""What the process trees of programs use of processor and memory, read from /proc while somebody looks.

Promise: not one look when nobody listens; the work is done in small pieces between other things and takes a fiftieth
of a processor at most, the pace slowing down as there is more to read. Must not know who listens.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from supervisor.engine.loop import Timer
from supervisor.hints import Any
from supervisor.names import make_namespec
from supervisor.web.proc import PROC, TICKS, Sample, read_sample

__all__ = ["Usage", "trees"]

_PERIOD = 2.0  # seconds, at least
_FIRST_PERIOD = 0.5
_SHARE = 50  # at most one part in so many of a processor
_AT_A_TIME = 32


def trees(samples: dict[int, Sample], roots: Iterable[int]) -> dict[int, list[int]]:
    """The pids of each root's tree. A root below another one counts for itself alone."""
    found: dict[int, list[int]] = {root: [] for root in roots}
    belongs: dict[int, int] = {0: 0, 1: 0, **{root: root for root in found}}
    for pid in samples:
        way = []
        at = pid
        while at not in belongs and at in samples:
            belongs[at] = 0  # in case of a circle, which pids that are used again can make
            way.append(at)
            at = samples[at].parent
        root = belongs.get(at, 0)
        for step in way:
            belongs[step] = root
        root = belongs.get(pid, 0)
        if root:
            found[root].append(pid)
    return found


class Usage:
    """One for each supervisord. of() gives it."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._loop = supervisord.loop
        self._listeners: dict[Callable[[], object], None] = {}
        self._timer: Timer | None = None
        self._todo: list[str] = []
        self._queued = False
        self._samples: dict[int, Sample] = {}
        self._before: dict[int, Sample] = {}
        self._taken_at = 0.0
        self._rates_known = False
        self._cost = 0.0
        # Namespec -> (percent of a processor, bytes), of what runs.
        self.latest: dict[str, tuple[float, int]] = {}

    @classmethod
    def of(cls, supervisord: Any) -> Usage:
        """The one of a supervisord; a reload brings a new loop and with it a new one."""
        usage = getattr(supervisord, "web_usage", None)
        if usage is None or usage._loop is not supervisord.loop:
            usage = supervisord.web_usage = cls(supervisord)
        found: Usage = usage
        return found

    def listen(self, tell: Callable[[], object]) -> None:
        """Have tell() called whenever ``latest`` is new; at once if there is one."""
        first = not self._listeners
        self._listeners[tell] = None
        if first:
            self._begin()
        elif self.latest:
            tell()

    def unlisten(self, tell: Callable[[], object]) -> None:
        self._listeners.pop(tell, None)
        if not self._listeners:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._todo, self._samples, self._before, self.latest = [], {}, {}, {}

    def _begin(self) -> None:
        self._timer = None
        self._todo = [name for name in os.listdir(PROC) if name.isdigit()]
        self._samples = {}
        self._cost = 0.0
        if not self._queued:
            self._some()

    def _some(self) -> None:
        self._queued = False
        if not self._todo:
            return
        begun = time.thread_time()
        for name in self._todo[-_AT_A_TIME:]:
            sample = read_sample(int(name))
            if sample is not None:
                self._samples[int(name)] = sample
        del self._todo[-_AT_A_TIME:]
        if not self._todo:
            self._conclude()
        self._cost += time.thread_time() - begun
        if self._todo:
            self._queued = True
            self._loop.call_background(self._some)
        else:
            # The first figures for processors need a second look.
            wait = _PERIOD if self._rates_known else _FIRST_PERIOD
            self._timer = self._loop.call_later(max(wait, self._cost * _SHARE), self._begin)

    def _conclude(self) -> None:
        now = self._loop.clock.now()
        self._rates_known = bool(self._before)
        seconds = now - self._taken_at if self._rates_known else 0.0
        names = {
            process.pid: make_namespec(group.config.name, process.config.name)
            for group in self._supervisord.process_groups.values()
            for process in group.processes.values()
            if process.pid
        }
        found = trees(self._samples, names)
        self.latest = {names[root]: self._sum(pids, seconds) for root, pids in found.items() if pids}
        self._before, self._taken_at = self._samples, now
        for tell in list(self._listeners):
            tell()

    def _sum(self, pids: list[int], seconds: float) -> tuple[float, int]:
        ticks = memory = 0
        for pid in pids:
            sample = self._samples[pid]
            before = self._before.get(pid)
            memory += sample.memory
            if before is not None and before.born == sample.born:
                ticks += sample.ticks - before.ticks
        return (round(100 * ticks / TICKS / seconds, 1) if seconds > 0 else 0.0, memory)
