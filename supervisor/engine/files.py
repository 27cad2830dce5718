"""Opening files of ours by name without being led astray.

Promise: no link that someone else may have planted is followed, and nothing blocks. Knows no contents.
"""

from __future__ import annotations

import errno
import os
import stat

from supervisor.engine.system import System

__all__ = ["open_ours", "planted"]


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
    if planted(system, path):
        raise OSError(errno.ELOOP, "Symbolic link made by another user", path)
    return system.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, mode)
