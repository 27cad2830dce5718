"""What waits to be sent on one connection.

Promise: sends until the socket is full, then waits for room; the loop is told only when that changes. Knows no HTTP.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from supervisor.engine.loop import Loop

__all__ = ["Outbox", "hold_little"]

# Up to here pieces are put together for one send; beyond, copying them would cost more.
_TOGETHER = 128 * 1024
# What the kernel holds of a stream besides what it has sent. Local sockets have no such option, and hold little.
_UNSENT = 128 * 1024
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def hold_little(sock: socket.socket) -> None:
    """Let the kernel take no megabytes for a client that does not read; for those it would need memory and our time."""
    if _NOTSENT_LOWAT is not None and sock.family != socket.AF_UNIX:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)


class Outbox:
    """Bytes on their way to a socket. room() is called when all of them are gone after a wait."""

    __slots__ = ("size", "total", "blocked", "_queue", "_loop", "_fd", "_send", "_room", "_owner")

    def __init__(self, sock: socket.socket, loop: Loop, room: Callable[[], object], owner: object) -> None:
        self.size = 0
        # Bytes that were ever put in.
        self.total = 0
        self.blocked = False
        self._queue: deque[bytes | memoryview] = deque()
        self._loop = loop
        self._fd = sock.fileno()
        self._send = sock.send
        self._room = room
        self._owner = owner

    def put(self, data: bytes) -> None:
        """To be sent by the next flush, behind what waits already."""
        self._queue.append(data)
        self.size += len(data)
        self.total += len(data)

    def flush(self) -> bool:
        """Send what fits. True when nothing is left; OSError when the client is gone."""
        queue = self._queue
        try:
            while queue:
                if len(queue) > 1 and self.size <= _TOGETHER:
                    whole = b"".join(queue)
                    queue.clear()
                    queue.append(whole)
                data = queue[0]
                done = self._send(data)
                self.size -= done
                if done == len(data):
                    queue.popleft()
                else:
                    queue[0] = memoryview(data)[done:]
        except (BlockingIOError, InterruptedError):
            if not self.blocked:
                self.blocked = True
                self._loop.add_writer(self._fd, self._room, self._owner)
            return False
        if self.blocked:
            self.blocked = False
            self._loop.remove_writer(self._fd)
        return True

    def close(self) -> None:
        """Nothing more is sent. Before the socket is closed."""
        self._queue.clear()
        self.size = 0
        if self.blocked:
            self.blocked = False
            self._loop.remove_writer(self._fd)
