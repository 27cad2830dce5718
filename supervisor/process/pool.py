"""Event listener pools: listeners that share a queue of events.

Promise: an accepted event is sent, oldest first, until a listener has dealt with it; only a full buffer drops one,
and says so. What a listener does or leaves costs its own pool at most. Must not know what a listener's bytes mean.
"""

from __future__ import annotations

import errno
import sys
from collections import deque
from collections.abc import Callable

from supervisor import events
from supervisor.hints import Any
from supervisor.process.envelope import envelope, without_subtypes
from supervisor.process.eventbuffer import EventBuffer, Overflow
from supervisor.process.group import ProcessGroupBase
from supervisor.states import EventListenerStates, ProcessStates, SupervisorStates

__all__ = ["EventListenerPool", "GlobalSerial", "new_serial"]

# A listener that gave back or died of several events in a row waits longer and longer for the next, up to this.
LONGEST_PAUSE = 10.0
FIRST_PAUSE = 0.1

_DEBUG = 10
_READY = EventListenerStates.READY
_RUNNING = ProcessStates.RUNNING


class GlobalSerial:
    """Numbers of events, one row for the daemon's whole life, reloads included."""

    serial = -1


def new_serial(inst: Any) -> int:
    """The next number of a row that is kept in ``inst.serial``."""
    serial: int = 0 if inst.serial == sys.maxsize else inst.serial + 1
    inst.serial = serial
    return serial


class _Trouble:
    """How often a listener failed in a row, and until when it is left in peace."""

    __slots__ = ("count", "until")

    def __init__(self) -> None:
        self.count = 0
        self.until = 0.0

    def again(self, now: float) -> float:
        """One more failure; the pause it brings. The first is tried again at once."""
        self.count += 1
        pause = 0.0 if self.count < 2 else float(min(FIRST_PAUSE * 2 ** min(self.count - 2, 20), LONGEST_PAUSE))
        self.until = now + pause
        return pause


