"""Event types, what each tells a listener (its payload), and the bus that carries them inside the daemon.

Promise: subscribers are called at once, in the order they subscribed, for events of their type and its subtypes, and
none keeps another from being told. One look-up per event. Must not know pools, pipes or the wire: it calls functions.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import Any, ClassVar, Protocol
from supervisor.states import getProcessStateDescription

__all__ = [
    "Event",
    "EventRejectedEvent",
    "EventTypes",
    "ProcessCommunicationEvent",
    "ProcessCommunicationStderrEvent",
    "ProcessCommunicationStdoutEvent",
    "ProcessGroupAddedEvent",
    "ProcessGroupEvent",
    "ProcessGroupRemovedEvent",
    "ProcessLogEvent",
    "ProcessLogStderrEvent",
    "ProcessLogStdoutEvent",
    "ProcessStateBackoffEvent",
    "ProcessStateEvent",
    "ProcessStateExitedEvent",
    "ProcessStateFatalEvent",
    "ProcessStateRunningEvent",
    "ProcessStateStartingEvent",
    "ProcessStateStartingOrBackoffEvent",
    "ProcessStateStoppedEvent",
    "ProcessStateStoppingEvent",
    "ProcessStateUnknownEvent",
    "RemoteCommunicationEvent",
    "SupervisorRunningEvent",
    "SupervisorStateChangeEvent",
    "SupervisorStoppingEvent",
    "TICK_EVENTS",
    "Tick3600Event",
    "Tick5Event",
    "Tick60Event",
    "TickEvent",
    "callbacks",
    "clear",
    "getEventNameByType",
    "notify",
    "off_change",
    "on_change",
    "register",
    "report_to",
    "subscribe",
    "unsubscribe",
    "wanted",
]

Callback = Callable[[Any], object]
Report = Callable[[object, BaseException], object]

# What is subscribed, in order. Public: plugins read it, and tests empty it.
callbacks: list[tuple[type, Callback]] = []

_listening: dict[type, tuple[Callback, ...]] = {}  # class of event -> whom to call; forgotten at each change
_known_length = 0  # of `callbacks` when _listening was begun: notices a list changed by hand
_watchers: list[Callable[[], object]] = []
_report: Report | None = None


def subscribe(type: type, callback: Callback) -> None:
    """Have ``callback(event)`` called for each event that is an instance of ``type``."""
    callbacks.append((type, callback))
    _changed()


def unsubscribe(type: type, callback: Callback) -> None:
    """Undo one subscription; ValueError when there is none."""
    callbacks.remove((type, callback))
    _changed()


def clear() -> None:
    """Forget every subscription."""
    del callbacks[:]
    _changed()


def notify(event: object) -> None:
    """Tell the subscribers. One that raises is reported and the others are told; with nobody to report it to, outside
    of a daemon, what it raised is the caller's."""
    for callback in _listeners(event.__class__):
        try:
            callback(event)
        except BaseException as exc:
            if _report is None:
                raise
            _report(event, exc)


def report_to(report: Report | None) -> None:
    """Have ``report(event, exception)`` called for each subscriber that raises."""
    global _report
    _report = report


def wanted(event_class: type) -> bool:
    """Whether anybody would hear an event of this class: callers need not build those that nobody hears."""
    return bool(_listeners(event_class))


def on_change(callback: Callable[[], object]) -> None:
    """Have ``callback()`` called after any change of the subscriptions."""
    _watchers.append(callback)


def off_change(callback: Callable[[], object]) -> None:
    """Undo on_change; nothing happens when it was not in force."""
    if callback in _watchers:
        _watchers.remove(callback)


def _listeners(event_class: type) -> tuple[Callback, ...]:
    if len(callbacks) != _known_length:
        _forget()
    found = _listening.get(event_class)
    if found is None:
        found = tuple(callback for kind, callback in callbacks if issubclass(event_class, kind))
        _listening[event_class] = found
    return found


def _forget() -> None:
    global _known_length
    _listening.clear()
    _known_length = len(callbacks)


def _changed() -> None:
    _forget()
    for callback in list(_watchers):
        callback()


class Process(Protocol):
    """What a payload asks of a process."""

    config: Any
    group: Any
    pid: int
    backoff: int


