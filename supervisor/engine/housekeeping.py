"""Descriptors and files left by others: what was inherited, and automatic child logs.

Promise: only what is ours is removed, by names we could have made; never what a link points to. Knows no options.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile


def close_inherited(first: int, end: int) -> None:
    """Closes descriptors from ``first`` on: up to ``end``, and those beyond it that are known to be open."""
    os.closerange(first, max(first, end))
    try:
        beyond = [int(name) for name in os.listdir("/proc/self/fd")]
    except (OSError, ValueError):
        return
    for fd in beyond:
        if fd >= end:
            os.closerange(fd, fd + 1)


def make_child_log(folder: str, prefix: str, suffix: str) -> str:
    """An empty file, readable by us alone, with eight random characters in its name."""
    fd, path = tempfile.mkstemp(suffix, prefix, folder)
    os.close(fd)
    return path


def clear_child_logs(folder: str, identifier: str) -> list[str]:
    """Removes automatic child logs of this identifier, rotated ones too; gives the complaints."""
    ours = re.compile(rf".+-(?:stdout|stderr)---{re.escape(identifier)}-[a-z0-9_]{{8}}\.log(?:\.[0-9]+)?", re.DOTALL)
    complaints = []
    try:
        names = os.listdir(folder)
    except OSError:
        return ["Could not clear childlog dir"]
    for name in names:
        if ours.fullmatch(name):
            path = os.path.join(folder, name)
            try:
                facts = os.lstat(path)
                if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid():
                    os.unlink(path)
            except FileNotFoundError:
                pass
            except OSError:
                complaints.append(f"Failed to clean up {path!r}")
    return complaints
