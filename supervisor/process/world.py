"""The collaborators of processes and groups, handed in as one object, and the one in force for plugins.

Promise: nothing in this package reads the options object or calls the operating system but through what is here.
Must not know who made it.
"""

from __future__ import annotations

from supervisor import events
from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.engine.system import System
from supervisor.engine.traces import one_line
from supervisor.hints import Any, Protocol
from supervisor.process.aftermath import Aftermath

__all__ = ["Log", "Settings", "World", "current", "install"]


class Settings(Protocol):
    """What of the daemon's options matters here; read at each use, because it changes while the daemon runs."""

    identifier: str
    strip_ansi: bool
    loglevel: int
    serverurl: str | None
    mood: int


class Log(Protocol):
    """The activity log."""

    level: int

    def critical(self, msg: str, **kw: Any) -> object: ...

    def error(self, msg: str, **kw: Any) -> object: ...

    def warn(self, msg: str, **kw: Any) -> object: ...

    def info(self, msg: str, **kw: Any) -> object: ...

    def debug(self, msg: str, **kw: Any) -> object: ...

    def trace(self, msg: str, **kw: Any) -> object: ...

    def blather(self, msg: str, **kw: Any) -> object: ...


class World:
    """One per run of the daemon."""

    def __init__(self, loop: Loop, system: System, clock: Clock, log: Any, settings: Any,
                 pidhistory: dict[int, Any] | None = None) -> None:
        self.loop = loop
        self.system = system
        self.clock = clock
        self.log = log
        self.settings = settings
        self.pidhistory: dict[int, Any] = {} if pidhistory is None else pidhistory
        self.aftermath = Aftermath(loop, system, log, self.pidhistory)
        # Whether signals are as children are to inherit them; found out at the first spawn.
        self.vfork_is_clean: bool | None = None

    def subscriber_failed(self, event: object, exc: BaseException) -> None:
        """A subscriber, most likely a plugin's, raised."""
        what = f"a subscriber to {type(event).__name__}"
        self.log.critical(f"uncaptured python exception in {what} ({one_line(exc)})")


_current: World | None = None


def install(world: World | None) -> None:
    """Make this the world of objects that are made without one, as plugins do, and of events."""
    global _current
    _current = world
    events.report_to(None if world is None else world.subscriber_failed)


def current() -> World:
    """The world in force; an error says so when there is none."""
    if _current is None:
        raise RuntimeError("no daemon is running in this process: processes and groups need a World")
    return _current
