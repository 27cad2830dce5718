"""A child's stdout or stderr on its way to its log.

Promise: every byte is logged once, in order, and all that was in the pipe at death before the death is told; one read
per call, so that a flood starves nobody; where nobody looks at the bytes they are moved in large pieces, untouched.
Must not know states or protocols.

A pipe takes 64 KiB when it is made. One that was found full is enlarged (F_SETPIPE_SZ): then one read moves up to
1 MiB, which halves the cost. All pipes of an unprivileged user may take 64 MiB together, so the kernel may refuse.
"""

from __future__ import annotations

import fcntl

from supervisor import events
from supervisor.dispatchers.ansi import AnsiStripper
from supervisor.dispatchers.base import LARGE_PIPE, PASSING, PIPE, PDispatcher, enlarge_pipe, read_piece
from supervisor.dispatchers.capture import Capture, Found, LastBytes
from supervisor.dispatchers.sinks import WholeCharacters, as_message, child_log, to_syslog
from supervisor.engine.loop import Timer
from supervisor.engine.system import PIECE
from supervisor.hints import Any

__all__ = ["POutputDispatcher"]

# Seconds for which output of others is still read after a child is gone.
GRACE = 5.0
# Seconds until it is tried again to have the loop look after the pipe.
_AGAIN = 1.0

_F_GETPIPE_SZ = getattr(fcntl, "F_GETPIPE_SZ", None)
_DEBUG = 10


class _Memory:
    """All dispatchers read into the same memory when the bytes go straight on; as much as the largest pipe takes."""

    __slots__ = ("buffer", "view")

    def __init__(self) -> None:
        self.hold(PIPE)

    def hold(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)


_memory = _Memory()


