"""The end of a connection whose client may still be sending.

Promise: what still comes is thrown away for a bounded while, so that the client can read the answer. Knows no HTTP.

Closing a socket with unread bytes makes the kernel reset the connection, which takes the answer back from a client
that has not read it yet.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from supervisor.engine.loop import Loop, Timer

__all__ = ["LONGEST", "Lingering", "QUIET"]

_RECEIVE = 262144
# Seconds without a byte, and in all.
QUIET, LONGEST = 2.0, 10.0


class Lingering:
    """Calls done() when the client has closed, fell silent or had its time. The socket stays its owner's."""

    def __init__(self, sock: socket.socket, loop: Loop, done: Callable[[], object]) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        self._loop = loop
        self._done = done
        self._end = loop.clock.now() + LONGEST
        self._last = loop.clock.now()
        self._timer: Timer | None = None
        try:
            sock.shutdown(socket.SHUT_WR)
            loop.add_reader(self._fd, self._readable)
        except OSError:
            loop.call_soon(done)
        else:
            self._timer = loop.call_later(QUIET, self._look)

    def stop(self) -> None:
        """The owner closes the socket."""
        self._loop.remove_reader(self._fd)
        if self._timer is not None:
            self._timer.cancel()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._last = self._loop.clock.now()
        else:
            self._done()

    def _look(self) -> None:
        now = self._loop.clock.now()
        left = min(self._end - now, QUIET - (now - self._last))
        if left <= 0:
            self._done()
        else:
            self._timer = self._loop.call_later(left, self._look)
