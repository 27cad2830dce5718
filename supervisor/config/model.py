"""What a configuration comes to: processes and groups, as plugins and the daemon see them.

Objects stay writable (plugins change commands and lists) and compare by what was configured. A value equal to the
default lives on the class, so a thousand programs share it. Must not know: files, text, how a process is run.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.config.tables import PROGRAM
from supervisor.datatypes import Automatic, SocketConfig
from supervisor.hints import Any

__all__ = ["Config", "EventListenerConfig", "EventListenerPoolConfig", "FastCGIGroupConfig", "FastCGIProcessConfig",
           "Makers", "ProcessConfig", "ProcessGroupConfig", "makers"]


class Makers:
    """Who makes live objects from configurations; the domain puts itself in."""

    process: Callable[[Any, Any], Any]
    group: Callable[[Any], Any]


makers = Makers()


class Config:
    """Something with a priority and a name, in whose order things start."""

    name: str
    priority: int

    def __lt__(self, other: Config) -> bool:
        return (self.priority, self.name) < (other.priority, other.name)

    def __le__(self, other: Config) -> bool:
        return (self.priority, self.name) <= (other.priority, other.name)

    def __gt__(self, other: Config) -> bool:
        return (self.priority, self.name) > (other.priority, other.name)

    def __ge__(self, other: Config) -> bool:
        return (self.priority, self.name) >= (other.priority, other.name)

    def __repr__(self) -> str:
        return f"<{type(self)} instance at {id(self)} named {self.name}>"


class ProcessConfig(Config):
    """One process: each parameter is an attribute."""

    options: Any
    uid: int | None = None
    command: str
    directory: str | None
    umask: int | None
    autostart: bool
    autorestart: Any
    startsecs: int
    startretries: int
    stdout_logfile: Any
    stdout_capture_maxbytes: int
    stdout_events_enabled: bool
    stdout_syslog: bool
    stdout_logfile_backups: int
    stdout_logfile_maxbytes: int
    stderr_logfile: Any
    stderr_capture_maxbytes: int
    stderr_logfile_backups: int
    stderr_logfile_maxbytes: int
    stderr_events_enabled: bool
    stderr_syslog: bool
    stopsignal: int
    stopwaitsecs: int
    stopasgroup: bool
    killasgroup: bool = False
    exitcodes: list[int]
    redirect_stderr: bool
    environment: dict[str, str] | None = None
    serverurl: str | None = None
    socket_config: SocketConfig | None = None
    touched = False             # a plugin assigned to an attribute
    generated: dict[str, str] = {}       # made up log names by attribute

    req_param_names = (
        "name", "uid", "command", "directory", "umask", "priority", "autostart", "autorestart", "startsecs",
        "startretries", "stdout_logfile", "stdout_capture_maxbytes", "stdout_events_enabled", "stdout_syslog",
        "stdout_logfile_backups", "stdout_logfile_maxbytes", "stderr_logfile", "stderr_capture_maxbytes",
        "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_events_enabled", "stderr_syslog", "stopsignal",
        "stopwaitsecs", "stopasgroup", "killasgroup", "exitcodes", "redirect_stderr")
    optional_param_names = ("environment", "serverurl")

    def __init__(self, options: Any, **params: Any) -> None:
        for name in self.req_param_names:
            if name not in params:
                raise KeyError(name)
        self._fill(options, params)

    @classmethod
    def made(cls, options: Any, params: dict[str, Any]) -> ProcessConfig:
        """One from the parameters that are not as the defaults have them."""
        config = cls.__new__(cls)
        config._fill(options, params)
        return config

    def _fill(self, options: Any, params: dict[str, Any]) -> None:
        mine = self.__dict__
        mine["options"] = options
        defaults = _DEFAULTS
        for name, value in params.items():
            if name not in defaults or value != defaults[name] or type(value) is not type(defaults[name]):
                mine[name] = value
        if "exitcodes" not in mine:
            mine["exitcodes"] = list(_DEFAULTS["exitcodes"])

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        if name in _COMPARED:
            self.__dict__["touched"] = True

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, ProcessConfig):
            return False
        if self.__dict__ == other.__dict__:
            return True
        names = _COMPARED.intersection((*self.__dict__, *other.__dict__))
        return all(self.configured(name) == other.configured(name) for name in names)

    __hash__ = None  # type: ignore[assignment]

    def configured(self, name: str) -> Any:
        """A parameter as the file has it: a log name made up here counts as Automatic."""
        value = getattr(self, name)
        if name in self.generated and value == self.generated[name]:
            return Automatic
        return (value or {}) if name == "environment" else value

    def get_path(self) -> list[str]:
        """Where a command without a slash is looked for."""
        path = (self.environment or {}).get("PATH")
        return path.split(":") if path is not None else list(self.options.get_path())

    def create_autochildlogs(self) -> None:
        """Gives each log that is Automatic its file; standard error has none when redirected."""
        for channel in ("stdout", "stderr"):
            name = f"{channel}_logfile"
            if getattr(self, name) is Automatic:
                redirected = channel == "stderr" and self.redirect_stderr
                path = None if redirected else self.options.get_autochildlog_name(
                    self.name, self.options.identifier, channel)
                self.__dict__[name] = path
                if path is not None:
                    self.__dict__["generated"] = {**self.generated, name: path}

    def make_process(self, group: Any = None) -> Any:
        """The live process of this configuration."""
        return makers.process(self, group)


_DEFAULTS: dict[str, Any] = {"uid": None, "killasgroup": False, "environment": None, "socket_config": None}
_DEFAULTS.update((row.name, row.default) for row in PROGRAM.rows
                 if row.name in ProcessConfig.req_param_names + ProcessConfig.optional_param_names
                 and row.name not in _DEFAULTS and not row.required)
for _name, _value in _DEFAULTS.items():
    if _name != "exitcodes":
        setattr(ProcessConfig, _name, _value)
_COMPARED = frozenset((*ProcessConfig.req_param_names, *ProcessConfig.optional_param_names, "socket_config"))


class EventListenerConfig(ProcessConfig):
    """One process of an event listener pool."""


class FastCGIProcessConfig(ProcessConfig):
    """One process that is given a listening socket as its standard input."""


class ProcessGroupConfig(Config):
    """Processes commanded together."""

    def __init__(self, options: Any, name: str, priority: int, process_configs: list[ProcessConfig]) -> None:
        self.options = options
        self.name = name
        self.priority = priority
        self.process_configs = process_configs

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, ProcessGroupConfig):
            return False
        return self._facts() == other._facts() and self.process_configs == other.process_configs

    __hash__ = None  # type: ignore[assignment]

    def _facts(self) -> tuple[Any, ...]:
        return self.name, self.priority

    def after_setuid(self) -> None:
        """What has to wait until the user was switched: the log files that are made up."""
        for config in self.process_configs:
            config.create_autochildlogs()

    def make_group(self) -> Any:
        """The live group of this configuration."""
        return makers.group(self)


class EventListenerPoolConfig(ProcessGroupConfig):
    """A pool of event listeners that share a queue."""

    def __init__(self, options: Any, name: str, priority: int, process_configs: list[ProcessConfig], buffer_size: int,
                 pool_events: list[type], result_handler: Callable[..., Any], event_len: str = "characters",
                 restart_unknown: bool = False, result_maxbytes: int = 1024 * 1024,
                 buffer_maxbytes: int = 64 * 1024 * 1024) -> None:
        super().__init__(options, name, priority, process_configs)
        self.buffer_size = buffer_size
        self.pool_events = pool_events
        self.result_handler = result_handler
        self.event_len = event_len
        self.restart_unknown = restart_unknown
        self.result_maxbytes = result_maxbytes
        self.buffer_maxbytes = buffer_maxbytes

    def _facts(self) -> tuple[Any, ...]:
        return (*super()._facts(), self.buffer_size, self.pool_events, self.result_handler, self.event_len,
                self.restart_unknown, self.result_maxbytes, self.buffer_maxbytes)


class FastCGIGroupConfig(ProcessGroupConfig):
    """Processes that share one listening socket."""

    def __init__(self, options: Any, name: str, priority: int, process_configs: list[ProcessConfig],
                 socket_config: SocketConfig) -> None:
        super().__init__(options, name, priority, process_configs)
        self.socket_config = socket_config

    def _facts(self) -> tuple[Any, ...]:
        return (*super()._facts(), self.socket_config)
