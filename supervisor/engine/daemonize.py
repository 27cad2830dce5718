"""Going into the background: one fork, whose parent stays until the child is up or has failed.

Promise: the parent's exit status tells whether the daemon came up; the daemon has no terminal and its
standard streams are /dev/null. Knows not what being up means.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from supervisor.engine.signals import forget_handlers
from supervisor.engine.system import System

__all__ = ["Readiness", "daemonize", "detach"]

# Beyond this nothing of a failure's text reaches the parent; a pipe takes it without blocking.
_TEXT_LIMIT = 4000


class Readiness:
    """The child's end of the pipe on which its parent waits."""

    def __init__(self, system: System, fd: int = -1) -> None:
        self._system = system
        self._fd = fd

    def ready(self) -> None:
        """The daemon is up: the parent may exit with status 0."""
        self._tell(0, "")

    def failed(self, status: int, text: str) -> None:
        """It will not come up: the parent writes text to stderr and exits with status."""
        self._tell(status, text)

    def _tell(self, status: int, text: str) -> None:
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            self._system.write(fd, bytes([status]) + text.encode("utf-8", "backslashreplace")[:_TEXT_LIMIT])
        except OSError:
            # The parent was killed; that is no reason not to run.
            pass
        self._system.close(fd)


def daemonize(system: System, in_parent: Callable[[], object] | None = None) -> Readiness:
    """Fork. Returns in the child only; the parent calls in_parent, waits for the child's word and exits."""
    reader, writer = system.pipe()
    child = system.fork()
    if child == 0:
        system.close(reader)
        return Readiness(system, writer)
    status = 1
    try:
        system.close(writer)
        if in_parent is not None:
            in_parent()
        # A terminal's ^C may end the waiting.
        forget_handlers(system)
        status = _wait_for_word(system, reader, child)
    finally:
        system._exit(status)  # whatever happens: what is open here is the child's now
    raise AssertionError("not reached")


def _wait_for_word(system: System, reader: int, child: int) -> int:
    word = b""
    while True:
        piece = system.read(reader, 4096)
        if not piece:
            break
        word += piece
    if word:
        if word[1:]:
            system.write(2, word[1:])
        return word[0]
    _, status = system.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1


def detach(system: System) -> None:
    """Leave terminal and session; 0, 1 and 2 become /dev/null."""
    null = system.open(os.devnull, os.O_RDWR)
    system.setsid()  # while a failure can still be told
    for fd in (0, 1, 2):
        system.dup2(null, fd)
    if null > 2:
        system.close(null)
