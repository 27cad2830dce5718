"""Signals as ordinary work of the loop.

Promise: a signal wakes the loop at once and everything pending is delivered in that turn; nothing but the
noting of a number happens in a handler. Knows not what a signal means.

Facts this rests on:
- Python retries an interrupted wait, so a handler alone does not end it: set_wakeup_fd does, and C code writes
  to it at the moment of the signal, before the Python handler runs.
- A full wakeup pipe loses nothing: there is something to read in it, and the numbers are in the receiver.
- No signal is blocked and no handler is set beyond those asked for; children see both. A mask is inherited, so that a
  daemon may be born deaf.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from types import FrameType

from supervisor.engine.loop import Loop
from supervisor.engine.system import System

__all__ = ["CAUGHT", "SignalDoor", "SignalReceiver", "forget_handlers", "stay_deaf"]

# What the daemon catches. Everything else keeps its default disposition.
CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)


class SignalReceiver:
    """Signals that came, each kind once, in the order of their first arrival."""

    def __init__(self) -> None:
        self._pending: list[int] = []

    def receive(self, sig: int, frame: FrameType | None) -> None:
        """The handler. Does as little as a handler should."""
        if sig not in self._pending:
            self._pending.append(sig)

    def get_signal(self) -> int | None:
        """The oldest signal, which is then no longer pending; None when there is none."""
        return self._pending.pop(0) if self._pending else None

    def __len__(self) -> int:
        return len(self._pending)


class SignalDoor:
    """Lets signals into the loop: `deliver` is called in a turn of the loop after signals came."""

    def __init__(self, loop: Loop, system: System, deliver: Callable[[], object]) -> None:
        self._loop = loop
        self._system = system
        self._deliver = deliver
        self._reader, self._writer = system.pipe()
        for fd in (self._reader, self._writer):
            system.set_blocking(fd, False)
        loop.add_reader(self._reader, self._came)
        loop.wake = self.ring

    def open(self, receive: Callable[[int, FrameType | None], None], signals: Iterable[int] = CAUGHT) -> None:
        """Catch the signals from now on, also those that whoever started us had blocked."""
        self._system.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for sig in signals:
            self._system.signal(sig, receive)
        self._system.pthread_sigmask(signal.SIG_SETMASK, ())

    def close(self) -> None:
        """No longer wake the loop. The handlers stay, so that what comes meanwhile is noted and nobody dies of it."""
        self._system.set_wakeup_fd(-1)
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        os.close(self._writer)

    def ring(self) -> None:
        """Wake the loop from another thread."""
        try:
            self._system.write(self._writer, b"\0")
        except OSError:
            pass  # full: it wakes anyway; closed: nobody is to be woken any more

    def _came(self) -> None:
        try:
            while len(self._system.read(self._reader, 4096)) == 4096:
                pass
        except OSError:
            pass  # nothing more now; what came is known to the receiver
        self._deliver()


def forget_handlers(system: System, signals: Iterable[int] = CAUGHT) -> None:
    """For a forked child: the default dispositions, and no writing to the parent's wakeup pipe."""
    system.set_wakeup_fd(-1)
    for sig in signals:
        system.signal(sig, signal.SIG_DFL)


def stay_deaf(system: System, signals: Iterable[int] = CAUGHT) -> None:
    """For the very end: Python gives caught signals their default dispositions before it exits, but leaves ignored
    ones alone, so that a request to stop which comes too late does not become the cause of the end."""
    for sig in signals:
        if sig != signal.SIGCHLD:
            system.signal(sig, signal.SIG_IGN)
