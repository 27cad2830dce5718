"""ServerOptions: what command line, configuration file and defaults make of one run of supervisord.

The object plugins know as ``supervisord.options``; also the home or the hand-on of the public names around
configurations. A reread that fails changes nothing here. Must not know: the loop, nor any live process but by number.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator

from supervisor import checkup, events
from supervisor.clientoptions import ClientOptions
from supervisor.config.base import Dummy, Options
from supervisor.config.cmdline import Switch
from supervisor.config.context import Context, where
from supervisor.config.expand import environ_names, expand
from supervisor.config.model import (
    Config,
    EventListenerConfig,
    EventListenerPoolConfig,
    FastCGIGroupConfig,
    FastCGIProcessConfig,
    ProcessConfig,
    ProcessGroupConfig,
)
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.plugins import import_spec
from supervisor.config.problems import ConfigError, ConfigFault, Problem, problem_of
from supervisor.config.programs import read_processes
from supervisor.config.reading import Reading, read
from supervisor.config.servers import normalize_path, server_url
from supervisor.config.switches import SERVER_SWITCHES, server_help
from supervisor.config.tables import SUPERVISORD
from supervisor.datatypes import name_to_uid
from supervisor.engine import housekeeping
from supervisor.engine.signals import SignalReceiver
from supervisor.hints import Any
from supervisor.logread import readFile, tailFile
from supervisor.names import make_namespec, split_namespec
from supervisor.process.errors import BadCommand, NoPermission, NotExecutable, NotFound, ProcessException
from supervisor.process.waitstatus import decode_wait_status, signame
from supervisor.states import SupervisorStates
from supervisor.version import VERSION

__all__ = [
    "BadCommand", "ClientOptions", "Config", "Dummy", "EventListenerConfig", "EventListenerPoolConfig",
    "FastCGIGroupConfig", "FastCGIProcessConfig", "NoPermission", "NotExecutable", "NotFound", "Options", "PY2",
    "ProcessConfig", "ProcessException", "ProcessGroupConfig", "ServerOptions", "SignalReceiver",
    "UnhosedConfigParser", "VERSION", "decode_wait_status", "expand", "make_namespec", "normalize_path", "readFile",
    "signame", "split_namespec", "tailFile",
]

PY2 = False

ROOT_SEARCH = (
    "Supervisord is running as root and it is searching for its configuration file in default locations (including "
    'its current working directory); you probably want to specify a "-c" argument specifying an absolute path to a '
    "configuration file for improved security.")


class _Mood(int):
    """One of SupervisorStates. Plugins set it, from threads of theirs too, so whoever waits for a change is told.

    It is read at every call: without __get__ the interpreter finds it in the object by itself.
    """

    def __set__(self, options: ServerOptions, mood: int) -> None:
        vars(options)["mood"] = mood
        options.mood_set()


class ServerOptions(Options):
    """The options of supervisord. Everything a plugin may replace is looked up when it is called."""

    positional_args_allowed = 0
    switches = SERVER_SWITCHES

    configfile: Any = None
    here: str | None = None
    uid: int | None = None
    gid: int | None = None
    user: Any = None
    nodaemon: Any = None
    silent: Any = None
    logfile: Any = None
    loglevel: Any = None
    pidfile: Any = None
    passwdfile = None
    sockchmod = None
    sockchown = None
    unlink_pidfile = False
    unlink_socketfiles = False
    mood = _Mood(SupervisorStates.RUNNING)
    httpservers: Any = ()
    logger: Any = None
    first = True
    test = False
    umask: Any = None
    directory: Any = None
    logfile_maxbytes: Any = None
    logfile_backups: Any = None
    identifier: Any = None
    childlogdir: Any = None
    minfds: Any = None
    minprocs: Any = None
    nocleanup: Any = None
    strip_ansi: Any = None
    profile_options: Any = None
    serverurl: str | None = None
    check = False
    strict = False

    def __init__(self) -> None:
        super().__init__()
        self.configroot = Dummy()
        self.configroot.supervisord = Dummy()
        self.environment: dict[str, str] = {}
        self.environ_expansions = environ_names(os.environ)
        self.pidhistory: dict[int, Any] = {}
        self.process_group_configs: list[ProcessGroupConfig] = []
        self.server_configs: list[dict[str, Any]] = []
        self.rpcinterface_factories: list[tuple[str, Any, dict[str, str]]] = []
        self.factory_specs: dict[str, str] = {}
        self.parse_criticals: list[str] = []
        self.parse_warnings: list[str] = []
        self.parse_infos: list[str] = []
        self.signal_receiver = SignalReceiver()
        self.mood_set: Callable[[], object] = _nobody
        self.mood = SupervisorStates.RUNNING
        self.notes: list[str] = []          # what the configuration in force deserves to be warned of
        self._words: list[Any] = []
        self._reading: Reading | None = None      # the one in force
        self._context: Context | None = None      # the one under way
        self._logged: list[str] = []

    # -- command line

    def help_text(self) -> str:
        return server_help(self.progname)

    def help(self, dummy: object = None) -> None:
        """Prints the help text and leaves."""
        self._print(self.help_text())
        self.exit(0)

    def version(self, dummy: object = None) -> None:
        """Prints the version and leaves."""
        self._print(VERSION)
        self.exit(0)

    def act(self, switch: Switch) -> None:
        if switch.long == "version":
            self.version()
        self.help()

    def default_configfile(self) -> str | None:
        if os.getuid() == 0:
            warnings.warn(ROOT_SEARCH, stacklevel=2)
        return super().default_configfile()

    def realize(self, args: Iterable[Any] | None = None, doc: str | None = None,
                progname: str | None = None) -> None:
        """Reads command line and file; anything wrong ends the program with a message."""
        self._words = sys.argv[1:] if args is None else list(args)
        super().realize(self._words, doc, progname)
        for note in self.notes:     # at a start people read stderr, and the log keeps to its ordinary lines
            self._tell(f"Warning: {note}")

    def errors(self, texts: Iterable[str]) -> None:
        """What is wrong, and the end: with --check, 1 says that this is the answer."""
        if not self.given.get("check"):
            super().errors(texts)
            return
        for text in texts:
            self._tell(f"Error: {text}")
        for note in self.notes:
            self._tell(f"Warning: {note}")
        self.exit(1)

    def _end_check(self, reading: Reading) -> None:
        """--check: says what a start would meet, and leaves."""
        if reading.parser is not None:
            for section, option, text in checkup.doubts(self, reading.context.made):
                reading.context.note(reading.parser, section, option, text)
        self._refuse(reading, self._obstacles(reading))
        warned = [*reading.context.notes, *reading.context.warnings]
        for text in warned:
            self._tell(f"Warning: {text}")
        processes = sum(len(group.process_configs) for group in reading.groups)
        self._print(f"{self.configfile}: no errors; warnings: {len(warned)}, processes: {processes}, "
                    f"groups: {len(reading.groups)}")
        self.exit(1 if warned and self.strict else 0)

    # -- the configuration file

    def process_config(self, do_usage: bool = True) -> None:
        """Reads the file. The first time everything is settled, later only the groups change.

        With do_usage a faulty file ends the program, without it ValueError tells what is wrong first and nothing has
        changed.
        """
        try:
            reading = self._read()
            if self._reading is None:
                self._settle(reading)
                if self.check:
                    self._end_check(reading)
            else:
                self._refuse_sockets(reading)
        except ConfigError as e:
            if not do_usage:
                raise ConfigFault(e)
            self.notes = list(e.notes)
            self.errors(problem.told() for problem in e.problems)
            return
        again = self._reading is not None
        self._take(reading)
        if again:
            self._log_notes(reading)
        else:
            self._logged = list(self.parse_warnings)

    def groups_now(self) -> list[ProcessGroupConfig]:
        """What a reread would find, and nothing has changed. ValueError tells what is wrong first."""
        try:
            reading = self._read()
            self._refuse_sockets(reading)
        except ConfigError as e:
            raise ConfigFault(e)
        return reading.groups

    def read_config(self, fp: Any) -> Any:
        """Reads a file given by path or open; the values of [supervisord] are in what is returned."""
        reading = self._read_fresh(fp)
        self._settle(reading)
        self._take(reading)
        return self.configroot.supervisord

    def reread(self) -> ServerOptions:
        """What a start with the same command line would begin with now. ValueError tells all reasons why it cannot."""
        fresh = type(self)()
        fresh.first = False
        fresh.progname, fresh.doc = self.progname, self.doc
        fresh.given, fresh.args, fresh._words = self.given, self.args, self._words
        fresh.configfile = self.configfile
        reading = fresh._read()
        fresh._settle(reading)
        fresh._refuse(reading, fresh._obstacles(reading, self))
        fresh._take(reading)
        fresh.parse_warnings.extend(fresh.notes)
        return fresh

    def _obstacles(self, reading: Reading, before: ServerOptions | None = None) -> Iterator[checkup.Finding]:
        """What would keep a start from succeeding; or a reload, where much is ours already."""
        if before is None:
            yield from checkup.limit_obstacles(self)
        yield from checkup.user_obstacles(self)
        if before is None or before.logfile != self.logfile:
            yield from checkup.log_obstacles(self)
        ours, groups = (before.server_configs, before.process_group_configs) if before else ([], [])
        running = before is None and checkup.is_running(self.pidfile)
        yield from checkup.server_obstacles(self.server_configs, ours, running)
        yield from checkup.socket_obstacles(reading.context.made, groups)

    def _refuse_sockets(self, reading: Reading) -> None:
        """An update would find new FastCGI sockets that cannot be made when the old ones are gone."""
        self._refuse(reading, checkup.socket_obstacles(reading.context.made, self.process_group_configs))

    def _refuse(self, reading: Reading, findings: Iterable[checkup.Finding]) -> None:
        """Raises ConfigError when there are any."""
        if reading.parser is not None:
            for section, option, text in findings:
                problem = problem_of(ValueError(text), where(reading.parser, section, option))
                reading.context.report([problem], section, reading.parser)
        reading.context.stop_if_wrong()

    def _read(self) -> Reading:
        """The configuration as it is now: the one in force when nothing that counts has changed."""
        known = self._reading
        if known is not None and known.still_true(self._hooks()):
            return known
        return self._read_fresh(self.configfile)

    def _read_fresh(self, fp: Any) -> Reading:
        name = str(getattr(fp, "name", fp))
        here = os.path.dirname(os.path.abspath(name))
        context = Context(self, environ_names(os.environ), here, _event_type, import_spec)
        before, self._context = self._context, context
        collecting = gc.isenabled()
        gc.disable()        # a reading makes many objects and no garbage: looking for it would take a third of the time
        try:
            return read(fp, context, self, self._hooks())
        finally:
            self._context = before
            if collecting:
                gc.enable()

    def _hooks(self) -> tuple[Any, ...]:
        """The methods through which sections pass; a plugin that replaces one wants to see every section."""
        kind = type(self)
        return kind._processes_from_section, kind.processes_from_section

    def _settle(self, reading: Reading) -> None:
        """Command line over file over default, for everything but the groups."""
        given = reading.supervisord
        section = Dummy()
        values: dict[str, Any] = {"user": None}
        for row in SUPERVISORD.rows:
            value = self.given.get(row.name, given.get(row.name, row.default))
            values[row.name] = value
            setattr(section, row.name, given.get(row.name, row.default))
        values["uid"] = reading.uid
        if "user" in self.given:
            try:
                values["uid"] = name_to_uid(values["user"])
            except ValueError as e:
                raise ConfigError([Problem(str(e))])
        if values["logfile"] != "syslog":
            values["logfile"] = normalize_path(values["logfile"])
        values["pidfile"] = normalize_path(values["pidfile"])
        if values["childlogdir"] is None:
            values["childlogdir"] = housekeeping.temporary_folder()
        for name, value in values.items():
            setattr(self, name, value)
        section.server_configs = reading.servers
        section.rpcinterface_factories = reading.factories
        section.process_group_configs = reading.groups
        self.configroot.supervisord = section
        self.profile_options = self.given.get("profile_options")
        self.check, self.strict = bool(self.given.get("check")), bool(self.given.get("strict"))
        self.server_configs = reading.servers
        self.rpcinterface_factories = reading.factories
        self.factory_specs = reading.context.specs
        self.serverurl = server_url(reading.servers)
        self.here = reading.context.here
        if isinstance(self.configfile, str | os.PathLike):
            self.configfile = os.path.abspath(self.configfile)
        if any(sign.isspace() or sign == ":" for sign in self.identifier):
            self._doubt_identifier(reading)

    def _doubt_identifier(self, reading: Reading) -> None:
        text = f"{self.identifier!r} has blanks or colons, on which event listeners split the header of an event"
        if "identifier" in self.given or reading.parser is None:
            reading.context.notes.append(f"identifier: {text}")
        else:
            reading.context.note(reading.parser, "supervisord", "identifier", text)

    def _take(self, reading: Reading) -> None:
        """Puts the groups of a reading in force, and what they are expanded with."""
        if reading is self._reading:
            return
        self._reading = reading
        reading.parser, reading.context.made = None, {}
        self.process_group_configs = reading.groups
        self.environ_expansions = reading.context.environ
        self.environment = reading.context.environment
        self.parse_warnings = list(reading.context.warnings)
        self.parse_infos = list(reading.context.infos)
        self.notes = reading.context.notes

    def _log_notes(self, reading: Reading) -> None:
        """At a reread they read the log; the same trouble is told once."""
        found = [*self.notes, *self.parse_warnings, *reading.changed(self)]
        if self.logger is not None:
            for text in found:
                if text not in self._logged:
                    self.logger.warn(text)
            self._logged = found
        self.parse_warnings, self.parse_infos = [], []

    # -- one section

    def processes_from_section(self, parser: UnhosedConfigParser, section: str, group_name: str,
                               klass: type[ProcessConfig] | None = None) -> list[ProcessConfig]:
        """The processes of a section; its name and file are in the text of a ValueError."""
        try:
            return self._processes_from_section(parser, section, group_name, klass)
        except ConfigError as e:
            file = parser.section_to_file.get(section) or str(self.configfile)
            for problem in e.problems:
                problem.within(section, file).brief = True
            raise ConfigError(e.problems)
        except ValueError as e:
            file = parser.section_to_file.get(section) or str(self.configfile)
            raise ConfigError([Problem(str(e)).within(section, file)])

    def _processes_from_section(self, parser: UnhosedConfigParser, section: str, group_name: str,
                                klass: type[ProcessConfig] | None = None) -> list[ProcessConfig]:
        """What plugins replace; every section of every reading comes through here."""
        return read_processes(self._context or self._late_context(), parser, section, group_name, klass)

    def _late_context(self) -> Context:
        """For sections that a plugin reads while the daemon runs."""
        context = Context(self, self.environ_expansions, self.here or os.getcwd(), _event_type, import_spec)
        context.environment = self.environment
        return context

    # -- what plugins replace or call, and what processes ask for

    def get_signal(self) -> int | None:
        """A signal that came and was not handled yet."""
        return self.signal_receiver.get_signal()

    def cleanup_fds(self) -> None:
        """Closes what was inherited from whoever started us."""
        housekeeping.close_inherited(5, self.minfds)

    def close_httpservers(self) -> None:
        """Closes the servers and the connections to them."""
        for _, server in self.httpservers:
            server.close()

    def kill(self, pid: int, signal: int) -> None:
        """Sends a signal."""
        os.kill(pid, signal)

    def get_path(self) -> list[str]:
        """Where commands are looked for."""
        return os.environ.get("PATH", "/bin:/usr/bin:/usr/local/bin").split(os.pathsep)

    def get_autochildlog_name(self, name: str, identifier: str, channel: str) -> str:
        """A new, empty file of a name that clear_autochildlogdir() knows."""
        return housekeeping.make_child_log(self.childlogdir, f"{name}-{channel}---{identifier}-", ".log")

    def clear_autochildlogdir(self) -> None:
        """Removes automatic child logs of earlier runs."""
        for complaint in housekeeping.clear_child_logs(self.childlogdir, self.identifier):
            self.logger.warn(complaint)


def _event_type(name: str) -> type | None:
    return getattr(events.EventTypes, name, None)


def _nobody() -> None:
    """Nobody waits for a change of the mood yet."""
