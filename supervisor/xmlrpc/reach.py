"""From a server URL to a connection: unix://, http:// and https://.

Promise: a server that does not take a connection or a request is given up after PATIENCE seconds, in one clear line.
The C module _socket stands for socket, and ssl is loaded for https:// alone. It must not know what is sent.
"""

from __future__ import annotations

import time
from _socket import AF_UNIX, MSG_PEEK, SOCK_STREAM, getaddrinfo
from _socket import socket as Socket

from supervisor import xmlrpc as package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PATIENCE", "Socket", "connect", "host_of", "is_secure", "no_answer", "went_away"]

# Seconds that a server may take for what none has to think about.
PATIENCE = 30.0
_PAUSE = 0.05
_LAST_PORT = 65535


def host_of(url: str) -> str:
    """What the Host header says for a server. ValueError when its kind is unknown."""
    if url.startswith("unix://"):
        return "localhost"
    if url.startswith(("http://", "https://")):
        host = url.partition("://")[2]
        for end in "/?#":
            host = host.partition(end)[0]
        return host.rpartition("@")[2]
    raise ValueError(f"Unknown protocol for serverurl {url}")


def is_secure(url: str) -> bool:
    """Whether what is sent to the server is encrypted."""
    return url.startswith("https://")


def no_answer(url: str) -> TimeoutError:
    """What is raised when a server was silent for too long."""
    return TimeoutError(f"{url} does not answer (nothing came within {PATIENCE:.0f} seconds)")


def connect(url: str) -> Socket:
    """A connection to the server that the URL names; writing to it takes PATIENCE seconds at most."""
    try:
        if url.startswith("unix://"):
            return _local(url[len("unix://") :])
        name, port = _host_and_port(host_of(url), "443" if is_secure(url) else "80")
        plain = _remote(name, port)
        return package.encrypted(plain, name) if is_secure(url) else plain
    except TimeoutError:
        raise no_answer(url) from None


def went_away(connection: Socket) -> bool:
    """Whether a connection that nothing is expected from was closed by the server, or has something unexpected."""
    connection.settimeout(0)
    try:
        connection.recv(1, MSG_PEEK)
    except BlockingIOError:
        connection.settimeout(PATIENCE)
        return False
    except OSError:
        pass
    return True


def _local(path: str) -> Socket:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _try(AF_UNIX, SOCK_STREAM, 0, path)
        except BlockingIOError:
            # As many wait to be accepted as the server allows; a local socket tells that at once.
            if time.monotonic() > deadline:
                raise TimeoutError from None
        time.sleep(_PAUSE)


def _remote(name: str, port: int) -> Socket:
    failure = OSError("no address")
    for family, kind, protocol, _, where in getaddrinfo(name, port, 0, SOCK_STREAM):
        try:
            return _try(family, kind, protocol, where)
        except OSError as error:
            failure = error
    raise failure


def _host_and_port(host: str, default: str) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):     # none, or one of an IPv6 address
        name, port = host, ""
    if port and not (port.isascii() and port.isdigit()):
        raise ValueError(f"Port could not be cast to integer value as {port!r}")
    number = int(port or default)
    if number > _LAST_PORT:
        raise ValueError(f"Port out of range 0-{_LAST_PORT}")
    if not name:
        raise ValueError("the serverurl names no host")
    return name.strip("[]"), number


def _try(family: int, kind: int, protocol: int, where: Any) -> Socket:
    connection = Socket(family, kind, protocol)
    try:
        connection.settimeout(PATIENCE)
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection
