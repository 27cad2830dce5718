"""A listening socket, its connections and the handlers that answer them; TCP here, local sockets in unixserver.

Promise: a shortage of descriptors never makes the loop spin and never keeps new clients out, nor programs from being
started, while idle clients hold some. Knows no handler.
"""

from __future__ import annotations

import errno
import resource
import socket
import time
from itertools import islice

from supervisor.engine.loop import Loop, Timer
from supervisor.engine.system import SHORTAGES
from supervisor.hints import Any
from supervisor.http.accepting import acceptor
from supervisor.http.channel import Channel
from supervisor.http.kinds import Address, Handler, Logger
from supervisor.http.logwrapper import TRACE, LogWrapper
from supervisor.http.origin import OriginRules
from supervisor.http.parser import DEFAULT_MAX_BODY, DEFAULT_MAX_HEADER
from supervisor.http.request import deferring_http_request
from supervisor.http.response import DateLine

__all__ = ["BACKLOG", "CannotListen", "supervisor_af_inet_http_server", "supervisor_http_server"]

BACKLOG = 1024
_ACCEPTS_AT_A_TIME = 64
# How long accepting rests when there are no descriptors and no idle connection to close, in seconds.
_SHORTAGE_PAUSE = 0.5
# Connections leave so many descriptors to others; idle ones that are in the way are closed so many at a time, because
# finding them means looking at all.
_RESERVE = 16
_CLOSED_AT_A_TIME = 8

_IN_USE = (
    "Another program is already listening on a port that one of our HTTP servers is configured to use.  "
    "Shut this program down first before starting supervisord."
)


class CannotListen(ValueError):
    """A server cannot be opened; the text is meant for people."""


def cannot_listen(error: OSError, where: str) -> CannotListen:
    """What to tell about an error met while opening a socket at where."""
    if error.errno == errno.EADDRINUSE:
        return CannotListen(_IN_USE)
    if error.errno is None:
        reason = str(error)
    elif error.errno in errno.errorcode:
        reason = f"errno.{errno.errorcode[error.errno]} ({error.errno})"
    else:
        reason = str(error.errno)
    return CannotListen(f"Cannot open an HTTP server: socket.error reported {reason}: {where}")


