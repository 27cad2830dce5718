"""What the parts of the ``supervisor`` namespace share: the state check and looking up names.

Promise: a name is looked up as it was given and comes back in the fault as it was given. Must not know what is done
with what a name means.
"""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.process.lookup import find_process
from supervisor.states import RUNNING_STATES, SIGNALLABLE_STATES, SupervisorStates

__all__ = ["Namespace", "by_name", "integer", "isNotRunning", "isRunning", "isSignallable"]


def isRunning(process: Any) -> bool:
    """Whether it is up or on its way there: RUNNING, STARTING or BACKOFF."""
    return process.get_state() in RUNNING_STATES


def isNotRunning(process: Any) -> bool:
    """The opposite of isRunning: what can be started, and what is stopping."""
    return not isRunning(process)


def isSignallable(process: Any) -> bool:
    """Whether there is a process that takes signals: RUNNING, STARTING or STOPPING."""
    return process.get_state() in SIGNALLABLE_STATES


def integer(value: Any) -> int:
    """A number as a client gave it: doubles and text will do."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise RPCError(Faults.INCORRECT_PARAMETERS) from None


class Namespace:
    """Base of the parts of the namespace. What a method takes and gives is told by its row in xmlrpc/methods.py; what
    it cannot do is an RPCError."""

    def __init__(self, supervisord: Any) -> None:
        self.supervisord = supervisord
        self.update_text = ""

    def _update(self, text: str) -> None:
        """The first step of nearly every method: it is refused while the daemon goes down."""
        self.update_text = text
        if self.supervisord.options.mood < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)

    def _now(self) -> float:
        now: float = self.supervisord.loop.clock.wall()
        return now

    def _getGroup(self, name: Any) -> Any:
        try:
            group = self.supervisord.process_groups.get(name)
        except TypeError:  # an array or a struct
            raise RPCError(Faults.INCORRECT_PARAMETERS) from None
        if group is None:
            raise RPCError(Faults.BAD_NAME, name)
        return group

    def _getGroupAndProcess(self, name: Any) -> tuple[Any, Any]:
        """(group, process) of a namespec; the process is None when it means the whole group."""
        if not isinstance(name, str):
            fault = Faults.INCORRECT_PARAMETERS if isinstance(name, (list, dict)) else Faults.BAD_NAME
            raise RPCError(fault, None if fault == Faults.INCORRECT_PARAMETERS else name)
        group, process = find_process(self.supervisord, name)
        if group is None:
            raise RPCError(Faults.BAD_NAME, name)
        return group, process

    def _getProcess(self, name: Any) -> Any:
        """The process of a namespec that may not mean a whole group."""
        process = self._getGroupAndProcess(name)[1]
        if process is None:
            raise RPCError(Faults.BAD_NAME, name)
        return process

    def _getAllProcesses(self, lexical: bool = False) -> list[tuple[Any, Any]]:
        """(group, process) of every process, by name or by priority."""
        return list(by_name(self.supervisord) if lexical else self._by_priority())

    def _by_priority(self) -> Iterator[tuple[Any, Any]]:
        # Sorting keeps the order of equals, which is the order they were added in.
        for group in sorted(self.supervisord.process_groups.values(), key=_priority):
            for process in _processes_by_priority(group):
                yield group, process

    @staticmethod
    def _getMembers(group: Any) -> list[tuple[Any, Any]]:
        return [(group, process) for process in _processes_by_priority(group)]


def by_name(supervisord: Any) -> Iterator[tuple[Any, Any]]:
    """(group, process) of every process, by the names of group and process."""
    groups = supervisord.process_groups
    for group_name in sorted(groups):
        group = groups[group_name]
        for process_name in sorted(group.processes):
            yield group, group.processes[process_name]


def _priority(thing: Any) -> Any:
    return thing.config.priority


def _processes_by_priority(group: Any) -> list[Any]:
    return sorted(group.processes.values(), key=_priority)
