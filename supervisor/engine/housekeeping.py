"""Descriptors and files left by others: what was inherited, and automatic child logs.

Promise: only what is ours is removed, by names we could have made; never what a link points to. Knows no options.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.system import System

# The characters of made up names; 32 of them, so that a byte picks one evenly.
_LETTERS = "abcdefghijklmnopqrstuvwxyz012345"


def close_inherited(first: int, end: int) -> None:
    """Closes descriptors from ``first`` on: up to ``end``, and those beyond it that are known to be open."""
    end = max(first, min(end, 1 << 16))  # where a system closes them one by one, the number is also the time it takes
    os.closerange(first, end)
    try:
        beyond = [int(name) for name in os.listdir("/proc/self/fd")]
    except (OSError, ValueError):
        return
    for fd in beyond:
        if fd >= end:
            os.closerange(fd, fd + 1)


def fill_standard_descriptors() -> None:
    """Opens /dev/null as those of 0, 1 and 2 that are closed, lest a log or a socket gets their number."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            setattr(sys, name, open(fd, mode, closefd=False))


def make_child_log(folder: str, prefix: str, suffix: str) -> str:
    """An empty file, readable by us alone, with eight random characters in its name. OSError as for any file."""
    refuse_planted_folder(System(), folder)
    while True:
        letters = "".join(_LETTERS[byte % 32] for byte in os.urandom(8))
        path = os.path.join(os.path.abspath(folder), f"{prefix}{letters}{suffix}")
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            continue
        return path


def temporary_folder() -> str:
    """Where temporary files go: as the environment says, else the first usual place that can be written."""
    # The tempfile module does the same, and costs 700 kB with what it imports.
    wishes = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for folder in (*wishes, "/tmp", "/var/tmp", "/usr/tmp"):
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
            return os.path.abspath(folder)
    return os.getcwd()


def clear_child_logs(folder: str, identifier: str) -> list[str]:
    """Removes automatic child logs of this identifier, rotated ones too; gives the complaints."""
    ours = re.compile(rf".+-(?:stdout|stderr)---{re.escape(identifier)}-[a-z0-9_]{{8}}\.log(?:\.[0-9]+)?", re.DOTALL)
    complaints = []
    try:
        refuse_planted_folder(System(), folder)
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
