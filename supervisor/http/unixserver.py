"""A server on a local socket, and how its name appears, is kept and goes.

Promise: the name appears at once with its final owner and mode, never wider; no living server is displaced, nothing
but a dead socket is removed; at the end only what is ours goes. Knows no request.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import sys

from supervisor.datatypes.sockets import chmod_socket
from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.loop import Loop
from supervisor.engine.namewatch import NameWatch
from supervisor.engine.system import System
from supervisor.hints import Any
from supervisor.http.kinds import Address, Logger
from supervisor.http.listener import BACKLOG, CannotListen, cannot_listen, supervisor_http_server

__all__ = ["supervisor_af_unix_http_server"]

_PROBE_PATIENCE = 1.0
_TRIES = 5
# sun_path of the systems we know holds 104 to 108 bytes, the last of them NUL.
_LONGEST_PATH = 107 if sys.platform == "linux" else 103

Inode = tuple[int, int]
Owner = tuple[int, int]


class supervisor_af_unix_http_server(supervisor_http_server):
    """Listens on a socket in the file system."""

    def __init__(
        self, path: str, chmod: int, chown: Owner, loop: Loop, logger: Logger, *, system: System | None = None,
        **settings: Any,
    ) -> None:
        self.path = path
        self._mode = chmod
        self._owner = chown
        sock, self._inode = _open(path, chmod, chown)
        try:
            super().__init__(sock, "<unix domain socket>", path, path, loop, logger, **settings)
        except OSError:
            sock.close()
            _remove(path)
            raise
        # Whether it was told that the name is gone for now.
        self._mourned = False
        self._watch = NameWatch(loop, system or System(), self._name_lost)
        self._watch.watch(path)

    @property
    def where(self) -> str:
        return self.path

    def close(self) -> None:
        self._watch.close()
        super().close()
        if _inode(self.path) == self._inode:
            _remove(self.path)

    def check_name(self) -> bool:
        """Make the name anew if it is gone; whether it leads here (again)."""
        found = _inode(self.path)
        if found == self._inode:
            return True
        if found is not None:
            # Somebody else's now.
            return False
        try:
            sock, inode = _open(self.path, self._mode, self._owner)
        except CannotListen as why:
            if not self._mourned:
                self._mourned = True
                self.logger.warn(f"unix socket {self.path} was removed by somebody; it cannot be made anew yet: {why}")
            return False
        self._mourned = False
        sock.setblocking(False)
        # Who waits at the old socket is taken in first: it cannot get its name back.
        self._accept_up_to(BACKLOG)
        self._unlisten()
        self.socket.close()
        self.socket, self._inode = sock, inode
        if self._resting is None:
            self._resume()
        self._watch.watch(self.path)
        self.logger.warn(f"unix socket {self.path} was removed by somebody; made anew")
        return True

    def _name_lost(self, path: str) -> None:
        self.check_name()

    def _address(self, addr: Any) -> Address:
        return "localhost", 0


def _open(path: str, mode: int, owner: Owner) -> tuple[socket.socket, Inode]:
    """A socket that listens under the name path, and the inode that bears it."""
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise cannot_listen(OSError("AF_UNIX path too long"), path)
    temporary = _temporary_name(path)
    try:
        refuse_planted_folder(System(), os.path.dirname(path) or ".")
    except OSError as exc:
        raise CannotListen(f"Cannot open an HTTP server: {exc.filename}: {exc.strerror}")
    try:
        sock = _bind(temporary, mode)
    except OSError as exc:
        raise cannot_listen(exc, path)
    try:
        _give(temporary, owner, path)
        sock.listen(BACKLOG)
        found = os.lstat(temporary)
        _publish(temporary, path)
    except OSError as exc:
        sock.close()
        raise cannot_listen(exc, path)
    except CannotListen:
        sock.close()
        raise
    finally:
        _remove(temporary)
    return sock, (found.st_dev, found.st_ino)


def _temporary_name(path: str) -> str:
    """A name of ours in the same folder, where linking works, that is short enough to be bound."""
    name = f"{path}.{os.getpid()}"
    if len(os.fsencode(name)) <= _LONGEST_PATH:
        return name
    return os.path.join(os.path.dirname(path), f".{os.getpid():x}")


def _bind(name: str, mode: int) -> socket.socket:
    try:
        if stat.S_ISSOCK(os.lstat(name).st_mode):
            os.unlink(name)
    except FileNotFoundError:
        pass
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mode is right from the first moment: bind() takes it from the umask.
    before = os.umask(0o777 & ~mode)
    try:
        sock.bind(name)
        # Where bind() does not heed the umask this narrows what nobody knows of yet.
        if stat.S_IMODE(os.lstat(name).st_mode) != mode:
            chmod_socket(name, mode)
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock


def _give(name: str, owner: Owner, path: str) -> None:
    """Change the owner, as far as one is configured (-1: leave)."""
    if owner == (-1, -1):
        return
    try:
        os.chown(name, *owner, follow_symlinks=False)
    except PermissionError:
        raise CannotListen(
            f'Not permitted to chown {path} to uid/gid {owner}; adjust "sockchown" value in config file or on command '
            f"line to values that the current user ({_user()}) can successfully chown")


def _publish(temporary: str, path: str) -> None:
    """Link the socket to its name. A dead socket there gives way; anything else is an error."""
    for _ in range(_TRIES):
        try:
            os.link(temporary, path, follow_symlinks=False)
            return
        except FileExistsError:
            pass
        found = _inode(path)
        if found is None:
            continue
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(errno.EEXIST, "Not a socket", path)
        if _answers(path):
            raise OSError(errno.EADDRINUSE, "Address already in use", path)
        try:
            sys.stderr.write(f"Unlinking stale socket {path}\n")
            sys.stderr.flush()
        except OSError:
            pass  # whoever starts us may have lost interest
        if _inode(path) == found:
            _remove(path)
    raise OSError(errno.EADDRINUSE, "Address already in use", path)


def _answers(path: str) -> bool:
    """Whether somebody listens there. Being let in, or in line, is answer enough."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(_PROBE_PATIENCE)
    try:
        probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except (TimeoutError, BlockingIOError):
        return True
    except OSError as exc:
        if exc.errno == errno.EPROTOTYPE:
            return True
        raise
    finally:
        probe.close()
    return True


def _inode(path: str) -> Inode | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove(path: str) -> None:
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except OSError:
        pass


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
