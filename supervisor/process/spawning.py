"""Making a child: its pipes, and the two ways to run its program.

Promise: a child holds descriptors 0, 1 and 2 only, an empty signal mask, SIGPIPE and SIGXFSZ ignored and everything
else default; nothing leaks from an attempt that fails. Must not know states or retries.

Facts this rests on:
- posix_spawn does not copy our page tables, so it costs the same however big we are, and returns when the program
  runs: a signal sent afterwards reaches the program. It can set neither user, directory nor umask. Directory and
  umask are ours for the moment of the call; another user needs fork.
- fork reports a failed exec through the child only; posix_spawn through us only. What a child says then is a promise
  to users, so a command that posix_spawn could not run is run again by fork, to say it.
- Descriptors from Python are close-on-exec; those we were started with may not be.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from supervisor.engine.privileges import PrivilegeError, drop_privileges
from supervisor.engine.signals import forget_handlers
from supervisor.engine.system import System
from supervisor.engine.traces import compact_traceback
from supervisor.process.world import World

if TYPE_CHECKING:
    from supervisor.process.starting import Starting

__all__ = ["ExecReport", "Pipes", "close_pipes", "errname", "launch", "make_pipes", "run_program", "seal_descriptors"]

Pipes = dict[str, "int | None"]

# Stay as Python made them: ignored. Programs rely on it.
_LEFT_IGNORED = {signal.SIGPIPE, signal.SIGXFSZ}
_SET_DEFAULT = frozenset(signal.valid_signals()) - _LEFT_IGNORED - {signal.SIGKILL, signal.SIGSTOP}
_HERE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC | os.O_DIRECTORY
_POSIX_SPAWN = hasattr(os, "posix_spawn") and sys.platform.startswith(("linux", "darwin", "freebsd"))
_FAILED = 127


def errname(exc: OSError) -> str:
    """``ENOENT``; the number when it has no name."""
    code = exc.errno or 0
    return errno.errorcode.get(code, str(code))


# Descriptors


def make_pipes(system: System, stdin: bool, stderr: bool) -> Pipes:
    """The pipes of a child by the names of their ends; ours do not block. Without stdin or stderr: None."""
    made: list[int] = []
    pipes: Pipes = dict.fromkeys(("stdin", "child_stdin", "stdout", "child_stdout", "stderr", "child_stderr"))
    try:
        if stdin:
            theirs, ours = _pipe(system, made)
            system.set_blocking(ours, False)
            pipes["stdin"], pipes["child_stdin"] = ours, theirs
        for channel in ("stdout", "stderr") if stderr else ("stdout",):
            ours, theirs = _pipe(system, made)
            system.set_blocking(ours, False)
            pipes[channel], pipes[f"child_{channel}"] = ours, theirs
    except OSError:
        for fd in made:
            system.close(fd)
        raise
    return pipes


def _pipe(system: System, made: list[int]) -> tuple[int, int]:
    reader, writer = system.pipe()
    made += (reader, writer)
    # The numbers that a child's descriptors will have must not be taken by what is to be moved there.
    return (reader, writer) if min(reader, writer) > 2 else (_lift(system, made, reader), _lift(system, made, writer))


def _lift(system: System, made: list[int], fd: int) -> int:
    if fd > 2:
        return fd
    higher: int = system.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    made.append(higher)
    made.remove(fd)
    system.close(fd)
    return higher


def close_pipes(system: System, pipes: Pipes, ends: tuple[str, ...]) -> None:
    """Close these ends, as far as they are open; they are None afterwards."""
    for name in ends:
        fd = pipes.get(name)
        if fd is not None:
            pipes[name] = None
            try:
                system.close(fd)
            except OSError:
                pass


def seal_descriptors(system: System) -> None:
    """Let no descriptor that we were started with reach a child. To be done once: later ones are ours."""
    try:
        fds = [int(name) for name in system.listdir("/proc/self/fd")]
    except OSError:
        fds = list(range(3, 1024))
    for fd in fds:
        if fd > 2:
            try:
                system.set_inheritable(fd, False)
            except OSError:
                pass


# Why a forked child did not become its program


class ExecReport:
    """What a forked child has to say to us in private: a pipe that a successful exec closes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._reader, self.writer = _pipe(world.system, [])
        self.reason = ""

    def watch(self) -> None:
        """In the parent, after the fork."""
        system = self._world.system
        system.close(self.writer)
        system.set_blocking(self._reader, False)
        self._world.loop.add_reader(self._reader, self._look, self)

    def abandon(self) -> None:
        """There was no fork."""
        self._world.system.close(self.writer)
        self.close()

    def close(self) -> None:
        """Nothing more is wanted."""
        if self._reader >= 0:
            self._world.loop.remove_reader(self._reader)
            self._world.system.close(self._reader)
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
        if data:
            self.reason += data.decode("utf-8", "replace")
        else:
            self.close()


# The parent's side


def launch(process: Starting, filename: str, argv: list[str], forked: bool) -> tuple[int, ExecReport | None]:
    """Run a program in a child with the pipes of process. The pid, and for a forked child its report.

    Raises OSError when there is no child.
    """
    if _POSIX_SPAWN and not forked and not _other_user(process):
        try:
            return _posix_spawn(process, filename, argv), None
        except (OSError, ValueError, TypeError):
            pass
    return _fork(process, filename, argv)


def _other_user(process: Starting) -> bool:
    uid = process.config.uid
    return uid is not None and uid != process.world.system.getuid()


def _posix_spawn(process: Starting, filename: str, argv: list[str]) -> int:
    system, config = process.world.system, process.config
    dup2 = os.POSIX_SPAWN_DUP2
    actions = [(dup2, fd, target) for target, fd in enumerate(process.child_descriptors())]
    environment = process.child_environment()
    if config.directory is None and config.umask is None:
        return system.posix_spawn(filename, argv, environment, file_actions=actions, setpgroup=0, setsigmask=(),
                                  setsigdef=_SET_DEFAULT)
    with _standing_in(system, config.directory, config.umask):
        return system.posix_spawn(filename, argv, environment, file_actions=actions, setpgroup=0, setsigmask=(),
                                  setsigdef=_SET_DEFAULT)


@contextmanager
def _standing_in(system: System, directory: str | None, umask: int | None) -> Iterator[None]:
    """Have the directory and umask that a child is to inherit."""
    here = system.open(".", _HERE) if directory is not None else -1
    try:
        if directory is not None:
            system.chdir(directory)
        before = system.umask(umask) if umask is not None else 0
        try:
            yield
        finally:
            if umask is not None:
                system.umask(before)
            if here >= 0:
                system.fchdir(here)
    finally:
        if here >= 0:
            system.close(here)


def _fork(process: Starting, filename: str, argv: list[str]) -> tuple[int, ExecReport | None]:
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


# The child's side of a fork


def _in_child(process: Starting, filename: str, argv: list[str], report: ExecReport | None) -> None:
    """Never returns."""
    system = process.world.system
    try:
        process.exec_report = report
        forget_handlers(system, _SET_DEFAULT)
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
    environment = process.child_environment()
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
