"""Encryption of a client's connection.

Promise: the server has to prove its name to the certificates that this system trusts (or SSL_CERT_FILE names).
Loaded for https:// only; it must not know what is sent.
"""

from __future__ import annotations

import ssl

from supervisor.hints import Any

__all__ = ["encrypted"]


def encrypted(connection: Any, name: str) -> Any:
    """The connection, encrypted from now on; OSError when the server is not who it should be."""
    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=name)
    except BaseException:
        connection.close()
        raise
