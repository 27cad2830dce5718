"""Opening a log by its name, whatever is there: a file, a FIFO, a terminal, or one of the daemon's own descriptors.

Promise: never waits for a reader, and writes to nothing that somebody else may have planted.
Must not know what is written, nor keep anything open that it did not hand out.

A FIFO without a reader cannot be opened for writing without blocking (ENXIO). Opening ``/proc/self/fd/N`` of a pipe or
a terminal gives a description of our own, so that O_NONBLOCK does not reach the others who share descriptor N; of a
regular file it would give a second position in the file, so there the descriptor is duplicated.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import namedtuple

from supervisor.engine.files import (
    CAREFUL,
    DESCRIPTOR,
    led_on,
    open_name,
    refuse_planted_file,
    refuse_planted_folder,
)
from supervisor.engine.system import System
from supervisor.way import MOST_LINKS

__all__ = ["Place", "own_descriptor", "open_place"]

_FLAGS = os.O_WRONLY | os.O_APPEND


class Place(namedtuple("Place", "fd info path own shared")):
    """Where the bytes go. ``fd`` is -1 for a FIFO that nobody reads; ``path`` is what to open for it later."""

    __slots__ = ()

    fd: int
    info: os.stat_result
    path: str
    own: bool  # a descriptor of the daemon or of another process: not ours to rotate or to clear
    shared: bool  # its description is shared with others: it may block, and must not be made not to


def own_descriptor(path: str) -> int | None:
    """N for /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N."""
    if not path.startswith(("/dev/", "/proc/")):
        return None
    folder, _, name = path.rpartition("/")
    if folder == "/dev":
        return {"stdin": 0, "stdout": 1, "stderr": 2}.get(name)
    if folder in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd") and name.isdecimal():
        return int(name)
    return None


def open_place(path: str, mode: int, system: System) -> Place:
    """Open for appending, created with ``mode`` as the umask allows. OSError when that cannot be."""
    for _ in range(MOST_LINKS):
        number = own_descriptor(path)
        if number is not None:
            return _open_own(number, path, system)
        refuse_planted_folder(system, os.path.dirname(path) or ".")
        try:
            return _open_name(path, mode, system)
        except OSError as exc:
            target = led_on(system, path, exc)
        if DESCRIPTOR.fullmatch(path):
            return _open_descriptor(path, system)
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _open_name(path: str, mode: int, system: System) -> Place:
    try:
        fd, info = open_name(system, path, _FLAGS | os.O_CREAT, mode)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            info = system.lstat(path)
            if stat.S_ISFIFO(info.st_mode):
                refuse_planted_file(system, path, info)
                return Place(-1, info, path, False, False)
        raise
    return Place(fd, info, path, False, False)


def _open_descriptor(path: str, system: System) -> Place:
    """What another process has open, as in /proc/1/fd/1."""
    try:
        fd = system.open(path, _FLAGS | CAREFUL)
    except OSError as exc:
        info = system.stat(path)
        if exc.errno != errno.ENXIO or not stat.S_ISFIFO(info.st_mode):
            raise
        return Place(-1, info, path, True, False)
    try:
        return Place(fd, system.fstat(fd), path, True, False)
    except OSError:
        system.close(fd)
        raise


def _open_own(number: int, path: str, system: System) -> Place:
    try:
        info = system.fstat(number)
    except OSError:
        raise FileNotFoundError(errno.ENOENT, "the daemon has no such descriptor", path)
    if stat.S_ISFIFO(info.st_mode) or stat.S_ISCHR(info.st_mode):
        try:
            return Place(system.open(f"/proc/self/fd/{number}", _FLAGS | CAREFUL), info, path, True, False)
        except OSError:
            pass  # another user's, or no /proc
    return Place(system.dup(number), info, path, True, not stat.S_ISREG(info.st_mode))
