"""A transport for xmlrpc.client that reaches the daemon through a unix socket or TCP.

Promise: what listeners, plugins and scripts use with ServerProxy. supervisorctl does not need it: it has wire. It must
not know of the daemon's side.
"""

from __future__ import annotations

import base64
import http.client
import socket
import xmlrpc.client
from urllib.parse import urlsplit

from supervisor.hints import Any

__all__ = ["SupervisorTransport", "UnixStreamHTTPConnection"]


class UnixStreamHTTPConnection(http.client.HTTPConnection):
    """HTTP over the unix socket named by ``socketfile``."""

    socketfile: str

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.connect(self.socketfile)
        except OSError:
            self.close()
            raise


class SupervisorTransport(xmlrpc.client.Transport):
    """Sends calls to the server that serverurl names, whatever URL the ServerProxy was given."""

    connection: http.client.HTTPConnection | None = None

    def __init__(self, username: str | None = None, password: str | None = None, serverurl: str | None = None) -> None:
        super().__init__()
        self.username = username
        self.password = password
        self.serverurl = serverurl or ""
        self.verbose = False
        url = urlsplit(self.serverurl)
        if url.scheme == "http":
            self._address = (url.hostname or "", url.port or 80)
        elif not self.serverurl.startswith("unix://"):
            raise ValueError(f"Unknown protocol for serverurl {serverurl}")

    def close(self) -> None:
        """Let the connection go; the next call makes another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _new_connection(self) -> http.client.HTTPConnection:
        if self.serverurl.startswith("unix://"):
            unix = UnixStreamHTTPConnection("localhost")
            unix.socketfile = self.serverurl[len("unix://") :]
            return unix
        return http.client.HTTPConnection(*self._address)

    def request(self, host: Any, handler: str, request_body: Any, verbose: Any = False) -> Any:
        """What a call gives, for ServerProxy. Fault, ProtocolError when the status is not 200, OSError."""
        reused = self.connection is not None
        # Errors name the URL that the ServerProxy was given, as they always have.
        url = f"{host[0] if isinstance(host, tuple) else host}{handler}"
        try:
            return self._single_request(url, handler, request_body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A connection that was kept may have been closed by the server meanwhile.
            if not reused:
                raise
            return self._single_request(url, handler, request_body)

    def _single_request(self, url: str, handler: str, body: Any) -> Any:
        if self.connection is None:
            self.connection = self._new_connection()
        try:
            self.connection.request("POST", handler or "/RPC2", body, self._request_headers())
            response = self.connection.getresponse()
            data = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        if response.status != 200:
            self.close()
            raise xmlrpc.client.ProtocolError(url, response.status, response.reason, dict(response.getheaders()))
        parser, unmarshaller = self.getparser()
        parser.feed(data)
        parser.close()
        return unmarshaller.close()

    def _request_headers(self) -> dict[str, str]:
        headers = {"User-Agent": self.user_agent, "Content-Type": "text/xml", "Accept": "text/xml"}
        if self.username:
            login = f"{self.username}:{self.password or ''}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(login).decode("ascii")
        return headers
