"""What every dispatcher is: one end of a pipe to a child, and who is called when something can be done with it.

Promise: close() takes the descriptor out of the loop before it is closed, and may be called again.
Must not know what travels through the pipe.
"""

from __future__ import annotations

import errno
import fcntl
import sys

from supervisor.engine.system import System
from supervisor.engine.traces import one_line
from supervisor.hints import Any

__all__ = ["LARGE_PIPE", "PASSING", "PIPE", "PDispatcher", "enlarge_pipe", "read_piece"]

# Errors of reading and writing that say nothing about the pipe: the next try may succeed.
PASSING = frozenset((errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.ENOBUFS))

# What a pipe takes when it is made.
PIPE = 64 * 1024
# What a pipe that was found full is enlarged to. All pipes of an unprivileged user may take 64 MiB together.
LARGE_PIPE = 1024 * 1024

# What is read at once while there is no memory for more.
_FRUGAL = 4096

_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)
_DEBUG = 10


def enlarge_pipe(system: System, fd: int) -> bool:
    """Let the pipe take LARGE_PIPE bytes; whether it does now."""
    if _F_SETPIPE_SZ is None:
        return False
    try:
        system.fcntl(fd, _F_SETPIPE_SZ, LARGE_PIPE)
    except OSError:
        return False
    return True


def read_piece(system: System, fd: int, most: int) -> bytes:
    """One read; a small one when there is no memory for a larger."""
    try:
        return system.read(fd, most)
    except MemoryError:
        return system.read(fd, _FRUGAL)


class PDispatcher:
    """Base of the dispatchers; ``process.world`` has the collaborators."""

    closed = False

    def __init__(self, process: Any, channel: str, fd: int) -> None:
        self.process = process
        self.channel = channel  # 'stdin', 'stdout' or 'stderr'
        self.fd = fd
        self.closed = False

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} at {id(self)} for {self.process} ({self.channel})>"

    def readable(self) -> bool:
        """Whether reading is wanted."""
        return False

    def writable(self) -> bool:
        """Whether there is something to write."""
        return False

    def handle_read_event(self) -> None:
        """The descriptor can be read."""
        raise NotImplementedError

    def handle_write_event(self) -> None:
        """The descriptor can be written."""
        raise NotImplementedError

    def handle_error(self) -> None:
        """An exception is being handled that one of the others raised."""
        exc = sys.exc_info()[1]
        what = one_line(exc) if exc is not None else "no exception"
        self.process.world.log.critical(f"uncaptured python exception, closing channel {self!r} ({what})")
        self.close()

    def flush(self) -> None:
        """Move what is waiting, if anything is."""

    def attach(self) -> None:
        """Have the loop call us from now on."""
        if self.readable():
            self.process.world.loop.add_reader(self.fd, self.handle_read_event, self)
        if self.writable():
            self.process.world.loop.add_writer(self.fd, self.handle_write_event, self)

    def detach(self) -> None:
        """No more calls by the loop."""
        loop = self.process.world.loop
        loop.remove_reader(self.fd)
        loop.remove_writer(self.fd)

    def close(self) -> None:
        """The end of this channel."""
        if self.closed:
            return
        self.closed = True
        self.detach()
        try:
            self.process.world.system.close(self.fd)
        except OSError:
            pass  # somebody closed all descriptors

    def tell_closed(self) -> None:
        """The line for the activity log when the other end was closed."""
        log = self.process.world.log
        if log.level <= _DEBUG:
            log.debug(f"fd {self.fd} closed, stopped monitoring {self!r}")
