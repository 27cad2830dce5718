"""One line of help for a person whose supervisorctl reaches nobody, or is refused: what was tried, what is there."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.clientoptions import ClientOptions

USUAL_SOCKETS = ("/run/supervisor.sock", "/var/run/supervisor.sock", "/run/supervisor/supervisor.sock",
                 "/var/run/supervisor/supervisor.sock", "/tmp/supervisor.sock")


def _where_from(options: ClientOptions) -> str:
    configfile = getattr(options, "configfile", None)
    return f"configuration file {configfile}" if configfile else "no configuration file found; -c names one"


def unreachable(options: ClientOptions) -> str:
    """Where the server was looked for, and where another may be."""
    url = options.serverurl or ""
    tried = f"hint: tried {url} ({_where_from(options)})"
    if url.startswith("unix://"):
        path = url[len("unix://"):]
        if os.path.exists(path) and not os.access(path, os.W_OK):
            return f"{tried}; the socket is there, this user may not use it"
    others = [path for path in USUAL_SOCKETS if f"unix://{path}" != url and os.path.exists(path)]
    if others:
        return f"{tried}; there is a socket at {others[0]}: -s unix://{others[0]}"
    return f"{tried}; is supervisord running?"


def refused(options: ClientOptions) -> str:
    """Which credentials were not enough."""
    who = f"user {options.username}" if options.username else "no user name"
    return f"hint: {who} was given ({_where_from(options)}); see -u and -p, or username and password in [supervisorctl]"


def protocol(options: ClientOptions) -> str:
    """What a server URL looks like."""
    return "hint: a server URL is unix:///path/to/socket, http://host:port or https://host:port"
