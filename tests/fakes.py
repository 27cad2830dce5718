"""Stand-ins for the clock, the operating system, the poller and the log, for tests without processes and sleeps."""

from __future__ import annotations

import os
from typing import Any

from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.engine.system import System
from supervisor.poller import BasePoller


class FakeClock(Clock):
    """Stands still until it is advanced. Wall time can also be set apart from it, as an administrator does."""

    def __init__(self, now: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall = wall

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Both clocks go on."""
        self._now += seconds
        self._wall += seconds

    def set_wall(self, wall: float) -> None:
        """The wall clock jumps; monotonic time does not."""
        self._wall = wall


class FakePoller(BasePoller):
    """Reports what a test says is ready; waiting advances the fake clock by the whole timeout."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.ready_to_read: list[int] = []
        self.ready_to_write: list[int] = []
        self.waits: list[float | None] = []

    def poll(self, timeout: float | None) -> tuple[list[int], list[int]]:
        self.waits.append(timeout)
        readables, self.ready_to_read = self.ready_to_read, []
        writables, self.ready_to_write = self.ready_to_write, []
        ready = ([fd for fd in readables if fd in self.readables], [fd for fd in writables if fd in self.writables])
        if not ready[0] and not ready[1] and timeout:
            self._clock.advance(timeout)
        return ready


class FakeLog:
    """Keeps (level name, message) of everything that was logged."""

    level = 5  # trace

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.handlers: list[Any] = []

    def _add(self, level: str, msg: str, kw: dict[str, Any]) -> None:
        self.lines.append((level, msg % kw if kw else msg))

    def critical(self, msg: str, **kw: Any) -> None:
        self._add("critical", msg, kw)

    def error(self, msg: str, **kw: Any) -> None:
        self._add("error", msg, kw)

    def warn(self, msg: str, **kw: Any) -> None:
        self._add("warn", msg, kw)

    def info(self, msg: str, **kw: Any) -> None:
        self._add("info", msg, kw)

    def debug(self, msg: str, **kw: Any) -> None:
        self._add("debug", msg, kw)

    def trace(self, msg: str, **kw: Any) -> None:
        self._add("trace", msg, kw)

    def blather(self, msg: str, **kw: Any) -> None:
        self._add("blather", msg, kw)

    @property
    def texts(self) -> list[str]:
        """The messages of debug and above."""
        return [text for level, text in self.lines if level not in ("trace", "blather")]


class FakeSystem(System):
    """Has its own processes, signals and clean descriptors; files are the real ones of a test's directory.

    ``calls`` keeps (name, *arguments) of every call that changes something outside; ``fail(name, error)`` makes
    the next such call raise.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failures: dict[str, list[OSError]] = {}
        self.pid = 100
        self.children: list[int] = []
        self.deaths: list[tuple[int, int]] = []

    def fail(self, name: str, error: OSError) -> None:
        self.failures.setdefault(name, []).append(error)

    def record(self, name: str, *args: Any) -> None:
        self.calls.append((name, *args))
        if self.failures.get(name):
            raise self.failures[name].pop(0)

    def called(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    def die(self, pid: int, status: int = 0) -> None:
        """The child is gone; waitpid will tell."""
        self.deaths.append((pid, status))

    def fork(self) -> int:
        self.record("fork")
        self.pid += 1
        self.children.append(self.pid)
        return self.pid

    def fork_exec(self, *args: Any) -> int:
        self.record("fork_exec", *args)
        self.pid += 1
        self.children.append(self.pid)
        return self.pid

    def posix_spawn(self, path: Any, argv: Any, env: Any, **kw: Any) -> int:
        self.record("posix_spawn", path, argv, env)
        self.pid += 1
        self.children.append(self.pid)
        return self.pid

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        self.record("waitpid", pid, options)
        for death in self.deaths:
            if pid in (-1, death[0]):
                self.deaths.remove(death)
                if death[0] in self.children:
                    self.children.remove(death[0])
                return death
        if not self.children:
            raise ChildProcessError(10, "No child processes")
        return 0, 0

    def listdir(self, path: Any) -> list[str]:
        if path == "/proc":
            raise FileNotFoundError(2, "No such file or directory", path)
        return os.listdir(path)

    def kill(self, pid: int, sig: int) -> None:
        self.record("kill", pid, sig)

    def killpg(self, pid: int, sig: int) -> None:
        self.record("killpg", pid, sig)


def fake_loop(log: FakeLog | None = None) -> tuple[Loop, FakePoller, FakeClock, FakeLog]:
    """A loop on a fake poller and clock."""
    clock = FakeClock()
    poller = FakePoller(clock)
    log = log or FakeLog()
    return Loop(poller, clock, log), poller, clock, log


def pipe_pair() -> tuple[int, int]:
    """A real pipe whose reading end does not block."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return reader, writer
