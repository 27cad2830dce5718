"""What an update would do: the configuration as the files have it now against the active groups.

Promise: nothing comes in force, and what the daemon read last stays what it read last. Values of environment variables
are told only to those who ask. Not listed: the listed methods are those that every 4.x has.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence

from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.events import getEventNameByType
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.names import make_namespec
from supervisor.rpcinterface.base import Namespace

__all__ = ["Plan", "plan"]

NOT_SHOWN = "(not shown)"
# Attributes that have another name than the option.
_OPTIONS = {"uid": "user", "pool_events": "events", "socket_config": "socket"}
_OF_PROCESSES = (
    "command", "directory", "uid", "umask", "priority", "autostart", "autorestart", "startsecs", "startretries",
    "exitcodes", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "redirect_stderr",
    "stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups", "stdout_capture_maxbytes",
    "stdout_events_enabled", "stdout_syslog", "stderr_logfile", "stderr_logfile_maxbytes", "stderr_logfile_backups",
    "stderr_capture_maxbytes", "stderr_events_enabled", "stderr_syslog", "serverurl", "socket_config",
)
_OF_GROUPS = (
    "priority", "pool_events", "buffer_size", "buffer_maxbytes", "result_handler", "event_len", "result_maxbytes",
    "restart_unknown", "socket_config",
)
_MARKS = {
    Automatic: "AUTO", RestartUnconditionally: "true", RestartWhenExitUnexpected: "unexpected", None: "", True: "true",
    False: "false",
}
_ABSENT = object()

Change = dict[str, str]


class Plan(Namespace):
    """The method behind ``supervisorctl plan``."""

    def planConfig(self, values: Any = False) -> list[dict[str, Any]]:
        """[{group, action, processes, changes: [{process, option, old, new}]}], what goes first and what stays last."""
        self._update("planConfig")
        try:
            groups = self.supervisord.options.groups_now()
        except ValueError as error:
            raise RPCError(Faults.CANT_REREAD, str(error)) from None
        active = [group.config for group in self.supervisord.process_groups.values()]
        return plan(active, groups, bool(values))


def plan(active: Sequence[Any], wanted: Sequence[Any], values: bool = False) -> list[dict[str, Any]]:
    """The same for group configurations in force and those of the file."""
    before = {config.name: config for config in active}
    after = {config.name: config for config in wanted}
    added = [config for config in wanted if config.name not in before]
    changed = [config for config in wanted if config.name in before and config != before[config.name]]
    return [
        *(_entry(config, "removed") for config in active if config.name not in after),
        *(_entry(config, "changed", list(_changes(before[config.name], config, values))) for config in changed),
        *(_entry(config, "added") for config in added),
        *(_entry(config, "unchanged") for config in wanted if config not in added and config not in changed),
    ]


def _entry(config: Any, action: str, changes: Sequence[Change] = ()) -> dict[str, Any]:
    names = [process.name for process in config.process_configs]
    return {"group": config.name, "action": action, "processes": names, "changes": list(changes)}


def _changes(old: Any, new: Any, values: bool) -> Iterator[Change]:
    """What differs between two configurations of a group, first the group's own options."""
    if type(old) is not type(new):
        yield _change("", "kind", _kind(old), _kind(new))
    yield from _options("", old, new, _OF_GROUPS, lambda config, name: getattr(config, name, _ABSENT))
    before = {process.name: process for process in old.process_configs}
    after = {process.name: process for process in new.process_configs}
    for name in {**before, **after}:
        namespec = make_namespec(new.name, name)
        if name not in before or name not in after:
            yield _change(namespec, "process", *("there" if name in side else "" for side in (before, after)))
            continue
        yield from _options(namespec, before[name], after[name], _OF_PROCESSES,
                            lambda config, attribute: config.configured(attribute))
        yield from _environment(namespec, before[name], after[name], values)
    if list(before) != list(after) and sorted(before) == sorted(after):
        yield _change("", "order", ",".join(before), ",".join(after))


def _options(process: str, old: Any, new: Any, names: Sequence[str],
             value: Callable[[Any, str], Any]) -> Iterator[Change]:
    for name in names:
        before, after = value(old, name), value(new, name)
        if before != after:
            yield _change(process, _OPTIONS.get(name, name), _text(name, before), _text(name, after))


def _environment(process: str, old: Any, new: Any, values: bool) -> Iterator[Change]:
    before, after = old.configured("environment"), new.configured("environment")
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            texts = [side.get(key, "") if values or key not in side else NOT_SHOWN for side in (before, after)]
            yield _change(process, f"environment {key}", *texts)


def _change(process: str, option: str, old: str, new: str) -> Change:
    return {"process": process, "option": option, "old": old, "new": new}


def _kind(group: Any) -> str:
    return {"EventListenerPoolConfig": "eventlistener", "FastCGIGroupConfig": "fcgi-program"}.get(
        type(group).__name__, "program")


def _text(name: str, value: Any) -> str:
    """A value as a file would have it."""
    if name == "umask" and value is not None:
        return f"{value:03o}"
    if name == "stopsignal":
        return signal.Signals(value).name[3:] if value in set(signal.Signals) else str(value)
    if name.endswith("_logfile") and value is None:
        return "NONE"
    if name == "pool_events" and value is not _ABSENT:
        return ",".join(str(getEventNameByType(each)) for each in value)
    if name == "result_handler" and value is not _ABSENT:
        return f"{value.__module__}:{getattr(value, '__qualname__', value)}"
    if name == "socket_config" and value not in (None, _ABSENT):
        return _socket(value)
    if isinstance(value, list):
        return ",".join(map(str, value))
    if value is _ABSENT:
        return ""
    is_mark = value is None or isinstance(value, bool | type)
    return _MARKS.get(value, str(value)) if is_mark else str(value)


def _socket(config: Any) -> str:
    """The address, and the further options that have a value."""
    mode, owner, backlog = config.get_mode(), config.get_owner(), config.get_backlog()
    more = [f"mode={mode:04o}" if mode is not None else "", f"owner={owner}" if owner else "",
            f"backlog={backlog}" if backlog else ""]
    return " ".join([config.url, *filter(None, more)])
