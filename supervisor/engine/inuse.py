"""Whether somebody already listens where we want to listen, found out without touching what is theirs.

Promise: makes, removes and changes nothing. Decides nothing when in doubt: the real attempt will tell.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Mapping

from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.system import System
from supervisor.hints import Any

__all__ = ["in_use", "refusal", "unix_refusal"]

_LONGEST_PATH = 107     # bytes, without the closing NUL


def in_use(config: Mapping[str, Any]) -> bool:
    """Whether the address of a server configuration (family, and file or host and port) is taken."""
    if config["family"] == socket.AF_UNIX:
        return _answers(config["file"])
    found = _inet_refusal(config["host"], config["port"])
    return found is not None and found.errno == errno.EADDRINUSE


def refusal(config: Mapping[str, Any]) -> OSError | None:
    """The error that listening there would most likely meet."""
    if config["family"] == socket.AF_UNIX:
        return unix_refusal(config["file"])
    return _inet_refusal(config["host"], config["port"])


def unix_refusal(path: str, replaces: bool = False) -> OSError | None:
    """The same for the path of a socket; some take the place of a socket that is there, alive or not."""
    folder = os.path.dirname(path)
    if len(os.fsencode(path)) > _LONGEST_PATH:
        return OSError("AF_UNIX path too long")
    number = 0
    if not os.path.isdir(folder):
        number = errno.ENOTDIR if os.path.exists(folder) else errno.ENOENT
    elif (planted := _planted_folder(folder)) is not None:
        return planted
    elif os.path.lexists(path) and not stat.S_ISSOCK(os.stat(path, follow_symlinks=False).st_mode):
        number = errno.EEXIST
    elif not replaces and _answers(path):
        number = errno.EADDRINUSE
    elif not os.access(folder, os.W_OK | os.X_OK):
        number = errno.EACCES
    return OSError(number, os.strerror(number)) if number else None


def _planted_folder(folder: str) -> OSError | None:
    try:
        refuse_planted_folder(System(), folder)
    except OSError as exc:
        return exc
    return None


def _answers(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            probe.connect(path)
    except BlockingIOError:
        # Its backlog is full: somebody holds it.
        return True
    except OSError:
        return False
    return True


def _inet_refusal(host: str, port: int) -> OSError | None:
    """Taken on any of the addresses, or else what is wrong when none of them can be had."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        return exc
    except UnicodeError:
        return OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    refusals = [_cannot_bind(*address) for address in found]
    taken = [exc for exc in refusals if exc is not None and exc.errno == errno.EADDRINUSE]
    return taken[0] if taken else None if None in refusals else refusals[0]


def _cannot_bind(family: int, kind: int, protocol: int, _: str, address: Any) -> OSError | None:
    try:
        with socket.socket(family, kind, protocol) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # As a server does it: refused while another one listens, whatever lingers in TIME_WAIT.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        return exc
    return None
