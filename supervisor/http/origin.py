"""Which requests a page of somebody else may have caused, and which names lead here.

Promise: programs, which send none of the headers looked at, notice nothing; a browser that a foreign page sent is
refused whatever it asks for. Knows no route.

Two attacks are met here. A foreign page can make a browser send us requests: Sec-Fetch-Site, Origin or Referer tell.
A foreign name can be made to lead to our address (DNS rebinding), so that the browser takes us for that page's own
server: then Host is foreign, and nothing else tells.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from supervisor.hints import TYPE_CHECKING
from supervisor.http.parser import Head
from supervisor.late import Late

if TYPE_CHECKING:
    from urllib import parse as urls
else:
    urls = Late("urllib.parse")

__all__ = ["OriginRules"]

_FOREIGN = "This request was caused by a page of another site"
_UNKNOWN_HOST = "This server is not known under that host name; allowed_hosts in its section can name it"


class OriginRules:
    """The rules of one server."""

    def __init__(self, own_names: Iterable[str], allowed_hosts: Iterable[str], check_host: bool) -> None:
        allowed = [name.strip().lower() for name in allowed_hosts]
        self._allowed = {_name_of(name) for name in allowed}
        self._own = {"localhost", *(name.lower().rstrip(".") for name in own_names if name)} | self._allowed
        self._check_host = check_host and "*" not in allowed

    def refusal(self, request: Head) -> str | None:
        """Why the request is not answered; None if it is."""
        judge, verdict = request.judged
        if judge is not self:
            verdict = self._judge(request)
            request.judged = (self, verdict)
        return verdict

    def _judge(self, request: Head) -> str | None:
        host = request.get("host")
        if self._check_host and host is not None and not self._is_ours(_name_of(host)):
            return _UNKNOWN_HOST
        site = request.get("sec-fetch-site")
        if site is not None and site.lower() == "same-origin":
            return None
        source = request.get("origin")
        if source is None:
            source = request.get("referer")
        if source is not None:
            return None if self._same(source, host) else self._unless_followed_link(request)
        if site is not None and site.lower() != "none":
            return self._unless_followed_link(request)
        return None

    def _is_ours(self, name: str) -> bool:
        # An address cannot be made to lead elsewhere, and no name leads nowhere.
        return not name or name in self._own or name.endswith(".localhost") or _is_address(name)

    def _same(self, source: str, host: str | None) -> bool:
        try:
            parts = urls.urlsplit(source)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        place = parts.netloc.rpartition("@")[2].lower()
        if _name_of(place) in self._allowed:
            return True
        return host is not None and _with_port(place, parts.scheme) == _with_port(host.lower(), parts.scheme)

    def _unless_followed_link(self, request: Head) -> str | None:
        """A person may come to a page by a link: that shows it to nobody else, and a bare path does nothing."""
        followed = (
            request.command == "GET"
            and request.get("origin") is None
            and request.get("sec-fetch-mode") == "navigate"
            and request.get("sec-fetch-dest") == "document"
            and request.get("sec-fetch-user") == "?1"
            and not request.split[2]
        )
        return None if followed else _FOREIGN


def _name_of(host: str) -> str:
    """The name or address in HOST[:PORT], as it is compared.

    >>> [_name_of(host) for host in ("A.example.:9001", "[::1]:9001", "::1", "a")]
    ['a.example', '::1', '::1', 'a']
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    return host.rstrip(".")


def _with_port(host: str, scheme: str) -> str:
    """HOST:PORT with the port that is meant when none is given."""
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not port.isdigit():
        name, port = host, ""
    return f"{name.rstrip('.')}:{port or ('443' if scheme == 'https' else '80')}"


def _is_address(name: str) -> bool:
    if ":" in name:
        name = name.partition("%")[0]  # a link-local address with its zone
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except (OSError, ValueError):
            continue
        return True
    return False
