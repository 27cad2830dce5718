"""Following logs over HTTP.

Promise: each byte once and in order, through rotation, clearing and truncation, at the pace of the client; a quiet log
costs one stat a second, however many follow it. Knows no process but its config's log files.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from supervisor.engine.loop import Loop, Timer
from supervisor.engine.system import PIECE, SHORTAGES
from supervisor.hints import Any
from supervisor.http.request import deferring_http_request
from supervisor.http.response import build_http_date
from supervisor.logfile import follow
from supervisor.logread import open_log
from supervisor.process.lookup import find_process
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = ["logtail_handler", "mainlogtail_handler", "tail_f_producer"]

_HEAD = 1024
_LARGEST_HEAD = 16 * 1024 * 1024
# Bytes kept for a client that keeps up while their file goes; a log is truncated after one read of output at most.
_MOST_AHEAD = 2 * 1024 * 1024
# Pieces of them below this are put together.
_SMALL = 64 * 1024
# How often files are looked at that others may write, in seconds.
_PERIOD = 1.0
_TRUNCATED = b"==> File truncated <==\n"


class _Watch:
    """One file under its name, for all who follow it."""

    _all: dict[tuple[int, str], _Watch] = {}

    def __init__(self, loop: Loop, path: str) -> None:
        self._loop = loop
        self._path = path
        self._followers: dict[tail_f_producer, None] = {}
        self._seen = _look_at(path)
        self._soon = False
        self._cancel: Callable[[], object] = follow(path, self._written)
        self._timer: Timer = loop.call_later(_PERIOD, self._periodic)

    @property
    def inode(self) -> tuple[int, ...]:
        """Of the file that had the name at the last look."""
        return self._seen[:2]

    @classmethod
    def join(cls, loop: Loop, path: str, follower: tail_f_producer) -> _Watch:
        key = (id(loop), path)
        watch = cls._all.get(key)
        if watch is None:
            watch = cls._all[key] = cls(loop, path)
        watch._followers[follower] = None
        return watch

    def leave(self, follower: tail_f_producer) -> None:
        self._followers.pop(follower, None)
        if not self._followers and self._all.pop((id(self._loop), self._path), None) is self:
            self._cancel()
            self._timer.cancel()

    def _written(self) -> None:
        """By this daemon; several times in a turn are one look."""
        for follower in list(self._followers):
            try:
                follower.read_ahead()
            except OSError:
                pass  # who writes has no part in it; the follower meets it again when it reads
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self._look)

    def _periodic(self) -> None:
        self._timer = self._loop.call_later(_PERIOD, self._periodic)
        self._look()

    def _look(self) -> None:
        self._soon = False
        seen = _look_at(self._path)
        if seen != self._seen:
            self._seen = seen
            for follower in list(self._followers):
                follower.changed(seen)


class tail_f_producer:
    """What is at the end of a file, then what is added to it."""

    wakes = True

    def __init__(self, request: deferring_http_request, filename: str, head: int) -> None:
        self.request = request
        self.filename = filename
        # The position in the file up to which it was given.
        self.sz = 0
        # Read because it might be truncated before the client takes it.
        self._ahead: deque[bytes] = deque()
        self._ahead_size = 0
        self._fd, found = open_log(filename)
        self._inode = _inode_of(found)
        self.modified = found.st_mtime
        self.sz = max(0, found.st_size - head)
        self._watch: _Watch | None = _Watch.join(request.server.loop, filename, self)
        request.on_close(self.close)

    def more(self) -> Any:
        """The next bytes, or NOT_DONE_YET; it never ends by itself."""
        if self._watch is None:
            return b""
        while True:
            data = self._taken() or self._read()
            if data:
                return data
            if _size(self._fd) < self.sz:
                self._restart()
            elif self._watch.inode == self._inode or not self._move_on():
                return NOT_DONE_YET

    def read_ahead(self) -> None:
        """Something was written, and may be truncated next: a client that keeps up shall not miss it."""
        if not self.request.channel.keeps_up:
            return
        if _size(self._fd) < self.sz:
            self._restart()
        while self._ahead_size < _MOST_AHEAD and (data := self._read()):
            self._keep(data)

    def changed(self, seen: tuple[int, ...]) -> None:
        """The file of that name is now (device, inode, size, mtime), or is not there: ()."""
        if seen and seen[:2] == self._inode and seen[2] < self.sz:
            # Told now: by the time the client takes more, it may have grown past the position again.
            self._restart()
        self.request.channel.wake()

    def close(self) -> None:
        """Nobody listens any more."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.leave(self)
            os.close(self._fd)

    def _read(self) -> bytes:
        data = os.pread(self._fd, PIECE, self.sz)
        self.sz += len(data)
        return data

    def _keep(self, data: bytes) -> None:
        self._ahead_size += len(data)
        if self._ahead and len(self._ahead[-1]) < _SMALL:
            self._ahead[-1] += data
        else:
            self._ahead.append(data)

    def _taken(self) -> bytes:
        """The first of what was kept."""
        data = self._ahead.popleft() if self._ahead else b""
        self._ahead_size -= len(data)
        return data

    def _restart(self) -> None:
        self.sz = 0
        self._keep(_TRUNCATED)

    def _move_on(self) -> bool:
        """The file at hand is used up: open the one that came after it, if any did."""
        try:
            found = os.stat(self.filename)
        except OSError:
            return False
        if _inode_of(found) == self._inode:
            return False
        try:
            fd, found = open_log(self._successor())
        except OSError:
            return False
        # What was written between the last read and the rotation is still to be given.
        if _size(self._fd) > self.sz:
            os.close(fd)
            return True
        os.close(self._fd)
        self._fd = fd
        self._inode = _inode_of(found)
        self.sz = 0
        return True

    def _successor(self) -> str:
        """The name of the file that was begun after the one at hand.

        Rotation keeps the last ones as NAME.1 (the youngest), NAME.2 and so on; a slow client may be several behind.
        """
        last_write = os.fstat(self._fd).st_mtime_ns
        successor = self.filename
        number = 0
        while True:
            number += 1
            name = f"{self.filename}.{number}"
            try:
                found = os.stat(name)
            except OSError:
                return successor
            if _inode_of(found) == self._inode or found.st_mtime_ns < last_write:
                return successor
            successor = name


