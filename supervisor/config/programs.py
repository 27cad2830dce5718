"""One program-like section -> the configurations of its processes.

What does not depend on the number of a process is read once for all of them. Must not know: groups, or which file
the section came from.
"""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.config.context import BAD, Context, SectionReader
from supervisor.config.model import EventListenerConfig, FastCGIProcessConfig, ProcessConfig
from supervisor.config.option import PROCESS, Option, Table
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.problems import ConfigError
from supervisor.config.tables import EVENTLISTENER, FCGI_PROGRAM, PROGRAM
from supervisor.datatypes import Automatic, Syslog, process_or_group_name
from supervisor.hints import Any

CHANNELS = ("stdout", "stderr")


def table_for(section: str, klass: type[ProcessConfig]) -> Table:
    """The rows that hold for a section."""
    if issubclass(klass, EventListenerConfig) or section.startswith("eventlistener:"):
        return EVENTLISTENER
    if issubclass(klass, FastCGIProcessConfig) or section.startswith("fcgi-program:"):
        return FCGI_PROGRAM
    return PROGRAM


def read_processes(context: Context, parser: UnhosedConfigParser, section: str, group_name: str,
                   klass: type[ProcessConfig] | None = None) -> list[ProcessConfig]:
    """The processes of a section, by name. Raises ConfigError with all that is wrong in it."""
    klass = klass or ProcessConfig
    processes = _Program(context, parser, section, group_name, klass).processes()
    processes.sort(key=lambda config: (config.priority, config.name))
    return processes


class _Program(SectionReader):
    """The reading of one section."""

    def __init__(self, context: Context, parser: UnhosedConfigParser, section: str, group_name: str,
                 klass: type[ProcessConfig]) -> None:
        super().__init__(context, parser, section, table_for(section, klass))
        self.klass = klass
        self.group_name = group_name
        self.program_name = section
        self._section_names: dict[str, Any] | None = None

    def names(self) -> dict[str, Any]:
        """The names the section's options may use."""
        if self._section_names is None:
            self._section_names = {**self.context.names(PROCESS), "program_name": self.program_name,
                                   "group_name": self.group_name}
        return self._section_names

    def processes(self) -> list[ProcessConfig]:
        self._read_name()
        self.note_unknown()
        shared, varying = self._shared_values()
        first = shared.pop("numprocs_start", 0)
        count = shared.pop("numprocs", 1)
        self._check(shared, count)
        if first is BAD or count is BAD:
            raise ConfigError(self.take_problems())
        made = []
        for number in range(first, first + count):
            values = dict(shared)
            if type(codes := values.get("exitcodes")) is list:
                values["exitcodes"] = list(codes)       # each process its own: plugins write to it
            self._add_varying(values, varying, number, count)
            if self.problems:       # the next process would only say the same
                raise ConfigError(self.take_problems())
            self._settle_logs(values)
            made.append(self.klass.made(self.context.owner, values))
        if self.problems:
            raise ConfigError(self.take_problems())
        return made

    def _read_name(self) -> None:
        try:
            self.program_name = process_or_group_name(self.section.partition(":")[2])
        except ValueError as e:
            self.fail(None, e)

    def _shared_values(self) -> tuple[dict[str, Any], list[tuple[Option, str]]]:
        """Values that all processes have alike, and the rows and texts of those that may differ."""
        shared: dict[str, Any] = {}
        varying: list[tuple[Option, str]] = []
        rows = PROGRAM.by_name
        for option, text in self.texts.items():
            row = rows.get(option)
            if row is None:
                continue
            if row.expand == PROCESS and "%" in text:
                varying.append((row, text))
                continue
            shared[option] = self.value(row, self.names)
        varying.sort(key=lambda each: each[0].name != "environment")    # the others may use its keys
        if "process_name" not in self.texts:
            shared["name"] = self.program_name
        return shared, varying

    def _check(self, values: dict[str, Any], count: Any) -> None:
        """What has to fit together in the section."""
        self._check_process_name(values, count)
        if "user" in values:
            values["uid"] = values.pop("user")
        group = values.get("stopasgroup", False)
        kill = values.setdefault("killasgroup", group)
        if group is True and kill is False:
            self.fail(self.table.by_name["process_name"],
                      ValueError("Cannot set stopasgroup=true and killasgroup=false"), "killasgroup")
        if "serverurl" in values and str(values["serverurl"]).strip().upper() == "AUTO":
            values["serverurl"] = None
        if "command" not in self.texts:
            self.fail(self.table.by_name["command"],
                      ValueError(f"program section {self.section} does not specify a command"))

    def _check_process_name(self, values: dict[str, Any], count: Any) -> None:
        row = self.table.by_name["process_name"]
        text = self.texts.get("process_name", row.default)
        try:
            name = process_or_group_name(text)
            if "process_name" in values:
                values["name"] = name
                del values["process_name"]
        except ValueError as e:
            self.fail(row, e)
        if isinstance(count, int) and count > 1 and "%(process_num)" not in text:
            self.fail(row, ValueError("%(process_num) must be present within process_name when numprocs > 1"),
                      row.name if row.name in self.texts else "numprocs")

    def _add_varying(self, values: dict[str, Any], varying: list[tuple[Option, str]], number: int, count: int) -> None:
        """The values of one process; names of its own environment come last into reach."""
        names: Mapping[str, Any] = {}
        if varying:
            names = {**self.names(), "process_num": number, "numprocs": count}
        own = values.get("environment", {})
        if own is BAD:
            own = {}
        for position, (row, text) in enumerate(varying):
            if position == 0 and row.name != "environment" and own:
                names = _with_environment(names, own)
            try:
                value = self.context.convert(row, self.expanded(row, text, names))
                if row.name == "process_name":
                    values["name"] = process_or_group_name(value)
                else:
                    values[row.name] = value
            except ValueError as e:
                self.fail(row, e, last=row.name == "process_name")
                continue
            if row.name == "environment":
                own = value
                names = _with_environment(names, own)
        values["environment"] = {**self.context.environment, **own}

    def _settle_logs(self, values: dict[str, Any]) -> None:
        """Old spellings and contradictions among the log options, with their warnings."""
        say = self.context.warnings.append
        for channel in CHANNELS:
            logfile = values.get(f"{channel}_logfile", Automatic)
            if logfile is Syslog:
                values[f"{channel}_logfile"] = None
                values[f"{channel}_syslog"] = True
                say(f"For [{self.section}], {channel}_logfile=syslog but this is deprecated and will be removed.  "
                    f"Use {channel}_syslog=true to enable syslog instead.")
            elif logfile is Automatic and values.get(f"{channel}_logfile_maxbytes") == 0:
                say(f"For [{self.section}], AUTO logging used for {channel}_logfile without rollover, "
                    "set maxbytes > 0 to avoid filling up filesystem unintentionally")
        if values.get("redirect_stderr"):
            if values.get("stderr_logfile", Automatic) not in (Automatic, None):
                say(f"For [{self.section}], redirect_stderr=true but stderr_logfile has also been set to a filename, "
                    "the filename has been ignored")
            values["stderr_logfile"] = None


def _with_environment(names: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    return {**names, **{"ENV_" + key: value for key, value in environment.items()}}
