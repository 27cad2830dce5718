"""What each signal asks of the daemon.

Promise: everything pending is seen to in one turn, in the order it came; exactly the lines that people know.
Knows not how any of it is done.
"""

from __future__ import annotations

import signal
from contextlib import suppress

from supervisor.hints import TYPE_CHECKING, Protocol
from supervisor.process.waitstatus import signame
from supervisor.states import SupervisorStates

if TYPE_CHECKING:
    from supervisor.options import ServerOptions

__all__ = ["Daemon", "SignalOrders"]

# Signals to end within this many seconds of the first are the same request.
_SAME_REQUEST = 1.0


class Daemon(Protocol):
    """What can be ordered."""

    options: ServerOptions

    def reap(self) -> None: ...

    def now(self) -> float: ...

    def request_restart(self) -> None: ...

    def hasten(self) -> None: ...

    def reopen_logs(self) -> None: ...


class SignalOrders:
    """Takes signals from the options' receiver and gives the orders."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._end_asked: float | None = None

    def deliver(self) -> None:
        """Everything that is pending. A get_signal that a plugin put in place may swallow any of it."""
        options = self._daemon.options
        for _ in range(len(options.signal_receiver)):
            sig = options.get_signal()
            if sig is not None:
                self._obey(sig)

    def _obey(self, sig: int) -> None:
        log = self._daemon.options.logger
        if sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            log.warn(f"received {signame(sig)} indicating exit request")
            self._end()
        elif sig == signal.SIGHUP:
            if self._daemon.options.mood == SupervisorStates.SHUTDOWN:
                log.warn(f"ignored {signame(sig)} indicating restart request (shutdown in progress)")
            else:
                log.warn(f"received {signame(sig)} indicating restart request")
                self._restart()
        elif sig == signal.SIGCHLD:
            # First the deaths, then the line: whoever reads the log knows this order.
            self._daemon.reap()
            log.debug(f"received {signame(sig)} indicating a child quit")
        elif sig == signal.SIGUSR2:
            log.info(f"received {signame(sig)} indicating log reopen request")
            log.info("supervisord logreopen")
            self._daemon.reopen_logs()
        else:
            log.blather(f"received {signame(sig)} indicating nothing")

    def _end(self) -> None:
        """The first one starts a shutdown; one that comes well after it hastens what is left."""
        now = self._daemon.now()
        self._daemon.options.mood = SupervisorStates.SHUTDOWN
        if self._end_asked is None:
            self._end_asked = now
        elif now - self._end_asked > _SAME_REQUEST:
            self._daemon.hasten()

    def _restart(self) -> None:
        with suppress(ValueError):      # the log says why not
            self._daemon.request_restart()
