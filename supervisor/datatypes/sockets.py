"""Addresses of listening sockets, and the sockets made from them.

A unix socket is never open wider than configured, and only sockets are replaced. Must not know: who listens.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Sequence

from supervisor.datatypes.values import inet_address, port_number
from supervisor.hints import Any


class SocketAddress:
    """The family of an address, judged by its look, and the address."""

    def __init__(self, s: str) -> None:
        self.address: Any
        if "/" in s or ":" not in s:
            self.family = socket.AF_UNIX
            self.address = s
        else:
            self.family = socket.AF_INET
            self.address = inet_address(s)


class SocketConfig:
    """A listening socket as configured: where, and with what settings."""

    url = ""

    def __init__(self, mode: int | None = None, owner: Sequence[int] | None = None,
                 backlog: int | None = None) -> None:
        self.mode = mode
        self.owner = owner
        self.backlog = backlog

    def __repr__(self) -> str:
        return f"<{type(self)} at {id(self)} for {self.url}>"

    def __str__(self) -> str:
        return self.url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SocketConfig) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self.url)

    def _facts(self) -> tuple[Any, ...]:
        return self.url, self.mode, tuple(self.owner) if self.owner else None, self.backlog

    def get_mode(self) -> int | None:
        return self.mode

    def get_owner(self) -> Sequence[int] | None:
        return self.owner

    def get_backlog(self) -> int | None:
        return self.backlog

    def addr(self) -> Any:
        """The address in the form bind() wants."""
        raise NotImplementedError

    def create_and_bind(self) -> socket.socket:
        """A socket bound to the address, not yet listening."""
        raise NotImplementedError


class InetStreamSocketConfig(SocketConfig):
    """A TCP socket; an IPv6 address where the host is one."""

    def __init__(self, host: str, port: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = host.lower()
        self.port = port_number(port)
        self.url = f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"
        self._bound: Any = None

    def addr(self) -> tuple[str, int]:
        return "" if self.host == "*" else self.host, self.port

    def create_and_bind(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A name is looked up the first time, when its group is made: later a name server would keep all waiting.
            sock.bind(self._bound or self.addr())
            self._bound = sock.getsockname()
        except Exception:
            sock.close()
            raise
        return sock


class UnixStreamSocketConfig(SocketConfig):
    """A socket in the file system, with its owner and permissions."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.url = f"unix://{path}"

    def addr(self) -> str:
        return self.path

    def create_and_bind(self) -> socket.socket:
        """Replaces a socket of an earlier run, but nothing that is not a socket."""
        try:
            if not stat.S_ISSOCK(os.lstat(self.path).st_mode):
                raise OSError(errno.EEXIST, "Not a socket", self.path)
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The mode is right from the first moment, as bind() takes it from the umask. Without one nobody else may
        # connect before the owner is set; without either the umask in force decides.
        before = None if self.mode is None and self.owner is None else os.umask(
            0o177 if self.mode is None else 0o777 & ~self.mode)
        try:
            sock.bind(self.addr())
        except Exception:
            sock.close()
            raise
        finally:
            if before is not None:
                os.umask(before)
        try:
            self._hand_over()
        except Exception:
            sock.close()
            os.unlink(self.path)
            raise
        return sock

    def _hand_over(self) -> None:
        """Of the name itself: who may write to its folder may have put a link in its place meanwhile."""
        try:
            if self.owner is not None:
                os.chown(self.path, self.owner[0], self.owner[1], follow_symlinks=False)
            if self.mode is not None and stat.S_IMODE(os.lstat(self.path).st_mode) != self.mode & 0o7777:
                chmod_socket(self.path, self.mode)
        except OSError as e:
            raise ValueError(f"Could not change ownership/permissions of socket file: {e}")


def chmod_socket(path: str, mode: int) -> None:
    """Of the socket alone, and not of what a link leads to that took its place. Needed where bind() does not heed the
    umask: on some systems, and in folders with an access list for new files."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(path, mode, follow_symlinks=False)
        return
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.chmod(f"/proc/self/fd/{fd}", mode)
    finally:
        os.close(fd)
