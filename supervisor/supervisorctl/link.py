"""The way to one server: single calls on kept connections, many calls at once on connections of their own.

Promise: whatever a server does becomes a value, a CallFault, Refused, BadAnswer or OSError. It must not know actions,
nor print.
"""

from __future__ import annotations

from supervisor.xmlrpc import wire
from supervisor.xmlrpc.reach import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Outcome = Any

AT_ONCE = 64
# Methods by the beginnings of their names: those that may take as long as a program takes, those that only tell.
_WAITING = ("start", "stop")
_TELLING = ("get", "read", "tail", "list")
# What the text of a refusal has always named, whichever server it came from.
ENDPOINT = "127.0.0.1/RPC2"


class CallFault(Exception):
    """The server answered a call with a fault."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"<Fault {self.code}: {self.text!r}>"


class BadAnswer(Exception):
    """The server did not answer as a supervisord does."""

    spelled = "xmlrpc.client.ProtocolError"


class Refused(BadAnswer):
    """The server wants other credentials."""


class UnknownProtocol(ValueError):
    """A server URL that says no way we know."""

    spelled = "ValueError"


class Link:
    """One server and its credentials (``place``)."""

    def __init__(self, serverurl: str, username: str | None = None, password: str | None = None) -> None:
        self.place = (serverurl, username, password)
        # Several threads may call at once: each takes a connection out and puts it back.
        self._idle: list[wire.Server] = []

    def call(self, method: str, params: Sequence[object] = ()) -> Any:
        """The value of one call."""
        try:
            server = self._idle.pop()
        except IndexError:
            server = self.connection()
        try:
            name = method.rpartition(".")[2]
            return _value(server.call, method, params, _patience(method), name.startswith(_TELLING))
        finally:
            self._idle.append(server)

    def calls(
        self, requests: Sequence[tuple[str, Sequence[object]]], choose: Callable[[list[int]], int] | None = None
    ) -> Iterator[tuple[int, Outcome]]:
        """The number of each request with its value or CallFault; AT_ONCE of the requests are under way at a time.

        They come in the order of the requests, or else ``choose`` says which of some descriptors is to be read next.
        """
        if len(requests) == 1 and choose is None:
            yield 0, _outcome(self.call, *requests[0])
            return
        under_way: list[tuple[int, wire.Server, float | None]] = []
        waiting = iter(enumerate(requests))
        try:
            for _ in requests:
                for number, (method, params) in waiting:
                    server = self.connection()
                    under_way.append((number, server, _patience(method)))
                    server.send(method, params)
                    if len(under_way) >= AT_ONCE:
                        break
                descriptors = [server.fileno() for _, server, _ in under_way]
                chosen = descriptors.index(choose(descriptors)) if choose is not None else 0
                number, server, patience = under_way.pop(chosen)
                try:
                    yield number, _outcome(_value, server.receive, patience)
                finally:
                    server.close()
        finally:
            for _, server, _ in under_way:
                server.close()

    def connection(self) -> wire.Server:
        """A connection of its own, for a call that takes its time."""
        try:
            return wire.Server(*self.place)
        except ValueError as problem:
            raise UnknownProtocol(str(problem)) from None

    def close(self) -> None:
        """Let the kept connections go."""
        while self._idle:
            self._idle.pop().close()


def _outcome(ask: Callable[..., Any], *words: Any) -> Outcome:
    try:
        return ask(*words)
    except CallFault as fault:
        return fault


def _value(ask: Callable[..., Any], *words: Any) -> Any:
    """What the server says to a question; faults and refusals as this module's exceptions."""
    try:
        return ask(*words)
    except wire.Fault as fault:
        raise CallFault(fault.faultCode, fault.faultString) from None
    except wire.ProtocolError as problem:
        text = f"<ProtocolError for {ENDPOINT}: {problem.errcode} {problem.errmsg}>"
        raise (Refused(text) if problem.errcode == 401 else BadAnswer(text)) from None


def _patience(method: str) -> float | None:
    """Seconds that a server may be silent after this call; None for one that waits for programs."""
    return None if method.rpartition(".")[2].startswith(_WAITING) else PATIENCE
