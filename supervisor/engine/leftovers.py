"""Programs that outlived an earlier daemon, or the end of the program that started them.

Promise: reads /proc and nothing else, and only when asked; finds nothing where there is no /proc.
Knows the variables that every child was given, no state file.
"""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Collection

from supervisor.engine.system import System

__all__ = ["Leftover", "group_exists", "leftovers", "living_groups"]


class Leftover(namedtuple("Leftover", "pid group name")):
    __slots__ = ()

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


def group_exists(system: System, group: int) -> bool:
    """Whether the kernel knows the process group; it counts the dead as well for whom nobody has waited yet."""
    try:
        system.killpg(group, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def living_groups(system: System, groups: Collection[int], proc: str = "/proc") -> set[int]:
    """Those of the process groups in which somebody is still running."""
    try:
        pids = [int(entry) for entry in system.listdir(proc) if entry.isdigit()]
    except OSError:
        return set(groups)
    wanted = {b"%d" % group: group for group in groups}
    found = set()
    for pid in pids:
        fields = _stat(proc, pid)
        if len(fields) > 2 and fields[2] in wanted and fields[0] not in (b"Z", b"X"):
            found.add(wanted[fields[2]])
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
    fields = _stat(proc, pid)
    return int(fields[1]) if len(fields) > 1 else 0


def _stat(proc: str, pid: int) -> list[bytes]:
    """State, parent, group and so on; nothing when there is no such process."""
    try:
        with open(os.path.join(proc, str(pid), "stat"), "rb") as file:
            # pid (command) state ppid pgrp: the command may hold blanks and brackets.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _ancestors(proc: str, pid: int) -> set[int]:
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = _parent(proc, pid)
    return found
