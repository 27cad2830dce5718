"""What is known of processes and of their configuration, as structs.

Promise: the same keys for every process, text and numbers only; a thousand processes take a few milliseconds. Must
not know what clients make of it.
"""

from __future__ import annotations

import time
from functools import lru_cache

from supervisor.config.tables import PROGRAM
from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.rpcinterface.base import Namespace, by_name
from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.xmlrpc.codec import is_plain, safe_text, write_struct_with
from supervisor.xmlrpc.values import INT_MAX, capped_int

__all__ = ["Brief", "Info", "all_process_briefs", "all_process_info", "describe", "process_brief", "process_info"]

# Group, name, state, start, description, and whether there is a failure to be looked into.
Brief = tuple[str, str, int, int, str, bool]

_CONFIGURED = frozenset(row.name for row in PROGRAM.rows if row.info)


class Info(Namespace):
    """The methods that only tell."""

    def getProcessInfo(self, name: Any) -> dict[str, Any]:
        self._update("getProcessInfo")
        group, process = self._getGroupAndProcess(name)
        if process is None:
            raise RPCError(Faults.BAD_NAME, name)
        return process_info(group.config.name, process, capped_int(self._now()))

    def getAllProcessInfo(self) -> list[dict[str, Any]]:
        self._update("getAllProcessInfo")
        return all_process_info(self.supervisord)

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


def all_process_info(supervisord: Any) -> list[dict[str, Any]]:
    """The structs of all processes, by group and name; also while the daemon goes down."""
    now = capped_int(supervisord.loop.clock.wall())
    return [process_info(group.config.name, process, now) for group, process in by_name(supervisord)]


def process_info(group_name: str, process: Any, now: int) -> dict[str, Any]:
    """The struct of one process."""
    config = process.config
    state = process.get_state()
    start, stop = int(process.laststart), int(process.laststop)
    if not (0 <= start <= INT_MAX and 0 <= stop <= INT_MAX):
        start, stop = capped_int(start), capped_int(stop)
    spawnerr = process.spawnerr or ""
    pid = process.pid
    stdout = config.stdout_logfile
    stderr = config.stderr_logfile
    stdout = stdout if type(stdout) is str else ""
    return {
        "name": config.name,
        "group": group_name,
        "start": start,
        "stop": stop,
        "now": now,
        "state": state,
        "statename": getProcessStateDescription(state) or "",
        "spawnerr": spawnerr,
        "exitstatus": process.exitstatus or 0,
        "logfile": stdout,
        "stdout_logfile": stdout,
        "stderr_logfile": stderr if type(stderr) is str else "",
        "pid": pid,
        "description": describe(config.name, state, pid, start, stop, now, spawnerr),
    }


def all_process_briefs(supervisord: Any) -> list[Brief]:
    """The same processes in the same order, each with what a list shows of it."""
    now = capped_int(supervisord.loop.clock.wall())
    return [process_brief(group.config.name, process, now) for group, process in by_name(supervisord)]


def process_brief(group_name: str, process: Any, now: int) -> Brief:
    """What a list shows of one process."""
    name = process.config.name
    state = process.get_state()
    start, stop, spawnerr = int(process.laststart), int(process.laststop), process.spawnerr or ""
    if not (0 <= start <= INT_MAX and 0 <= stop <= INT_MAX):
        start, stop = capped_int(start), capped_int(stop)
    description = describe(name, state, process.pid, start, stop, now, spawnerr)
    return group_name, name, state, start, description, bool(spawnerr)


_MEMBERS = (
    "name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus", "logfile",
    "stdout_logfile", "stderr_logfile", "pid", "description",
)


def _write_process_info(values: tuple[Any, ...]) -> str | None:
    """The XML of a struct as of process_info; None when a plugin has put something else into one.

    Nothing of it is kept: what lies between texts that come and go would keep their memory from being given back.
    """
    name, group, start, stop, now, state, statename, spawnerr, status, log, stdout, stderr, pid, description = values
    if not (type(start) is type(stop) is type(now) is type(state) is type(status) is type(pid) is int):
        return None
    try:
        texts = "".join((name, group, statename, spawnerr, log, stdout, stderr, description))
    except TypeError:
        return None
    if not is_plain(texts):
        name, group, statename, spawnerr, log, stdout, stderr, description = map(
            safe_text, (name, group, statename, spawnerr, log, stdout, stderr, description))
    return (
        "<value><struct>\n"
        f"<member>\n<name>name</name>\n<value><string>{name}</string></value>\n</member>\n"
        f"<member>\n<name>group</name>\n<value><string>{group}</string></value>\n</member>\n"
        f"<member>\n<name>start</name>\n<value><int>{start}</int></value>\n</member>\n"
        f"<member>\n<name>stop</name>\n<value><int>{stop}</int></value>\n</member>\n"
        f"<member>\n<name>now</name>\n<value><int>{now}</int></value>\n</member>\n"
        f"<member>\n<name>state</name>\n<value><int>{state}</int></value>\n</member>\n"
        f"<member>\n<name>statename</name>\n<value><string>{statename}</string></value>\n</member>\n"
        f"<member>\n<name>spawnerr</name>\n<value><string>{spawnerr}</string></value>\n</member>\n"
        f"<member>\n<name>exitstatus</name>\n<value><int>{status}</int></value>\n</member>\n"
        f"<member>\n<name>logfile</name>\n<value><string>{log}</string></value>\n</member>\n"
        f"<member>\n<name>stdout_logfile</name>\n<value><string>{stdout}</string></value>\n</member>\n"
        f"<member>\n<name>stderr_logfile</name>\n<value><string>{stderr}</string></value>\n</member>\n"
        f"<member>\n<name>pid</name>\n<value><int>{pid}</int></value>\n</member>\n"
        f"<member>\n<name>description</name>\n<value><string>{description}</string></value>\n</member>\n"
        "</struct></value>"
    )


write_struct_with(_MEMBERS, _write_process_info)


def describe(name: str, state: int, pid: int, start: float, stop: float, now: float, spawnerr: str) -> str:
    """One phrase about a process, for people. Plugins bring times with fractions."""
    if state == ProcessStates.RUNNING:
        return f"pid {pid}, uptime {_uptime(int(now - start))}"
    if state in (ProcessStates.FATAL, ProcessStates.BACKOFF):
        return spawnerr or f'unknown error (try "tail {name}")'
    if state in (ProcessStates.STOPPED, ProcessStates.EXITED):
        return _local(stop) if start else "Not started"
    return ""


@lru_cache(maxsize=1024)
def _uptime(seconds: int) -> str:
    seconds = max(seconds, 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} day{'s' if days > 1 else ''}, {hours}:{minutes:02d}:{seconds:02d}"


@lru_cache(maxsize=1024)
def _local(moment: float) -> str:
    return time.strftime("%b %d %I:%M %p", time.localtime(moment))


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
