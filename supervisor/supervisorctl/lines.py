"""Lines from a descriptor, with a deadline: the shell and fg read the same input in turn and must not lose a line.

Promise: no byte is read that is not given back as part of a line, whoever asks next.
"""

from __future__ import annotations

import os
import select

PIECE = 65536


class LineReader:
    """Reads text lines from a descriptor; stands in for a text file where only readline is used."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = b""
        self._ended = False

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Whether a person types."""
        return os.isatty(self._fd)

    def ready(self, timeout: float) -> bool:
        """Whether a line, or the end, is there within the time; false when only a part of a line is."""
        if self._ended or b"\n" in self._data:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return False
        self._read()
        return self._ended or b"\n" in self._data

    def readline(self) -> str:
        """The next line with its end, the last perhaps without; '' at the end of input."""
        while not self._ended and b"\n" not in self._data:
            self._read()
        line, newline, self._data = self._data.partition(b"\n")
        if not line and not newline:
            self._ended = False  # a terminal goes on after Ctrl-D
        return (line + newline).decode("utf-8", "replace")

    def _read(self) -> None:
        piece = os.read(self._fd, PIECE)
        self._ended = not piece
        self._data += piece
