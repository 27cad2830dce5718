"""Targets that are no files: pipes, FIFOs, terminals, sockets, and the daemon's own descriptors.

Promise: all logs that lead to the same place share one outlet, so that their pieces never interleave and each byte
arrives as long as somebody reads; a reader that stops reading is waited for, but not for ever. Must not know programs.

A pipe that poll() calls writable takes PIPE_BUF bytes without blocking: that is how a description that others share,
and that therefore has to stay blocking, is written. Sockets have MSG_DONTWAIT.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import time
from collections.abc import Callable

from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop, Timer
from supervisor.engine.system import System
from supervisor.logfile.backlog import Report, silent
from supervisor.logfile.opening import Place, open_place
from supervisor.logfile.target import Target

__all__ = ["Outlet", "acquire", "attend", "settle"]

# Seconds without any progress after which a reader counts as stuck.
PATIENCE = 5.0
_PIECE = select.PIPE_BUF

_outlets: dict[tuple[int, int], Outlet] = {}
_attending: Loop | None = None


class Outlet(Target):
    """The one way to a place that is no file."""

    __slots__ = ("users", "_key", "_path", "_stuck", "_waiters", "_loop", "_timer", "_socket")

    def __init__(self, place: Place, name: str, system: System, clock: Clock, report: Report) -> None:
        super().__init__(place.fd, name, system, clock, report)
        self.absence = OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        self.users: list[Report] = []  # the report of each
        self._key = (place.info.st_dev, place.info.st_ino)
        self._path = place.path
        self._stuck = False
        self._waiters: list[Callable[[], object]] = []
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._socket: socket.socket | None = None
        if stat.S_ISSOCK(place.info.st_mode):
            self._socket = socket.socket(fileno=place.fd)
            self._put = self._send
        elif place.shared:
            self._put = self._put_piece

    def write(self, data: bytes | memoryview) -> None:
        super().write(data)
        if _attending is not None and self._loop is None and self.congested:
            self._watch(_attending)

    @property
    def congested(self) -> bool:
        """Its reader is behind: better not bring more for now."""
        backlog = self._backlog
        return backlog is not None and bool(backlog.waiting) and backlog.slow and self.fd >= 0 and not self._stuck

    def wait(self, loop: Loop, callback: Callable[[], object]) -> None:
        """Call back once, when it is no longer congested."""
        self._waiters.append(callback)
        self._watch(loop)

    def join(self, report: Report) -> None:
        """One user more."""
        self.users.append(report)
        self._choose_report()

    def release(self, report: Report) -> None:
        """One user less. The last one's bytes are still delivered, when the loop is there to do it."""
        self.users.remove(report)
        self._choose_report()
        if not self.users and (self._loop is None or not self.congested):
            self.close()

    def close(self) -> None:
        self._unwatch()
        _outlets.pop(self._key, None)
        if self._socket is not None:
            self.flush()
            self.fd = -1
            self._socket.close()
        else:
            super().close()

    def _choose_report(self) -> None:
        """Trouble is told to the last who came, of those who care."""
        self._report = next((report for report in reversed(self.users) if report is not silent), silent)
        if self._backlog is not None:
            self._backlog.report = self._report

    def _write(self, data: bytes | memoryview | bytearray) -> int:
        if self.fd < 0:
            # Looked at first: opening would make a file where the FIFO was.
            if not stat.S_ISFIFO(self._system.stat(self._path).st_mode):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            self.fd = open_place(self._path, 0, self._system).fd
        done = super()._write(data)
        self._stuck = False
        return done

    def _send(self, fd: int, data: bytes | memoryview | bytearray) -> int:
        assert self._socket is not None
        return self._socket.send(data, socket.MSG_DONTWAIT)

    def _put_piece(self, fd: int, data: bytes | memoryview | bytearray) -> int:
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        if not poll.poll(0):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        with memoryview(data) as view, view[:_PIECE] as piece:
            return self._system.write(fd, piece)

    def leave_loop(self) -> None:
        """There will be nobody to call us any more."""
        self._unwatch()
        self._waiters.clear()
        if not self.users:
            self.close()

    # Waiting for the reader

    def _watch(self, loop: Loop) -> None:
        if self._loop is not None:
            return
        try:
            loop.add_writer(self.fd, self._writable)
        except (OSError, ValueError):
            loop.call_soon(self._let_go)  # nothing that can be waited for
            return
        self._loop = loop
        self._timer = loop.call_later(PATIENCE, self._impatient, self.waiting)

    def _unwatch(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_writer(self.fd)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _writable(self) -> None:
        backlog = self._backlog
        why = self._write_waiting(backlog) if backlog is not None else None
        if why is not None and why.errno == errno.EAGAIN:
            return
        # All is written, or a trouble began that the next write will tell.
        self._unwatch()
        self._let_go()
        if not self.users:
            self.close()

    def _impatient(self, before: int) -> None:
        """Time is up: go on waiting if something was read meanwhile, else let the programs go on without it."""
        loop = self._loop
        if loop is None:
            return
        if self.waiting < before and self.waiting:
            self._timer = loop.call_later(PATIENCE, self._impatient, self.waiting)
            return
        self._timer = None
        self._stuck = True
        self._let_go()
        if not self.users:
            self.close()

    def _let_go(self) -> None:
        waiters, self._waiters = self._waiters, []
        for callback in waiters:
            callback()


def acquire(place: Place, name: str, system: System, clock: Clock, report: Report) -> Outlet:
    """The outlet of a place just opened; for one that is there already the new descriptor is not needed."""
    key = (place.info.st_dev, place.info.st_ino)
    outlet = _outlets.get(key)
    if outlet is None:
        outlet = _outlets[key] = Outlet(place, name, system, clock, report)
    elif place.fd >= 0:
        if outlet.fd < 0:
            outlet.move(place.fd)
        else:
            system.close(place.fd)
    outlet.join(report)
    return outlet


def attend(loop: Loop) -> None:
    """Have this loop see to what waits for slow readers, whoever wrote it."""
    global _attending
    _attending = loop


def settle(seconds: float = 2.0) -> None:
    """The loop ends: wait so long at most for slow readers to take what waits."""
    global _attending
    _attending = None
    deadline = time.monotonic() + seconds
    for outlet in list(_outlets.values()):
        while outlet.congested and (left := deadline - time.monotonic()) > 0:
            poll = select.poll()
            poll.register(outlet.fd, select.POLLOUT)
            poll.poll(left * 1000)
            outlet.flush()
        outlet.leave_loop()
