"""A small XML-RPC client over raw sockets, for a program that wants its answer within milliseconds.

Promise: a call is carried out once at most, unless the caller says that twice does no harm; nothing is imported that
takes time to load. It must not know what is called.
"""

from __future__ import annotations

from supervisor import xmlrpc as package
from supervisor.xmlrpc.lean import Fault, dumps_call, loads_response
from supervisor.xmlrpc.reach import Socket, connect, host_of, is_secure, no_answer, went_away

# collections.abc and typing would take longer to load than a call takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Fault", "ProtocolError", "Server", "authorization", "call"]

_ENOUGH = 65536


class ProtocolError(Exception):
    """The server answered, but not to the call: another status than 200, or nothing that can be understood."""

    def __init__(self, url: str, errcode: int, errmsg: str) -> None:
        super().__init__(url, errcode, errmsg)
        self.url = url
        self.errcode = errcode
        self.errmsg = errmsg

    def __str__(self) -> str:
        return f"<ProtocolError for {self.url}: {self.errcode} {self.errmsg}>"


def authorization(username: str | None, password: str | None) -> str:
    """The header line for these credentials, with its end; nothing without a user name."""
    return str(package.authorization(username, password or "")) if username else ""


class Server:
    """A server that can be called. The connection is kept from call to call."""

    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        self.url = url
        self._socket: Socket | None = None
        self._head = (
            f"POST /RPC2 HTTP/1.1\r\nHost: {host_of(url)}\r\nContent-Type: text/xml\r\nAccept: text/xml\r\n"
            f"{authorization(username, password)}Content-Length: "
        )

    def call(
        self, method: str, params: Iterable[Any] = (), patience: float | None = None, harmless: bool = False
    ) -> Any:
        """The result of a call. Raises Fault, ProtocolError or OSError.

        ``patience`` is how many seconds the server may be silent; ``harmless`` allows to send the call once more
        when a kept connection ends before anything of the answer came.
        """
        reused = self.send(method, params)
        try:
            return self.receive(patience)
        except (ConnectionResetError, BrokenPipeError):
            if not (reused and harmless):
                raise
        self.send(method, params)
        return self.receive(patience)

    def send(self, method: str, params: Iterable[Any] = ()) -> bool:
        """Send a call whose result receive() gives; other calls may be sent to other Servers meanwhile.

        True if the connection was used before.
        """
        body = dumps_call(method, params)
        request = f"{self._head}{len(body)}\r\n\r\n".encode() + body
        if self._socket is not None:
            if not went_away(self._socket):
                try:
                    self._socket.sendall(request)
                    return True
                except (ConnectionResetError, BrokenPipeError):
                    pass  # the server closed the connection; it has no whole request that it could act on
                except BaseException as problem:
                    raise self._ended(problem) from None
            self.close()
        self._socket = connect(self.url)
        try:
            self._socket.sendall(request)
        except BaseException as problem:
            raise self._ended(problem) from None
        return False

    def _ended(self, problem: BaseException) -> BaseException:
        self.close()
        return no_answer(self.url) if isinstance(problem, TimeoutError) else problem

    def receive(self, patience: float | None = None) -> Any:
        """The result of the call that was sent."""
        assert self._socket is not None
        try:
            self._socket.settimeout(patience)
            answer = _Answer(self._socket, self.url)
            body = answer.body()
        except BaseException as problem:
            raise self._ended(problem) from None
        if answer.closes or answer.status != 200 or is_secure(self.url):
            self.close()
        if answer.status != 200:
            raise ProtocolError(self.url + "/RPC2", answer.status, answer.reason)
        try:
            return loads_response(body)
        except ValueError:
            self.close()
            raise ProtocolError(self.url + "/RPC2", answer.status, "the answer is not XML-RPC") from None

    def fileno(self) -> int:
        """The descriptor on which the answer to a call that was sent will come."""
        assert self._socket is not None
        return self._socket.fileno()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def call(server: Server, method: str, params: Iterable[Any] = ()) -> Any:
    """The result of a call to a server. Raises Fault, ProtocolError or OSError."""
    return server.call(method, params)


class _Answer:
    """One HTTP answer, read from a socket."""

    def __init__(self, connection: Socket, url: str) -> None:
        self._recv = connection.recv
        self._url = url
        self._data = b""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, _, rest = head[0].partition(" ")
        code, _, self.reason = rest.partition(" ")
        if not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
            raise self._nonsense()
        self.status = int(code)
        self._headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            self._headers[name.strip().lower()] = value.strip()
        connection_header = self._headers.get("connection", "").lower()
        self.closes = connection_header == "close" or (version == "HTTP/1.0" and connection_header != "keep-alive")

    def body(self) -> bytes:
        length = self._headers.get("content-length")
        if self._headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        if length is None:
            self.closes = True
            return self._rest()
        if not (length.isascii() and length.isdigit()):
            raise self._nonsense()
        return self._exactly(int(length))

    def _nonsense(self) -> ProtocolError:
        return ProtocolError(self._url, 0, "the server does not speak HTTP")

    def _more(self) -> bytes:
        data = self._recv(_ENOUGH)
        if not data:
            raise ConnectionResetError("the server closed the connection without a whole answer")
        return data

    def _until(self, end: bytes) -> bytes:
        while (found := self._data.find(end)) < 0:
            if len(self._data) > 4 * _ENOUGH or not b"HTTP/".startswith(self._data[:5]):
                raise self._nonsense()
            self._data += self._more()
        head, self._data = self._data[:found], self._data[found + len(end) :]
        return head

    def _exactly(self, length: int) -> bytes:
        pieces = [self._data]
        missing = length - len(self._data)
        while missing > 0:
            pieces.append(self._more())
            missing -= len(pieces[-1])
        data = b"".join(pieces)
        self._data = data[length:]
        return data[:length]

    def _rest(self) -> bytes:
        pieces = [self._data]
        while data := self._recv(_ENOUGH):
            pieces.append(data)
        return b"".join(pieces)

    def _chunks(self) -> bytes:
        pieces: list[bytes] = []
        while True:
            size = self._line().partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise self._nonsense() from None
            if length <= 0:
                while self._line():
                    pass
                return b"".join(pieces)
            pieces.append(self._exactly(length))
            self._line()

    def _line(self) -> bytes:
        while (found := self._data.find(b"\r\n")) < 0:
            if len(self._data) > _ENOUGH:
                raise self._nonsense()
            self._data += self._more()
        line, self._data = self._data[:found], self._data[found + 2 :]
        return line
