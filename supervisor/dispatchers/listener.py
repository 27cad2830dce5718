"""The conversation with an event listener: what its bytes mean, and the dispatcher of the pipe they come from.

Promise: READY and RESULT in pieces of any size work; anything else is UNKNOWN at most, whatever it is and however
long, in bounded memory. ListenerTalk is pure, the dispatcher acts on it. Must not know the pool's queue.
"""

from __future__ import annotations

from supervisor import events
from supervisor.datatypes.words import printable
from supervisor.dispatchers.base import PASSING, PDispatcher, read_piece
from supervisor.dispatchers.sinks import child_log
from supervisor.engine.system import PIECE
from supervisor.engine.traces import one_line
from supervisor.hints import Any
from supervisor.states import EventListenerStates, getEventListenerStateDescription

__all__ = [
    "BadResult",
    "Happening",
    "ListenerTalk",
    "PEventListenerDispatcher",
    "Ready",
    "RejectEvent",
    "Result",
    "Spurious",
    "default_handler",
]

READY_TOKEN = b"READY\n"
RESULT_TOKEN = b"RESULT "

# What a listener says that accepts an event and wants the next one.
_USUAL = b"RESULT 2\nOKREADY\n"

# The longest header line of a result that is waited for, its line feed included.
LONGEST_HEADER = 4096
# The longest result that is collected, unless the section says otherwise.
LONGEST_RESULT = 1024 * 1024

# What a drain reads at most, in pieces: others may hold the pipe and go on writing.
_MOST_PIECES = 64
# What a line of the log quotes of a header that is none.
_QUOTED = 200
_DEBUG = 10


class RejectEvent(Exception):
    """Raised by a result handler to give the event back to its pool."""


def default_handler(event: object, response: bytes) -> None:
    """The result handler in force unless a section names one: OK means done, anything else gives the event back."""
    if response != b"OK":
        raise RejectEvent(response)


class Happening:
    """Something a listener said; ``data`` are the bytes that matter."""

    __slots__ = ("data",)

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Happening) and type(self) is type(other) and self.data == other.data

    def __hash__(self) -> int:
        return hash((type(self), self.data))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})" if self.data else f"{type(self).__name__}()"


class Ready(Happening):
    """It waits for an event."""


class Result(Happening):
    """It has dealt with its event and answers ``data``."""


class BadResult(Happening):
    """It was to answer, and ``data`` is no header of a result."""


class Spurious(Happening):
    """It said ``data`` when it had to be silent, or to say READY."""


_ACCEPTED = (Result(b"OK"), Ready())


class ListenerTalk:
    """One listener's side of the conversation, as it is understood so far. Each spawn begins a new one."""

    def __init__(self, longest_result: int = LONGEST_RESULT) -> None:
        self.state = EventListenerStates.ACKNOWLEDGED
        self._longest_result = longest_result
        self._heard = bytearray()  # what has not got its meaning yet
        self._awaited: int | None = None  # length of the result whose header has been read

    def busy(self) -> None:
        """It was given an event."""
        self.state = EventListenerStates.BUSY
        self._awaited = None

    def violated(self) -> None:
        """Nothing that it says counts any more."""
        self.state = EventListenerStates.UNKNOWN
        self._heard.clear()
        self._awaited = None

    def feed(self, data: bytes) -> list[Happening]:
        """Take in bytes; what happened by them, in order. A result is taken as accepted: whoever thinks
        otherwise calls violated() and forgets what follows it."""
        if self.state == EventListenerStates.UNKNOWN:
            return []
        if data == _USUAL and self.state == EventListenerStates.BUSY and not self._heard and self._awaited is None:
            self.state = EventListenerStates.READY
            return list(_ACCEPTED)
        self._heard += data
        happenings: list[Happening] = []
        while (happening := self._next()) is not None:
            happenings.append(happening)
        return happenings

    def _next(self) -> Happening | None:
        if self.state == EventListenerStates.ACKNOWLEDGED:
            return self._expect_ready()
        if self.state == EventListenerStates.BUSY:
            return self._expect_result()
        if self.state == EventListenerStates.READY and self._heard:
            return self._violation(Spurious)
        return None

    def _expect_ready(self) -> Happening | None:
        if len(self._heard) < len(READY_TOKEN):
            return None
        if not self._heard.startswith(READY_TOKEN):
            return self._violation(Spurious)
        del self._heard[: len(READY_TOKEN)]
        self.state = EventListenerStates.READY
        return Ready()

    def _expect_result(self) -> Happening | None:
        if self._awaited is None:
            end = self._heard.find(b"\n", 0, LONGEST_HEADER)
            if end < 0:
                return self._violation(BadResult) if len(self._heard) >= LONGEST_HEADER else None
            self._awaited = self._length(bytes(self._heard[:end]))
            if self._awaited is None:
                del self._heard[end:]
                return self._violation(BadResult)
            del self._heard[: end + 1]
        if len(self._heard) < self._awaited:
            return None
        result = bytes(self._heard[: self._awaited])
        del self._heard[: self._awaited]
        self._awaited = None
        self.state = EventListenerStates.ACKNOWLEDGED
        return Result(result)

    def _length(self, line: bytes) -> int | None:
        """The number in the header of a result, None when the line is none or the number is out of bounds."""
        if not line.startswith(RESULT_TOKEN):
            return None
        try:
            length = int(line[len(RESULT_TOKEN) :])
        except ValueError:
            return None
        return length if 0 <= length <= self._longest_result else None

    def _violation(self, kind: type[Happening]) -> Happening:
        happening = kind(bytes(self._heard[:LONGEST_HEADER]))
        self.violated()
        return happening


