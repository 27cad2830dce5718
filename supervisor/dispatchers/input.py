"""The way to a child's stdin.

Promise: what is accepted is written in order as long as the child reads; what waits is bounded; neither a child that
does not read nor one that closed its stdin hurts anybody else. Must not know who writes or why.
"""

from __future__ import annotations

import errno
import os

from supervisor.dispatchers.base import PASSING, PIPE, PDispatcher, enlarge_pipe
from supervisor.hints import Any

__all__ = ["PInputDispatcher", "QueueFull"]

# What may wait for a child that does not read. One message may be longer if nothing waits.
MOST_WAITING = 4 * 1024 * 1024
_PIECE = 256 * 1024
# Seconds until it is tried again to have the loop look after the pipe.
_AGAIN = 1.0


class QueueFull(OSError):
    """Too much waits already; nothing of the new data was taken."""

    def __init__(self) -> None:
        super().__init__(errno.ENOBUFS, os.strerror(errno.ENOBUFS))


class PInputDispatcher(PDispatcher):
    """Writes at once what the pipe takes, the rest when there is room."""

    _large = False  # the pipe was enlarged, or cannot be

    def __init__(self, process: Any, channel: str, fd: int) -> None:
        super().__init__(process, channel, fd)
        self.input_buffer = bytearray()
        self._begun = 0  # so much of input_buffer is written
        self._watching = False

    def writable(self) -> bool:
        return not self.closed and len(self.input_buffer) > self._begun

    def write(self, data: bytes | memoryview) -> None:
        """Accept data. OSError with EPIPE when the child does not want any, QueueFull when it has enough."""
        if self.closed:
            raise _broken()
        waiting = len(self.input_buffer) - self._begun
        if not waiting:
            done = self._write(data)
            if done == len(data):
                return
            if self.closed:
                raise _broken()
            data = memoryview(data)[done:]
        elif waiting + len(data) > MOST_WAITING:
            raise QueueFull
        self.input_buffer += data
        if len(data) >= PIPE and not self._large:
            self._large = True
            if enlarge_pipe(self.process.world.system, self.fd):
                self.flush()
        self._watch()

    def _watch(self) -> None:
        """Have the loop tell when the pipe takes more, if something waits."""
        if not self.writable() or self._watching:
            return
        loop = self.process.world.loop
        try:
            loop.add_writer(self.fd, self.handle_write_event, self)
        except OSError:
            loop.call_later(_AGAIN, self._watch)  # no memory for it, or too many watches
        else:
            self._watching = True

    def flush(self) -> None:
        """Write as much as the pipe takes. A child that closed its end is told nothing more."""
        while self.writable():
            with memoryview(self.input_buffer) as view, view[self._begun : self._begun + _PIECE] as piece:
                done = self._write(piece)
            if not done:
                break
            self._begun += done
        if not self.writable() or self._begun >= _PIECE:
            del self.input_buffer[: self._begun]
            self._begun = 0

    def handle_write_event(self) -> None:
        self.flush()
        if self._watching and not self.closed and not self.writable():
            self._watching = False
            self.process.world.loop.remove_writer(self.fd)

    def attach(self) -> None:
        self._watching = self.writable()
        super().attach()

    def close(self) -> None:
        self.input_buffer = bytearray()  # the old one may be under way
        self._begun = 0
        super().close()

    def _write(self, data: bytes | memoryview) -> int:
        """One write: the number of bytes that the pipe took. When the child closed its end, that is the end."""
        try:
            return int(self.process.world.system.write(self.fd, data))
        except OSError as exc:
            if exc.errno not in PASSING:
                self.tell_closed()
                self.close()
            return 0


def _broken() -> OSError:
    return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
