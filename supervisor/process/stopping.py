"""How a process is told to end, and other signals.

Promise: a pid that vanished meanwhile is an ordinary end. Must not know how an end is seen.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.process.base import ProcessBase
from supervisor.process.lifecycle import In
from supervisor.process.waitstatus import signame
from supervisor.states import ProcessStates

if TYPE_CHECKING:
    import traceback
else:
    traceback = Late("traceback")

__all__ = ["Stopping"]

_S = ProcessStates

# SIGKILL is repeated every stopwaitsecs, but not more often than this.
KILL_PERIOD = 1.0
# How often it is told that a stop is waited for. A little less than 2 seconds, so that the line comes before that of
# the kill when it is due together with that.
REPORT_PERIOD = 1.95


class Stopping(ProcessBase):
    """The part of a process that is signalled."""

    _group_killed = 0  # the process group that was sent SIGKILL

    def _feed(self, what: In, arg: Any = True) -> None:
        raise NotImplementedError

    def stop(self) -> str | None:
        """Have it stopped; also what is only about to start. None, or why that cannot be."""
        self.administrative_stop = True
        self.laststopreport = 0
        return self.kill(self.config.stopsignal)

    def stop_report(self) -> None:
        """Say that it is waited for, now and then."""
        if self.state == _S.STOPPING:
            now = self.world.clock.now()
            if not self.laststopreport or now >= self.laststopreport + REPORT_PERIOD:
                self.world.log.info(f"waiting for {self.config.name} to stop")
                self.laststopreport = now

    def hold(self) -> None:
        """No start of its own any more, until somebody asks for one."""
        self._held = True
        if self.state in (_S.STOPPED, _S.EXITED):
            self._disarm()

    def kill(self, sig: int) -> str | None:
        """Send a signal that is to end it. None, or why it could not be sent."""
        name, log = self.config.name, self.world.log
        if self.state == _S.BACKOFF:
            log.debug(f"Attempted to kill {name}, which is in BACKOFF state.")
            self._feed(In.STOP)
            return None
        if not self.pid:
            if self.state == _S.STARTING:
                self._feed(In.CALLED_OFF)
                return None
            if self.restart_pending():
                self._held = self.state == _S.STOPPED
                self._feed(In.STOP)
                return None
            return self._not_running(f"attempted to kill {name} with sig {signame(sig)} but it wasn't running")
        self._assertInState(_S.STARTING, _S.RUNNING, _S.STOPPING)
        as_group = self.config.killasgroup if self.state == _S.STOPPING else self.config.stopasgroup
        self.killing = True
        self._log_kill(sig, as_group)
        self._feed(In.STOP, (sig, as_group))
        return self._refusal()

    def signal(self, sig: int) -> str | None:
        """Send a signal to the process alone. None, or why it could not be sent."""
        name = self.config.name
        if not self.pid:
            return self._not_running(f"attempted to send {name} sig {signame(sig)} but it wasn't running")
        self.world.log.debug(f"sending {name} (pid {self.pid}) sig {signame(sig)}")
        self._assertInState(_S.STARTING, _S.RUNNING, _S.STOPPING)
        self._deliver(sig, self.world.system.kill, "sending sig")
        return self._refusal()

    def _not_running(self, message: str) -> str:
        self.world.log.debug(message)
        return message

    def _refusal(self) -> str | None:
        if self.state == _S.UNKNOWN:
            return f"unknown problem signalling {self.config.name} ({self.pid})"
        return None

    # Orders of the table

    def _send_stop(self, arg: tuple[int, bool]) -> None:
        sig, as_group = arg
        if as_group and sig == signal.SIGKILL:
            self._group_killed = self.pid
        self._deliver(sig, self._to_group if as_group else self.world.system.kill, "killing")

    def _send_kill(self, _: Any) -> None:
        self._log_kill(signal.SIGKILL, self.config.killasgroup)
        self._send_stop((signal.SIGKILL, self.config.killasgroup))

    def _arm_stopwait(self, _: Any) -> None:
        self._await_stop(self.config.stopwaitsecs)

    def _arm_killwait(self, _: Any) -> None:
        self._await_stop(max(self.config.stopwaitsecs, KILL_PERIOD))

    def _await_stop(self, seconds: float) -> None:
        self.delay = self.world.clock.wall() + seconds
        self._arm(seconds)

    def _log_kill(self, sig: int, as_group: bool) -> None:
        whom = " process group" if as_group else ""
        self.world.log.debug(f"killing {self.config.name} (pid {self.pid}){whom} with signal {signame(sig)}")

    def _to_group(self, pid: int, sig: int) -> None:
        """To a child and the group it should lead: one that went to another group does not escape."""
        system = self.world.system
        try:
            system.killpg(pid, sig)
        except ProcessLookupError:
            system.kill(pid, sig)
        else:
            if sig == signal.SIGKILL:
                with suppress(OSError):
                    system.kill(pid, sig)

    def _deliver(self, sig: int, send: Callable[[int, int], object], doing: str) -> None:
        try:
            send(self.pid, sig)
        except ProcessLookupError as exc:
            self.world.log.debug(f"unable to signal {self.config.name} (pid {self.pid}), "
                                 f"it probably just exited on its own: {exc}")
        except OSError:
            self.killing = False
            self.world.log.critical(
                f"unknown problem {doing} {self.config.name} ({self.pid}):{traceback.format_exc()}")
            self._feed(In.SIGNAL_FAILED)
