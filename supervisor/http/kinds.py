"""What the parts of this package see of each other, and of handlers and producers from elsewhere.

Promise: protocols only. Knows no implementation.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.engine.loop import Loop
from supervisor.hints import Any, Protocol

__all__ = ["Address", "ChannelLike", "Handler", "Logger", "Producer", "ServerLike"]

Address = tuple[str, int]


class Logger(Protocol):
    """The part of the activity log that is used here."""

    @property
    def level(self) -> int: ...

    def critical(self, msg: str, **kw: Any) -> object: ...

    def error(self, msg: str, **kw: Any) -> object: ...

    def warn(self, msg: str, **kw: Any) -> object: ...

    def info(self, msg: str, **kw: Any) -> object: ...

    def trace(self, msg: str, **kw: Any) -> object: ...


class Producer(Protocol):
    """Gives the pieces of an answer: b'' (or '') at the end, NOT_DONE_YET when there is none right now."""

    def more(self) -> Any: ...


class Handler(Protocol):
    """Answers requests of some kind."""

    def match(self, request: Any) -> Any: ...

    def handle_request(self, request: Any) -> Any: ...


class ServerLike(Protocol):
    """A server, as its channels and their requests see it."""

    server_name: str
    ip: str
    port: Any
    loop: Loop
    handlers: list[Handler]
    max_header: int
    max_body: int
    unfinished: int  # bytes of bodies that are not complete, of all connections
    date: Callable[[], bytes]

    def refusal(self, request: Any) -> str | None:
        """Why a page of somebody else must not send this request; None if it may be answered."""

    def forget_channel(self, channel: Any) -> None:
        """A connection that has ended."""

    @property
    def where(self) -> str:
        """The address, for people."""

    def log_warning(self, text: str) -> None: ...

    def log_access(self, addr: Address, line: str, code: int, sent: int) -> None:
        """A request line, the status of its answer and how many bytes that took."""

    def log_failure(self, exc: BaseException) -> None:
        """A handler or producer raised something."""


class ChannelLike(Protocol):
    """A connection, as its requests see it."""

    addr: Address
    creation_time: float

    @property
    def keeps_up(self) -> bool:
        """Whether the client has taken all that was sent."""

    @property
    def server(self) -> ServerLike: ...

    def read_body(self, request: Any, callback: Callable[[bytes | bytearray], object], limit: int | None) -> None:
        """callback(body) once it is all there; an answer of 411 or 413 when it cannot be."""

    def send_answer(self, request: Any, data: bytes, more: bytes = b"") -> None:
        """A whole answer, head and body."""

    def send_stream(self, request: Any, top: bytes, items: list[Any], chunked: bool) -> None:
        """A head, then what the items give, each bytes or a producer."""

    def fail(self, request: Any, exc: BaseException) -> None:
        """An answer of 500, and a line in the log."""

    def wake(self) -> None:
        """A producer of this connection has something now."""
