"""The pid file: who runs, and a lock on the file itself that lasts as long as they do.

Promise: nobody's pid file is overwritten or removed while they live; no file is made beside it or by the test.
Knows nothing of other ways to notice another instance.

flock and not lockf: a POSIX lock is lost as soon as anybody in this process opens and closes the file.
"""

from __future__ import annotations

import fcntl
import os
import stat

from supervisor.engine.files import open_ours
from supervisor.engine.system import System

__all__ = ["PidFile", "PidFileHeld"]


class PidFileHeld(Exception):
    """Another instance that lives holds the file."""

    def __init__(self, path: str, owner: str) -> None:
        who = f"supervisord with pid {owner}" if owner else "supervisord"
        super().__init__(f"Another {who} holds the pid file {path}.  Shut it down first or use another pidfile.")


class PidFile:
    """One pid file of this process."""

    def __init__(self, system: System, path: str) -> None:
        self.path = path
        self._system = system
        self._fd = -1

    def look(self) -> str | None:
        """What an earlier instance left there, None for no file. PidFileHeld when it still lives.

        Changes nothing and creates nothing.
        """
        try:
            fd = open_ours(self._system, self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(self._system.fstat(fd).st_mode):
                return None
            self._lock(fd)
            return self._owner(fd)
        except OSError:
            return None
        finally:
            self._discard(fd)

    def write(self, pid: int) -> None:
        """Take the file. OSError when it cannot be written, PidFileHeld when someone else has it."""
        fd = self._open_and_lock()
        try:
            text = f"{pid}\n".encode()
            self._system.write(fd, text)
            if stat.S_ISREG(self._system.fstat(fd).st_mode):
                self._system.ftruncate(fd, len(text))
        except OSError:
            self._fd = fd
            self.remove()  # half a number would be worse than none
            raise
        self._fd = fd

    def remove(self) -> None:
        """Remove the file if it is the one we wrote, and let go of the lock."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            if stat.S_ISREG(self._system.fstat(fd).st_mode) and self._is_named(fd):
                self._system.unlink(self.path)
        except OSError:
            pass
        self._discard(fd)

    def _open_and_lock(self) -> int:
        while True:
            fd = open_ours(self._system, self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if not stat.S_ISREG(self._system.fstat(fd).st_mode):
                    return fd
                self._lock(fd)
                if self._is_named(fd):
                    return fd
            except BaseException:
                self._discard(fd)
                raise
            # Removed by its owner between our opening and locking it.
            self._discard(fd)

    def _lock(self, fd: int) -> None:
        try:
            self._system.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PidFileHeld(self.path, self._owner(fd))
        except OSError:
            # A file system without locks: then there is none to respect either.
            pass

    def _owner(self, fd: int) -> str:
        try:
            self._system.lseek(fd, 0, os.SEEK_SET)
            words = self._system.read(fd, 64).decode("ascii", "replace").split()
        except OSError:
            return ""
        return words[0] if words and words[0].isdigit() else ""

    def _discard(self, fd: int) -> None:
        try:
            self._system.close(fd)
        except OSError:
            pass  # it is closed all the same

    def _is_named(self, fd: int) -> bool:
        """Whether the name still leads to the open file."""
        try:
            named = self._system.stat(self.path)
        except FileNotFoundError:
            return False
        ours = self._system.fstat(fd)
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)
