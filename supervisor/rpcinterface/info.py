"""What is known of processes and of their configuration, as structs.

Promise: the same keys for every process, text and numbers only. Must not know what clients make of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.config.tables import PROGRAM
from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.rpcinterface.base import Namespace, by_name
from supervisor.rpcinterface.facts import Facts, as_struct, as_xml, describe, process_facts
from supervisor.xmlrpc.codec import Marshalled, marshalled_list, write_result_with
from supervisor.xmlrpc.values import capped_int

__all__ = ["Info"]

_CONFIGURED = dict.fromkeys(row.name for row in PROGRAM.rows if row.info)


class Info(Namespace):
    """The methods that only tell."""

    def getProcessInfo(self, name: Any) -> dict[str, Any]:
        return as_struct(self._facts(name))

    def _facts(self, name: Any) -> Facts:
        self._update("getProcessInfo")
        group, process = self._getGroupAndProcess(name)
        if process is None:
            raise RPCError(Faults.BAD_NAME, name)
        return process_facts(group.config.name, process, self._now())

    def getAllProcessInfo(self) -> list[dict[str, Any]]:
        return list(map(as_struct, self._all_facts()))

    def _all_facts(self) -> Iterator[Facts]:
        """By group and name; also while the daemon goes down."""
        self._update("getAllProcessInfo")
        now = self._now()
        return (process_facts(group.config.name, process, now) for group, process in by_name(self.supervisord))

    def getAllConfigInfo(self) -> list[dict[str, Any]]:
        self._update("getAllConfigInfo")
        active = self.supervisord.process_groups
        infos = [
            _config_info(group, config, group.name in active)
            for group in self.supervisord.options.process_group_configs
            for config in group.process_configs
        ]
        return sorted(infos, key=lambda info: info["name"])

    def _interpretProcessInfo(self, info: dict[str, Any]) -> str:
        """The description of a struct; called on the class, and with part of the keys, by plugins."""
        return describe(
            info.get("name", ""),
            info["state"],
            info.get("pid", 0),
            info.get("start", 0),
            info.get("stop", 0),
            info.get("now", 0),
            info.get("spawnerr", ""),
        )


def _write_process_info(interface: Info, name: Any) -> Marshalled:
    return Marshalled(as_xml(interface._facts(name)))


def _write_all_process_info(interface: Info) -> Marshalled:
    return marshalled_list(map(as_xml, interface._all_facts()))


# Asked for again and again, of a thousand processes: written without a struct in between.
write_result_with(Info.getProcessInfo, _write_process_info)
write_result_with(Info.getAllProcessInfo, _write_all_process_info)


_shared: dict[type, dict[str, Any]] = {}


def _shared_values(kind: type) -> dict[str, Any]:
    """The values that configurations have of their class, as a rule the defaults."""
    values = _shared.get(kind)
    if values is None:
        values = _shared[kind] = {name: _plain(getattr(kind, name, None)) for name in _CONFIGURED}
    return values


def _config_info(group: Any, config: Any, inuse: bool) -> dict[str, Any]:
    info = dict(_shared_values(type(config)))
    info.update([(name, _plain(value)) for name, value in vars(config).items() if name in _CONFIGURED])
    info.update(
        name=config.name,
        group=group.name,
        inuse=inuse,
        group_prio=capped_int(group.priority),
        process_prio=capped_int(config.priority),
        uid=_plain(config.uid),
    )
    return info


_WORDS: dict[Any, Any] = {
    None: "none",
    Automatic: "auto",
    RestartUnconditionally: True,
    RestartWhenExitUnexpected: "unexpected",
}


def _plain(value: Any) -> Any:
    """A configured value as XML-RPC can carry it."""
    if type(value) is int:
        return capped_int(value)
    if value is None or isinstance(value, type):
        return _WORDS.get(value, "none")
    return value