class Event:
    """Base of everything a listener can subscribe to."""

    def payload(self) -> str:
        """The text after the header line. Rendered when the event is sent."""
        return ""

    def payload_bytes(self) -> bytes:
        """The same for readers of bytes, who get data as it came from a child."""
        return self.payload().encode("utf-8", "replace")

    def raw_parts(self) -> tuple[bytes, ...] | None:
        """The pieces of payload_bytes(), if making text of what came from a child can be spared where it is ASCII."""
        return None


class EventRejectedEvent:
    """A listener gave an event back, or died with it. Not an Event: no listener can subscribe to it."""

    def __init__(self, process: Any, event: Any) -> None:
        self.process = process
        self.event = event


def _who(process: Process) -> str:
    group = process.group
    return f"processname:{process.config.name} groupname:{group.config.name if group is not None else ''}"


class _ProcessDataEvent(Event):
    """Something a child wrote: a head line, then the data."""

    channel: ClassVar[str | None] = None

    def __init__(self, process: Process, pid: int, data: str | bytes) -> None:
        self.process = process
        self.pid = pid
        self.data = data

    def _head(self) -> str:
        return f"{_who(self.process)} pid:{self.pid}\n"

    def payload(self) -> str:
        data = self.data
        if isinstance(data, bytes):
            try:
                data = data.decode("utf-8")
            except UnicodeDecodeError:
                data = f"Undecodable: {data!r}"
        return self._head() + data

    def payload_bytes(self) -> bytes:
        data = self.data
        if isinstance(data, str):
            data = data.encode("utf-8", "replace")
        return self._head().encode("utf-8", "replace") + data

    def raw_parts(self) -> tuple[bytes, ...] | None:
        if isinstance(self.data, bytes) and type(self).payload is _ProcessDataEvent.payload:
            return self._head().encode("utf-8", "replace"), self.data
        return None


class ProcessLogEvent(_ProcessDataEvent):
    """A piece of a child's output."""

    def _head(self) -> str:
        return f"{_who(self.process)} pid:{self.pid} channel:{self.channel}\n"


class ProcessLogStdoutEvent(ProcessLogEvent):
    channel = "stdout"


class ProcessLogStderrEvent(ProcessLogEvent):
    channel = "stderr"


class ProcessCommunicationEvent(_ProcessDataEvent):
    """What a child wrote between the two tokens."""

    BEGIN_TOKEN = b"<!--XSUPERVISOR:BEGIN-->"
    END_TOKEN = b"<!--XSUPERVISOR:END-->"


class ProcessCommunicationStdoutEvent(ProcessCommunicationEvent):
    channel = "stdout"


class ProcessCommunicationStderrEvent(ProcessCommunicationEvent):
    channel = "stderr"


class RemoteCommunicationEvent(Event):
    """A message that an XML-RPC client sent to the listeners."""

    def __init__(self, type: object, data: object) -> None:
        self.type = type
        self.data = data

    def payload(self) -> str:
        return f"type:{self.type}\n{self.data}"


class SupervisorStateChangeEvent(Event):
    """The daemon's own state changed."""


class SupervisorRunningEvent(SupervisorStateChangeEvent):
    pass


class SupervisorStoppingEvent(SupervisorStateChangeEvent):
    pass


class ProcessStateEvent(Event):
    """A process changed its state. Numbers are of the moment it happened, names of the moment it is sent."""

    def __init__(self, process: Process, from_state: int, expected: bool = True) -> None:
        self.process = process
        self.from_state = from_state
        self.expected = expected
        self.extra_values: list[tuple[str, int]] = self.get_extra_values()

    def get_extra_values(self) -> list[tuple[str, int]]:
        """What this state adds to the payload."""
        return []

    def payload(self) -> str:
        tokens = [_who(self.process), f"from_state:{getProcessStateDescription(self.from_state)}"]
        tokens.extend(f"{name}:{value}" for name, value in self.extra_values)
        return " ".join(tokens)


class ProcessStateFatalEvent(ProcessStateEvent):
    pass


class ProcessStateUnknownEvent(ProcessStateEvent):
    pass


class ProcessStateStartingOrBackoffEvent(ProcessStateEvent):
    def get_extra_values(self) -> list[tuple[str, int]]:
        return [("tries", int(self.process.backoff))]


class ProcessStateStartingEvent(ProcessStateStartingOrBackoffEvent):
    pass