class POutputDispatcher(PDispatcher):
    """``event_type`` is the class of the events for captured sections; its channel is ours."""

    # What most have is on the class, so that a thousand of them share it.
    _stripper: AnsiStripper | None = None
    _to_syslog = False
    _log_event: Any = None
    _capture: Capture | None = None
    _characters: WholeCharacters | None = None  # once somebody wants text
    _large = False  # the pipe was enlarged, or cannot be
    _paused = False
    _starved = False  # there was no memory, and that was told
    _attached = False
    _pid = 0  # of a child that is gone
    _grace: Timer | None = None

    def __init__(self, process: Any, event_type: Any, fd: int) -> None:
        super().__init__(process, event_type.channel, fd)
        self.event_type = event_type
        world, config, channel = process.world, process.config, self.channel
        self._system = world.system
        self._loop = world.loop
        if world.settings.strip_ansi:
            self._stripper = AnsiStripper()
        if getattr(config, f"{channel}_syslog"):
            self._to_syslog = True
        if getattr(config, f"{channel}_events_enabled"):
            self._log_event = events.ProcessLogStdoutEvent if channel == "stdout" else events.ProcessLogStderrEvent
        maxbytes = getattr(config, f"{channel}_capture_maxbytes")
        if maxbytes:
            self._capture = Capture()
            self._section = LastBytes(maxbytes)
            self._section_stripper = AnsiStripper()
        self.logfile = child_log(process, channel)

    # The loop

    def readable(self) -> bool:
        return not self.closed and not self._paused

    def attach(self) -> None:
        self._attached = True
        super().attach()

    def handle_read_event(self) -> None:
        """One read."""
        log = self.logfile
        if log is None or not log.congested:
            try:
                self._read()
            except MemoryError:
                self._starve()
                return
        if log is not None and log.congested and not self.closed:
            self._pause()

    def drain(self) -> bool:
        """Read what is in the pipe now; whether that was its end. False means that others hold the pipe."""
        left = self._capacity()
        while left > 0 and not self.closed:
            count = self._read()
            if not count:
                break
            left -= count
        return self.closed

    def linger(self, seconds: float = GRACE) -> None:
        """The child is gone, others hold its pipe: go on until they are gone too, for so long at most."""
        if not self.closed and self._grace is None:
            self._pid = self.process.pid
            self._grace = self._loop.call_later(seconds, self.close)

    def close(self) -> None:
        """The end: what waited for more is logged."""
        if self.closed:
            return
        self._finish()
        super().close()
        if self._grace is not None:
            self._grace.cancel()
        if self.logfile is not None:
            if self.logfile.congested:
                self.logfile.wait(self._loop, _nothing)
            self.logfile.close()

    def reopenlogs(self) -> None:
        """Somebody renamed the log: begin a new one."""
        if self.logfile is not None:
            self.logfile.reopen()

    def removelogs(self) -> None:
        """Clear the log. OSError when it cannot be removed."""
        if self.logfile is not None:
            self.logfile.clear()

    # Reading

    def _read(self) -> int:
        """One read and what follows from it; the number of bytes, 0 when there are none now or any more."""
        try:
            data: bytes | memoryview
            if self._is_bare():
                count = self._system.readv(self.fd, [_memory.buffer])
                data = _memory.view[:count]
                if self._capture is not None and not self._capture.is_idle(_memory.buffer, count):
                    data = bytes(data)
            else:
                data = read_piece(self._system, self.fd, PIECE)
        except OSError as exc:
            if exc.errno in PASSING:
                return 0
            data = b""  # EIO: the other end of a terminal is closed; the rest would not get better either
        count = len(data)
        if not count:
            self._finish()
            self.tell_closed()
            self.close()
            return 0
        if count >= PIPE and not self._large:
            self._enlarge()
        self._take(data)
        return count

    def _is_bare(self) -> bool:
        """Whether output goes straight into the file, or nowhere."""
        return (
            self._stripper is None
            and not self._to_syslog
            and not self._is_told()
            and getattr(self._log, "__func__", None) is _own_log
        )

    def _enlarge(self) -> None:
        self._large = True
        if enlarge_pipe(self._system, self.fd) and len(_memory.buffer) < LARGE_PIPE:
            try:
                _memory.hold(LARGE_PIPE)
            except MemoryError:
                pass  # it goes on with what it has

    def _capacity(self) -> int:
        if _F_GETPIPE_SZ is not None:
            try:
                return int(self._system.fcntl(self.fd, _F_GETPIPE_SZ))
            except OSError:
                pass
        return LARGE_PIPE

    def _pause(self) -> None:
        """Whoever reads the log is behind: leave the bytes in the pipe until it has caught up."""
        assert self.logfile is not None
        self._paused = True
        self._loop.remove_reader(self.fd)
        self.logfile.wait(self._loop, self._resume)

    def _starve(self) -> None:
        """There is no memory for what is in the pipe: leave it there for a while."""
        if self.closed:
            return
        if not self._starved:
            self._starved = True
            self.process.world.log.warn(
                f"no memory to read {self.channel} of {self.process.config.name}; it is read when there is some")
        self._paused = True
        self._loop.remove_reader(self.fd)
        self._loop.call_later(_AGAIN, self._resume)

    def _resume(self) -> None:
        self._paused = False
        if not self._attached or self.closed:
            return
        try:
            self._loop.add_reader(self.fd, self.handle_read_event, self)
        except OSError:
            self._paused = True
            self._loop.call_later(_AGAIN, self._resume)  # no memory for it, or too many watches

    # Stages

    def _take(self, data: Any) -> None:
        if self._capture is None or isinstance(data, memoryview):
            self._log(data)
            return
        for kind, piece in self._capture.feed(data):
            if kind is Found.OUTPUT:
                self._log(piece)
            elif kind is Found.CAPTURED:
                self._keep(piece)
            else:
                self._tell_section()

    def _finish(self) -> None:
        """No more comes: what waited in the stages goes on."""
        if self._capture is not None:
            rest = self._capture.finish()
            if rest:
                self._log(rest)
        if self._characters is not None and (rest := self._characters.finish()):
            self._tell_text(rest)

    def _log(self, data: Any) -> None:
        """All output outside of captured sections passes here; plugins replace this method on the class."""
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        if self._stripper is not None:
            data = self._stripper.feed(data)
        if not data:
            return
        if self.logfile is not None:
            self.logfile.write(data)
        if self._to_syslog:
            to_syslog(self.process.config.name, data)
        if self._is_told():
            if self._characters is None:
                self._characters = WholeCharacters()
            data = self._characters.feed(bytes(data))
            if data:
                self._tell_text(data)

    def _is_told(self) -> bool:
        """Whether somebody wants the output as text."""
        if self._log_event is not None and events.wanted(self._log_event):
            return True
        return bool(self.process.world.log.level <= _DEBUG)

    def _tell_text(self, data: bytes) -> None:
        """Output for those who want text."""
        self._tell_debug(data)
        if self._log_event is not None and events.wanted(self._log_event):
            events.notify(self._log_event(self.process, self._pid or self.process.pid, data))

    def _tell_debug(self, data: bytes) -> None:
        log = self.process.world.log
        if log.level <= _DEBUG:
            log.debug(f"{self.process.config.name!r} {self.channel} output:\n{as_message(data)}")

    def _keep(self, data: bytes) -> None:
        """Output inside of a captured section."""
        if self._stripper is not None:
            data = self._section_stripper.feed(data)
        if data:
            self._tell_debug(data)
            self._section.add(data)

    def _tell_section(self) -> None:
        """A captured section has ended."""
        data = self._section.take()
        self._section_stripper = AnsiStripper()
        self.process.world.log.debug(f"{self.process.config.name!r} {self.channel} emitted a comm event")
        events.notify(self.event_type(self.process, self._pid or self.process.pid, data))


_own_log = POutputDispatcher._log


def _nothing() -> None:
    """For a log that is closed while its last bytes are still on their way."""
