"""A client's user name and password as a header.

Promise: what a server's basic authentication reads. Loaded for servers with a password only; it must not know
connections.
"""

from __future__ import annotations

from binascii import b2a_base64  # base64 would take longer to load

__all__ = ["authorization"]


def authorization(username: str, password: str) -> str:
    """The header line, with its end."""
    login = b2a_base64(f"{username}:{password}".encode(), newline=False)
    return f"Authorization: Basic {login.decode('ascii')}\r\n"