class ProcessStateBackoffEvent(ProcessStateStartingOrBackoffEvent):
    pass


class _ProcessStateWithPidEvent(ProcessStateEvent):
    def get_extra_values(self) -> list[tuple[str, int]]:
        return [("pid", self.process.pid)]


class ProcessStateRunningEvent(_ProcessStateWithPidEvent):
    pass


class ProcessStateStoppingEvent(_ProcessStateWithPidEvent):
    pass


class ProcessStateStoppedEvent(_ProcessStateWithPidEvent):
    pass


class ProcessStateExitedEvent(_ProcessStateWithPidEvent):
    def get_extra_values(self) -> list[tuple[str, int]]:
        return [("expected", int(self.expected)), *super().get_extra_values()]


class ProcessGroupEvent(Event):
    """A group came or went; ``group`` is its name."""

    def __init__(self, group: str) -> None:
        self.group = group

    def payload(self) -> str:
        return f"groupname:{self.group}\n"


class ProcessGroupAddedEvent(ProcessGroupEvent):
    pass


class ProcessGroupRemovedEvent(ProcessGroupEvent):
    pass


class TickEvent(Event):
    """A stretch of ``period`` seconds of the epoch began at ``when``."""

    period: ClassVar[int | None] = None

    def __init__(self, when: float, supervisord: object) -> None:
        self.when = when
        self.supervisord = supervisord

    def payload(self) -> str:
        return f"when:{self.when}"


class Tick5Event(TickEvent):
    period = 5


class Tick60Event(TickEvent):
    period = 60


class Tick3600Event(TickEvent):
    period = 3600


TICK_EVENTS: list[type[TickEvent]] = [Tick5Event, Tick60Event, Tick3600Event]


class EventTypes:
    """Name as in ``events=`` -> class. Plugins add theirs with register() or by assignment."""

    EVENT = Event
    PROCESS_STATE = ProcessStateEvent
    PROCESS_STATE_STARTING = ProcessStateStartingEvent
    PROCESS_STATE_BACKOFF = ProcessStateBackoffEvent
    PROCESS_STATE_RUNNING = ProcessStateRunningEvent
    PROCESS_STATE_STOPPING = ProcessStateStoppingEvent
    PROCESS_STATE_STOPPED = ProcessStateStoppedEvent
    PROCESS_STATE_EXITED = ProcessStateExitedEvent
    PROCESS_STATE_FATAL = ProcessStateFatalEvent
    PROCESS_STATE_UNKNOWN = ProcessStateUnknownEvent
    PROCESS_COMMUNICATION = ProcessCommunicationEvent
    PROCESS_COMMUNICATION_STDOUT = ProcessCommunicationStdoutEvent
    PROCESS_COMMUNICATION_STDERR = ProcessCommunicationStderrEvent
    PROCESS_LOG = ProcessLogEvent
    PROCESS_LOG_STDOUT = ProcessLogStdoutEvent
    PROCESS_LOG_STDERR = ProcessLogStderrEvent
    REMOTE_COMMUNICATION = RemoteCommunicationEvent
    SUPERVISOR_STATE_CHANGE = SupervisorStateChangeEvent
    SUPERVISOR_STATE_CHANGE_RUNNING = SupervisorRunningEvent
    SUPERVISOR_STATE_CHANGE_STOPPING = SupervisorStoppingEvent
    TICK = TickEvent
    TICK_5 = Tick5Event
    TICK_60 = Tick60Event
    TICK_3600 = Tick3600Event
    PROCESS_GROUP = ProcessGroupEvent
    PROCESS_GROUP_ADDED = ProcessGroupAddedEvent
    PROCESS_GROUP_REMOVED = ProcessGroupRemovedEvent


def register(name: str, event: type) -> None:
    """Add a type that listeners can name in ``events=`` and envelopes can carry."""
    setattr(EventTypes, name, event)


def getEventNameByType(requested: object) -> str | None:
    """The name of an event class, None when it has none."""
    types = vars(EventTypes)
    name = _names.get(requested)
    if name is None or types.get(name) is not requested:
        name = next((name for name, kind in types.items() if kind is requested and isinstance(kind, type)), None)
        if name is not None:
            _names[requested] = name
    return name


# What was found, checked at each use: plugins assign to EventTypes.
_names: dict[object, str] = {}
