"""One program and its child: carries out what the table of its life says.

Promise: what the table orders is done in its order, whatever a subscriber, a watcher or a plugin does meanwhile; spawn,
transition, finish and _spawn_as_child are reached through the instance, because plugins replace them.
Must not know groups' rules, RPC or how descriptors are watched.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from supervisor import events
from supervisor.datatypes import RestartUnconditionally
from supervisor.hints import Any
from supervisor.process import channels, lifecycle
from supervisor.process.lifecycle import Do, In
from supervisor.process.starting import Starting
from supervisor.process.stopping import Stopping
from supervisor.process.waitstatus import decode_wait_status
from supervisor.states import ProcessStates

__all__ = ["Subprocess"]

_S = ProcessStates
_TOO_QUICKLY = "Exited too quickly (process log may have details)"

# A program that lived shorter than this is taken for one that cannot work, and is not restarted at once when it does
# so again: FIRST_PAUSE seconds later, twice as long the next time, LONGEST_PAUSE at most.
SHORT_LIFE = 0.01
FIRST_PAUSE = 0.0125
LONGEST_PAUSE = 0.1


class Subprocess(Starting, Stopping):
    """One process of a group. Plugins may set further attributes."""

    _short_lives = 0
    _remains: Sequence[Any] = ()  # output of the last child that its own children may still write

    # The table at work

    def _feed(self, what: In, arg: Any = True) -> None:
        """Go the table's step for what happened. arg: expected for an exit, (signal, as group) for a stop."""
        step = lifecycle.step(self.state, what)
        told = False
        for order in step.orders:
            if order is Do.TELL:
                self._announce(step.to, arg if what is In.EXITED else True)
                told = True
                if Do.BURY not in step.orders:
                    self._tell_watchers()
            elif order is Do.BURY:
                self._bury()
                self._tell_watchers()
            elif not told or self.state == step.to:
                _PERFORM[order](self, arg)
            # Otherwise a subscriber moved it on, and what belongs to this state is void.

    def _count_failure(self, _: Any) -> None:
        self.backoff += 1

    def _forget_failures(self, _: Any) -> None:
        self.backoff = 0
        self.delay = 0

    def _arm_startsecs(self, _: Any) -> None:
        startsecs = self.config.startsecs
        self.delay = self.laststart + startsecs
        if startsecs > 0:
            self._arm(startsecs)
        else:
            # After the spawns that wait, so that the starts of a batch are told before its successes.
            self.world.loop.call_background(self._startsecs_over)

    def _startsecs_over(self) -> None:
        if self.state == _S.STARTING:
            self.transition()

    def _arm_backoff(self, _: Any) -> None:
        self.delay = self.world.clock.wall() + self.backoff
        self._arm(self.backoff if self.backoff <= self.config.startretries else 0)

    def _arm_restart(self, _: Any) -> None:
        if not self._allowed() or not self._restart_wanted():
            return
        if self._short_lives > 1:
            self._arm(min(FIRST_PAUSE * 2 ** min(self._short_lives - 2, 8), LONGEST_PAUSE))
        else:
            self.queue()

    # Starting

    def spawn(self) -> int | None:
        """Start it. The pid, or None: spawnerr says why. To be called in a state that knows a start."""
        if self.pid:
            self.world.log.warn(f"process '{self.config.name}' already running")
            return None
        lifecycle.step(self.state, In.START)
        clock = self.world.clock
        self.killing = self.system_stop = self.administrative_stop = self._held = False
        self.spawnerr = self.exitstatus = None
        self.laststart = self._started_wall = clock.wall()
        self._started = clock.now()
        self._feed(In.START)
        return self.pid or None

    def wants_spawn(self) -> bool:
        """Whether transition() would start it."""
        if self._held or not self._allowed():
            return False
        if self.state == _S.STOPPED:
            return not self.laststart and bool(self.config.autostart)
        if self.state == _S.EXITED:
            return self._restart_wanted()
        return (self.state == _S.BACKOFF and self.backoff <= self.config.startretries
                and self.world.clock.now() >= self._deadline)

    def _restart_wanted(self) -> bool:
        autorestart = self.config.autorestart
        if not autorestart:
            return False
        return autorestart is RestartUnconditionally or self.exitstatus not in self.config.exitcodes

    # As time goes by

    def transition(self) -> None:
        """See whether something is due. Called at deadlines; may be called at any time."""
        if self.wants_spawn():
            self.spawn()
            return  # what follows is for the next call, before which a plugin may change laststart
        state = self.state
        if state == _S.STARTING:
            self._see_startsecs()
        elif state == _S.BACKOFF:
            if self.backoff > self.config.startretries:
                self.world.log.info(f"gave up: {self.config.name} entered FATAL state, "
                                    "too many start retries too quickly")
                self.give_up()
        elif state == _S.STOPPING and self.pid and self.world.clock.now() >= self._deadline:
            self.world.log.warn(f"killing '{self.config.name}' ({self.pid}) with SIGKILL")
            self._feed(In.STOP_OVERDUE)

    def _see_startsecs(self) -> None:
        startsecs = self.config.startsecs
        left = startsecs - self._uptime()
        if self.pid and left <= 0:
            self.world.log.info(f"success: {self.config.name} entered RUNNING state, process has stayed up for "
                                f"> than {startsecs} seconds (startsecs)")
            self._feed(In.STAYED_UP)
        elif self.pid and self._timer is None:
            self._arm(left)

    def _uptime(self) -> float:
        """Seconds since the last start; as plugins will have it when they assigned to laststart."""
        if self.laststart == self._started_wall:
            return self.world.clock.now() - self._started
        return self.world.clock.wall() - self.laststart

    def give_up(self) -> None:
        """From BACKOFF to FATAL."""
        self._assertInState(_S.BACKOFF)
        self._feed(In.RETRIES_SPENT)

    # The end

    def finish(self, pid: int, sts: int) -> None:
        """The child was reaped with this wait status."""
        channels.drain(self)
        config, now = self.config, self.world.clock.now()
        reason = self._exec_failure()
        status, how = decode_wait_status(sts)
        self.ending = how
        if self.state == _S.STARTING and config.startsecs <= 0:
            self.transition()  # even one that died at once has run
        self.laststop = self.world.clock.wall()
        self._short_lives = self._short_lives + 1 if now - self._started < SHORT_LIFE else 0
        state, expected = self.state, status in config.exitcodes
        if state == _S.STOPPING:
            self.exitstatus = status
            self.delay = 0
            self._log_end("stopped", how, expected)
            self._feed(In.EXITED)
            if self._group_killed != pid:  # what SIGKILL reached is gone
                self.world.aftermath.look_after(config.name, pid)
        elif state == _S.STARTING and self._died_early(pid):
            self.spawnerr = _TOO_QUICKLY + reason
            self.world.log.warn(f"exited: {config.name} ({how}; not expected)")
            self._feed(In.DIED_EARLY)
        else:
            if state == _S.STARTING:
                self._feed(In.STAYED_UP)
            self._exited(status, how, expected, reason)

    def _exited(self, status: int, how: str, expected: bool, reason: str) -> None:
        self.exitstatus = status
        if not expected:
            self.spawnerr = f"Bad exit code {status}{reason}"
        self._log_end("exited", f"{how}; {'expected' if expected else 'not expected'}", expected)
        if self.state in (_S.RUNNING, _S.UNKNOWN):
            self._feed(In.EXITED, expected)
        else:  # a plugin put it into a state of its own choice
            self._bury()
            self._tell_watchers()

    def _log_end(self, word: str, how: str, expected: bool) -> None:
        log = self.world.log
        (log.info if expected else log.warn)(f"{word}: {self.config.name} ({how})")

    def _exec_failure(self) -> str:
        """What to add to spawnerr when the child had not become its program."""
        report, self.exec_report = self.exec_report, None
        reason = report.conclude() if report is not None else ""
        return f": {reason}" if reason else ""

    def _died_early(self, pid: int) -> bool:
        uptime = self._uptime()
        if self.laststart != self._started_wall and uptime <= 0:
            self.world.log.warn(
                f"process '{self.config.name}' ({pid}) laststart time is in the future, don't know how long process "
                "was running so assuming it did not exit too quickly")
            return False
        return bool(uptime < self.config.startsecs)

    def _bury(self) -> None:
        """There is no child any more."""
        self._remains = channels.bury(self, self._remains)
        self.pid = 0
        self.killing = False
        event, self.event = self.event, None
        if event is not None:
            self._guarded(events.notify, events.EventRejectedEvent(self, event))

    # Descriptors

    def write(self, chars: bytes) -> None:
        """Send bytes to its standard input; OSError EPIPE when there is none, or a stop is under way."""
        stdin = self.pipes.get("stdin")
        dispatcher = self.dispatchers.get(stdin) if stdin is not None else None
        if not self.pid or self.killing or dispatcher is None or dispatcher.closed:
            raise OSError(errno.EPIPE, "Process already closed")
        dispatcher.write(chars)

    def drain(self) -> None:
        """Read everything that its pipes hold now."""
        channels.drain(self)

    def reopenlogs(self) -> None:
        """Open its logs anew, under their names."""
        for dispatcher in self._logging():
            dispatcher.reopenlogs()

    def removelogs(self) -> None:
        """Empty its logs."""
        for dispatcher in self._logging():
            dispatcher.removelogs()

    def _logging(self) -> list[Any]:
        everything = (*self.dispatchers.values(), *self._remains)
        return [one for one in everything if hasattr(one, "reopenlogs") and not one.closed]

    def retire(self) -> None:
        """Its group goes: it will not start again on its own, and what it still holds is given back."""
        self.hold()
        for dispatcher in self._remains:
            dispatcher.close()
        self._remains = ()


_PERFORM: dict[Do, Callable[[Subprocess, Any], None]] = {
    Do.COUNT_FAILURE: Subprocess._count_failure,
    Do.FORGET_FAILURES: Subprocess._forget_failures,
    Do.SPAWN: Subprocess._spawn,
    Do.SEND_STOP: Subprocess._send_stop,
    Do.SEND_KILL: Subprocess._send_kill,
    Do.ARM_STARTSECS: Subprocess._arm_startsecs,
    Do.ARM_BACKOFF: Subprocess._arm_backoff,
    Do.ARM_RESTART: Subprocess._arm_restart,
    Do.ARM_STOPWAIT: Subprocess._arm_stopwait,
    Do.ARM_KILLWAIT: Subprocess._arm_killwait,
    Do.DISARM: Subprocess._disarm,
}
