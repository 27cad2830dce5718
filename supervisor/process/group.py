"""Processes commanded together.

Promise: plugins may add and delete members at any time. Must not know what kind of process a member is.
"""

from __future__ import annotations

from itertools import count

from supervisor.hints import Any
from supervisor.process.world import World, current
from supervisor.socket_manager import SocketManager
from supervisor.states import STOPPED_STATES, ProcessStates

__all__ = ["ProcessGroup", "ProcessGroupBase"]


_stops = count(1)


class ProcessGroupBase:
    """Base of the groups; ``processes`` are by name, in the order of the configuration."""

    stop_number = 0  # grows with each group that is told to end

    def __init__(self, config: Any, world: World | None = None) -> None:
        self.config = config
        self.world = world or current()
        self.socket_managers: dict[str, SocketManager] = {}
        self.processes: dict[str, Any] = {}
        self.complete = False  # until the members of the configuration are made
        for process_config in config.process_configs:
            self.processes[process_config.name] = process_config.make_process(self)
        self.complete = True

    def __lt__(self, other: ProcessGroupBase) -> bool:
        return bool(self.config.priority < other.config.priority)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} instance at {id(self)} named {self.config.name}>"

    def transition(self) -> None:
        """See what is due for each member. Starts are left to when the loop has room for them."""
        for process in list(self.processes.values()):
            if process.wants_spawn():
                if not process.scheduled():
                    process.queue()
            else:
                process.transition()

    def stop_all(self) -> None:
        """Tell all members to end, those of the highest priority number first."""
        self.stop_number = next(_stops)
        members = sorted(self.processes.values(), key=lambda one: one.config.priority)
        for process in members[::-1]:
            state = process.get_state()
            if state in (ProcessStates.RUNNING, ProcessStates.STARTING):
                process.stop()
            elif state == ProcessStates.BACKOFF:
                process.give_up()
            else:
                process.hold()

    def get_unstopped_processes(self) -> list[Any]:
        """The members that are not in a stopped state."""
        return [process for process in self.processes.values() if process.get_state() not in STOPPED_STATES]

    def work_left(self) -> int:
        """How many events its members are about to deal with."""
        return 0

    def get_dispatchers(self) -> dict[int, Any]:
        """All dispatchers of all members by descriptor."""
        return {fd: one for process in list(self.processes.values()) for fd, one in process.dispatchers.items()}

    def before_remove(self) -> None:
        """The group goes: nothing of it starts any more."""
        for process in self.processes.values():
            process.retire()

    def reopenlogs(self) -> None:
        """Open the logs of living members anew."""
        for process in list(self.processes.values()):
            process.reopenlogs()

    def removelogs(self) -> None:
        """Empty the logs of living members."""
        for process in list(self.processes.values()):
            process.removelogs()

    def socket_manager_for(self, socket_config: Any) -> SocketManager:
        """The keeper of a listening socket that members share."""
        manager = self.socket_managers.get(socket_config.url)
        if manager is None:
            manager = SocketManager(socket_config, self.world.log)
            self.socket_managers[socket_config.url] = manager
        return manager


class ProcessGroup(ProcessGroupBase):
    """The group of a [program:x] or [group:x] section."""