class PEventListenerDispatcher(PDispatcher):
    """A listener's standard output. All of it goes to the log as well."""

    READY_FOR_EVENTS_TOKEN = READY_TOKEN
    RESULT_TOKEN_START = RESULT_TOKEN

    def __init__(self, process: Any, channel: str, fd: int) -> None:
        super().__init__(process, channel, fd)
        process.listener_state = EventListenerStates.ACKNOWLEDGED
        process.event = None
        self.talk = ListenerTalk(process.group.config.result_maxbytes)
        self.logfile = child_log(process, channel)

    def readable(self) -> bool:
        return not self.closed

    def handle_read_event(self) -> None:
        """One read."""
        self._read()

    def drain(self) -> bool:
        """Read and understand what is in the pipe now; whether that was its end."""
        for _ in range(_MOST_PIECES):
            if self.closed or not self._read():
                break
        return self.closed

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self.logfile is not None:
                self.logfile.close()

    def reopenlogs(self) -> None:
        """Somebody renamed the log: begin a new one."""
        if self.logfile is not None:
            self.logfile.reopen()

    def removelogs(self) -> None:
        """Clear the log. OSError when it cannot be removed."""
        if self.logfile is not None:
            self.logfile.clear()

    def _read(self) -> int:
        """One read and what follows from it; the number of bytes, 0 when there are none now or any more."""
        try:
            data = read_piece(self.process.world.system, self.fd, PIECE)
        except OSError as exc:
            if exc.errno in PASSING:
                return 0
            data = b""
        if not data:
            self._ended()
            return 0
        log = self.process.world.log
        if log.level <= _DEBUG:
            log.debug(f"{self.process.config.name!r} {self.channel} output:\n{data!r}")
        try:
            self._heard(data)
        finally:
            # Second, so that the listener has its next event meanwhile.
            if self.logfile is not None:
                self.logfile.write(data)
        return len(data)

    def _ended(self) -> None:
        if self.process.listener_state == EventListenerStates.READY:
            # It could never answer.
            self.process.listener_state = EventListenerStates.ACKNOWLEDGED
        self.tell_closed()
        self.close()

    # The conversation

    def _heard(self, data: bytes) -> None:
        process, talk = self.process, self.talk
        self._catch_up()
        for happening in talk.feed(data):
            if isinstance(happening, Ready):
                self._enter(EventListenerStates.READY)
            elif isinstance(happening, Result):
                self._judge(happening.data)
            else:
                self._broken(happening)
            if process.listener_state == EventListenerStates.UNKNOWN:
                talk.violated()
                break
        if process.listener_state == EventListenerStates.READY:
            process.group.listener_ready(process)

    def _catch_up(self) -> None:
        """The pool has sent an event since, or somebody has put the listener into another state."""
        state = self.process.listener_state
        if state != self.talk.state:
            if state == EventListenerStates.BUSY:
                self.talk.busy()
            else:
                self.talk.state = state

    def _judge(self, result: bytes) -> None:
        """An answer came: the result handler says what it is worth."""
        process, name, log = self.process, self.process.config.name, self.process.world.log
        event, process.event = process.event, None
        handler = process.group.config.result_handler
        try:
            handler(event, result)
        except RejectEvent:
            log.warn(f"{name}: event was rejected")
            self._enter(EventListenerStates.ACKNOWLEDGED)
            events.notify(events.EventRejectedEvent(process, event))
        except BaseException as exc:
            log.warn(f"{name}: event caused an error")
            log.trace(f"{name}: the result handler raised {one_line(exc)}")
            self._enter_unknown(event)
        else:
            if log.level <= _DEBUG:
                log.debug(f"{name}: event was processed")
            self._enter(EventListenerStates.ACKNOWLEDGED)
            process.group.processed(process)

    def _broken(self, happening: Happening) -> None:
        """It broke the protocol."""
        process = self.process
        event, process.event = process.event, None
        if isinstance(happening, BadResult):
            text = _on_one_line(happening.data[:_QUOTED])
            process.world.log.warn(f"{process.config.name}: bad result line: '{text}'")
        self._enter_unknown(event)

    def _enter_unknown(self, event: Any) -> None:
        process, name = self.process, self.process.config.name
        self._enter(EventListenerStates.UNKNOWN)
        process.world.log.warn(
            f"{name}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the "
            "process violated the eventlistener protocol",
        )
        if event is not None:
            events.notify(events.EventRejectedEvent(process, event))
        process.group.listener_unknown(process)

    def _enter(self, state: int) -> None:
        before, self.process.listener_state = self.process.listener_state, state
        log = self.process.world.log
        if log.level <= _DEBUG:
            old, new = getEventListenerStateDescription(before), getEventListenerStateDescription(state)
            log.debug(f"{self.process.config.name}: {old} -> {new}")


def _on_one_line(data: bytes) -> str:
    """Bytes of a listener for people; control characters as escapes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"Undecodable: {data!r}"
    return printable(text)
