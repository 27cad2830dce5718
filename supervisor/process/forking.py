"""The long way to a child: fork, and our own code in it until its program runs.

Promise: what users see of a failed start does not depend on how it failed; a signal that reaches the child before its
program finds no handler of ours. Must not know when this way is taken.
"""

from __future__ import annotations

import errno
import signal

from supervisor.engine.privileges import PrivilegeError, drop_privileges
from supervisor.engine.signals import forget_handlers
from supervisor.engine.system import System
from supervisor.engine.traces import compact_traceback
from supervisor.hints import TYPE_CHECKING
from supervisor.process.environment import child_environment
from supervisor.process.pipes import discard, new_pipe
from supervisor.process.world import World

if TYPE_CHECKING:
    from supervisor.process.starting import Starting

__all__ = ["ExecReport", "SET_DEFAULT", "errname", "fork", "run_program"]

# SIGPIPE and SIGXFSZ stay as Python made them: ignored. Programs rely on it.
SET_DEFAULT = frozenset(signal.valid_signals()) - {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGKILL, signal.SIGSTOP}
_FAILED = 127


def errname(exc: OSError | ValueError) -> str:
    """``ENOENT``; the number when it has no name; the text where there is no number."""
    code = getattr(exc, "errno", None)
    if code is None:
        return str(exc)
    return errno.errorcode.get(code, str(code))


class ExecReport:
    """What a forked child has to say to us in private: a pipe that a successful exec closes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._reader, self.writer = new_pipe(world.system, [])
        self.reason = ""

    def watch(self) -> None:
        """In the parent, after the fork."""
        system = self._world.system
        discard(system, self.writer)
        try:
            system.set_blocking(self._reader, False)
            self._world.loop.add_reader(self._reader, self._look, self)
        except OSError:
            pass  # it will be read at the end

    def abandon(self) -> None:
        """There was no fork."""
        discard(self._world.system, self.writer)
        self.close()

    def close(self) -> None:
        """Nothing more is wanted."""
        if self._reader >= 0:
            self._world.loop.remove_reader(self._reader)
            discard(self._world.system, self._reader)
            self._reader = -1

    def conclude(self) -> str:
        """The child is gone: why it had not become its program, '' if it had."""
        if self._reader >= 0:
            self._look()
            self.close()
        return self.reason

    def _look(self) -> None:
        try:
            data = self._world.system.read(self._reader, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.reason += data.decode("utf-8", "replace")
        else:
            self.close()


def fork(process: Starting, filename: str, argv: list[str]) -> tuple[int, ExecReport | None]:
    """A child by fork. Its pid and its report; OSError when there is none."""
    system = process.world.system
    try:
        report: ExecReport | None = ExecReport(process.world)
    except OSError:
        report = None
    # No handler of ours may run in the child.
    mask = system.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = system.fork()
    except OSError:
        system.pthread_sigmask(signal.SIG_SETMASK, mask)
        if report is not None:
            report.abandon()
        raise
    if pid == 0:
        _in_child(process, filename, argv, report)
    system.pthread_sigmask(signal.SIG_SETMASK, mask)
    if report is not None:
        report.watch()
    return pid, report


def _in_child(process: Starting, filename: str, argv: list[str], report: ExecReport | None) -> None:
    """Never returns."""
    system = process.world.system
    try:
        process.exec_report = report
        forget_handlers(system, SET_DEFAULT)
        system.pthread_sigmask(signal.SIG_SETMASK, ())
        process._spawn_as_child(filename, argv)
    finally:
        system._exit(_FAILED)


def run_program(process: Starting, filename: str, argv: list[str]) -> None:
    """In a forked child: become the program, or say why not."""
    system, report = process.world.system, process.exec_report
    system.setpgid(0, 0)
    for target, fd in enumerate(process.child_descriptors()):
        system.dup2(fd, target)
    reason = _become(process, filename, argv)
    if report is not None:
        _write(system, report.writer, reason)
    _write(system, 2, f"supervisor: {reason}\nsupervisor: child process was not spawned\n")


def _become(process: Starting, filename: str, argv: list[str]) -> str:
    """Returns only when it failed: why."""
    system, config = process.world.system, process.config
    if config.uid is not None and config.uid != system.getuid():
        try:
            drop_privileges(system, config.uid)
        except (PrivilegeError, OSError) as exc:
            return f"couldn't setuid to {config.uid}: {exc}"
    environment = child_environment(config, process.group, process.world)
    if config.directory is not None:
        try:
            system.chdir(config.directory)
        except OSError as exc:
            return f"couldn't chdir to {config.directory}: {errname(exc)}"
    try:
        if config.umask is not None:
            system.umask(config.umask)
        system.execve(filename, argv, environment)
    except OSError as exc:
        return f"couldn't exec {argv[0]}: {errname(exc)}"
    except Exception:
        (file, _, line), kind, value, _ = compact_traceback()
        return f"couldn't exec {filename}: {kind}, {value}: file: {file} line: {line}"
    raise AssertionError("exec came back")


def _write(system: System, fd: int, text: str) -> None:
    try:
        system.write(fd, text.encode("utf-8", "surrogateescape"))
    except OSError:
        pass
