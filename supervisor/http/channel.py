"""One connection: bytes in, requests to the handlers in order, answers out in order.

Promise: one receive, one send and no change of registration for an ordinary call; what is held for a client that does
not read, and how long a client may be silent in the middle of a request, is bounded. Knows no route and no header.

A connection ends after an answer that says so, when the client is gone, or when a request cannot be understood.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from supervisor.engine.loop import Timer
from supervisor.engine.memory import HUGE, LARGE, give_back, keep_some
from supervisor.engine.system import SHORTAGES
from supervisor.hints import Any
from supervisor.http import response
from supervisor.http.departed import departed
from supervisor.http.kinds import Address, ServerLike
from supervisor.http.lingering import Lingering
from supervisor.http.outbox import Outbox, hold_little
from supervisor.http.parser import HttpError, RequestParser
from supervisor.http.producers import Stream
from supervisor.http.request import deferring_http_request
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = ["Channel"]

_RECEIVE = 65536
# Producers are asked for more while less than this waits to be sent.
_ENOUGH_OUTPUT = 128 * 1024
# Pipelined requests are answered while less than this waits to be sent,
_MUCH_OUTPUT = 256 * 1024
# and read while less than this of them waits to be answered.
_MUCH_INPUT = 256 * 1024
# Bodies that are not complete, of all connections of a server together; and what each may have in any case.
MOST_UNFINISHED = 64 * 1024 * 1024
_SMALL_BODY = 64 * 1024
# Requests (two steps, if they have a body) and stream bytes for one connection before the others have their turn.
_STEPS_AT_A_TIME = 64
# What a step costs nobody knows before: after every few it is looked whether they took more than so many seconds.
_FEW_STEPS = 8
_TURN = 0.02
_BYTES_AT_A_TIME = 1024 * 1024

# Seconds.
PATIENCE = 60.0  # silence in the middle of a request: 408
STALLED = 600.0  # a client that does not take its answer
HALF_CLOSED, HALF_CLOSED_LONGEST = 1.0, 30.0  # between looks whether a client that ended its side is gone altogether
_SHORTEST_POLL = 0.01  # asking a producer that cannot wake us

_OPEN, _LAST_ANSWER, _LINGERING, _CLOSED = range(4)


class Channel:
    """The server's end of one connection."""

    request_class = deferring_http_request

    def __init__(self, server: ServerLike, sock: socket.socket, addr: Address) -> None:
        self.server = server
        self.addr = addr
        self.socket = sock
        self._loop = server.loop
        self._clock = server.loop.clock
        self._fd = sock.fileno()
        self._recv = sock.recv
        self._parser = RequestParser(server.max_header, server.max_body)
        self._outbox = Outbox(sock, server.loop, self._writable, self)
        self.creation_time = self._clock.wall()
        self.last_used = self._clock.now()
        self._state = _OPEN
        # What the client may have sent along was looked at.
        self._heard = False
        self._current: deferring_http_request | None = None
        self._want_body: tuple[Callable[[bytes | bytearray], object], int | None] | None = None
        # A body that nobody wanted is still coming.
        self._skipping = False
        self._stream: Stream | None = None
        # Bytes ever sent when the request under way began.
        self._mark = 0
        # Of the body under way, as the server was told.
        self._unfinished = 0
        self._requests = 0
        self._advancing = self._scheduled = self._woken = False
        self._ended = self._paused = self._refused = False
        # An answer of megabytes was put in and may still be there.
        self._huge = False
        self._timer: Timer | None = None
        self._lingering: Lingering | None = None

    def start(self) -> None:
        """Take what the client has sent; then wait for more, unless that was all. Nothing when closed meanwhile."""
        if self._state == _CLOSED:
            return
        self._heard = True
        self._readable()
        if self._state != _CLOSED and not self._ended and not self._paused:
            self._loop.add_reader(self._fd, self._readable, self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.addr[0]}:{self.addr[1]}>"

    @property
    def idle(self) -> bool:
        """No answer is owed or on its way."""
        return self._heard and self._current is None and not self._outbox.size

    def has_sent(self) -> bool:
        """Whether the client has sent something that was not read yet."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:  # nothing, or nobody any more
            return False

    @property
    def keeps_up(self) -> bool:
        """The client takes what it is sent."""
        return not self._outbox.blocked

    @property
    def closed(self) -> bool:
        return self._state == _CLOSED

    def close(self) -> None:
        """The end, now. Whoever works on an answer is told."""
        if self._state == _CLOSED:
            return
        self._state = _CLOSED
        self._set_timer(None)
        if self._lingering is not None:
            self._lingering.stop()
        self._loop.remove_reader(self._fd)
        self._outbox.close()
        self.socket.close()
        self._forget_input()
        self.server.forget_channel(self)
        request, stream = self._current, self._stream
        self._current = self._stream = self._want_body = None
        if stream is not None:
            stream.close()
        if request is not None:
            request.gone()
        if self._huge:
            self._loop.call_soon(give_back)

    # In

    def _readable(self) -> None:
        try:
            data = self._recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        self.last_used = self._clock.now()
        if not data:
            self._client_ended()
        elif self._state == _OPEN:
            self._parser.feed(data)
            self._advance()

    def _client_ended(self) -> None:
        """No more requests. What is owed is still answered, unless the client is gone altogether."""
        self._ended = True
        self._loop.remove_reader(self._fd)
        self._set_timer(HALF_CLOSED, self._look_for_client, HALF_CLOSED)
        self._settle()

    def _look_for_client(self, again: float) -> None:
        """Who has gone costs a descriptor; who only ended its side still waits."""
        self._timer = None
        gone = False if self._outbox.size else departed(self.socket)
        # A stream may never send anything by which we would know; an answer is sent some time.
        if gone or (gone is None and self._stream is not None):
            self.close()
        else:
            self._set_timer(again, self._look_for_client, min(again * 2, HALF_CLOSED_LONGEST))

    def _advance(self) -> None:
        """Go through what was received, as far as that is possible now."""
        if self._advancing or self._state != _OPEN:
            return
        self._advancing = True
        try:
            began = 0.0
            for number in range(1, _STEPS_AT_A_TIME + 1):
                if not self._step():
                    break
                if not number % _FEW_STEPS:
                    now = self._clock.now()
                    if number == _STEPS_AT_A_TIME or (began and now - began > _TURN):
                        self._go_on_soon()
                        break
                    began = began or now
        except HttpError as error:
            self._refuse(error)
        finally:
            self._advancing = False
        if self._loop.has_more and not self._ended:
            # What the request has set going, as an event on its way to a listener, goes before the word of it.
            self._loop.call_soon(self._settle)
        else:
            self._settle()

    def _step(self) -> bool:
        """A head or a body; False when there is nothing more to do for now."""
        if self._want_body is not None:
            return self._take_body()
        if self._current is not None or self._state != _OPEN or self._outbox.size > _MUCH_OUTPUT:
            return False
        if self._skipping and not self._skip():
            return False
        head = self._parser.head()
        if head is None:
            return False
        self._requests += 1
        self._mark = self._outbox.total
        self._current = request = self.request_class(self, head, self._requests)
        self._handle(request)
        return True

    def _handle(self, request: deferring_http_request) -> None:
        server = self.server
        try:
            for handler in server.handlers:
                if handler.match(request):
                    refusal = None if getattr(handler, "judges_origin", False) else server.refusal(request)
                    if refusal is None:
                        handler.handle_request(request)
                    else:
                        request.error(403, refusal)
                    return
            request.error(404)
        except BaseException as exc:
            self.fail(request, exc)

    def read_body(
        self, request: deferring_http_request, callback: Callable[[bytes | bytearray], object], limit: int | None
    ) -> None:
        """See deferring_http_request.read_body."""
        if request is not self._current:
            return
        if request.head.length is None and not request.head.chunked:
            request.error(411)
            return
        self._want_body = (callback, limit)
        if not self._advancing:
            self._advance()

    def _take_body(self) -> bool:
        request, want = self._current, self._want_body
        if request is None or want is None:
            return False
        body = self._parser.body(want[1])
        if body is None:
            if request.head.expects and self._outbox.total == self._mark:
                self._outbox.put(response.CONTINUE)
            self._account(self._parser.kept)
            if self._unfinished > _SMALL_BODY and self.server.unfinished > MOST_UNFINISHED:
                raise HttpError(503)
            return False
        if self._unfinished:
            self._account(0)
        self._want_body = None
        if len(body) > HUGE:
            self._loop.call_soon(give_back)
        try:
            want[0](body)
        except BaseException as exc:
            self.fail(request, exc)
        return self._current is None and self._parser.pending > 0

    def _account(self, size: int) -> None:
        """Let the server know of an unfinished body."""
        if size != self._unfinished:
            self.server.unfinished += size - self._unfinished
            self._unfinished = size

    def _forget_input(self) -> None:
        self._parser.forget()
        self._account(0)

    def fail(self, request: deferring_http_request, exc: BaseException) -> None:
        """A handler raised something."""
        self.server.log_failure(exc)
        if self._current is not request:
            return
        if request.answered:
            self.close()
        else:
            # A page may be loaded when it is asked for, which takes a descriptor.
            request.error(503 if getattr(exc, "errno", None) in SHORTAGES else 500)

    def _skip(self) -> bool:
        """Throw away the rest of a body; whether that was all of it."""
        try:
            self._skipping = not self._parser.skip_body()
        except HttpError:
            # It was answered already, and what follows cannot be told from its body.
            self._state = _LAST_ANSWER
        return not self._skipping

    def _refuse(self, error: HttpError) -> None:
        """Answer what cannot be understood or is too much; the connection has no further use."""
        self._forget_input()
        request, self._current, self._want_body = self._current, None, None
        body = response.error_body(error.status, error.text or None)
        top = response.head("1.1" if request is None else request.version, error.status, self.server.date(), (
            ("Content-Type", "text/html"), ("Content-Length", str(len(body))), ("X-Content-Type-Options", "nosniff"),
        ), response.CLOSE)
        data = top if request is not None and request.command == "HEAD" else top + body
        self._outbox.put(data)
        self.server.log_access(self.addr, "" if request is None else request.request, error.status, len(data))
        self._refused = True
        self._state = _LAST_ANSWER
        if request is not None:
            request.answered = True
            request.gone()

    def _settle(self) -> None:
        """Send what there is; then set up what the state of things asks for."""
        outbox = self._outbox
        if outbox.size and not outbox.blocked and not self._flush():
            return
        if self._current is None and self._state == _OPEN and not (
                outbox.size or self._parser.pending or self._skipping or self._paused or self._ended):
            return  # as after most calls: all is answered and sent
        waiting = self._want_body is not None or self._skipping
        if self._state == _OPEN and not self._ended:
            self._limit_input(waiting)
        if outbox.size:
            return
        if self._state == _LAST_ANSWER:
            self._linger()
        elif self._state == _OPEN:
            if self._ended:
                if not self._scheduled and (self._current is None or waiting):
                    self.close()
            elif self._timer is None and self._incomplete():
                self._set_timer(PATIENCE, self._look_for_rest)

    def _limit_input(self, waiting: bool) -> None:
        """Pause reading when there is much to be answered first."""
        full = not waiting and self._parser.pending > _MUCH_INPUT
        if full != self._paused:
            self._paused = full
            if full:
                self._loop.remove_reader(self._fd)
            else:
                self._loop.add_reader(self._fd, self._readable, self)

    def _incomplete(self) -> bool:
        """Whether a request is under way whose rest has not come."""
        if self._current is None:
            return self._skipping or self._parser.midway
        return self._want_body is not None

    def _look_for_rest(self) -> None:
        self._timer = None
        if self._state != _OPEN or self._scheduled or self._outbox.size or not self._incomplete():
            return
        silent = self._clock.now() - self.last_used
        if silent < PATIENCE:
            self._set_timer(PATIENCE - silent, self._look_for_rest)
        elif self._skipping:
            self.close()
        else:
            self._refuse(HttpError(408))
            self._settle()

    # Out

    def send_answer(self, request: deferring_http_request, data: bytes, more: bytes = b"") -> None:
        """The whole answer to the request under way, in one piece or two."""
        if request is self._current:
            if len(data) > LARGE or more:
                keep_some()
            self._outbox.put(data)
            if more:
                self._outbox.put(more)
                if len(more) > HUGE:
                    self._huge = True
                    self._loop.call_soon(give_back)
            self._answered(request)

    def send_stream(self, request: deferring_http_request, top: bytes, items: list[Any], chunked: bool) -> None:
        """The beginning of the answer; the rest comes out of items, which may be producers."""
        if request is self._current:
            hold_little(self.socket)
            self._outbox.put(top)
            self._stream = Stream(items, chunked)
            self._pump()

    def wake(self) -> None:
        """A producer that had nothing may have something now."""
        if self._stream is not None and not self._woken and not self._outbox.blocked:
            self._woken = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Move from producers to the socket until one of the two has had enough."""
        self._woken = False
        stream, outbox = self._stream, self._outbox
        enough = outbox.total + _BYTES_AT_A_TIME
        try:
            while stream is not None and stream is self._stream and outbox.size < _ENOUGH_OUTPUT:
                if outbox.total > enough:
                    self.wake()
                    break
                piece = stream.more()
                if piece is NOT_DONE_YET:
                    if stream.delay is not None:
                        self._loop.call_later(max(stream.delay, _SHORTEST_POLL), self.wake)
                    break
                if piece is None:
                    self._stream = None
                    if self._current is not None:
                        self._answered(self._current)
                    return
                outbox.put(piece)
                if outbox.size >= _ENOUGH_OUTPUT and not outbox.blocked:
                    self._flush()
        except BaseException as exc:
            self.server.log_failure(exc)
            self.close()
            return
        if outbox.size and not outbox.blocked and not self._advancing:
            self._flush()

    def _flush(self) -> bool:
        """Whether the connection is still there."""
        try:
            if not self._outbox.flush() and self._timer is None and self._stream is None:
                self._set_timer(STALLED, self._look_for_taker)
        except OSError:
            self.close()
            return False
        return True

    def _writable(self) -> None:
        """There is room again."""
        before = self._outbox.size
        if not self._flush():
            return
        if self._outbox.size != before:
            self.last_used = self._clock.now()
        if not self._outbox.size:
            if self._stream is not None:
                self._pump()
            elif self._state == _OPEN:
                self._advance()
            else:
                self._settle()

    def _answered(self, request: deferring_http_request) -> None:
        """The answer is all handed over. On to the next request, or to the end."""
        self._current = self._want_body = None
        if self._unfinished:
            self._account(0)
        head = request.head
        self.server.log_access(self.addr, head.line, request.reply_code, self._outbox.total - self._mark)
        request.forget_client()
        # Of a body that was read, nothing is left to skip.
        if self._parser.in_body and not self._skip() and head.expects:
            # Whether the body will still come nobody can know.
            self._state = _LAST_ANSWER
        if request.closing:
            self._state = _LAST_ANSWER
        if not self._advancing:
            if self._state == _OPEN:
                self._go_on_soon()
            self._settle()

    def _go_on_soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        self._advance()

    # The end

    def _linger(self) -> None:
        """All is sent. Close, at once if the client cannot be sending any more."""
        if self._skipping:
            self._skip()
        if self._ended or not (self._refused or self._skipping or self._parser.pending):
            self.close()
            return
        self._state = _LINGERING
        self._parser.forget()
        self._set_timer(None)
        self._loop.remove_reader(self._fd)
        self._paused = True
        self._lingering = Lingering(self.socket, self._loop, self.close)

    def _look_for_taker(self) -> None:
        """Does anybody read the answer?"""
        self._timer = None
        if self._outbox.size:
            silent = self._clock.now() - self.last_used
            if silent >= STALLED:
                self.close()
            else:
                self._set_timer(STALLED - silent, self._look_for_taker)

    def _set_timer(self, delay: float | None, callback: Callable[..., object] | None = None, *args: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if delay is not None and callback is not None:
            self._timer = self._loop.call_later(delay, callback, *args)
