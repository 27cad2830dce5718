"""Which descriptors are ready: one class per system call, the best one of this machine as ``Poller``.

Promise: registrations last until they are taken back; a descriptor that went away unannounced is
dropped, never spun on. Knows no callbacks.

Facts this rests on:
- A hang-up or error is always reported, wanted or not. It shows as readiness of what is registered,
  because the read or write that follows tells what happened.
- epoll forgets a descriptor when its last duplicate is closed. A forked copy keeps it alive, and then it
  goes on being reported: hence before_daemonize and after_daemonize build a new epoll for the child.
- A kqueue is not inherited by a child at all.
- Python retries an interrupted wait, so poll() returns only for readiness or when the time is up.
"""

from __future__ import annotations

import errno
import math
import select

from supervisor.hints import Any

__all__ = [
    "BasePoller",
    "EpollPoller",
    "KQueuePoller",
    "PollPoller",
    "Poller",
    "SelectPoller",
    "implements_epoll",
    "implements_kqueue",
    "implements_poll",
]

Ready = tuple[list[int], list[int]]

# The same module, without the claim of type stubs to know which names this machine has.
_bsd: Any = select

# Half a million seconds: far beyond any deadline, and no system call refuses it.
_LONGEST = 500_000.0


class BasePoller:
    """What is registered, and the part that all the system calls have in common."""

    def __init__(self) -> None:
        self.readables: set[int] = set()
        self.writables: set[int] = set()

    def register_readable(self, fd: int) -> None:
        """Report fd when it can be read. Again is no error."""
        if fd not in self.readables:
            self.readables.add(fd)
            try:
                self._changed(fd)
            except OSError:
                self.readables.discard(fd)
                raise

    def register_writable(self, fd: int) -> None:
        """Report fd when it can be written. Again is no error."""
        if fd not in self.writables:
            self.writables.add(fd)
            try:
                self._changed(fd)
            except OSError:
                self.writables.discard(fd)
                raise

    def unregister_readable(self, fd: int) -> None:
        """Report fd no longer for reading. Works for closed and for unknown descriptors."""
        if fd in self.readables:
            self.readables.discard(fd)
            self._less(fd)

    def unregister_writable(self, fd: int) -> None:
        """Report fd no longer for writing. Works for closed and for unknown descriptors."""
        if fd in self.writables:
            self.writables.discard(fd)
            self._less(fd)

    def poll(self, timeout: float | None) -> Ready:
        """Wait at most timeout seconds (None: for ever); (readable, writable) descriptors."""
        raise NotImplementedError

    def before_daemonize(self) -> None:
        """To be called before a fork after which the child goes on."""

    def after_daemonize(self) -> None:
        """To be called in that child."""

    def close(self) -> None:
        """Forget everything and give back what the kernel holds."""
        self.readables.clear()
        self.writables.clear()

    def _changed(self, fd: int) -> None:
        """The interest in fd is now what the two sets say."""

    def _less(self, fd: int) -> None:
        try:
            self._changed(fd)
        except OSError:
            pass  # what is reported for nothing is found out by poll()

    def _drop(self, fd: int) -> None:
        self.readables.discard(fd)
        self.writables.discard(fd)

    def _split(self, events: list[tuple[int, int]], reading: int, writing: int) -> Ready:
        """Kernel events as (readable, writable); what is neither is a hang-up or an error."""
        readables, writables = [], []
        for fd, event in events:
            trouble = event & ~(reading | writing)
            if (event & reading or trouble) and fd in self.readables:
                readables.append(fd)
            if (event & writing or trouble) and fd in self.writables:
                writables.append(fd)
        return readables, writables


class SelectPoller(BasePoller):
    """select(2): everywhere, for descriptors below 1024."""

    def poll(self, timeout: float | None) -> Ready:
        if timeout is not None:
            timeout = min(timeout, _LONGEST)
        try:
            readables, writables, _ = select.select(self.readables, self.writables, (), timeout)
        except (OSError, ValueError):
            if not self._drop_dead():
                raise
            return [], []
        return readables, writables

    def _drop_dead(self) -> bool:
        """Forget the descriptors that select refuses; whether there were any."""
        dead = []
        for fd in self.readables | self.writables:
            try:
                select.select((fd,), (), (), 0)
            except (OSError, ValueError):
                dead.append(fd)
        for fd in dead:
            self._drop(fd)
        return bool(dead)


class PollPoller(BasePoller):
    """poll(2)."""

    def __init__(self) -> None:
        super().__init__()
        self._poll = select.poll()

    def poll(self, timeout: float | None) -> Ready:
        events = self._poll.poll(None if timeout is None else math.ceil(min(timeout, _LONGEST) * 1000))
        for fd, event in events:
            if event & select.POLLNVAL:
                self._drop(fd)
                self._changed(fd)
        return self._split(events, select.POLLIN | select.POLLPRI, select.POLLOUT)

    def close(self) -> None:
        super().close()
        self._poll = select.poll()

    def _changed(self, fd: int) -> None:
        events = 0
        if fd in self.readables:
            events |= select.POLLIN | select.POLLPRI
        if fd in self.writables:
            events |= select.POLLOUT
        if events:
            self._poll.register(fd, events)
        else:
            try:
                self._poll.unregister(fd)
            except KeyError:
                pass


