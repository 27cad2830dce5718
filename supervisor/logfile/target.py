"""A descriptor that takes a log's bytes.

Promise: write() neither raises nor blocks; bytes come out in the order they went in. Must not know names or rotation.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from supervisor.engine.clock import Clock
from supervisor.engine.system import System
from supervisor.logfile.backlog import Backlog, Report, backlog_of

__all__ = ["Target"]


class Target:
    """Writes to ``fd``; what it refuses goes to the backlog. With -1 for fd everything is refused."""

    __slots__ = ("fd", "absence", "name", "_backlog", "_put", "_system", "_clock", "_report")

    def __init__(self, fd: int, name: str, system: System, clock: Clock, report: Report) -> None:
        self.fd = fd
        self.absence: OSError | None = None
        self.name = name
        self._system = system
        self._clock = clock
        self._report = report
        self._put: Callable[[int, bytes | memoryview | bytearray], int] = system.write
        self._backlog: Backlog | None = backlog_of(name)
        if self._backlog is not None:
            self._backlog.clock, self._backlog.report = clock, report

    @property
    def waiting(self) -> int:
        """The number of bytes that are still to be written."""
        return len(self._backlog.waiting) if self._backlog is not None else 0

    def why_absent(self) -> OSError:
        """The reason that there is no descriptor."""
        return self.absence or OSError(errno.EBADF, "closed")

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it, keep it, or drop it."""
        backlog = self._backlog
        if backlog is not None:
            why = self._write_waiting(backlog)
            if why is not None:
                backlog.keep(data, why)
                return
            data = backlog.take(data)
        while data:
            try:
                done = self._write(data)
            except OSError as exc:
                self._refused(data, exc)
                return
            if done == len(data):
                break
            data = memoryview(data)[done:]
        if backlog is not None:
            backlog.over()

    def flush(self) -> bool:
        """Try to write what waits; whether nothing waits any more."""
        backlog = self._backlog
        if backlog is None or not backlog.waiting:
            return True
        if self._write_waiting(backlog) is not None:
            return False
        backlog.over()
        return True

    def move(self, fd: int) -> None:
        """Go on with another descriptor."""
        old, self.fd = self.fd, fd
        self._discard(old)
        self.flush()

    def close(self) -> None:
        """No more of this. What waits is for whoever opens a log of this name next."""
        self.flush()
        fd, self.fd = self.fd, -1
        self._discard(fd)

    def _discard(self, fd: int) -> None:
        if fd >= 0:
            try:
                self._system.close(fd)
            except OSError:
                pass  # what could not be stored is known by now

    def _write(self, data: bytes | memoryview | bytearray) -> int:
        if self.fd < 0:
            raise self.why_absent()
        return self._put(self.fd, data)

    def _write_waiting(self, backlog: Backlog) -> OSError | None:
        while backlog.waiting:
            try:
                backlog.written(self._write(backlog.waiting))
            except OSError as exc:
                return exc
        return None

    def _refused(self, data: bytes | memoryview, why: OSError) -> None:
        if self._backlog is None:
            self._backlog = backlog_of(self.name, self._clock, self._report)
        assert self._backlog is not None
        self._backlog.keep(data, why)