class EventListenerPool(ProcessGroupBase):
    """The group of an [eventlistener:x] section."""

    def __init__(self, config: Any, world: Any = None) -> None:
        super().__init__(config, world)
        self._overflow = Overflow(self)
        self.event_buffer = EventBuffer(config.buffer_size, config.buffer_maxbytes, self._overflow.dropped)
        self.serial = -1
        self._troubles: dict[str, _Trouble] = {}  # by process name
        self._retry: Any = None  # timer: a listener's pause is over
        self._dispatch_due = False
        self._to_restart: set[str] = set()
        self._removed = False
        self._subscriptions: list[tuple[type, Callable[[Any], None]]] = [
            (kind, self.accept) for kind in without_subtypes(config.pool_events)
        ]
        self._subscriptions += [
            (events.EventRejectedEvent, self.handle_rejected),
            (events.ProcessStateEvent, self._state_changed),
        ]
        for kind, callback in self._subscriptions:
            events.subscribe(kind, callback)

    @property
    def log(self) -> Any:
        return self.world.log

    def transition(self) -> None:
        super().transition()
        self.dispatch()

    def work_left(self) -> int:
        members = self.processes.values()
        in_hand = sum(one.event is not None for one in members if one.state == ProcessStates.RUNNING)
        return len(self.event_buffer) + in_hand if in_hand else 0

    def before_remove(self) -> None:
        """The pool goes: no events any more, and those that wait are dropped."""
        for subscription in self._subscriptions:
            if subscription in events.callbacks:
                events.unsubscribe(*subscription)
        self._removed = True
        self.event_buffer.clear()
        self._overflow.stop()
        if self._retry is not None:
            self._retry.cancel()
        super().before_remove()

    # Into the buffer

    def accept(self, event: Any) -> None:
        """An event of a subscribed type: number it and put it last."""
        if getattr(event, "serial", None) is None:
            event.serial = new_serial(GlobalSerial)
        event.__dict__.setdefault("pool_serials", {})[self.config.name] = new_serial(self)
        if not self.event_buffer.takes(event):
            self.dispatch()
        self.event_buffer.append(event)
        self._dispatch_soon()

    def handle_rejected(self, rejection: events.EventRejectedEvent) -> None:
        """A listener gave an event back; it matters to the pool of this very process only."""
        process = rejection.process
        if process.group is self and self.processes.get(process.config.name) is process:
            if process.state != ProcessStates.STOPPED:  # it was not told to die with its event
                self._failed(process)
            self._rebuffer(rejection.event)

    def processed(self, process: Any) -> None:
        """A listener has dealt with its event."""
        self._troubles.pop(process.config.name, None)

    def _rebuffer(self, event: Any) -> None:
        self._tell_rebuffering(event, len(self.event_buffer))
        self.event_buffer.give_back(event)
        self._dispatch_soon()

    def _tell_rebuffering(self, event: Any, others: int) -> None:
        """An event waits for another try, before all others."""
        log = self.log
        if log.level <= _DEBUG:
            pool, most = self.config.name, self.config.buffer_size
            log.debug(f"rebuffering event {event.serial} for pool {pool} (buf size={others}, max={most})")

    # Out of the buffer

    def listener_ready(self, process: Any) -> None:
        """A listener waits for an event."""
        if self.event_buffer:
            self.dispatch()

    def dispatch(self) -> None:
        """Send what waits, as long as somebody can take it."""
        if not self.event_buffer:
            return
        ready = self._ready()
        if not ready:
            return
        while self.event_buffer and ready:
            event = self.event_buffer.popleft()
            envelope = self._envelope(event)
            if envelope is None:
                continue
            while ready:
                if self._send(ready.popleft(), event, envelope):
                    break
            else:
                self.event_buffer.give_back(event)
        if self.event_buffer and self.world.log.level <= _DEBUG:
            self._tell_rebuffering(self.event_buffer[0], len(self.event_buffer) - 1)

    def _dispatch_soon(self) -> None:
        if not self._dispatch_due:
            self._dispatch_due = True
            self.world.loop.call_soon(self._dispatch_now)

    def _dispatch_now(self) -> None:
        self._dispatch_due = False
        self.dispatch()

    def _ready(self) -> deque[Any]:
        """The processes that an event can be sent to, first come first."""
        ready = deque([
            process
            for process in self.processes.values()
            if process.listener_state == _READY and process.state == _RUNNING
        ])
        if not self._troubles or not ready:
            return ready
        now = self.world.clock.now()
        pauses = {
            process.config.name: trouble.until
            for process in ready
            if (trouble := self._troubles.get(process.config.name)) and trouble.until > now
        }
        if pauses:
            ready = deque(process for process in ready if process.config.name not in pauses)
            if not ready:
                self._wake_at(min(pauses.values()))
        return ready

    def _send(self, process: Any, event: Any, envelope: bytes) -> bool:
        try:
            process.write(envelope)
        except OSError as why:
            name, serial = process.config.name, event.serial
            if why.errno == errno.EPIPE:
                self.log.debug(
                    f"epipe occurred while sending event {serial} to listener {name}, listener state unchanged"
                )
            else:
                self.log.trace(f"event {serial} could not be sent to listener {name}: {why}")
                self._wake_at(self._failed(process))
            return False
        process.listener_state = EventListenerStates.BUSY
        process.event = event
        log = self.world.log
        if log.level <= _DEBUG:
            log.debug(f"event {event.serial} sent to listener {process.config.name}")
        return True

    def _envelope(self, event: Any) -> bytes | None:
        """What goes over the pipe; None for an event that cannot be told."""
        config = self.config
        try:
            return envelope(event, self.world.settings.identifier, config.name, config.event_len == "bytes")
        except BaseException as exc:  # payloads of plugins
            self.log.error(f"pool {config.name} cannot send event {event.serial}, discarding it: {exc!r}")
            return None

    # Listeners in trouble

    def _failed(self, process: Any) -> float:
        """Note a failure; the moment from which the process is offered events again."""
        trouble = self._troubles.setdefault(process.config.name, _Trouble())
        trouble.again(self.world.clock.now())
        return trouble.until

    def _wake_at(self, when: float) -> None:
        """Look again then."""
        if self._retry is None or self._retry.cancelled or self._retry.when > when:
            if self._retry is not None:
                self._retry.cancel()
            self._retry = self.world.loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._retry = None
        self.dispatch()

    def _state_changed(self, change: events.ProcessStateEvent) -> None:
        process: Any = change.process
        if process.group is not self:
            return
        if process.state == ProcessStates.RUNNING:
            self._dispatch_soon()
        elif process.state == ProcessStates.STOPPED:
            name = process.config.name
            if name in self._to_restart:
                self._to_restart.discard(name)
                self.world.loop.call_at(self._failed(process), self._restart, process)
            else:
                self._troubles.pop(name, None)

    def listener_unknown(self, process: Any) -> None:
        """A listener broke the protocol. It stays as it is, unless the section wants it restarted."""
        if self.config.restart_unknown and process.state in (ProcessStates.RUNNING, ProcessStates.STARTING):
            self._to_restart.add(process.config.name)
            self.world.loop.call_soon(process.stop)

    def _restart(self, process: Any) -> None:
        wanted = not self._removed and self.world.settings.mood == SupervisorStates.RUNNING
        if wanted and process.state == ProcessStates.STOPPED:
            process.spawn()
