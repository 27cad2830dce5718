"""States of processes, of the daemon and of event listeners: numbers that clients see.

Leaf module: plain classes of integers, because plugins subclass them and read them with dir().
"""

from __future__ import annotations

__all__ = [
    "ProcessStates",
    "RUNNING_STATES",
    "STOPPED_STATES",
    "SIGNALLABLE_STATES",
    "SupervisorStates",
    "EventListenerStates",
    "getProcessStateDescription",
    "getSupervisorStateDescription",
    "getEventListenerStateDescription",
]


class ProcessStates:
    """Where a process stands in its life."""

    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000


class SupervisorStates:
    """What the daemon is about."""

    FATAL = 2
    RUNNING = 1
    RESTARTING = 0
    SHUTDOWN = -1


class EventListenerStates:
    """Where the conversation with an event listener stands."""

    READY = 10
    BUSY = 20
    ACKNOWLEDGED = 30
    UNKNOWN = 40


STOPPED_STATES = (
    ProcessStates.STOPPED,
    ProcessStates.EXITED,
    ProcessStates.FATAL,
    ProcessStates.UNKNOWN,
)
RUNNING_STATES = (ProcessStates.RUNNING, ProcessStates.BACKOFF, ProcessStates.STARTING)
SIGNALLABLE_STATES = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.STOPPING)


def _names_by_code(states: type) -> dict[int, str]:
    return {code: name for name, code in vars(states).items() if not name.startswith("_")}


_process_states_by_code = _names_by_code(ProcessStates)
_supervisor_states_by_code = _names_by_code(SupervisorStates)
_listener_states_by_code = _names_by_code(EventListenerStates)


def getProcessStateDescription(code: int) -> str | None:
    """The name of a process state, None for a number that is none."""
    return _process_states_by_code.get(code)


def getSupervisorStateDescription(code: int) -> str | None:
    """The name of a daemon state, None for a number that is none."""
    return _supervisor_states_by_code.get(code)


def getEventListenerStateDescription(code: int) -> str | None:
    """The name of a listener state, None for a number that is none."""
    return _listener_states_by_code.get(code)
