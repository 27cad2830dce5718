"""Whether somebody already listens where we want to listen, found out without touching what is theirs.

Promise: makes, removes and changes nothing. Decides nothing when in doubt: the real attempt will tell.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from typing import Any

__all__ = ["in_use"]


def in_use(config: Mapping[str, Any]) -> bool:
    """Whether the address of a server configuration (family, and file or host and port) is taken."""
    if config["family"] == socket.AF_UNIX:
        return _unix_in_use(config["file"])
    return _inet_in_use(config["host"], config["port"])


def _unix_in_use(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            # Its backlog is full: somebody holds it.
            return True
        except OSError:
            return False
    return True


def _inet_in_use(host: str, port: int) -> bool:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # As a server does it: refused while another one listens, whatever lingers in TIME_WAIT.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    return True
    return False
