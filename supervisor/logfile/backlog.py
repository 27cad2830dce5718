"""What happens to bytes that a log does not take: kept within bounds, then dropped, counted and told about.

Promise: one line when a trouble begins, at most one a minute while it lasts, one when it is over; what is dropped is
whole lines where the data has lines, in one stretch. Must not know files.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable

from supervisor.engine.clock import Clock

__all__ = ["Backlog", "Report", "backlog_of", "silent"]

Report = Callable[[str], object]


def silent(text: str) -> None:
    """The report of who does not care: trouble is then nobody's, until somebody comes who does."""



# What waits for one log while it refuses everything, and for all such logs together.
KEPT = 64 * 1024
KEPT_BY_ALL = 16 * 1024 * 1024
# What waits for a reader that is alive but slow.
KEPT_FOR_READER = 8 * 1024 * 1024
# Seconds between two lines about the same log, and how many troubles of different logs are told in that time: a full
# file system is one trouble, however many logs are on it.
QUIET = 60.0
MOST_TOLD = 20

_HINTS = {
    errno.ENOSPC: "make room on its file system",
    errno.EDQUOT: "make room or raise the quota",
    errno.EFBIG: "raise the file size limit",
    errno.EPIPE: "start its reader",
    errno.ENXIO: "start its reader",
    errno.EAGAIN: "see why its reader does not read",
    errno.ENOENT: "restore its folder",
    errno.EMFILE: "raise the limit of open files",
    errno.ENFILE: "raise the limit of open files",
    errno.EIO: "check its device",
}


class Backlog:
    """The bytes that wait for one log, and what is to be said about it."""

    __slots__ = (
        "name",
        "clock",
        "report",
        "waiting",
        "slow",
        "_dropping",
        "_torn",
        "_dropped",
        "_told_at",
        "_told",
        "_reason",
    )

    kept_by_all = 0

    def __init__(self, name: str, clock: Clock, report: Report) -> None:
        self.name = name
        self.clock = clock
        self.report = report
        self.waiting = bytearray()
        self.slow = False  # it waits for a reader, not for the end of a trouble
        self._dropping = False
        self._torn = False  # what was dropped last did not end a line
        self._dropped = 0  # since the last line that told the number
        self._told_at = float("-inf")
        self._told = False  # the trouble going on now has been told
        self._reason: str | None = None  # of the trouble going on now

    def keep(self, data: bytes | memoryview | bytearray, why: OSError) -> None:
        """The log did not take ``data``."""
        self.slow = slow = why.errno == errno.EAGAIN
        if slow:
            # At least the rest of a write that was begun.
            room = max(KEPT_FOR_READER - len(self.waiting), 0 if self.waiting else len(data))
        else:
            room = min(KEPT - len(self.waiting), KEPT_BY_ALL - Backlog.kept_by_all)
        if self._dropping:
            room = 0
        if len(data) > room:
            data = self._drop_behind(bytes(data), max(room, 0))
        elif slow:
            self._add(data)
            return
        self._add(data)
        self._tell(why)

    def take(self, data: bytes | memoryview) -> bytes | memoryview:
        """What of ``data`` is to be written now that the log takes bytes again."""
        if not self._dropping:
            return data
        self._dropping = False
        if not self._torn:
            return data
        data = bytes(data)
        end = data.find(b"\n") + 1
        self._dropped += end
        return data[end:]

    def written(self, count: int) -> None:
        """So much of what waited is in the log."""
        del self.waiting[:count]
        Backlog.kept_by_all -= count

    def over(self) -> None:
        """The log takes bytes, and nothing waits."""
        self._reason = None
        if self.report is silent:
            self._told, self._dropped = False, 0
            return
        now = self.clock.now()
        if self._told or (self._dropped and now - self._told_at >= QUIET):
            self._told = False
            self._told_at = now
            lost, self._dropped = self._dropped, 0
            self.report(f"log {self.name!r} can be written again; {_bytes(lost)} dropped")

    def _add(self, data: bytes | memoryview | bytearray) -> None:
        self.waiting += data
        Backlog.kept_by_all += len(data)

    def _drop_behind(self, data: bytes, room: int) -> bytes:
        """The beginning that fits into room; the rest is dropped, from the end of a line on if there is one."""
        self._torn = not data.endswith(b"\n")
        kept = data[: data.rfind(b"\n", 0, room) + 1]
        if not kept and not self._dropping:
            whole = self.waiting.rfind(b"\n") + 1
            if whole:
                cut = len(self.waiting) - whole
                del self.waiting[whole:]
                Backlog.kept_by_all -= cut
                self._dropped += cut
            else:
                kept = data[:room]
        self._dropping = True
        self._dropped += len(data) - len(kept)
        return kept

    def _tell(self, why: OSError) -> None:
        if self.report is silent:
            return
        now = self.clock.now()
        if now - self._told_at < QUIET or not _may_tell(now):
            return
        reason = why.strerror or str(why)
        self._told_at = now
        if not self._told or reason != self._reason:
            hint = _HINTS.get(why.errno or 0, "correct its path or permissions")
            lost = f" {_bytes(self._dropped)} dropped so far." if self._dropped > KEPT else ""
            text = f"cannot write to log {self.name!r}: {reason}; {hint}. Output without place is dropped.{lost}"
        else:
            text = f"still cannot write to log {self.name!r}: {reason}; {_bytes(self._dropped)} dropped so far"
        self._told, self._reason = True, reason
        self.report(text)


_recently: deque[float] = deque()


def _may_tell(now: float) -> bool:
    """Whether one more line in this minute is not too much."""
    while _recently and now - _recently[0] >= QUIET:
        _recently.popleft()
    if len(_recently) >= MOST_TOLD:
        return False
    _recently.append(now)
    return True


def _bytes(count: int) -> str:
    return f"{count} bytes were" if count != 1 else "1 byte was"


# Logs that were ever in trouble: a log that is closed and opened again, as at each restart of its program, goes on.
_backlogs: dict[str, Backlog] = {}


def backlog_of(name: str, clock: Clock | None = None, report: Report | None = None) -> Backlog | None:
    """The backlog of the log of this name; made if ``clock`` is given, else None when there is none."""
    backlog = _backlogs.get(name)
    if backlog is None and clock is not None and report is not None:
        backlog = _backlogs[name] = Backlog(name, clock, report)
    return backlog
