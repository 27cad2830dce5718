"""The conversation with an event listener: what its bytes mean, and the dispatcher of the pipe they come from.

Promise: READY and RESULT in pieces of any size work; anything else is UNKNOWN at most, whatever it is and however
long, in bounded memory. ListenerTalk is pure, the dispatcher acts on it. Must not know the pool's queue.
"""

from __future__ import annotations

from supervisor.states import EventListenerStates

__all__ = [
    "BadResult",
    "Happening",
    "ListenerTalk",
    "Ready",
    "RejectEvent",
    "Result",
    "Spurious",
    "default_handler",
]

READY_TOKEN = b"READY\n"
RESULT_TOKEN = b"RESULT "

# The longest header line of a result that is waited for, its line feed included.
LONGEST_HEADER = 4096
# The longest result that is collected.
LONGEST_RESULT = 1024 * 1024


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
        number = line[len(RESULT_TOKEN) :].strip()
        if not line.startswith(RESULT_TOKEN) or not number.isdigit():
            return None
        number = number.lstrip(b"0") or b"0"
        if len(number) > len(str(self._longest_result)) or int(number) > self._longest_result:
            return None
        return int(number)

    def _violation(self, kind: type[Happening]) -> Happening:
        happening = kind(bytes(self._heard[:LONGEST_HEADER]))
        self.violated()
        return happening
