"""One request and its answer, as handlers see them.

Promise: exactly one answer goes out for a request, in one piece where it is known whole; a handler may answer later.
Knows nothing of sockets; the channel sends what is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.hints import Any
from supervisor.http import response
from supervisor.http.kinds import ChannelLike, Producer, ServerLike
from supervisor.http.parser import Head

__all__ = ["deferring_http_request"]

# A body of more bytes is not copied to stand behind its head.
_LARGE = 128 * 1024


class deferring_http_request:
    """A request. The name is the one that plugins know."""

    reply_code = 200
    answered = False
    closed = False
    _reply_headers: dict[str, str] | None = None
    _header: list[str] | None = None
    _gone: list[Callable[[], object]] | None = None

    def __init__(self, channel: ChannelLike, head: Head, number: int) -> None:
        self.channel = channel
        self.head = head
        self.command = head.command
        self.uri = head.uri
        self.version = head.version
        self.request_number = number
        # What is pushed waits here until done(); items are bytes or producers.
        self.outgoing: list[Any] = []
        # Whether the connection ends with the answer.
        self.closing = not head.keep

    # What came

    @property
    def server(self) -> ServerLike:
        return self.channel.server

    @property
    def request(self) -> str:
        """The request line as it came."""
        return self.head.line

    @property
    def header(self) -> list[str]:
        """The raw header lines, as a list of this request's own."""
        if self._header is None:
            self._header = list(self.head.lines)
        return self._header

    def get_header(self, name: str) -> str | None:
        """The value of a header, without blanks around it."""
        return self.head.get(name.lower())

    def split_uri(self) -> tuple[str, str | None, str | None, str | None]:
        """(path, ;params, ?query, #fragment), the path percent-decoded."""
        return self.head.split

    def read_body(self, callback: Callable[[bytes | bytearray], object], limit: int | None = None) -> None:
        """callback(body) once it is all there. 411 without one; longer than limit is 413."""
        self.channel.read_body(self, callback, limit)

    def get_server_url(self) -> str:
        """The URL that the client uses for us, without a slash at its end."""
        server = self.server
        host = self.get_header("host")
        if host:
            return f"http://{host[:-3] if host.endswith(':80') else host}"
        return f"http://{server.server_name}" + ("" if server.port == 80 else f":{server.port}")

    def cgi_environment(self) -> dict[str, Any]:
        """The variables that a CGI program would see."""
        path, params, query, _ = self.split_uri()
        server = self.server
        environment: dict[str, Any] = {
            "REQUEST_METHOD": self.command, "SERVER_PORT": str(server.port), "SERVER_NAME": server.server_name,
            "SERVER_SOFTWARE": response.SERVER, "SERVER_PROTOCOL": "HTTP/" + self.version,
            "channel.creation_time": int(self.channel.creation_time), "SCRIPT_NAME": "",
            "PATH_INFO": "/" + path.lstrip("/"), "PATH_TRANSLATED": "/" + path.lstrip("/"),
            "QUERY_STRING": query[1:] if query else "", "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_ADDR": self.channel.addr[0],
        }
        for line in self.head.lines:
            name, _, value = line.partition(":")
            key = name.upper().replace("-", "_")
            if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                environment.setdefault(key, value.strip())
            elif key == "CONNECTION":
                environment.setdefault("CONNECTION_TYPE", value.strip())
            elif key not in ("AUTHORIZATION", "PROXY"):
                environment.setdefault("HTTP_" + key, value.strip())
        return environment

    # What goes

    @property
    def reply_headers(self) -> dict[str, str]:
        if self._reply_headers is None:
            self._reply_headers = {}
        return self._reply_headers

    def __setitem__(self, name: str, value: object) -> None:
        self.reply_headers[name] = str(value)

    def __getitem__(self, name: str) -> str:
        return self.reply_headers[name]

    def __contains__(self, name: str) -> bool:
        return self.has_key(name)

    def has_key(self, name: str) -> bool:
        """Whether a header of the answer is set."""
        return any(key.lower() == name.lower() for key in self._reply_headers or ())

    def push(self, thing: bytes | str | Producer) -> None:
        """Add to the body of the answer."""
        self.outgoing.append(thing.encode() if isinstance(thing, str) else thing)

    def response(self, code: int) -> str:
        """The text of a status code."""
        return response.REASONS.get(code, "Unknown")

    def error(self, code: int, message: str | None = None) -> None:
        """Answer with the page that tells of an error; headers set before go with it."""
        if self.answered:
            return
        self.reply_code = code
        body = b"" if response.bodiless(code) else response.error_body(code, message)
        headers = [item for item in (self._reply_headers or {}).items()
                   if item[0].lower() not in ("content-type", "content-length", "transfer-encoding")]
        if code >= 400:
            headers += [("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
                        ("Content-Security-Policy", "default-src 'none'")]
        self.reply(code, body, "text/html", headers)

    def reply(self, code: int, body: bytes, content_type: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer with a body that is known whole: one piece, one send."""
        if self.answered:
            return
        self.answered = True
        self.reply_code = code
        version, date, connection = self.version, self.channel.server.date(), self._connection()
        empty = code != 200 and response.bodiless(code)
        if not headers and not empty:
            top = response.plain_head(version, code, date, content_type, len(body), connection)
        else:
            about = () if empty else (("Content-Type", content_type), ("Content-Length", str(len(body))))
            top = response.head(version, code, date, (*about, *headers), connection)
        if empty or self.command == "HEAD":
            body = b""
        if len(body) > _LARGE:
            self.channel.send_answer(self, top, body)
        else:
            self.channel.send_answer(self, top + body)

    def done(self) -> None:
        """The answer is all pushed: send it, and what its producers will give."""
        if self.answered:
            return
        self.answered = True
        fields = list((self._reply_headers or {}).items())
        chunked = False
        if not self.has_key("content-length") and not response.bodiless(self.reply_code):
            if all(isinstance(item, (bytes, bytearray)) for item in self.outgoing):
                fields.append(("Content-Length", str(sum(map(len, self.outgoing)))))
            elif self.version >= "1.1" and self.head.keep and not self.has_key("transfer-encoding"):
                chunked = True
                fields.append(("Transfer-Encoding", "chunked"))
            else:
                self.closing = True
        top = response.head(self.version, self.reply_code, self.server.date(), fields, self._connection())
        empty = self.command == "HEAD" or response.bodiless(self.reply_code)
        self.channel.send_stream(self, top, [] if empty else self.outgoing, chunked and not empty)

    def failed(self, exc: BaseException) -> None:
        """Answering raised something: 500 for the client, the reason for the log."""
        self.channel.fail(self, exc)

    def close_after(self) -> None:
        """The connection ends with the answer."""
        self.closing = True

    # The client

    def on_close(self, callback: Callable[[], object]) -> None:
        """callback() when the client is gone before the answer was all sent."""
        if self._gone is None:
            self._gone = []
        self._gone.append(callback)

    def gone(self) -> None:
        """The channel's word that nobody waits any more."""
        self.closed = True
        callbacks, self._gone = self._gone or (), None
        for callback in callbacks:
            callback()

    def forget_client(self) -> None:
        """The answer is sent; on_close has lost its point."""
        self._gone = None

    def _connection(self) -> bytes:
        if self.closing:
            return response.CLOSE
        return response.KEEP if self.version == "1.0" else b""
