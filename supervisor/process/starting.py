"""How a process comes to have a child.

Promise: a start either has a child or says why not in spawnerr, and nothing of a failed one is left. Must not know
what happens later.
"""

from __future__ import annotations

import errno

from supervisor.hints import Any
from supervisor.process import channels, forking
from supervisor.process.base import ProcessBase
from supervisor.process.commands import find_program, split_command
from supervisor.process.errors import ProcessException
from supervisor.process.lifecycle import In
from supervisor.process.pipes import close_pipes
from supervisor.process.spawning import launch

__all__ = ["Starting"]


class Starting(ProcessBase):
    """The part of a process that starts."""

    def _feed(self, what: In, arg: Any = True) -> None:
        raise NotImplementedError

    def get_execv_args(self) -> tuple[str, list[str]]:
        """(file, argv) of the command as it is now; one of the ProcessException family when it cannot be run."""
        argv = split_command(self.config.command)
        return find_program(self.world.system, argv[0], self.config.get_path), argv

    def _spawn(self, _: Any) -> None:
        """Carry out Do.SPAWN."""
        name = self.config.name
        try:
            self._take_shared()
            filename, argv = self.get_execv_args()
            self._open_channels()
        except ProcessException as exc:
            self._spawn_failed(str(exc.args[0]))
            return
        except (OSError, ValueError) as exc:
            if isinstance(exc, OSError) and exc.errno == errno.EMFILE:
                self._spawn_failed(f"too many open files to spawn '{name}'")
            else:
                self._spawn_failed(f"unknown error making dispatchers for '{name}': {forking.errname(exc)}")
            return
        try:
            self.pid, self.exec_report = launch(self, filename, argv, self._forks())
        except OSError as exc:
            self._close_channels()
            if exc.errno == errno.EAGAIN:
                self._spawn_failed(f"Too many processes in process table to spawn '{name}'")
            else:
                self._spawn_failed(f"unknown error during fork for '{name}': {forking.errname(exc)}")
            return
        self.world.pidhistory[self.pid] = self
        close_pipes(self.world.system, self.pipes, ("child_stdin", "child_stdout", "child_stderr"))
        self.world.log.info(f"spawned: '{name}' with pid {self.pid}")
        self._feed(In.SPAWNED)

    def _spawn_failed(self, reason: str) -> None:
        self.spawnerr = reason
        self.world.log.info(f"spawnerr: {reason}")
        self._feed(In.SPAWN_FAILED)

    def _take_shared(self) -> None:
        """Take hold of what it shares with others, before its command is looked at."""

    def _open_channels(self) -> None:
        channels.open_channels(self)

    def _close_channels(self) -> None:
        channels.close_channels(self)

    def _forks(self) -> bool:
        """Whether somebody put code of theirs between fork and exec."""
        # Asking for __dict__ would make one, of every process for its whole life.
        return getattr(self._spawn_as_child, "__func__", None) is not _OWN_CHILD_CODE

    def _spawn_as_child(self, filename: str, argv: list[str]) -> None:
        """In a forked child: become the program. Returns when that failed and was told."""
        forking.run_program(self, filename, argv)

    def wants_stdin(self) -> bool:
        """Whether descriptor 0 of the child is a pipe from us."""
        return True

    def child_descriptors(self) -> tuple[int, int, int]:
        """What the child will have as 0, 1 and 2."""
        pipes = self.pipes
        stdin, stdout, stderr = pipes["child_stdin"], pipes["child_stdout"], pipes["child_stderr"]
        assert stdin is not None and stdout is not None
        return stdin, stdout, stdout if stderr is None else stderr


_OWN_CHILD_CODE = Starting._spawn_as_child
