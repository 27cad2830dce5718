"""Descriptors of plugins that replaced get_process_map to have them polled.

Promise: while it is replaced it is asked once per turn, and what it returns beyond our own is watched as its
`readable` and `writable` say. Knows nothing of what such a dispatcher does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from supervisor.engine.loop import Log, Loop
from supervisor.engine.traces import one_line
from supervisor.hints import Any

__all__ = ["ForeignDispatchers"]


class _Watched:
    """One foreign dispatcher; the loop's owner of its descriptor, so that failures reach handle_error."""

    def __init__(self, loop: Loop, fd: int, dispatcher: Any) -> None:
        self._loop = loop
        self._fd = fd
        self.dispatcher = dispatcher
        self._reading = False
        self._writing = False

    def refresh(self) -> None:
        closed = getattr(self.dispatcher, "closed", False)
        reading = not closed and bool(self.dispatcher.readable())
        writing = not closed and bool(self.dispatcher.writable())
        if reading != self._reading:
            self._reading = reading
            if reading:
                self._loop.add_reader(self._fd, self._read, self.dispatcher)
            else:
                self._loop.remove_reader(self._fd)
        if writing != self._writing:
            self._writing = writing
            if writing:
                self._loop.add_writer(self._fd, self._write, self.dispatcher)
            else:
                self._loop.remove_writer(self._fd)

    def forget(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._fd)
        if self._writing:
            self._loop.remove_writer(self._fd)
        self._reading = self._writing = False

    def _read(self) -> None:
        try:
            self.dispatcher.handle_read_event()
        except BaseException:
            self.dispatcher.handle_error()

    def _write(self) -> None:
        try:
            self.dispatcher.handle_write_event()
        except BaseException:
            self.dispatcher.handle_error()


class ForeignDispatchers:
    """Keeps the loop's registrations in step with what a replaced get_process_map returns."""

    def __init__(self, loop: Loop, log: Log) -> None:
        self._loop = loop
        self._log = log
        self._watched: dict[int, _Watched] = {}
        self._failed: object = None

    def refresh(self, ask: Callable[[], Mapping[int, Any]], ours: Mapping[int, Any]) -> None:
        """Ask, and watch what is not ours. One that raises is told about and not asked again."""
        if ask == self._failed:
            return
        try:
            self._refresh({fd: found for fd, found in ask().items() if ours.get(fd) is not found})
        except BaseException as exc:
            self._failed = ask
            self.forget_all()
            self._log.critical(f"uncaptured python exception in {ask!r}, it is not asked any more ({one_line(exc)})")

    def _refresh(self, wanted: Mapping[int, Any]) -> None:
        for fd, watched in list(self._watched.items()):
            if wanted.get(fd) is not watched.dispatcher:
                del self._watched[fd]
                watched.forget()
        for fd, dispatcher in wanted.items():
            if fd not in self._watched:
                self._watched[fd] = _Watched(self._loop, fd, dispatcher)
        for watched in self._watched.values():
            watched.refresh()

    def forget_all(self) -> None:
        """The replacement is gone, or the run ends."""
        for watched in self._watched.values():
            watched.forget()
        self._watched.clear()
