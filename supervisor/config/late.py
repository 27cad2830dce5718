"""What supervisorctl loads only when it is used: plugins, the classic proxy, the version.

The one loader of the client's options; everything here is reached by name when called. Must not know: options.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def import_module(name: str) -> Any:
    """The module of that name; importlib would take longer to load than what is asked for."""
    __import__(name)
    return sys.modules[name]


def version() -> str:
    """The version of the product."""
    return str(import_module("supervisor.version").VERSION)


def import_spec(spec: str) -> Any:
    """The object of ``module:attribute``. Raises ValueError."""
    return import_module("supervisor.config.plugins").import_spec(spec)


def default_plugin() -> Any:
    """The plugin with the built-in actions."""
    return import_module("supervisor.supervisorctl").DefaultControllerPlugin


def server_proxy(serverurl: str | None, username: str | None, password: str | None) -> Any:
    """A ServerProxy whose transport goes to the server; its own URL is only decoration."""
    transport = import_module("supervisor.xmlrpc").SupervisorTransport(username, password, serverurl)
    return import_module("xmlrpc.client").ServerProxy("http://127.0.0.1", transport=transport)
