"""The groups of a configuration, put together from groups, programs, event listeners and FastCGI programs.

Keeps the order of priorities and names; what loads but is hardly meant gets a warning. Must not know: how one
section becomes processes, which is handed in.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from supervisor.config.context import BAD, Context, SectionReader
from supervisor.config.model import (
    EventListenerConfig,
    EventListenerPoolConfig,
    FastCGIGroupConfig,
    FastCGIProcessConfig,
    ProcessConfig,
    ProcessGroupConfig,
)
from supervisor.config.option import HERE
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.plugins import Unresolvable
from supervisor.config.problems import ConfigError, Problem
from supervisor.config.servers import sections_of
from supervisor.config.tables import EVENTLISTENER, FCGI_PROGRAM, GROUP
from supervisor.datatypes import (
    InetStreamSocketConfig,
    SocketConfig,
    UnixStreamSocketConfig,
    gid_for_uid,
    port_number,
    process_or_group_name,
)
from supervisor.hints import Any

ReadSection = Callable[..., list[ProcessConfig]]


def read_groups(context: Context, parser: UnhosedConfigParser, read: ReadSection) -> list[ProcessGroupConfig]:
    """All groups by (priority, name). ``read`` is processes_from_section."""
    return _Groups(context, parser, read).all()


class _Groups:
    """The state of one assembly."""

    def __init__(self, context: Context, parser: UnhosedConfigParser, read: ReadSection) -> None:
        self.context = context
        self.parser = parser
        self.read = read
        self.sockets: dict[str, SocketConfig | None] = {}
        self.sections: dict[int, str] = {}      # id of a group -> its section

    def all(self) -> list[ProcessGroupConfig]:
        groups: list[ProcessGroupConfig] = []
        grouped: set[str] = set()
        for section in sections_of(self.parser, "group"):
            groups.extend(self._noted(section, self._heterogeneous(section, grouped)))
        kinds = (("program", self._program), ("eventlistener", self._listener), ("fcgi-program", self._fcgi))
        for kind, build in kinds:
            for section in sections_of(self.parser, kind):
                if section not in grouped:
                    groups.extend(self._noted(section, build(section)))
        groups.sort()
        return self._without_namesakes(groups)

    def _noted(self, section: str, groups: list[ProcessGroupConfig]) -> list[ProcessGroupConfig]:
        self.sections.update((id(group), section) for group in groups)
        return groups

    def _without_namesakes(self, groups: list[ProcessGroupConfig]) -> list[ProcessGroupConfig]:
        kept: dict[str, ProcessGroupConfig] = {}
        for group in groups:
            if group.name in kept:
                other = self.sections[id(kept[group.name])]
                self.context.note(self.parser, self.sections[id(group)], "",
                                  f"two groups are called {group.name}: that of [{other}] is used, this one left out")
            else:
                kept[group.name] = group
                self._note_collapsing(group)
        return list(kept.values())

    def _note_collapsing(self, group: ProcessGroupConfig) -> None:
        if len(group.process_configs) > 1:
            names: set[str] = set()
            for config in group.process_configs:
                if config.name in names:
                    section = self.sections[id(group)]
                    option = "programs" if section.startswith("group:") else "process_name"
                    self.context.note(self.parser, section, option, f"two processes of group {group.name} are called "
                                      f"{config.name}: one of them is left out")
                names.add(config.name)

    # -- [group:x]

    def _heterogeneous(self, section: str, grouped: set[str]) -> list[ProcessGroupConfig]:
        reader = SectionReader(self.context, self.parser, section, GROUP)
        reader.note_unknown()
        name = self._name(reader)
        values = reader.values()
        members: list[ProcessConfig] = []
        if values["programs"] is not BAD:
            for program in values["programs"]:
                reader.tell()
                members.extend(self._member(reader, name, program, grouped))
        reader.tell()
        if BAD in values.values():
            return []
        return [ProcessGroupConfig(self.context.owner, name, values["priority"], members)]

    def _name(self, reader: SectionReader) -> str:
        try:
            return process_or_group_name(reader.section.partition(":")[2])
        except ValueError as e:
            reader.fail(None, e)
            return ""

    def _member(self, reader: SectionReader, group: str, program: str, grouped: set[str]) -> list[ProcessConfig]:
        """The processes of one member, which leaves the group of its own."""
        row = GROUP.by_name["programs"]
        found = [section for kind in ("program", "fcgi-program")
                 if self.parser.has_section(section := f"{kind}:{program}")]
        if len(found) != 1:
            text = f"name {program} is ambiguous (exists as program and fcgi-program)" if found \
                else f"names unknown program or fcgi-program {program}"
            reader.fail(row, ValueError(f"[{reader.section}] {text}"))
            return []
        section = found[0]
        if section in grouped:
            self.context.note(self.parser, reader.section, "programs", f"{program} is in a group already")
        grouped.add(section)
        if section.startswith("program:"):
            return self._processes(section, group, ProcessConfig)
        processes = self._processes(section, group, FastCGIProcessConfig)
        return self._with_socket(processes, self._socket(section))

    # -- groups of one section

    def _processes(self, section: str, group: str, klass: type[ProcessConfig]) -> list[ProcessConfig]:
        try:
            made = self.read(self.parser, section, group, klass)
            self.context.made.setdefault(section, []).extend(made)
            return made
        except ConfigError as e:
            self.context.report(e.problems, section, self.parser)
        except ValueError as e:
            self.context.problems.append(Problem(str(e)))
        return []

    def _group_name(self, section: str) -> str:
        return section.partition(":")[2].strip()

    def _program(self, section: str) -> list[ProcessGroupConfig]:
        name = self._group_name(section)
        processes = self._processes(section, name, ProcessConfig)
        return [ProcessGroupConfig(self.context.owner, name, self._priority(processes), processes)]

    def _priority(self, processes: list[ProcessConfig]) -> int:
        return processes[0].priority if processes else 999

    def _listener(self, section: str) -> list[ProcessGroupConfig]:
        name = self._group_name(section)
        reader = _Listener(self.context, self.parser, section, EVENTLISTENER)
        values = reader.pool()
        reader.tell()
        processes = self._processes(section, name, EventListenerConfig)
        if BAD in values.values():
            return []
        return [EventListenerPoolConfig(self.context.owner, name, values["priority"], processes,
                                        values["buffer_size"], values["events"], values["result_handler"],
                                        values["event_len"], values["restart_unknown"], values["result_maxbytes"],
                                        values["buffer_maxbytes"])]

    def _fcgi(self, section: str) -> list[ProcessGroupConfig]:
        name = self._group_name(section)
        socket = self._socket(section)
        processes = self._with_socket(self._processes(section, name, FastCGIProcessConfig), socket)
        if socket is None:
            return []
        return [FastCGIGroupConfig(self.context.owner, name, self._priority(processes), processes, socket)]

    def _socket(self, section: str) -> SocketConfig | None:
        """The socket of a FastCGI program, one object however often it is asked for."""
        if section not in self.sockets:
            reader = _FastCGI(self.context, self.parser, section, FCGI_PROGRAM)
            self.sockets[section] = reader.socket()
            reader.tell()
        return self.sockets[section]

    def _with_socket(self, processes: list[ProcessConfig], socket: SocketConfig | None) -> list[ProcessConfig]:
        for config in processes:
            config.__dict__["socket_config"] = socket
        return processes


class _Listener(SectionReader):
    """What makes a pool of a section of event listeners."""

    def pool(self) -> dict[str, Any]:
        names = self.context.names(HERE)
        rows = self.table.by_name
        wanted = ("priority", "buffer_size", "buffer_maxbytes", "events", "result_handler", "event_len",
                  "result_maxbytes", "restart_unknown", "redirect_stderr")
        values = {name: self.value(rows[name], lambda: names) for name in wanted}
        if "priority" not in self.texts:
            values["priority"] = -1
        section = self.section
        if values["redirect_stderr"] is True:
            self.fail(rows["redirect_stderr"], ValueError(
                f"[{section}] section sets redirect_stderr=true but this is not allowed because it will interfere "
                "with the eventlistener protocol"))
        if isinstance(values["buffer_size"], int) and values["buffer_size"] < 1:
            self.fail(rows["buffer_size"], ValueError(
                f"[{section}] section sets invalid buffer_size ({values['buffer_size']})"))
        if values["events"] is not BAD:
            values["events"] = self._events(values["events"] or [])
        values["result_handler"] = self._handler(values["result_handler"])
        for option in ("stdout_capture_maxbytes", "stderr_capture_maxbytes"):
            if option in self.texts:
                self.context.note(self.parser, section, option, "not meant for event listeners")
        return values

    def _events(self, names: list[str]) -> Any:
        row = self.table.by_name["events"]
        if not names:
            self.fail(row, ValueError(f'[{self.section}] section requires an "events" line'))
            return BAD
        types: dict[str, type] = {}
        for name in names:
            event_type = self.context.event_type(name.upper())
            if event_type is None:
                self.fail(row, ValueError(f"Unknown event type {name.upper()} in [{self.section}] events"))
            else:
                types[name.upper()] = event_type
        return list(dict.fromkeys(types[name] for name in sorted(types)))

    def _handler(self, spec: Any) -> Any:
        if spec is BAD:
            return BAD
        try:
            return self.context.resolve(spec)
        except Unresolvable as e:
            self.fail(self.table.by_name["result_handler"],
                      ValueError(f"{spec} cannot be resolved within [{self.section}]: {e}"))
            return BAD


class _FastCGI(SectionReader):
    """What makes the socket of a FastCGI program."""

    def socket(self) -> SocketConfig | None:
        names = {**self.context.names(HERE), "program_name": self.section.partition(":")[2].strip()}
        rows = self.table.by_name
        if not self.texts.get("socket"):
            self.fail(rows["socket"], ValueError(f'[{self.section}] section requires a "socket" line'))
        values = {name: self.value(rows[name], lambda: names)
                  for name in ("priority", "socket", "socket_backlog", "socket_owner", "socket_mode", "user")}
        backlog = values["socket_backlog"]
        if isinstance(backlog, int) and not 1 <= backlog <= 65535:
            self.fail(rows["socket_backlog"], ValueError(f"Invalid socket_backlog value {backlog}"))
        if BAD in values.values() or not values["socket"]:
            return None
        try:
            return self._config(values)
        except ValueError as e:
            self.fail(rows["socket"], ValueError(f"{e} in [{self.section}] socket"))
            return None

    def _config(self, values: dict[str, Any]) -> SocketConfig:
        address, backlog = values["socket"], values["socket_backlog"]
        mode, owner = values["socket_mode"], values["socket_owner"]
        if address.startswith("unix://"):
            path = address[len("unix://"):]
            if not path.startswith("/"):
                raise ValueError(f"Unix socket path {path} is not an absolute path")
            uid = values["user"]
            if owner is None and uid is not None and uid != os.getuid():
                owner = (uid, _gid(uid))
            path = os.path.normpath(path).replace("//", "/")
            return UnixStreamSocketConfig(path, mode=0o700 if mode is None else mode, owner=owner, backlog=backlog)
        host, colon, port = address.removeprefix("tcp://").rpartition(":")
        if not address.startswith("tcp://") or not colon or not host or not port.isdecimal() or " " in host:
            raise ValueError(f"Bad socket format {address}")
        number = port_number(port)
        if mode is not None or owner is not None:
            raise ValueError("socket_owner and socket_mode params should only be used with a Unix domain socket")
        return InetStreamSocketConfig(host[1:-1] if host.startswith("[") else host, number, backlog=backlog)


def _gid(uid: int) -> int:
    try:
        return gid_for_uid(uid)
    except KeyError:
        raise ValueError(f"Invalid user id {uid}")


__all__ = ["read_groups"]