class supervisor_http_server:
    """What servers of all kinds of sockets have in common."""

    channel_class = Channel

    def __init__(
        self, sock: socket.socket, server_name: str, ip: str, port: int | str, loop: Loop, logger: Logger,
        rules: OriginRules | None = None, max_header: int = DEFAULT_MAX_HEADER, max_body: int = DEFAULT_MAX_BODY,
    ) -> None:
        self.socket = sock
        self.server_name = server_name
        self.ip = ip
        self.port = port
        self.loop = loop
        self.logger = LogWrapper(logger)
        self.max_header = max_header
        self.max_body = max_body
        self.unfinished = 0
        self.handlers: list[Handler] = []
        self.channels: dict[Channel, None] = {}
        # All servers whose connections share the descriptors, this one included.
        self.siblings: list[supervisor_http_server] = [self]
        self._rules = rules
        # The Date header of an answer that goes out now.
        self.date = DateLine(loop.clock.wall).now
        self._resting: Timer | None = None
        self._wall = loop.clock.wall
        sock.setblocking(False)
        self._listen()
        # For the pages: whether plain links may act.
        self.get_actions = False
        self.logger.trace(
            f"{ip}:Medusa (V1.12) started at {time.ctime(self._wall())}\n\tHostname: {server_name}\n\tPort:{port}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.where}>"

    @property
    def where(self) -> str:
        """The address, for people."""
        return f"{self.ip or '*'}:{self.port}"

    # Handlers

    def install_handler(self, handler: Handler, back: int | bool = 0) -> None:
        """Asked before all others, or with back after them."""
        if back:
            self.handlers.append(handler)
        else:
            self.handlers.insert(0, handler)

    def remove_handler(self, handler: Handler) -> None:
        self.handlers.remove(handler)

    def refusal(self, request: deferring_http_request) -> str | None:
        """Why a page of somebody else must not send this request; None if it may be answered."""
        return None if self._rules is None else self._rules.refusal(request.head)

    # Connections

    def accept_some(self) -> None:
        """Take in who is waiting. Where nobody is connected, one: asking in vain for another costs like a turn."""
        self._accept_up_to(_ACCEPTS_AT_A_TIME if self.channels else 1)

    def _accept_up_to(self, most: int) -> None:
        accept = self.accept
        for _ in range(most):
            try:
                sock, addr = accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                # Otherwise it is a client that gave up while it was waiting.
                if exc.errno in SHORTAGES and not self._close_idle(1):
                    self._rest()
                    return
                continue
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            crowded = 0 <= limit - _RESERVE <= sock.fileno() and not self._close_idle(_CLOSED_AT_A_TIME)
            self._take_in(sock, self._address(addr))
            if crowded:
                return  # who has come in this turn is heard before more are taken in

    def _take_in(self, sock: socket.socket, addr: Address) -> None:
        try:
            self._prepare(sock)
            channel = self.channel_class(self, sock, addr)
        except (OSError, MemoryError):
            sock.close()
            return
        self.channels[channel] = None
        # Heard when all are in, and behind those that were here before: who sends, and connects again, has the first
        # request carried out first. Its bytes are here once the second connection is.
        self.loop.call_soon(self._hear, channel)

    def _hear(self, channel: Channel) -> None:
        try:
            # A request mostly came along, and mostly all of it.
            channel.start()
        except (OSError, MemoryError):
            # The kernel watches no more descriptors for us.
            channel.close()

    def forget_channel(self, channel: Channel) -> None:
        self.channels.pop(channel, None)

    def close(self) -> None:
        """The end of the server and of its connections."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._unlisten()
        self.socket.close()
        for channel in list(self.channels):
            channel.close()

    def _prepare(self, sock: socket.socket) -> None:
        sock.setblocking(False)

    def _address(self, addr: Any) -> Address:
        raise NotImplementedError

    def _listen(self) -> None:
        self.accept = acceptor(self.socket)
        self.loop.add_reader(self.socket.fileno(), self.accept_some)

    def _unlisten(self) -> None:
        self.loop.remove_reader(self.socket.fileno())

    def _close_idle(self, most: int) -> bool:
        """Give back the descriptors of connections that were idle for longest, if any is."""
        idle = [each for server in self.siblings for each in server.channels if each.idle]
        idle.sort(key=lambda each: each.last_used)
        # A request may have come since the loop looked.
        oldest = list(islice((each for each in idle if not each.has_sent()), most))
        for channel in oldest:
            channel.close()
        return bool(oldest)

    def _rest(self) -> None:
        """Accept nobody for a while: the loop would be told again and again that somebody waits."""
        self._unlisten()
        self._resting = self.loop.call_later(_SHORTAGE_PAUSE, self._resume)

    def _resume(self) -> None:
        self._resting = None
        try:
            self._listen()
        except OSError:
            self._rest()

    # What is written down

    def log_warning(self, text: str) -> None:
        self.logger.warn(text)

    def log_access(self, addr: Address, line: str, code: int, sent: int) -> None:
        if self.logger.logger.level <= TRACE:
            when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self._wall()))
            self.logger.trace(f'{addr[0]}:{addr[1]} - - [{when}] "{line}" {code} {sent}')

    def log_failure(self, exc: BaseException) -> None:
        """A handler or producer failed: its fault, not the client's."""
        trace = exc.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        file, line = ("?", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        self.logger.error(f"{self.ip}:Server Error: {type(exc)}, {_text(exc)}: file: {file} line: {line}")


class supervisor_af_inet_http_server(supervisor_http_server):
    """Listens on a TCP port: IPv4, or IPv6 if the address is one."""

    def __init__(self, ip: str, port: int, loop: Loop, logger: Logger, **settings: Any) -> None:
        host = ip.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # Beside a server for IPv4 on the same port.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, port))
            sock.listen(BACKLOG)
        except (OSError, OverflowError, UnicodeError) as exc:
            sock.close()
            error = exc if isinstance(exc, OSError) else OSError(str(exc))
            raise cannot_listen(error, f"{host or '*'}:{port}")
        super().__init__(sock, _server_name(host), host, sock.getsockname()[1], loop, logger, **settings)

    def _prepare(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            # The client is gone already; reading will tell.
            pass

    def _address(self, addr: Any) -> Address:
        return addr[0], addr[1]


def _server_name(host: str) -> str:
    """What to call ourselves where nobody says it; no name service is asked."""
    if host in ("", "0.0.0.0", "::"):
        return socket.gethostname()
    if host == "::1" or host.startswith("127."):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _text(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:
        return "<no text>"
