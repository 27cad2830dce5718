"""A listening socket that several children share, open exactly while somebody holds it.

Promise: the last holder to let go closes it; letting go twice counts once. Must not know processes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from supervisor.datatypes import UnixStreamSocketConfig
from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.system import System
from supervisor.hints import Any, Protocol

__all__ = ["Proxy", "ReferenceCounter", "SocketManager"]


class Proxy:
    """One hold on something shared, used like the thing itself until release()."""

    def __init__(self, shared: Any, give_back: Callable[[], object]) -> None:
        self._shared = shared
        self._give_back: Callable[[], object] | None = give_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)

    def release(self) -> None:
        """No longer needed here."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class ReferenceCounter:
    """Calls ``first()`` when a first holder comes and ``last()`` when the last one has gone."""

    def __init__(self, first: Callable[[], object], last: Callable[[], object]) -> None:
        self._first = first
        self._last = last
        self.count = 0

    def take(self) -> None:
        """One holder more; not counted when first() raises."""
        if not self.count:
            self._first()
        self.count += 1

    def give_back(self) -> None:
        """One holder less."""
        if not self.count:
            raise ValueError("given back more often than taken")
        self.count -= 1
        if not self.count:
            self._last()


class _Config(Protocol):
    @property
    def url(self) -> str: ...

    def get_backlog(self) -> int | None: ...

    def create_and_bind(self) -> socket.socket: ...


class SocketManager:
    """Opens the socket of a configuration for the first who asks and closes it after the last."""

    def __init__(self, config: _Config, log: Any = None) -> None:
        self.config = config
        self._log = log
        self._socket: socket.socket | None = None
        self.holders = ReferenceCounter(self._open, self._close)

    def hold(self) -> Proxy:
        """A hold on the socket, which listens from now on. OSError or ValueError when it cannot be made."""
        self.holders.take()
        return Proxy(self._socket, self.holders.give_back)

    def _open(self) -> None:
        self._tell("Creating")
        if isinstance(self.config, UnixStreamSocketConfig):
            refuse_planted_folder(System(), os.path.dirname(self.config.path) or ".")
        made = self.config.create_and_bind()
        try:
            made.listen(self.config.get_backlog() or socket.SOMAXCONN)
        except OSError:
            made.close()
            raise
        self._socket = made

    def _close(self) -> None:
        self._tell("Closing")
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, doing: str) -> None:
        if self._log is not None:
            self._log.info(f"{doing} socket {self.config.url}")
