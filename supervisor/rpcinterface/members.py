"""A changed group brought up to the configuration member by member, for those who do not want all of it restarted.

Promise: a member whose configuration is the same is not touched; nothing happens before what has to end has ended.
Not listed: the listed methods are those that every 4.x has.
"""

from __future__ import annotations

from supervisor.config.model import FastCGIProcessConfig, ProcessGroupConfig
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.names import make_namespec
from supervisor.rpcinterface.base import Namespace
from supervisor.states import STOPPED_STATES

__all__ = ["Members"]


class Members(Namespace):
    """The method behind ``supervisorctl update --members``."""

    def updateGroupMembers(self, name: Any) -> list[str]:
        """The members that have to be stopped first; when there are none, the group is what was read last."""
        self._update("updateGroupMembers")
        group = self._getGroup(name)
        wanted = next((each for each in self.supervisord.options.process_group_configs if each.name == name), None)
        if wanted is None:
            raise RPCError(Faults.BAD_NAME, name)
        if not (_has_plain_members(group.config) and _has_plain_members(wanted)):
            raise RPCError(Faults.FAILED, f"{name} can be updated as a whole only")
        configs = {config.name: config for config in wanted.process_configs}
        leaving = [process for key, process in group.processes.items() if process.config != configs.get(key)]
        running = [process for process in leaving if process.get_state() not in STOPPED_STATES]
        if running:
            return [make_namespec(group.config.name, process.config.name) for process in running]
        for process in leaving:
            process.retire()
            del group.processes[process.config.name]
        _fill(group, wanted)
        return []


def _has_plain_members(config: Any) -> bool:
    """Whether members stand for themselves: they share no socket and no queue of events."""
    return type(config) is ProcessGroupConfig and not any(
        isinstance(each, FastCGIProcessConfig) for each in config.process_configs
    )


def _fill(group: Any, wanted: Any) -> None:
    """Make the members that are missing and put all into their order. Those that stay keep the configuration they
    have, and with it the names of their logs."""
    kept = group.processes
    wanted.process_configs = [
        kept[config.name].config if config.name in kept else config for config in wanted.process_configs
    ]
    wanted.after_setuid()
    group.config = wanted
    members = {
        config.name: kept[config.name] if config.name in kept else config.make_process(group)
        for config in wanted.process_configs
    }
    kept.clear()
    kept.update(members)
