"""Accepting connections at less cost.

Promise: what accept() of the socket gives. Knows no server.

Facts this rests on: accept() of the socket module finds out for each connection, through enumerations, of what kind the
listening socket is, which takes as long as the system call itself; the method beneath it gives the bare descriptor.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from supervisor.hints import Any

__all__ = ["acceptor"]


def acceptor(listening: socket.socket) -> Callable[[], tuple[socket.socket, Any]]:
    """A function like listening.accept."""
    bare = getattr(listening, "_accept", None)
    if bare is None:  # a name that CPython promises to nobody
        return listening.accept
    family, kind, protocol = int(listening.family), int(listening.type), listening.proto

    def accept() -> tuple[socket.socket, Any]:
        fd, address = bare()
        return socket.socket(family, kind, protocol, fd), address

    return accept
