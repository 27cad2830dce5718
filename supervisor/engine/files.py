"""Opening files of ours by name without being led astray.

Promise: no link that someone else may have planted is followed, not even one that appears meanwhile; nothing blocks.
Knows no contents.
"""

from __future__ import annotations

import errno
import os
import stat

from supervisor.engine.system import System

__all__ = ["open_ours", "planted"]

_MOST_LINKS = 40
# Links of the kernel's own, which lead to what is open and have no name to be opened by.
_KERNEL = "/proc/"


def planted(system: System, path: str) -> bool:
    """Whether path is a link that neither root nor we made, in a folder where others may make some."""
    try:
        link = system.lstat(path)
        if not stat.S_ISLNK(link.st_mode) or link.st_uid in (0, system.geteuid()):
            return False
        folder = system.stat(os.path.dirname(os.path.abspath(path)))
    except OSError:
        return False
    return bool(folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or folder.st_uid not in (0, system.geteuid())


def open_ours(system: System, path: str, flags: int, mode: int = 0o666) -> int:
    """open() that refuses a planted link (ELOOP) and never waits for the other end of a FIFO."""
    flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    for _ in range(_MOST_LINKS):
        try:
            return system.open(path, flags | os.O_NOFOLLOW, mode)
        except OSError as exc:
            # The kernel may refuse a link in a sticky folder by itself (EACCES).
            if exc.errno not in (errno.ELOOP, errno.EACCES) or not os.path.islink(path):
                raise
        if planted(system, path):
            raise OSError(errno.ELOOP, "Symbolic link made by another user", path)
        if path.startswith(_KERNEL):
            return system.open(path, flags, mode)
        path = os.path.join(os.path.dirname(path), system.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
