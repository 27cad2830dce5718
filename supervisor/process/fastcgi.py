"""Programs that are given a listening socket as their standard input, one for all members of a section.

Promise: the socket listens exactly while a member lives, also where members share a group with other programs.
Must not know how a socket is made.
"""

from __future__ import annotations

from supervisor.hints import Any
from supervisor.process.group import ProcessGroup
from supervisor.process.subprocess import Subprocess
from supervisor.socket_manager import Proxy

__all__ = ["FastCGIProcessGroup", "FastCGISubprocess", "try_sockets"]


class FastCGISubprocess(Subprocess):
    """A member of a FastCGI section."""

    fcgi_sock: Proxy | None = None

    def wants_stdin(self) -> bool:
        """It has the socket there."""
        return False

    def child_descriptors(self) -> tuple[int, int, int]:
        """0 is the socket."""
        assert self.fcgi_sock is not None
        stdout, stderr = self.pipes["child_stdout"], self.pipes["child_stderr"]
        assert stdout is not None
        return self.fcgi_sock.fileno(), stdout, stdout if stderr is None else stderr

    def _take_shared(self) -> None:
        if self.fcgi_sock is None:
            self.fcgi_sock = self.group.socket_manager_for(socket_of(self.config, self.group)).hold()

    def _spawn_failed(self, reason: str) -> None:
        super()._spawn_failed(reason)
        if not self.pid:  # nobody started it again meanwhile
            self._let_go()

    def _bury(self) -> None:
        super()._bury()
        self._let_go()

    def _let_go(self) -> None:
        held, self.fcgi_sock = self.fcgi_sock, None
        if held is not None:
            held.release()


class FastCGIProcessGroup(ProcessGroup):
    """The group of a [fcgi-program:x] section."""


def socket_of(config: Any, group: Any) -> Any:
    """The socket's configuration: of the member where it has one, else of its group."""
    return getattr(config, "socket_config", None) or group.config.socket_config


def try_sockets(group: ProcessGroup) -> None:
    """Make and close each socket of a group once, so that one that cannot be is known at once: ValueError."""
    configs = {}
    for process in group.processes.values():
        if isinstance(process, FastCGISubprocess):
            socket_config = socket_of(process.config, group)
            configs[socket_config.url] = socket_config
    for url, socket_config in configs.items():
        try:
            group.socket_manager_for(socket_config).hold().release()
        except (OSError, ValueError) as exc:
            raise ValueError(f"Could not create FastCGI socket {url}: {exc}") from exc
