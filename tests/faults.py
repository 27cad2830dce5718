"""An operating system that fails when a test says so: any call, by its number, with any error.

    faults = Faults()
    system = FaultySystem(FakeSystem(), faults)
    faults.at(7, errno.ENOSPC)          # the seventh call from now on
    ...
    faults.off()

``faults.calls`` names what was called since the last at() or count(). A call that fails has no effect but for
close(), whose descriptor is gone all the same, as in Linux. access() says no.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

from supervisor.engine.system import System
from supervisor.poller import PollPoller

# Calls that cannot fail, and the one that ends this process.
_NEVER = {"umask", "getpid", "getppid", "getuid", "geteuid", "getegid", "pthread_sigmask", "signal", "set_wakeup_fd",
          "_exit"}


class Faults:
    """When to fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._number = 0
        self._error = 0
        self._dice: random.Random | None = None
        self._share = 0.0
        self._errors: Sequence[int] = ()

    def count(self) -> None:
        """Only count from now on."""
        self.at(0, 0)

    off = count

    def at(self, number: int, error: int) -> None:
        """The call of this number fails, the first one being 1."""
        self.calls = []
        self._number = number
        self._error = error
        self._dice = None

    def randomly(self, dice: random.Random, share: float, errors: Sequence[int]) -> None:
        """From now on so large a share of the calls fails."""
        self.at(0, 0)
        self._dice = dice
        self._share = share
        self._errors = errors

    def due(self, name: str) -> OSError | None:
        """Whether the call that is about to be made is to fail."""
        self.calls.append(name)
        if self._dice is not None and self._dice.random() < self._share:
            error = self._dice.choice(self._errors)
            return OSError(error, os.strerror(error))
        if len(self.calls) == self._number:
            return OSError(self._error, os.strerror(self._error))
        return None


class FaultySystem(System):
    """The calls of another system, some of which fail."""

    def __init__(self, real: System, faults: Faults) -> None:
        for name in vars(System):
            if not name.startswith("__") and name not in _NEVER:
                setattr(self, name, _faulty(name, getattr(real, name), faults))
        for name in _NEVER:
            setattr(self, name, getattr(real, name))


def _faulty(name: str, call: Callable[..., Any], faults: Faults) -> Callable[..., Any]:
    def faulty(*args: Any, **kw: Any) -> Any:
        error = faults.due(name)
        if error is not None:
            if name == "access":
                return False
            if name == "close":
                call(*args, **kw)
            raise error
        return call(*args, **kw)

    return faulty


class FaultyPoller(PollPoller):
    """Registering may fail, as epoll_ctl does when there is no memory or the user has too many watches."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def register_readable(self, fd: int) -> None:
        self._fail("register")
        super().register_readable(fd)

    def register_writable(self, fd: int) -> None:
        self._fail("register")
        super().register_writable(fd)

    def _fail(self, name: str) -> None:
        error = self._faults.due(name)
        if error is not None:
            raise error
