"""One whole reading of a configuration: files -> values, servers, plugins, groups.

Every problem is collected, in the order in which people have always been told the first; what counts for a later
"has anything changed?" is remembered. Must not know: what is in force.
"""

from __future__ import annotations

import os

from supervisor.config.context import Context, where
from supervisor.config.document import Snapshot, load
from supervisor.config.groups import read_groups
from supervisor.config.model import ProcessGroupConfig
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.problems import problem_of
from supervisor.config.servers import (
    note_client_options,
    note_unknown_sections,
    read_plugins,
    read_servers,
    read_supervisord,
)
from supervisor.datatypes import existing_directory, existing_dirpath, logfile_name, name_to_uid
from supervisor.hints import Any

_PATHS = (existing_dirpath, logfile_name)


class Reading:
    """A configuration that was read without error."""

    def __init__(self, context: Context, snapshot: Snapshot, hooks: tuple[Any, ...]) -> None:
        self.context = context
        self.supervisord: dict[str, Any] = {}
        self.uid: int | None = None
        self.servers: list[dict[str, Any]] = []
        self.factories: list[tuple[str, Any, dict[str, str]]] = []
        self.groups: list[ProcessGroupConfig] = []
        self.parser: UnhosedConfigParser | None = None      # knows where everything stands; gone when in force
        self._snapshot = snapshot
        self._hooks = hooks
        self._environ = dict(os.environ)
        self._folders: list[str] = []
        self._users: dict[str, int] = {}
        self._sizes: list[tuple[ProcessGroupConfig, list[Any]]] = []

    def seal(self) -> None:
        """Notes what the result depended on beside the files, and lets go of what is no longer needed."""
        memo = self.context.memo
        folders = {os.path.dirname(value) for (convert, _), value in memo.items()
                   if convert in _PATHS and isinstance(value, str)}
        folders.update(value for (convert, _), value in memo.items() if convert is existing_directory)
        self._folders = [folder for folder in folders if folder]
        self._users = {text: value for (convert, text), value in memo.items() if convert is name_to_uid}
        self._sizes = [(group, list(group.process_configs)) for group in self.groups]
        self.context.memo = {}

    def still_true(self, hooks: tuple[Any, ...]) -> bool:
        """Whether reading again would give the same: files, environment, folders, users, and nobody changed ours."""
        return (hooks == self._hooks and self._environ == dict(os.environ) and self._snapshot.still_true()
                and all(os.path.isdir(folder) for folder in self._folders)
                and self._users_still_true() and not self._touched())

    def _users_still_true(self) -> bool:
        try:
            return all(name_to_uid(text) == uid for text, uid in self._users.items())
        except ValueError:
            return False

    def _touched(self) -> bool:
        return any(group.process_configs != members or any(config.touched for config in members)
                   for group, members in self._sizes)

    def changed(self, settings: Any) -> list[str]:
        """A line for each option of [supervisord], and each server, that is not what the daemon runs with."""
        found = []
        for name, value in self.supervisord.items():
            before = getattr(settings.configroot.supervisord, name, value)
            if before != value and name not in ("environment", *settings.given):
                found.append(f"[supervisord] {name} has changed; the new value needs a restart of supervisord")
        before = {config["section"]: config for config in settings.server_configs}
        after = {config["section"]: config for config in self.servers}
        for section in {**before, **after}:
            if before.get(section) != after.get(section):
                found.append(f"[{section}] has changed, which needs a restart of supervisord")
        return found


def read(fp: Any, context: Context, owner: Any, hooks: tuple[Any, ...]) -> Reading:
    """Reads a file given by path or open. Raises ConfigError with all that is wrong."""
    parser = UnhosedConfigParser()
    parser.expansions = context.environ
    reading = Reading(context, load(fp, context, parser), hooks)
    note_unknown_sections(context, parser)
    reading.supervisord = read_supervisord(context, parser)
    reading.factories = read_plugins(context, parser, "rpcinterface")
    reading.groups = read_groups(context, parser, owner.processes_from_section)
    reading.servers = read_servers(context, parser)
    note_client_options(context, parser)
    if "user" in reading.supervisord and "user" not in owner.given:
        reading.uid = _uid(context, parser, reading.supervisord["user"])
    context.stop_if_wrong()
    reading.parser = parser
    reading.seal()
    return reading


def _uid(context: Context, parser: UnhosedConfigParser, user: str) -> int | None:
    """The user to become, who has to exist."""
    try:
        context.memo[name_to_uid, user] = uid = name_to_uid(user)
        return uid
    except ValueError as e:
        context.report([problem_of(e, where(parser, "supervisord", "user"))], "supervisord", parser)
        return None
