"""Notices that a name in the file system no longer leads to what it led to.

Promise: no wake-up while the name is left alone where the kernel tells (inotify); one a minute elsewhere.
Knows not what to do about it.

The inode is watched, so that work on neighbouring names wakes nobody: its link count changes when the name is removed,
and it reports being moved. The folders on the way to it are watched for being moved themselves, and for nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

from supervisor.engine.loop import Loop, Timer
from supervisor.engine.system import System
from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late

if TYPE_CHECKING:
    import ctypes
else:
    ctypes = Late("ctypes")

__all__ = ["NameWatch"]

_IN_ATTRIB, _IN_DELETE_SELF, _IN_MOVE_SELF = 0x4, 0x400, 0x800
_INODE, _FOLDER = _IN_ATTRIB | _IN_DELETE_SELF | _IN_MOVE_SELF, _IN_DELETE_SELF | _IN_MOVE_SELF
_IN_CLOEXEC, _IN_NONBLOCK = os.O_CLOEXEC, os.O_NONBLOCK
# How long a name that cannot be watched goes unlooked at, in seconds.
_PERIOD = 60.0
# A name that cannot be restored is tried after so long, then ever more rarely; one whose folder is gone too may be
# wanted as soon as that is there again.
_SOON, _AT_LEAST = 1.0, 5.0
# Names come and go in bursts (a folder swept file by file); look when it is over.
_SETTLE = 0.2


class NameWatch:
    """Calls lost(path) when path ceased to lead to the inode it led to when it was watched."""

    def __init__(self, loop: Loop, system: System, lost: Callable[[str], object]) -> None:
        self._loop = loop
        self._system = system
        self._lost = lost
        self._inodes: dict[str, tuple[int, int]] = {}
        self._timer: Timer | None = None
        self._pace = _SOON
        self._fd = _inotify_init()
        # Whether there is something that the kernel does not tell of.
        self._blind = self._fd < 0
        if self._fd >= 0:
            try:
                loop.add_reader(self._fd, self._told)
            except OSError:
                system.close(self._fd)
                self._fd, self._blind = -1, True

    def watch(self, path: str) -> None:
        """Watch path from now on, or watch what it has become since."""
        inode = self._inode(path)
        if inode is None:
            self._look_later(_PERIOD)
            self._inodes[path] = (0, 0)
            return
        self._inodes[path] = inode
        if not self._blind and not all(_inotify_add(self._fd, name, mask) for name, mask in _on_the_way(path)):
            self._blind = True
        if self._blind:
            self._look_later(_PERIOD)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._system.close(self._fd)
            self._fd = -1
        self._inodes.clear()

    def _inode(self, path: str) -> tuple[int, int] | None:
        try:
            found = self._system.lstat(path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _look_later(self, delay: float) -> None:
        if self._timer is None or self._timer.when > self._loop.clock.now() + delay:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(delay, self._look)

    def _told(self) -> None:
        try:
            self._system.read(self._fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            pass  # something was told all the same
        self._look_later(_SETTLE)

    def _look(self) -> None:
        self._timer = None
        if self._blind:
            self._look_later(_PERIOD)
        pace, self._pace = self._pace, _SOON
        for path, inode in list(self._inodes.items()):
            if self._inode(path) != inode:
                self._lost(path)
                if path in self._inodes and self._inode(path) != self._inodes[path]:
                    # Whoever cares could not restore it, or not yet.
                    self._look_later(pace)
                    self._pace = min(2 * pace, _PERIOD if self._inode(path) else _AT_LEAST)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _inotify_init() -> int:
    """A descriptor, -1 where there is no inotify or none to be had."""
    try:
        libc = _libc()
        return -1 if libc is None else int(libc.inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK))
    except (OSError, AttributeError):
        return -1


def _inotify_add(fd: int, path: str, mask: int) -> bool:
    libc = _libc()
    return libc is not None and libc.inotify_add_watch(fd, os.fsencode(path), ctypes.c_uint32(mask)) >= 0


def _on_the_way(path: str) -> Iterator[tuple[str, int]]:
    """What to watch, and for what: the name and the folders that lead to it."""
    yield path, _INODE
    folder = os.path.dirname(os.path.abspath(path))
    while folder != os.path.dirname(folder):
        yield folder, _FOLDER
        folder = os.path.dirname(folder)
