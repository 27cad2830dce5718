"""Opening a log by its name, whatever is there: a file, a FIFO, a terminal, or one of the daemon's own descriptors.

Promise: never waits for a reader, and never writes through a link that somebody else may have planted.
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

from supervisor.engine.system import System

__all__ = ["Place", "own_descriptor", "open_place"]

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MOST_LINKS = 40
_MOST_FOLDERS = 1024

# Folders whose way was looked at: (name, device, inode).
_known_folders: set[tuple[str, int, int]] = set()


class Place(namedtuple("Place", "fd info path own shared")):
    """Where the bytes go. ``fd`` is -1 for a FIFO that nobody reads; ``path`` is what to open for it later."""

    __slots__ = ()

    fd: int
    info: os.stat_result
    path: str
    own: bool  # one of the daemon's own descriptors: not ours to rotate or to clear
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
    number = own_descriptor(path)
    if number is not None:
        return _open_own(number, path, system)
    _look_at_folder(os.path.dirname(path) or ".", system)
    try:
        return _open_name(path, mode, system)
    except OSError as exc:
        # The kernel may refuse a link in a sticky folder by itself (EACCES).
        if exc.errno not in (errno.ELOOP, errno.EACCES) or not _is_link(path, system):
            raise
    path = _follow_links(path, system)
    number = own_descriptor(path)
    if number is not None:
        return _open_own(number, path, system)
    return _open_name(path, mode, system)


def _open_name(path: str, mode: int, system: System) -> Place:
    try:
        fd = system.open(path, _FLAGS | os.O_CREAT | os.O_NOFOLLOW, mode)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            info = system.lstat(path)
            if stat.S_ISFIFO(info.st_mode):
                return Place(-1, info, path, False, False)
        raise
    try:
        info = system.fstat(fd)
        if info.st_nlink > 1 and stat.S_ISREG(info.st_mode):
            _refuse_planted_name(path, system)
    except BaseException:
        system.close(fd)
        raise
    return Place(fd, info, path, False, False)


def _open_own(number: int, path: str, system: System) -> Place:
    try:
        info = system.fstat(number)
    except OSError:
        raise FileNotFoundError(errno.ENOENT, "the daemon has no such descriptor", path)
    if stat.S_ISFIFO(info.st_mode) or stat.S_ISCHR(info.st_mode):
        try:
            return Place(system.open(f"/proc/self/fd/{number}", _FLAGS), info, path, True, False)
        except OSError:
            pass  # another user's, or no /proc
    return Place(system.dup(number), info, path, True, not stat.S_ISREG(info.st_mode))


# Links


def _is_link(path: str, system: System) -> bool:
    try:
        return stat.S_ISLNK(system.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _follow_links(path: str, system: System) -> str:
    """Where the links of the last part of a name lead; OSError when one of them is not to be trusted."""
    for _ in range(_MOST_LINKS):
        if own_descriptor(path) is not None:
            return path
        try:
            info = system.lstat(path)
        except FileNotFoundError:
            return path
        if not stat.S_ISLNK(info.st_mode):
            return path
        _refuse_planted_link(path, info, system)
        path = os.path.join(os.path.dirname(path), system.readlink(path))
        if own_descriptor(path) is None:
            _look_at_folder(os.path.dirname(path) or ".", system)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _refuse_planted_link(path: str, info: os.stat_result, system: System) -> None:
    trusted = (0, system.geteuid())
    folder = system.stat(os.path.dirname(path) or ".")
    if info.st_uid not in trusted and (folder.st_uid not in trusted or folder.st_mode & 0o022):
        raise OSError(errno.ELOOP, f"not following a link that user id {info.st_uid} put there", path)


def _refuse_planted_name(path: str, system: System) -> None:
    """A second name of some file, in a folder where anybody could have made it."""
    folder = system.stat(os.path.dirname(path) or ".")
    if folder.st_mode & stat.S_IWOTH:
        raise OSError(errno.EMLINK, "not writing to a file with several names in a folder open to others", path)


def _look_at_folder(folder: str, system: System) -> None:
    """Refuse a way that goes through a link planted in a folder open to everybody, as sticky folders do in Linux."""
    try:
        info = system.stat(folder)
    except OSError:
        return  # opening will tell
    key = (folder, info.st_dev, info.st_ino)
    if key in _known_folders:
        return
    _walk(folder, system)
    if len(_known_folders) >= _MOST_FOLDERS:
        _known_folders.clear()
    _known_folders.add(key)


def _walk(folder: str, system: System) -> None:
    trusted = (0, system.geteuid())
    rest = [part for part in reversed(os.path.abspath(folder).split("/")) if part]
    here, links = "/", 0
    while rest:
        part = rest.pop()
        if part == "..":
            here = os.path.dirname(here)
            continue
        name = os.path.join(here, part)
        info = system.lstat(name)
        if not stat.S_ISLNK(info.st_mode):
            here = name
            continue
        above = system.stat(here)
        if above.st_mode & stat.S_IWOTH and info.st_uid not in (*trusted, above.st_uid):
            raise OSError(errno.ELOOP, f"not following a link that user id {info.st_uid} put there", name)
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
        target = system.readlink(name)
        if target.startswith("/"):
            here = "/"
        rest.extend(part for part in reversed(target.split("/")) if part and part != ".")
