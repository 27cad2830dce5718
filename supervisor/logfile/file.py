"""A log by its name: opening, rotation, clearing, and who follows it.

Promise: append mode always, and the size asked from the file, so that truncation from outside leaves no hole; only
regular files are rotated or cleared; a step that fails loses nothing and is tried again. Must not know what is written.

Several logs of one daemon may have the same name: whichever rotates, the others follow.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable

from supervisor.engine.clock import Clock
from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.loop import Loop
from supervisor.engine.system import System
from supervisor.logfile.backlog import QUIET, Report
from supervisor.logfile.opening import Place, open_place
from supervisor.logfile.outlet import Outlet, acquire
from supervisor.logfile.target import Target

__all__ = ["LogFile", "follow"]

# Seconds between two tries of a step that failed while there is still a file to write to.
_RETRY = 1.0
# How many backups are looked for one by one.
_MOST_TRIED = 100

_open_logs: dict[str, list[LogFile]] = {}
_followers: dict[str, list[Callable[[], object]]] = {}


def follow(path: str, callback: Callable[[], object]) -> Callable[[], None]:
    """Call back after each write, rotation, reopening or clearing of a log of this name; gives cancel()."""
    _followers.setdefault(path, []).append(callback)

    def cancel() -> None:
        callbacks = _followers.get(path, [])
        if callback in callbacks:
            callbacks.remove(callback)
            if not callbacks:
                del _followers[path]

    return cancel


class LogFile:
    """``report(text)`` takes a line for the activity log; ``mode`` is of files that are created, less the umask."""

    __slots__ = (
        "path",
        "maxbytes",
        "backups",
        "seekable",
        "_mode",
        "_system",
        "_clock",
        "_report",
        "_target",
        "_size",
        "_astray",
        "_retry_at",
        "_moving",
        "_told_at",
    )

    def __init__(
        self,
        path: str,
        maxbytes: int = 0,
        backups: int = 0,
        *,
        system: System,
        clock: Clock,
        report: Report,
        mode: int = 0o666,
    ) -> None:
        self.path = path
        self.maxbytes = maxbytes
        self.backups = backups
        self.seekable = False  # a regular file of ours
        self._mode = mode
        self._system = system
        self._clock = clock
        self._report = report
        self._target: Target | None = None
        self._size = 0  # at most so much is in the file, as far as we wrote it
        self._astray = False  # the descriptor is not of the file that the name should have
        self._retry_at = 0.0
        self._moving: list[int] | None = None  # numbers of the backups that still make room; None: none has yet
        self._told_at = float("-inf")

    # Opening and closing

    def open(self, truncate: bool = False) -> None:
        """OSError when that is not possible. A FIFO that nobody reads is not an error."""
        self.close()
        place = open_place(self.path, self._mode, self._system)
        self._settle_in(place)
        if truncate and self.seekable:
            self._system.ftruncate(place.fd, 0)
            self._size = 0
        _open_logs.setdefault(self.path, []).append(self)

    def close(self) -> None:
        """What waits for a slow reader is still delivered."""
        target, self._target = self._target, None
        if target is None:
            return
        self._leave(target)
        logs = _open_logs.get(self.path, [])
        if self in logs:
            logs.remove(self)
            if not logs:
                del _open_logs[self.path]

    def reopen(self) -> None:
        """Go on with what has the name now; with what there is, if that cannot be opened."""
        if self._target is None:
            return
        try:
            self._settle_in(open_place(self.path, self._mode, self._system))
        except OSError as exc:
            self._stay(exc)
        self._tell_followers()

    # Writing

    def write(self, data: bytes | memoryview) -> None:
        """Append. Never raises for what the system does, never waits."""
        target = self._target
        if target is None:
            return
        if self._astray and (target.fd < 0 or self._clock.now() >= self._retry_at):
            self.reopen()
            target = self._target or target
        target.write(data)
        if self.seekable and self.maxbytes > 0:
            self._size += len(data)
            if self._size >= self.maxbytes or len(_open_logs.get(self.path, ())) > 1:
                self.rotate_if_due()
        if _followers:
            self._tell_followers()

    @property
    def congested(self) -> bool:
        """A reader is behind: wait before bringing more."""
        return isinstance(self._target, Outlet) and self._target.congested

    def wait(self, loop: Loop, callback: Callable[[], object]) -> None:
        """Call back when it is no longer congested; to be asked for only when it is."""
        assert isinstance(self._target, Outlet)
        self._target.wait(loop, callback)

    # Rotation

    def rotate_if_due(self) -> None:
        """Start a new file if this one has reached its limit."""
        target = self._target
        if target is None or not self.seekable or self.maxbytes <= 0 or target.fd < 0:
            return
        try:
            info = self._system.fstat(target.fd)
        except OSError:
            return
        self._size = info.st_size
        if info.st_size < self.maxbytes or self._clock.now() < self._retry_at:
            return
        try:
            self._rotate(target, info)
        except OSError as exc:
            self._retry_at = self._clock.now() + _RETRY
            self._tell_rotation(exc)
            return
        self._tell_followers()

    def _rotate(self, target: Target, info: os.stat_result) -> None:
        if not self._has_name(info):
            self.reopen()
            return
        if self.backups <= 0:
            self._truncate(target)
            return
        if self._moving is None:
            self._remove_oldest()
            self._moving = list(self._numbers())
        while self._moving:
            self._rename(f"{self.path}.{self._moving[0]}", f"{self.path}.{self._moving[0] + 1}")
            del self._moving[0]
        self._rename(self.path, f"{self.path}.1")
        self._moving = None
        self._renew(info)

    def _numbers(self) -> Iterable[int]:
        """Of the backups that move up, the highest first. Who keeps them all does not pay for those there could be."""
        if self.backups <= _MOST_TRIED:
            return range(self.backups - 1, 0, -1)
        folder, name = os.path.split(self.path)
        ends = (entry[len(name) + 1 :] for entry in self._system.listdir(folder or ".") if entry.startswith(f"{name}."))
        found = {int(end) for end in ends if end.isascii() and end.isdigit() and not end.startswith("0")}
        return sorted((number for number in found if number < self.backups), reverse=True)

    def _truncate(self, target: Target) -> None:
        # Followers read what is about to go.
        self._tell_followers()
        self._system.ftruncate(target.fd, 0)
        self._size = 0

    def _rename(self, old: str, new: str) -> None:
        try:
            self._system.rename(old, new)
        except FileNotFoundError:
            pass

    def _remove_oldest(self) -> None:
        """Make room, if something is to take its place. A rename over it would do that too, but ext4 then writes to the
        disk at once."""
        try:
            if self.backups > 1:
                self._system.lstat(f"{self.path}.{self.backups - 1}")
            self._system.unlink(f"{self.path}.{self.backups}")
        except FileNotFoundError:
            pass
        except OSError as exc:
            if exc.errno not in (errno.EISDIR, errno.EPERM):
                raise
            # A folder: the rename tells.

    def _has_name(self, info: os.stat_result) -> bool:
        try:
            named = self._system.stat(self.path)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (info.st_dev, info.st_ino)

    def _renew(self, old: os.stat_result) -> None:
        """A new file takes the name; never with more permissions than the one before."""
        mode, self._mode = self._mode, (old.st_mode | 0o600) & self._mode
        try:
            self.reopen()
        finally:
            self._mode = mode
        for other in list(_open_logs.get(self.path, ())):
            if other is not self:
                other.reopen()

    def _tell_rotation(self, why: OSError) -> None:
        now = self._clock.now()
        if now - self._told_at >= QUIET:
            self._told_at = now
            self._report(
                f"cannot rotate log {self.path!r}: {why.strerror}; correct the permissions of its folder."
                " Until then it grows beyond its limit."
            )

    # Clearing

    def clear(self) -> None:
        """Remove the file and begin a new one; other targets stay as they are. OSError when one of both fails."""
        target = self._target
        if target is None or not self.seekable:
            return
        refuse_planted_folder(self._system, os.path.dirname(self.path) or ".")
        try:
            info = self._system.lstat(self.path)
        except FileNotFoundError:
            info = None
        if info is not None and stat.S_ISLNK(info.st_mode):
            self._truncate(target)
            self._tell_followers()
            return
        if info is not None and stat.S_ISREG(info.st_mode):
            self._system.unlink(self.path)
            self._renew(info)
        else:
            self.reopen()
        if self._astray:
            raise target.why_absent()

    # Inside

    def _settle_in(self, place: Place) -> None:
        """Write to ``place`` from now on."""
        old = self._target
        self._astray = False
        self._retry_at = 0.0
        if stat.S_ISREG(place.info.st_mode) and not place.own:
            self.seekable = True
            if old is not None and type(old) is Target:
                self._size = place.info.st_size + old.waiting
                old.move(place.fd)
                return
            self._target = Target(place.fd, self.path, self._system, self._clock, self._report)
            self._size = place.info.st_size + self._target.waiting
            self._target.flush()
        else:
            self.seekable = False
            self._target = acquire(place, self.path, self._system, self._clock, self._report)
        if old is not None:
            self._leave(old)

    def _leave(self, target: Target) -> None:
        if isinstance(target, Outlet):
            target.release(self._report)
        else:
            target.close()

    def _stay(self, why: OSError) -> None:
        """The name cannot be opened. A file that still has some name is written on, one that has none would only
        fill the disk unseen."""
        target = self._target
        assert target is not None
        self._astray = True
        self._retry_at = self._clock.now() + _RETRY
        target.absence = why
        if type(target) is Target and target.fd >= 0 and self._is_nameless(target.fd):
            target.move(-1)

    def _is_nameless(self, fd: int) -> bool:
        try:
            return self._system.fstat(fd).st_nlink == 0
        except OSError:
            return False

    def _tell_followers(self) -> None:
        for callback in tuple(_followers.get(self.path, ())):
            callback()
