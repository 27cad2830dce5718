"""What /proc tells of one process, where there is a /proc.

Promise: a process that ends meanwhile, or whose name holds anything, is no error. Must not know which processes are
ours.
"""

from __future__ import annotations

import os

__all__ = ["AVAILABLE", "PROC", "TICKS", "Sample", "read_sample"]

PROC = "/proc"
AVAILABLE = os.path.isfile(os.path.join(PROC, "self", "stat")) and os.path.isfile(os.path.join(PROC, "uptime"))

# In a second.
TICKS = float(os.sysconf("SC_CLK_TCK")) if hasattr(os, "sysconf") else 100.0
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Sample:
    """One look at a process."""

    __slots__ = ("born", "memory", "parent", "ticks")

    def __init__(self, parent: int, ticks: int, born: int, memory: int) -> None:
        self.parent = parent
        self.ticks = ticks
        self.born = born
        self.memory = memory


def read_sample(pid: int, proc: str = PROC) -> Sample | None:
    """None when there is no such process, or no longer."""
    try:
        fd = os.open(f"{proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    # The command's name comes in parentheses and may hold anything.
    fields = text.rpartition(b")")[2].split()
    if len(fields) < 22:
        return None
    return Sample(int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[19]), int(fields[21]) * _PAGE)