class _tail_handler:
    """The part that both kinds of logs have in common."""

    IDENT = "Tail HTTP Request Handler"
    prefix = ""

    def __init__(self, supervisord: Any) -> None:
        self.supervisord = supervisord

    def match(self, request: deferring_http_request) -> bool:
        path = request.split_uri()[0]
        return path == self.prefix or path.startswith(self.prefix + "/")

    def handle_request(self, request: deferring_http_request) -> None:
        if request.command != "GET":
            request["Allow"] = "GET"
            request.error(405)
            return
        logfile = self.logfile(request)
        if logfile is None:
            request.error(404)
            return
        try:
            producer = tail_f_producer(request, logfile, _beginning(request))
        except OSError as error:
            # Without descriptors nobody can tell whether it is there.
            request.error(503 if error.errno in SHORTAGES else 404)
            return
        request["Last-Modified"] = build_http_date(producer.modified)
        request["Content-Type"] = "text/plain;charset=utf-8"
        request["X-Content-Type-Options"] = "nosniff"
        # What comes before is not sent: for pages that offer more.
        request["X-Log-Offset"] = producer.sz
        self.more_headers(request)
        request.push(producer)
        request.done()

    def logfile(self, request: deferring_http_request) -> str | None:
        """The file that is asked for; None if there is none."""
        raise NotImplementedError

    def more_headers(self, request: deferring_http_request) -> None:
        """Headers of one kind only."""


class logtail_handler(_tail_handler):
    """/logtail/NAME[/CHANNEL]"""

    IDENT = "Logtail HTTP Request Handler"
    prefix = "/logtail"

    def logfile(self, request: deferring_http_request) -> str | None:
        words = request.split_uri()[0].split("/")[2:]
        if not words or not words[0] or len(words) > 2:
            return None
        channel = words[1] if len(words) == 2 else "stdout"
        if channel not in ("stdout", "stderr"):
            return None
        _, process = find_process(self.supervisord, words[0])
        if process is None:
            return None
        logfile = getattr(process.config, channel + "_logfile", None)
        return logfile if isinstance(logfile, str) else None

    def more_headers(self, request: deferring_http_request) -> None:
        # A proxy shall not collect what is meant to be seen at once.
        request["X-Accel-Buffering"] = "no"


class mainlogtail_handler(_tail_handler):
    """/mainlogtail"""

    IDENT = "Main Logtail HTTP Request Handler"
    prefix = "/mainlogtail"

    def logfile(self, request: deferring_http_request) -> str | None:
        logfile = self.supervisord.options.logfile
        return logfile if isinstance(logfile, str) else None


def _beginning(request: deferring_http_request) -> int:
    """How much is sent of what is there already: ?limit=BYTES raises it."""
    for field in (request.split_uri()[2] or "?")[1:].split("&"):
        name, _, value = field.partition("=")
        if name == "limit" and value.isascii() and value.isdigit() and len(value) < 20:
            return min(max(_HEAD, int(value)), _LARGEST_HEAD)
    return _HEAD


def _look_at(path: str) -> tuple[int, ...]:
    """(device, inode, size, time of the last change) of what has the name; () if nothing has."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _inode_of(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _size(fd: int) -> int:
    return os.fstat(fd).st_size
