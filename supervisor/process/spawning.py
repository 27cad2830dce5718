"""Making a child: the ways to run its program, quickest first.

Promise: a child has an empty signal mask, SIGPIPE and SIGXFSZ ignored and everything else default, and is the leader of
a process group. Must not know states or retries.

Facts this rests on:
- vfork and posix_spawn do not copy our page tables, so they cost the same however big we are, and return when the
  program runs: a signal sent afterwards reaches the program. fork_exec, by which the standard subprocess module does
  it, knows directory, umask and process group from Python 3.11 on; its arguments differ between versions.
- posix_spawn knows neither directory nor umask: they are ours for the moment of the call. glibc's leaves its two
  internal signals ignored in the child.
- fork_exec hands on the mask and what is ignored; posix_spawn sets both.
- Another user needs fork. So does a plugin's code in the child, and a command that could not be run: what the child
  says then is a promise to users, and a child must say it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from supervisor.engine.system import System
from supervisor.hints import TYPE_CHECKING
from supervisor.process.environment import child_environment, child_rows
from supervisor.process.forking import SET_DEFAULT, ExecReport, fork
from supervisor.process.pipes import discard, new_pipe, seal_descriptors

if TYPE_CHECKING:
    from supervisor.process.starting import Starting

__all__ = ["launch"]

_HERE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC | os.O_DIRECTORY
# The last arguments of fork_exec: preexec_fn, and until 3.13 whether vfork may be used.
_VFORK_TAIL = (None, True) if sys.version_info < (3, 14) else (None,)
_KNOWN_FORK_EXEC = sys.version_info >= (3, 11)


def launch(process: Starting, filename: str, argv: list[str], forked: bool) -> tuple[int, ExecReport | None]:
    """Run a program in a child with the pipes of process. The pid, and for a forked child its report.

    Raises OSError when there is no child.
    """
    world = process.world
    if world.vfork_is_clean is None:
        seal_descriptors(world.system)
        world.vfork_is_clean = _KNOWN_FORK_EXEC and _nothing_to_reset(world.system)
    if not forked and not _other_user(process):
        try:
            if world.vfork_is_clean:
                return _vfork(process, filename, argv), None
            return _posix_spawn(process, filename, argv), None
        except (OSError, ValueError, TypeError):
            pass
    return fork(process, filename, argv)


def _nothing_to_reset(system: System) -> bool:
    """Whether mask and ignored signals are as a child is to have them."""
    return not system.pthread_sigmask(signal.SIG_BLOCK, ()) and not any(
        signal.getsignal(sig) is signal.SIG_IGN for sig in SET_DEFAULT)


def _other_user(process: Starting) -> bool:
    uid = process.config.uid
    return uid is not None and uid != process.world.system.getuid()


def _vfork(process: Starting, filename: str, argv: list[str]) -> int:
    system, config = process.world.system, process.config
    stdin, stdout, stderr = process.child_descriptors()
    rows = child_rows(config, process.group, process.world)
    umask = -1 if config.umask is None else config.umask
    failed, fail = new_pipe(system, [])
    try:
        try:
            pid: int = system.fork_exec(
                argv, (os.fsencode(filename),), False, (), config.directory, rows, stdin, -1, -1, stdout, -1, stderr,
                failed, fail, False, False, 0, None, None, None, umask, *_VFORK_TAIL)
        finally:
            discard(system, fail)
        # From here on there is a child: nothing but its own word may end in a second one.
        if _was_not_run(system, failed):
            _wait_for(system, pid)
            raise OSError("not run")
    finally:
        discard(system, failed)
    return pid


def _was_not_run(system: System, failed: int) -> bool:
    """Whether the child said so. Where vfork could not be used this waits for the exec; otherwise that is over."""
    try:
        return bool(system.read(failed, 1))
    except OSError:
        return False


def _wait_for(system: System, pid: int) -> None:
    try:
        system.waitpid(pid, 0)
    except OSError:
        pass  # it will be found among the dead of nobody


def _posix_spawn(process: Starting, filename: str, argv: list[str]) -> int:
    system, config = process.world.system, process.config
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(process.child_descriptors())]
    with _standing_in(system, config.directory, config.umask):
        environment = child_environment(config, process.group, process.world)
        return system.posix_spawn(filename, argv, environment, file_actions=actions, setpgroup=0,
                                  setsigmask=(), setsigdef=SET_DEFAULT)


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
                _return_to(system, here)
    finally:
        if here >= 0:
            discard(system, here)


def _return_to(system: System, here: int) -> None:
    try:
        system.fchdir(here)
    except OSError:
        pass  # there may be a child by now, whom this does not concern
