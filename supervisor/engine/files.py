"""Opening files of ours by name without being led astray.

Promise: no link that someone else may have planted is followed, not even one that appears meanwhile, nor one on the way
that leads to a folder; no file is used that someone else put there in a sticky folder, or that may be a second name of
one elsewhere; nothing blocks. Knows no contents.

The kernel has the same rules (fs.protected_symlinks, protected_hardlinks, protected_regular, protected_fifos), but not
everywhere, and not all of them in folders that are not sticky.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress

from supervisor.engine.system import System
from supervisor.way import MOST_LINKS, way

__all__ = [
    "CAREFUL",
    "DESCRIPTOR",
    "led_on",
    "open_name",
    "open_ours",
    "refuse_planted_file",
    "refuse_planted_folder",
]

# Whatever is opened: do not wait for it, and keep it from being our terminal and from children.
CAREFUL = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MOST_FOLDERS = 1024
# Links of the kernel's own, which lead to what a process has open: that need not have a name to be opened by.
DESCRIPTOR = re.compile(r"/proc/(?:self|thread-self|[0-9]+)(?:/task/[0-9]+)?/fd/[0-9]+")

# Folders whose way was looked at: (name, device, inode).
_known_folders: set[tuple[str, int, int]] = set()


def open_ours(system: System, path: str, flags: int, mode: int = 0o666) -> int:
    """open() that refuses what somebody planted (ELOOP, EMLINK, EPERM) and never waits for the other end of a FIFO."""
    for _ in range(MOST_LINKS):
        refuse_planted_folder(system, os.path.dirname(path) or ".")
        try:
            return open_name(system, path, flags, mode)[0]
        except OSError as exc:
            target = led_on(system, path, exc)
        if DESCRIPTOR.fullmatch(path):
            return system.open(path, flags | CAREFUL, mode)
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def open_name(system: System, path: str, flags: int, mode: int) -> tuple[int, os.stat_result]:
    """The same in a folder that was looked at; any link is an error. The descriptor and what it is of."""
    fd = system.open(path, flags | CAREFUL | os.O_NOFOLLOW, mode)
    try:
        info = system.fstat(fd)
        refuse_planted_file(system, path, info)
    except BaseException:
        system.close(fd)
        raise
    return fd, info


def led_on(system: System, path: str, why: OSError) -> str:
    """Where the link leads because of which open_name(path) failed; raises why if it failed for another reason, and
    OSError for a link that is not to be trusted."""
    # The kernel may refuse a link in a sticky folder by itself (EACCES).
    if why.errno not in (errno.ELOOP, errno.EACCES):
        raise why
    try:
        info = system.lstat(path)
    except FileNotFoundError:
        raise why
    if not stat.S_ISLNK(info.st_mode):
        refuse_planted_file(system, path, info)
        raise why
    folder = system.stat(os.path.dirname(path) or ".")
    if not _trusted(system, info) and _open_to_others(system, folder):
        raise _planted_link(path, info)
    return os.path.join(os.path.dirname(path), system.readlink(path))


def refuse_planted_file(system: System, path: str, info: os.stat_result) -> None:
    """OSError when others may have put a file there that is theirs, or a second name of one that is not."""
    several = info.st_nlink > 1 and stat.S_ISREG(info.st_mode)
    if not several and _trusted(system, info):
        return
    folder = system.stat(os.path.dirname(path) or ".")
    if several and _open_to_others(system, folder) and (_trusted(system, info) or info.st_uid != folder.st_uid):
        raise OSError(errno.EMLINK, "not using a file with several names in a folder that others may write to", path)
    sticky = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if sticky and not _trusted(system, info) and info.st_uid != folder.st_uid:
        raise OSError(errno.EPERM, f"not using a file that user id {info.st_uid} put there", path)


def refuse_planted_folder(system: System, folder: str) -> None:
    """OSError when the way to it goes through a link planted in a folder open to everybody."""
    try:
        info = system.stat(folder)
    except OSError:
        # Perhaps the kernel's refusal to follow a link, which it gives for the end of a way but not within one: then
        # files in the folder could be opened. Of what else is wrong opening will tell.
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            _walk(folder, system)
        return
    key = (folder, info.st_dev, info.st_ino)
    if key in _known_folders:
        return
    _walk(folder, system)
    if len(_known_folders) >= _MOST_FOLDERS:
        _known_folders.clear()
    _known_folders.add(key)


def _walk(folder: str, system: System) -> None:
    for above, name, info in way(folder, system.lstat, system.readlink):
        if not stat.S_ISLNK(info.st_mode) or _trusted(system, info):
            continue
        holder = system.stat(above)
        if holder.st_mode & stat.S_IWOTH and info.st_uid != holder.st_uid:
            raise _planted_link(name, info)


def _trusted(system: System, info: os.stat_result) -> bool:
    return info.st_uid in (0, system.geteuid())


def _open_to_others(system: System, folder: os.stat_result) -> bool:
    return bool(folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or not _trusted(system, folder)


def _planted_link(path: str, info: os.stat_result) -> OSError:
    return OSError(errno.ELOOP, f"not following a link that user id {info.st_uid} put there", path)
