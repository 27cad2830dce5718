"""The loop: sleeps until a descriptor is ready or a deadline is due, and calls who asked for it.

Promise: idle means asleep, without time-out unless a timer is armed; a turn costs what happened, however many
descriptors wait; one callback's failure never hurts another. Knows nothing of what the callbacks are for.
"""

from __future__ import annotations

import heapq
from _thread import get_ident  # threading costs more to load, and nothing else of ours wants it
from collections import deque
from collections.abc import Callable
from itertools import count

from supervisor.engine.clock import Clock
from supervisor.engine.traces import one_line
from supervisor.hints import Any, Protocol
from supervisor.poller import BasePoller

__all__ = ["Log", "Loop", "Timer"]

Callback = Callable[..., object]

# What bulk work may take of one turn before descriptors are looked at again, in seconds.
BACKGROUND_SHARE = 0.0018
# What timers that are due together may take of one turn.
TIMER_SHARE = 0.02

# The level below which the log wants to hear of every single event.
_BLATHER = 3

# Cancelled timers are swept out when there are more of them than this, and more than half.
_SWEEP = 64


class Log(Protocol):
    """The part of the activity log that is used here."""

    @property
    def level(self) -> int: ...

    def critical(self, msg: str) -> object: ...

    def blather(self, msg: str) -> object: ...


class Timer:
    """A call that is due at ``when`` on the monotonic clock."""

    __slots__ = ("when", "cancelled", "_callback", "_args", "_loop")

    def __init__(self, when: float, callback: Callback, args: tuple[Any, ...], loop: Loop) -> None:
        self.when = when
        self.cancelled = False
        self._callback: Callback | None = callback
        self._args = args
        self._loop: Loop | None = loop

    def cancel(self) -> None:
        """Not to be called any more. Again, or after the call was made, it does nothing."""
        if not self.cancelled:
            self.cancelled = True
            loop = self._loop
            self._callback, self._args, self._loop = None, (), None
            if loop is not None:
                loop._timer_cancelled()


class _Interest:
    """Who wants to hear of a descriptor."""

    __slots__ = ("callback", "owner")

    def __init__(self, callback: Callback, owner: object) -> None:
        self.callback = callback
        self.owner = owner


