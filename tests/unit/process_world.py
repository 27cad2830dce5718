"""A world of fakes for processes: a loop on a fake clock and a system whose children die when a test says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from supervisor import events
from supervisor.config.model import FastCGIProcessConfig, ProcessConfig
from supervisor.datatypes import RestartWhenExitUnexpected
from supervisor.process.fastcgi import FastCGISubprocess
from supervisor.process.subprocess import Subprocess
from supervisor.process.world import World
from supervisor.states import SupervisorStates
from tests.fakes import FakeLog, FakeSystem, fake_loop

DEFAULTS: dict[str, Any] = {
    "name": "cat", "command": "/bin/cat", "directory": None, "umask": None, "uid": None, "priority": 999,
    "environment": None, "serverurl": None, "redirect_stderr": False, "exitcodes": [0],
    "autostart": True, "autorestart": RestartWhenExitUnexpected, "startsecs": 1, "startretries": 3,
    "stopsignal": 15, "stopwaitsecs": 10, "stopasgroup": False, "killasgroup": False,
}
for _channel in ("stdout", "stderr"):
    DEFAULTS[f"{_channel}_logfile"] = None
    for _option in ("capture_maxbytes", "logfile_backups", "logfile_maxbytes"):
        DEFAULTS[f"{_channel}_{_option}"] = 0
    for _option in ("events_enabled", "syslog"):
        DEFAULTS[f"{_channel}_{_option}"] = False


class Scene:
    """The world, and what a test does to it."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.log.level = 20
        self.loop, self.poller, self.clock, _ = fake_loop(self.log)
        self.system = FakeSystem()
        self.settings = SimpleNamespace(
            identifier="supervisor", strip_ansi=False, loglevel=20, serverurl=None, mood=SupervisorStates.RUNNING)
        self.world = World(self.loop, self.system, self.clock, self.log, self.settings)
        self.world.vfork_is_clean = True
        self.told: list[tuple[str, int, Any]] = []
        self.processes: list[Subprocess] = []
        events.clear()
        events.subscribe(events.ProcessStateEvent, self._hear)

    def _hear(self, event: Any) -> None:
        name = events.getEventNameByType(type(event)) or ""
        self.told.append((name.removeprefix("PROCESS_STATE_"), event.from_state, dict(event.extra_values)))

    @property
    def states(self) -> list[str]:
        """The states that were announced."""
        return [name for name, _, _ in self.told]

    def config(self, **changes: Any) -> ProcessConfig:
        kind = FastCGIProcessConfig if "socket_config" in changes else ProcessConfig
        socket_config = changes.pop("socket_config", None)
        config = kind(SimpleNamespace(get_path=lambda: ["/bin", "/usr/bin"]), **{**DEFAULTS, **changes})
        if socket_config is not None:
            config.socket_config = socket_config
        return config

    def process(self, **changes: Any) -> Subprocess:
        config = self.config(**changes)
        kind = FastCGISubprocess if isinstance(config, FastCGIProcessConfig) else Subprocess
        process = kind(config, self.world)
        self.processes.append(process)
        return process

    def pass_time(self, seconds: float) -> None:
        """Let time go by, deadline by deadline."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.loop.turn(end - self.clock.now())
        self.settle()

    def settle(self) -> None:
        """Do what is due now."""
        for _ in range(4):
            self.loop.turn(0)

    def reap(self, process: Subprocess, status: int = 0) -> None:
        """The child of process is gone, with this wait status."""
        pid = process.pid
        self.world.pidhistory.pop(pid, None)
        process.finish(pid, status)

    def close(self) -> None:
        events.clear()
        for process in self.processes:
            process._bury()
            process.retire()
