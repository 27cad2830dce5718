"""The way down: phases of groups, one priority after the other, and the lines about whom it waits for.

Promise: groups of a higher priority number are down before the next ones are told; equal ones go together; listeners
at work get to finish it; a death costs the same however many are still to die. Knows not whether it is for a shutdown
or for a reload.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from supervisor.engine.loop import Loop, Timer
from supervisor.hints import Any, Protocol
from supervisor.states import STOPPED_STATES, ProcessStates, getProcessStateDescription

__all__ = ["Ending"]

# How often it is told whom we are waiting for, in seconds. A little more than 3, so that the line comes after that of a
# kill that is due together with it, and only for those who outlive that.
_REPORT_PERIOD = 3.1
# Event listeners at work are told to stop when they have dealt with nothing for so many seconds.
_PATIENCE = 0.25
_STEP = 0.01


class Log(Protocol):
    """The part of the activity log that is used here."""

    def warn(self, msg: str) -> object: ...

    def info(self, msg: str) -> object: ...

    def blather(self, msg: str) -> object: ...


class Ending:
    """Stops everything in `groups` and calls finished() once nothing is left."""

    def __init__(self, loop: Loop, log: Log, groups: dict[str, Any], finished: Callable[[], object]) -> None:
        self._loop = loop
        self._log = log
        self._groups = groups
        self._finished = finished
        self._pending: dict[int, Any] = {}  # by id: processes compare by priority
        self._reported = -_REPORT_PERIOD
        self._timer: Timer | None = None
        self._work_left = 0
        self._patient_until = 0.0
        self._patience: Timer | None = None

    def begin(self) -> None:
        """Tell the first groups. Listeners that are not among them are sent the event of this, before a death is."""
        self._next()
        for group in list(self._groups.values()):
            group.transition()

    def hasten(self) -> None:
        """Kill what was told to stop and did not yet."""
        self._patient_until = 0.0
        for process in list(self._pending.values()):
            if process.get_state() == ProcessStates.STOPPING and process.pid:
                self._log.warn(f"killing '{process.config.name}' ({process.pid}) with SIGKILL")
                process.kill(signal.SIGKILL)

    def cancel(self) -> None:
        """Forget about it; for an end that comes another way."""
        for timer in (self._timer, self._patience):
            if timer is not None:
                timer.cancel()
        self._timer = self._patience = None

    def _next(self) -> None:
        """Go through the phases until one has to be waited for."""
        while not self._pending:
            unstopped = [group for group in self._groups.values() if group.get_unstopped_processes()]
            if not unstopped:
                self.cancel()
                self._finished()
                return
            last = max(group.config.priority for group in unstopped)
            groups = [group for group in unstopped if group.config.priority == last]
            if self._are_at_work(groups):
                self._patience = self._loop.call_later(_STEP, self._next)
                break
            self._stop(groups)
        self._report()

    def _are_at_work(self, groups: list[Any]) -> bool:
        now = self._loop.clock.now()
        work = sum(group.work_left() for group in groups)
        if work != self._work_left:
            self._work_left = work
            self._patient_until = now + _PATIENCE
        return work > 0 and now < self._patient_until

    def _stop(self, groups: list[Any]) -> None:
        for group in reversed(groups):
            group.stop_all()
        for group in groups:
            for process in group.get_unstopped_processes():
                self._pending[id(process)] = process
                process.watch(self._changed)

    def _changed(self, process: Any, state: int) -> None:
        if state in STOPPED_STATES and self._pending.pop(id(process), None) is not None:
            process.unwatch(self._changed)
            if not self._pending:
                # At once: an idle listener is not sent the event of this death, which it may not live to answer.
                self._next()

    def _report(self) -> None:
        """At most every few seconds, with everything that is not down, told or not."""
        now = self._loop.clock.now()
        if now < self._reported + _REPORT_PERIOD:
            self._again(self._reported + _REPORT_PERIOD)
            return
        unstopped = [process for group in self._groups.values() for process in group.get_unstopped_processes()]
        if unstopped:
            self._reported = now
            self._log.info(f"waiting for {', '.join(process.config.name for process in unstopped)} to die")
            for process in unstopped:
                state = getProcessStateDescription(process.get_state())
                self._log.blather(f"{process.config.name} state: {state}")
        self._again(now + _REPORT_PERIOD)

    def _again(self, when: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_at(when, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        # A plugin may have put a state in place by hand, without anybody being told.
        for process in list(self._pending.values()):
            self._changed(process, process.get_state())
        if self._pending:
            self._report()
