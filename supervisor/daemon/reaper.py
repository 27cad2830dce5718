"""Collecting children that died, ours and any other.

Promise: no zombie is left, and a failure while one death is seen to does not hide the next. Knows processes only by
the pid history and as something that can finish.
"""

from __future__ import annotations

import errno
import os

from supervisor.engine.system import System
from supervisor.engine.traces import one_line
from supervisor.hints import Any, Protocol
from supervisor.process.waitstatus import decode_wait_status

__all__ = ["reap"]

# Deaths seen to before descriptors are looked at again.
_LIMIT = 100


class Log(Protocol):
    """The part of the activity log that is used here."""

    def critical(self, msg: str) -> object: ...

    def info(self, msg: str) -> object: ...


def reap(system: System, log: Log, pidhistory: dict[int, Any], once: bool = False) -> bool:
    """See to the children that are dead by now; whether there may be more."""
    dead: list[tuple[Any, int, int]] = []
    more = True
    while more and len(dead) < (1 if once else _LIMIT):
        try:
            pid, status = system.waitpid(-1, os.WNOHANG)
        except OSError as exc:
            if exc.errno not in (errno.ECHILD, errno.EINTR):
                log.critical(f"waitpid error {exc.errno}; a process may not be cleaned up properly")
            pid = status = 0
        more = bool(pid)
        if more:
            dead.append((pidhistory.pop(pid, None), pid, status))
    # The kernel gives them by age; those of groups that end together are seen to in the order of the groups.
    for process, pid, status in sorted(dead, key=_turn) if len(dead) > 1 else dead:
        if process is None:
            log.info(f"reaped unknown pid {pid} ({decode_wait_status(status)[1]})")
            continue
        try:
            process.finish(pid, status)
        except BaseException as exc:
            log.critical(f"uncaptured python exception at the end of {process!r} ({one_line(exc)})")
    return more


def _turn(death: tuple[Any, int, int]) -> int:
    return getattr(getattr(death[0], "group", None), "stop_number", 0)
