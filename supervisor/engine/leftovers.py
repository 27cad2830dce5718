"""Programs that outlived an earlier daemon.

Promise: reads /proc and nothing else, and only when asked; finds nothing where there is no /proc.
Knows the variables that every child was given, no state file.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import NamedTuple

from supervisor.engine.system import System

__all__ = ["Leftover", "leftovers"]


class Leftover(NamedTuple):
    pid: int
    group: str
    name: str


def leftovers(
    system: System, serverurl: str | None, names: Collection[tuple[str, str]], proc: str = "/proc"
) -> list[Leftover]:
    """Running processes that carry the variables of a daemon at serverurl.

    Without a serverurl to go by: orphans whose (group, process name) is among names. Our own ancestors are left
    out: a daemon may be the child of another one.
    """
    try:
        pids = sorted(int(entry) for entry in system.listdir(proc) if entry.isdigit())
    except OSError:
        return []
    ours = _ancestors(proc, system.getpid())
    found = []
    for pid in pids:
        if pid in ours:
            continue
        variables = _variables(proc, pid)
        if variables.get("SUPERVISOR_ENABLED") != "1":
            continue
        group = variables.get("SUPERVISOR_GROUP_NAME", "")
        name = variables.get("SUPERVISOR_PROCESS_NAME", "")
        url = variables.get("SUPERVISOR_SERVER_URL")
        orphan = _parent(proc, pid) == 1 and (group, name) in names
        if (url == serverurl) if url and serverurl else orphan:
            found.append(Leftover(pid, group, name))
    return found


def _variables(proc: str, pid: int) -> dict[str, str]:
    try:
        with open(os.path.join(proc, str(pid), "environ"), "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return {}
    # Only our own variables are decoded, and the last setting of one counts.
    ours = (pair.partition(b"=") for pair in pairs if pair.startswith(b"SUPERVISOR_"))
    return {name.decode("ascii", "replace"): value.decode("utf-8", "replace") for name, _, value in ours}


def _parent(proc: str, pid: int) -> int:
    try:
        with open(os.path.join(proc, str(pid), "stat"), "rb") as file:
            # pid (command) state ppid: the command may hold blanks and brackets.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _ancestors(proc: str, pid: int) -> set[int]:
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = _parent(proc, pid)
    return found