class EpollPoller(BasePoller):
    """epoll(7), level triggered. Its cost does not grow with the number of idle descriptors."""

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._known: set[int] = set()

    def poll(self, timeout: float | None) -> Ready:
        events = self._epoll.poll(None if timeout is None else min(timeout, _LONGEST))
        ready = self._split(events, select.EPOLLIN | select.EPOLLPRI, select.EPOLLOUT)
        if events and not ready[0] and not ready[1]:
            # Closed by its owner without a word, while a copy elsewhere keeps it alive.
            for fd, _ in events:
                self._known.add(fd)
                self._less(fd)
        return ready

    def before_daemonize(self) -> None:
        self._epoll.close()

    def after_daemonize(self) -> None:
        self._epoll = select.epoll()
        self._known.clear()
        for fd in self.readables | self.writables:
            self._changed(fd)

    def close(self) -> None:
        super().close()
        self._known.clear()
        self._epoll.close()

    def _changed(self, fd: int) -> None:
        events = 0
        if fd in self.readables:
            events |= select.EPOLLIN | select.EPOLLPRI
        if fd in self.writables:
            events |= select.EPOLLOUT
        if events:
            self._want(fd, events)
        elif fd in self._known:
            self._known.discard(fd)
            try:
                self._epoll.unregister(fd)
            except (OSError, ValueError):
                pass

    def _want(self, fd: int, events: int) -> None:
        """Register or modify. The number may have been closed and handed out again in between."""
        if fd in self._known:
            try:
                self._epoll.modify(fd, events)
                return
            except FileNotFoundError:
                pass
        try:
            self._epoll.register(fd, events)
        except FileExistsError:
            self._epoll.modify(fd, events)
        self._known.add(fd)


class KQueuePoller(BasePoller):
    """kqueue(2), of the BSD family."""

    def __init__(self) -> None:
        super().__init__()
        self._kqueue = _bsd.kqueue()

    def register_readable(self, fd: int) -> None:
        super().register_readable(fd)
        self._control(fd, _bsd.KQ_FILTER_READ, _bsd.KQ_EV_ADD)

    def register_writable(self, fd: int) -> None:
        super().register_writable(fd)
        self._control(fd, _bsd.KQ_FILTER_WRITE, _bsd.KQ_EV_ADD)

    def unregister_readable(self, fd: int) -> None:
        super().unregister_readable(fd)
        self._control(fd, _bsd.KQ_FILTER_READ, _bsd.KQ_EV_DELETE)

    def unregister_writable(self, fd: int) -> None:
        super().unregister_writable(fd)
        self._control(fd, _bsd.KQ_FILTER_WRITE, _bsd.KQ_EV_DELETE)

    def poll(self, timeout: float | None) -> Ready:
        readables, writables = [], []
        room = max(1, len(self.readables) + len(self.writables))
        for event in self._kqueue.control(None, room, timeout):
            if event.filter == _bsd.KQ_FILTER_READ:
                readables.append(event.ident)
            if event.filter == _bsd.KQ_FILTER_WRITE:
                writables.append(event.ident)
        return readables, writables

    def before_daemonize(self) -> None:
        self._kqueue.close()

    def after_daemonize(self) -> None:
        self._kqueue = _bsd.kqueue()
        for fd in self.readables:
            self._control(fd, _bsd.KQ_FILTER_READ, _bsd.KQ_EV_ADD)
        for fd in self.writables:
            self._control(fd, _bsd.KQ_FILTER_WRITE, _bsd.KQ_EV_ADD)

    def close(self) -> None:
        super().close()
        self._kqueue.close()

    def _control(self, fd: int, kind: int, flags: int) -> None:
        event = _bsd.kevent(fd, filter=kind, flags=flags)
        try:
            self._kqueue.control([event], 0)
        except OSError as exc:
            if exc.errno not in (errno.EBADF, errno.ENOENT):
                raise


def implements_epoll() -> bool:
    """Whether this machine has epoll."""
    return hasattr(select, "epoll")


def implements_kqueue() -> bool:
    """Whether this machine has kqueue."""
    return hasattr(select, "kqueue")


def implements_poll() -> bool:
    """Whether this machine has poll."""
    return hasattr(select, "poll")


Poller: type[BasePoller]
if implements_epoll():
    Poller = EpollPoller
elif implements_kqueue():
    Poller = KQueuePoller
elif implements_poll():
    Poller = PollPoller
else:
    Poller = SelectPoller
