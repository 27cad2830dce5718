"""The system logger, whose own daemon may stand still: one line a call, in order.

Promise: never waits. What is not taken at once is kept, within bounds, until it is; what finds no place is dropped,
counted and told about. A machine without a system logger is none of our trouble. Must not know who logs.

syslog(3) waits for ever once its socket's queue is full, which is after some ten lines: hence this. What it writes is
what glibc and musl write: ``<14>Mon dd hh:mm:ss PROGRAM: TEXT``, 14 being user.info.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import syslog
import time
from collections import deque

from supervisor.engine.loop import Loop
from supervisor.logfile.backlog import KEPT_FOR_READER, Report

__all__ = ["SystemLog", "system_log"]

_PATH = "/dev/log"
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.EINTR)
# Seconds between tries while nobody listens there, and until it is tried again to have the loop look after it.
_AGAIN = 1.0


class SystemLog:
    """The way to the logger at a path; the C library's where that is none of ours."""

    def __init__(self, path: str = _PATH, most: int = KEPT_FOR_READER) -> None:
        self._path = path
        self._most = most
        self._socket: socket.socket | None = None
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._loop: Loop | None = None
        self._report: Report | None = None
        self._watched = -1
        self._due = False

    def write(self, text: str) -> None:
        """One line."""
        text = text.replace("\0", "\\x00")  # which would end it
        if sys.platform != "linux":
            syslog.syslog(text.encode("utf-8", "backslashreplace").decode())
            return
        program = os.path.basename(sys.argv[0] if sys.argv else "")
        line = f"<14>{time.strftime('%b %e %H:%M:%S')} {program}: {text}".encode("utf-8", "backslashreplace")
        if self._waiting:
            self._flush()
        if self._waiting or not self._put(line):
            self._keep(line)

    def attend(self, loop: Loop | None, report: Report | None = None) -> None:
        """Have a loop see to what waits, and a trouble told; or None any more."""
        self._unwatch()
        self._loop, self._report = loop, report
        if self._waiting:
            self._watch()

    def settle(self, seconds: float = 2.0) -> None:
        """The loop ends: what waits gets so long to be taken."""
        self.attend(None)
        deadline = time.monotonic() + seconds
        while self._waiting and self._socket is not None and (left := deadline - time.monotonic()) > 0:
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            poll.poll(left * 1000)
            self._flush()
        self.close()

    def close(self) -> None:
        """No descriptor any more, until the next line."""
        self._unwatch()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _put(self, line: bytes) -> bool:
        """Whether the line is no longer ours: taken, or nobody is there to take it."""
        for _ in range(2):
            if self._socket is None and not self._connect():
                return not self._waiting
            assert self._socket is not None
            try:
                self._socket.send(line)
                return True
            except OSError as exc:
                if exc.errno in _FULL:
                    return False
                if exc.errno == errno.EMSGSIZE:
                    return True  # longer than any logger takes
                self.close()  # it was started anew
        return not self._waiting

    def _connect(self) -> bool:
        sock = None
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            sock.connect(self._path)
        except OSError:
            if sock is not None:
                sock.close()
            return False
        self._socket = sock
        return True

    def _keep(self, line: bytes) -> None:
        if self._size + len(line) > self._most:
            self._dropped += 1
            if self._dropped == 1:
                self._tell("cannot write to the system log: its daemon does not read; restart it. "
                           "Lines without place are dropped.")
            return
        self._waiting.append(line)
        self._size += len(line)
        self._watch()

    def _flush(self) -> None:
        while self._waiting and self._put(self._waiting[0]):
            self._size -= len(self._waiting.popleft())
        if self._waiting:
            self._watch()
            return
        self._unwatch()
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._tell(f"the system log can be written again; {dropped} lines were dropped")

    def _tell(self, text: str) -> None:
        if self._report is not None:
            self._report(text)

    # The loop

    def _watch(self) -> None:
        if self._loop is None or self._watched >= 0 or self._due:
            return
        if self._socket is not None:
            try:
                self._loop.add_writer(self._socket.fileno(), self._flush)
                self._watched = self._socket.fileno()
                return
            except OSError:
                pass
        self._due = True
        self._loop.call_later(_AGAIN, self._try_again)

    def _try_again(self) -> None:
        self._due = False
        self._flush()

    def _unwatch(self) -> None:
        if self._watched >= 0 and self._loop is not None:
            self._loop.remove_writer(self._watched)
        self._watched = -1


system_log = SystemLog()
