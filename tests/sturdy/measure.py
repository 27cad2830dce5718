"""What the kernel says about a process, and places that behave badly."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

MEGABYTE = 1 << 20

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")


def fds(pid: int) -> int:
    """The number of open descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid: int) -> int:
    """Resident bytes."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def restless(pid: int, seconds: float = 1.0) -> float:
    """The share of a time in which a process ran or wanted to: the same on a busy machine, where it may get little."""
    looks = found = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        looks += 1
        found += pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"
        time.sleep(0.005)
    return found / looks


def loop_cpu(pid: int) -> float:
    """Seconds of processor time of its first thread so far, which is the one that the loop of a daemon runs in."""
    fields = pathlib.Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def unread(pid: int, fd: int = 1) -> int:
    """How many bytes wait in the pipe behind a descriptor of a process."""
    pipe = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
    try:
        count: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
        return count
    finally:
        os.close(pipe)


@contextlib.contextmanager
def small_disk(path: pathlib.Path, size: str = "64k") -> Iterator[pathlib.Path]:
    """A file system of a few pages at path."""
    path.mkdir()
    path.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path: pathlib.Path, option: str) -> None:
    """``ro`` or ``rw``."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(path)], check=True)


def children(pid: int) -> dict[int, str]:
    """The direct children of a process and their states (``Z`` for one that nobody has waited for)."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found[int(entry)] = fields[0]
    return found
