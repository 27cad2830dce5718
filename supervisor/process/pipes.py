"""The pipes between a child and us, and what descriptors a child may not get.

Promise: nothing leaks when making them fails half way. Must not know what flows through them.
"""

from __future__ import annotations

import fcntl

from supervisor.engine.system import System

__all__ = ["Pipes", "close_pipes", "discard", "make_pipes", "new_pipe", "seal_descriptors"]

Pipes = dict[str, "int | None"]


def make_pipes(system: System, stdin: bool, stderr: bool) -> Pipes:
    """The pipes of a child by the names of their ends; ours do not block. Without stdin or stderr: None."""
    made: list[int] = []
    pipes: Pipes = dict.fromkeys(("stdin", "child_stdin", "stdout", "child_stdout", "stderr", "child_stderr"))
    try:
        if stdin:
            theirs, ours = new_pipe(system, made)
            system.set_blocking(ours, False)
            pipes["stdin"], pipes["child_stdin"] = ours, theirs
        for channel in ("stdout", "stderr") if stderr else ("stdout",):
            ours, theirs = new_pipe(system, made)
            system.set_blocking(ours, False)
            pipes[channel], pipes[f"child_{channel}"] = ours, theirs
    except OSError:
        for fd in made:
            discard(system, fd)
        raise
    return pipes


def new_pipe(system: System, made: list[int]) -> tuple[int, int]:
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
            discard(system, fd)


def discard(system: System, fd: int) -> None:
    """Close it. Whatever the system says to that, the descriptor is gone."""
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
