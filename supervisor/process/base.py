"""What a process is: its fields, its state, and who hears of a change.

Promise: no subscriber or watcher can leave a process half way between two states. Must not know why a state changes.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor import events
from supervisor.engine.loop import Timer
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.process.forking import ExecReport
from supervisor.process.pipes import Pipes
from supervisor.process.world import World, current
from supervisor.states import ProcessStates, SupervisorStates, getProcessStateDescription

if TYPE_CHECKING:
    import traceback
else:
    traceback = Late("traceback")

__all__ = ["ProcessBase"]

_S = ProcessStates
_EVENTS: dict[int, type[events.ProcessStateEvent]] = {
    _S.STOPPED: events.ProcessStateStoppedEvent,
    _S.STARTING: events.ProcessStateStartingEvent,
    _S.RUNNING: events.ProcessStateRunningEvent,
    _S.BACKOFF: events.ProcessStateBackoffEvent,
    _S.STOPPING: events.ProcessStateStoppingEvent,
    _S.EXITED: events.ProcessStateExitedEvent,
    _S.FATAL: events.ProcessStateFatalEvent,
    _S.UNKNOWN: events.ProcessStateUnknownEvent,
}


class ProcessBase:
    """Fields, state and watchers of a process. Plugins may set further attributes."""

    # What most processes have is on the class, so that a thousand of them share it.
    pid = 0
    state: int = _S.STOPPED
    group: Any = None
    laststart: float = 0
    laststop: float = 0
    laststopreport: float = 0
    delay: float = 0
    backoff = 0
    exitstatus: int | None = None
    spawnerr: str | None = None
    ending: str | None = None  # how the last run ended, in words
    killing = False
    administrative_stop = False
    system_stop = False
    listener_state: int | None = None
    event: Any = None
    exec_report: ExecReport | None = None
    _timer: Timer | None = None
    _deadline = 0.0  # of the timer, monotonic
    _started = 0.0  # the last spawn, monotonic
    _started_wall: float = 0  # what laststart was set to then
    _queued = False  # a call of transition() that may spawn is in the loop's queue
    _held = False  # stopped before its first start: no autostart
    _watchers: tuple[Callable[[Any, int], object], ...] = ()

    def __init__(self, config: Any, world: World | None = None) -> None:
        self.config = config
        self.world = world or current()
        self.dispatchers: dict[int, Any] = {}
        self.pipes: Pipes = {}

    def __repr__(self) -> str:
        name = getProcessStateDescription(self.state)
        # Whatever the class: people look for this text in their logs.
        return f"<Subprocess at {id(self)} with name {self.config.name} in state {name}>"

    def __lt__(self, other: ProcessBase) -> bool:
        return bool(self.config.priority < other.config.priority)

    def get_state(self) -> int:
        """A number of ProcessStates."""
        return self.state

    def change_state(self, new_state: int, expected: bool = True) -> bool:
        """Take a state, from whichever, and tell it. False, and nothing is told, when it is the state already."""
        if new_state == self.state:
            return False
        self._announce(new_state, expected)
        self._tell_watchers()
        return True

    def watch(self, callback: Callable[[Any, int], object]) -> None:
        """Have callback(process, new_state) called after each change of state."""
        self._watchers = (*self._watchers, callback)

    def unwatch(self, callback: Callable[[Any, int], object]) -> None:
        """Undo one watch(); nothing happens when there was none."""
        watchers = list(self._watchers)
        if callback in watchers:
            watchers.remove(callback)
            self._watchers = tuple(watchers)

    def transition(self) -> None:
        """See whether something is due. Called at deadlines; may be called at any time."""
        raise NotImplementedError

    def wants_spawn(self) -> bool:
        """Whether transition() would start it."""
        raise NotImplementedError

    def _announce(self, new_state: int, expected: bool) -> None:
        old_state, self.state = self.state, new_state
        event_class = _EVENTS.get(new_state)
        if event_class is not None:
            self._guarded(events.notify, event_class(self, old_state, expected))

    def _tell_watchers(self) -> None:
        for callback in self._watchers:
            self._guarded(callback, self, self.state)

    def _guarded(self, callback: Callable[..., object], *args: Any) -> None:
        """Foreign code: what it raises must not leave this process half way between two states."""
        try:
            callback(*args)
        except BaseException:
            self.world.log.critical(f"{callback!r} failed for {self.config.name}: {traceback.format_exc()}")

    def _assertInState(self, *states: int) -> None:
        if self.state not in states:
            wanted = " ".join(str(getProcessStateDescription(state)) for state in states)
            now = getProcessStateDescription(self.state)
            raise AssertionError(f"Assertion failed for {self.config.name}: {now} not in {wanted}")

    # Deadlines

    def _arm(self, seconds: float) -> None:
        self._deadline = self.world.clock.now() + seconds
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.world.loop.call_at(self._deadline, self._due)

    def _due(self) -> None:
        self._timer = None
        if self.state in (_S.BACKOFF, _S.EXITED):
            self.queue()
        else:
            self.transition()

    def _disarm(self, _: Any = None) -> None:
        self._queued = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def queue(self) -> None:
        """Have transition() called when the loop has room for a spawn."""
        if not self._queued:
            self._queued = True
            self.world.loop.call_background(self._queue_reached)

    def _queue_reached(self) -> None:
        if self._queued:
            self._queued = False
            self.transition()

    def scheduled(self) -> bool:
        """Whether transition() is going to be called by itself."""
        return self._queued or self._timer is not None

    def restart_pending(self) -> bool:
        """Whether it is down but about to be started, by autorestart or autostart. stop() holds it down."""
        return self.state in (_S.STOPPED, _S.EXITED) and (self.scheduled() or self.wants_spawn())

    def _allowed(self) -> bool:
        """Whether the daemon lets programs start on their own."""
        return bool(self.world.settings.mood == SupervisorStates.RUNNING)