class Loop:
    """One turn after the other, in one thread.

    Plugins may ask for calls from threads of theirs: then ``wake`` is called, because the loop may be asleep.
    """

    def __init__(self, poller: BasePoller, clock: Clock, log: Log) -> None:
        self.poller = poller
        self.clock = clock
        self.log = log
        self._readers: dict[int, _Interest] = {}
        self._writers: dict[int, _Interest] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._cancelled = 0
        self._numbers = count()
        self._soon: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._background: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._thread = get_ident()
        self.wake: Callable[[], object] = _nobody

    # Descriptors

    def add_reader(self, fd: int, callback: Callback, owner: object = None) -> None:
        """Call callback() whenever fd can be read, until remove_reader."""
        self.poller.register_readable(fd)
        self._readers[fd] = _Interest(callback, owner)

    def remove_reader(self, fd: int) -> None:
        """No more calls for reading fd. To be done before fd is closed."""
        if self._readers.pop(fd, None) is not None:
            self.poller.unregister_readable(fd)

    def add_writer(self, fd: int, callback: Callback, owner: object = None) -> None:
        """Call callback() whenever fd can be written, until remove_writer."""
        self.poller.register_writable(fd)
        self._writers[fd] = _Interest(callback, owner)

    def remove_writer(self, fd: int) -> None:
        """No more calls for writing fd. To be done before fd is closed."""
        if self._writers.pop(fd, None) is not None:
            self.poller.unregister_writable(fd)

    # Deadlines and other work

    def call_at(self, when: float, callback: Callback, *args: Any) -> Timer:
        """Call when the monotonic clock has reached when."""
        timer = Timer(when, callback, args, self)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        if get_ident() != self._thread:
            self.wake()
        return timer

    def call_later(self, delay: float, callback: Callback, *args: Any) -> Timer:
        """Call after delay seconds."""
        return self.call_at(self.clock.now() + delay, callback, *args)

    def call_soon(self, callback: Callback, *args: Any) -> None:
        """Call before the loop sleeps again, in this turn if it still can be."""
        self._soon.append((callback, args))
        if get_ident() != self._thread:
            self.wake()

    def call_background(self, callback: Callback, *args: Any) -> None:
        """Call in order, with a few milliseconds of each turn for all of this kind: spawns and other bulk."""
        self._background.append((callback, args))
        if get_ident() != self._thread:
            self.wake()

    @property
    def has_more(self) -> bool:
        """Whether something is to be called soon."""
        return bool(self._soon)

    @property
    def busy(self) -> bool:
        """Whether work is queued, or a descriptor waits for being written."""
        return bool(self._writers or self._soon or self._background)

    # The turn

    def turn(self, longest: float | None = None) -> None:
        """Wait for something to happen, at most longest seconds, and see to it."""
        if self._soon or self._background:
            longest = 0.0
        elif self._timers:
            longest = self._patience(longest)
        readables, writables = self.poller.poll(longest)
        if readables or writables:
            if self.log.level <= _BLATHER:
                self._tell(readables, writables)
            if readables:
                # Lower numbers first: signals before output, and a child's stdout before its stderr.
                readables.sort()
                self._dispatch(readables, self._readers, self.remove_reader)
            if writables:
                self._dispatch(writables, self._writers, self.remove_writer)
        if self._timers:
            self._run_timers()
        if self._soon:
            self._run_soon()
        if self._background:
            self._run_background()
            if self._soon:
                self._run_soon()

    def _patience(self, longest: float | None) -> float | None:
        """How long no timer is due."""
        timers = self._timers
        while timers and timers[0][2].cancelled:
            heapq.heappop(timers)
            self._cancelled -= 1
        if not timers:
            return longest
        wait = max(0.0, timers[0][0] - self.clock.now())
        return wait if longest is None else min(wait, longest)

    def _dispatch(self, fds: list[int], interests: dict[int, _Interest], remove: Callable[[int], None]) -> None:
        # Taken together first: an earlier callback may remove an interest, or close the descriptor and open
        # another one that gets its number. Neither may be called for an event that was not theirs.
        for fd, interest in list(zip(fds, map(interests.get, fds), strict=True)):
            if interest is None or interests.get(fd) is not interest:
                continue
            try:
                interest.callback()
            except BaseException as exc:
                self._failed(interest.owner, interest.callback, exc)
                if not hasattr(interest.owner, "close") and interests.get(fd) is interest:
                    remove(fd)

    def _run_timers(self) -> None:
        # Taken out together first: what they arm waits for the next turn, even with no delay.
        timers = self._timers
        now = self.clock.now()
        due: list[tuple[float, int, Timer]] = []
        while timers and timers[0][0] <= now:
            entry = heapq.heappop(timers)
            if entry[2].cancelled:
                self._cancelled -= 1
            else:
                entry[2]._loop = None
                due.append(entry)
        enough = now + TIMER_SHARE
        for done, (_, _, timer) in enumerate(due, 1):
            callback, args = timer._callback, timer._args
            if callback is None:
                continue
            timer.cancel()
            self._call(callback, args)
            if self.clock.now() > enough:
                self._put_back(due[done:])
                break

    def _put_back(self, entries: list[tuple[float, int, Timer]]) -> None:
        for entry in entries:
            if not entry[2].cancelled:
                entry[2]._loop = self
                heapq.heappush(self._timers, entry)

    def _run_soon(self) -> None:
        for _ in range(len(self._soon)):
            self._call(*self._soon.popleft())

    def _run_background(self) -> None:
        enough = self.clock.now() + BACKGROUND_SHARE
        for _ in range(len(self._background)):
            self._call(*self._background.popleft())
            if self.clock.now() >= enough:
                break

    def _call(self, callback: Callback, args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except BaseException as exc:
            self._failed(None, callback, exc)

    def _failed(self, owner: object, callback: Callback, exc: BaseException) -> None:
        """One line for the log; then the owner, if it can, ends what it was doing."""
        who = callback if owner is None else owner
        try:
            self.log.critical(f"uncaptured python exception, closing channel {who!r} ({one_line(exc)})")
        except MemoryError:
            pass  # there is none left to say so
        close = getattr(owner, "close", None)
        if close is not None:
            self._call(close, ())

    def _timer_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > _SWEEP and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if not entry[2].cancelled]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def _tell(self, readables: list[int], writables: list[int]) -> None:
        for verb, fds, interests in (("read", readables, self._readers), ("write", writables, self._writers)):
            for fd in fds:
                interest = interests.get(fd)
                if interest is None:
                    self.log.blather(f"unexpected {verb} event from fd {fd}")
                else:
                    self.log.blather(f"{verb} event caused by {interest.owner or interest.callback!r}")


def _nobody() -> None:
    """There is no way yet to wake the loop."""
