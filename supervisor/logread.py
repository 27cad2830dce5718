"""Reading back from log files: a slice, or the end.

Promise: offsets and lengths of any size are answered, at most MAX_READ bytes at once, and no odd file (pipe, terminal,
device) is ever waited for nor a planted link followed. Must not know whose logs they are.
"""

from __future__ import annotations

import os
import stat

from supervisor.engine.files import open_ours
from supervisor.engine.system import System
from supervisor.hints import Any

__all__ = ["MAX_READ", "TailResult", "open_log", "readFile", "tailFile"]

# Bytes of a log that one answer carries at most. A slice is cut at its end, a tail at its beginning.
MAX_READ = 4 * 1024 * 1024

_SYSTEM = System()

TailResult = list[Any]  # text, size of the file, whether something was left out


def open_log(filename: str) -> tuple[int, os.stat_result]:
    """A regular file for reading, and what it is; /dev/null counts as an empty one. OSError for anything else."""
    fd = open_ours(_SYSTEM, filename, os.O_RDONLY)
    try:
        found = os.fstat(fd)
        null = stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev
        if not (null or stat.S_ISREG(found.st_mode)):
            raise OSError("not a regular file")
    except BaseException:
        os.close(fd)
        raise
    return fd, found


def _slice(fd: int, begin: int, length: int) -> bytes:
    pieces = []
    while length > 0 and (data := os.pread(fd, length, begin)):
        pieces.append(data)
        begin += len(data)
        length -= len(data)
    return b"".join(pieces)


def readFile(filename: str, offset: int, length: int) -> bytes:
    """length bytes from offset, or to the end if length is 0; a negative offset counts from the end.

    ValueError BAD_ARGUMENTS or FAILED.
    """
    if length < 0 or (offset < 0 and length):
        raise ValueError("BAD_ARGUMENTS")
    try:
        fd, found = open_log(filename)
    except (OSError, ValueError, TypeError):
        raise ValueError("FAILED") from None
    size = found.st_size
    try:
        if offset < 0:
            begin = max(0, size + offset, size - MAX_READ)
            return _slice(fd, begin, size - begin)
        begin = min(offset, size)
        end = min(begin + length, size) if length else size
        return _slice(fd, begin, min(end - begin, MAX_READ))
    except OSError:
        raise ValueError("FAILED") from None
    finally:
        os.close(fd)


def tailFile(filename: str, offset: int, length: int) -> TailResult:
    """[text, size, overflow]: up to length bytes of the end, for a caller who has read up to offset.

    The text begins at a whole character; overflow tells that more was written since offset than fits.
    """
    try:
        fd, found = open_log(filename)
    except (OSError, ValueError, TypeError):
        return ["", offset, False]
    size = found.st_size
    try:
        overflow = size > offset + length
        if overflow:
            offset = size - 1
        if offset + length > size:
            if offset > size - 1:
                length = 0
            offset = size - length
        offset, length = max(offset, 0), max(length, 0)
        if min(length, size - offset) > MAX_READ:
            offset, length, overflow = size - MAX_READ, MAX_READ, True
        data = _slice(fd, offset, min(length, size - offset))
        if offset:
            data = _whole_characters(data)
        return [data.decode("utf-8", "replace"), size, overflow]
    except OSError:
        return ["", 0, False]
    finally:
        os.close(fd)


def _whole_characters(data: bytes) -> bytes:
    """Without the rest of a UTF-8 character that begins before the data."""
    begin = 0
    while begin < min(3, len(data)) and data[begin] & 0xC0 == 0x80:
        begin += 1
    return data[begin:]
