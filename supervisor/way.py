"""The way that a path leads: all names, of folders, links and what is at its end, that decide what it means.

Promise: links are followed as the kernel does it, and as many. Judges nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

__all__ = ["MOST_LINKS", "way"]

MOST_LINKS = 40


def way(
    path: str,
    lstat: Callable[[str], os.stat_result] = os.lstat,
    readlink: Callable[[str], str] = os.readlink,
) -> Iterator[tuple[str, str, os.stat_result]]:
    """(folder, name in it, what the name itself is) from the root on. OSError where the way ends or goes in circles."""
    rest = _parts(os.path.abspath(path))
    here, links = "/", 0
    while rest:
        part = rest.pop()
        if part == "..":
            here = os.path.dirname(here)
            continue
        name = os.path.join(here, part)
        info = lstat(name)
        yield here, name, info
        if not stat.S_ISLNK(info.st_mode):
            here = name
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = readlink(name)
        if target.startswith("/"):
            here = "/"
        rest += _parts(target)


def _parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
