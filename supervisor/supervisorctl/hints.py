"""One line of help for a person whose supervisorctl reaches nobody, or is refused: what was tried, what is there, what
can be done. Printed for terminals only."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.clientoptions import ClientOptions

USUAL_SOCKETS = ("/run/supervisor.sock", "/var/run/supervisor.sock", "/run/supervisor/supervisor.sock",
                 "/var/run/supervisor/supervisor.sock", "/tmp/supervisor.sock")


def _file(options: ClientOptions) -> str:
    return f"configuration file {options.configfile}" if options.configfile else "no configuration file found"


def _url_from(options: ClientOptions) -> str:
    """Who said where the server is."""
    if options.opened:
        return "named by open"
    if "serverurl" in options.given:
        return "given with -s"
    if os.environ.get("SUPERVISORCTL_SERVERURL") == options.serverurl:
        return "SUPERVISORCTL_SERVERURL"
    return _file(options) if options.configfile else f"{_file(options)}; -c names one"


def unreachable(options: ClientOptions) -> str:
    """Where the server was looked for, and where another may be."""
    url = options.serverurl or ""
    tried = f"hint: tried {url} ({_url_from(options)})"
    path = url[len("unix://"):] if url.startswith("unix://") else ""
    kind = _kind(path)
    if kind and not stat.S_ISSOCK(kind):
        return f"{tried}; that is no socket"
    if kind and not os.access(path, os.W_OK):
        return (f"{tried}; the socket is there, this user may not use it: try sudo, or see chmod and chown of "
                "[unix_http_server]")
    others = [other for other in USUAL_SOCKETS if other != path and os.path.exists(other)]
    if others:
        return f"{tried}; there is a socket at {others[0]}: -s unix://{others[0]}"
    return f"{tried}; is supervisord running?"


def _kind(path: str) -> int:
    """The mode of a file, 0 when there is none to be seen."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def refused(options: ClientOptions) -> str:
    """Which credentials were not enough."""
    who = f"user {options.username}" if options.username else "no user name"
    return f"hint: {who} was given ({_file(options)}); see -u and -p, or username and password in [supervisorctl]"


def protocol(options: ClientOptions) -> str:
    """What a server URL looks like."""
    return "hint: a server URL is unix:///path/to/socket, http://host:port or https://host:port"
