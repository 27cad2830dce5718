"""The activity log: levels, lines, and the handlers that take them to files, streams and the system logger.

Promise: logging never raises for what the system does, never blocks, and costs little. Plugins replace `emit` on the
classes and `handlers` on the logger: both are looked up at each line. Must not know what is logged.
"""

from __future__ import annotations

import sys
import time

from supervisor.engine.clock import Clock
from supervisor.engine.system import System
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.logfile import LogFile, silent, system_log

if TYPE_CHECKING:
    import traceback
else:
    traceback = Late("traceback")

__all__ = [
    "BoundIO",
    "FileHandler",
    "Handler",
    "LOG_LEVELS_BY_NUM",
    "LevelsByDescription",
    "LevelsByName",
    "LogRecord",
    "Logger",
    "RotatingFileHandler",
    "StreamHandler",
    "SyslogHandler",
    "getLevelNumByDescription",
    "getLogger",
    "handle_boundIO",
    "handle_file",
    "handle_stdout",
    "handle_syslog",
]


class LevelsByName:
    CRIT = 50  # what endangers the whole
    ERRO = 40
    WARN = 30
    INFO = 20
    DEBG = 10
    TRAC = 5
    BLAT = 3


class LevelsByDescription:
    critical = LevelsByName.CRIT
    error = LevelsByName.ERRO
    warn = LevelsByName.WARN
    info = LevelsByName.INFO
    debug = LevelsByName.DEBG
    trace = LevelsByName.TRAC
    blather = LevelsByName.BLAT


LOG_LEVELS_BY_NUM: dict[int, str] = {
    number: name for name, number in vars(LevelsByName).items() if not name.startswith("_")
}


def getLevelNumByDescription(description: str) -> int | None:
    """The number of a level by the name that configurations use."""
    number = getattr(LevelsByDescription, description, None)
    return number if isinstance(number, int) else None


class _Seconds:
    """The text of the current second, made once for all lines of that second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, now: float) -> str:
        second = int(now)
        if second != self._second:
            self._text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        return f"{self._text},{int((now - second) * 1000):03d}"


_seconds = _Seconds()


class LogRecord:
    """One line before it has a form. ``kw`` are %-format names, applied to msg only when there are any."""

    __slots__ = ("level", "msg", "kw", "dictrepr")

    def __init__(self, level: int, msg: str, **kw: Any) -> None:
        self.level = level
        self.msg = msg
        self.kw = kw
        self.dictrepr: dict[str, str] | None = None

    def asdict(self) -> dict[str, str]:
        """message, levelname and asctime; made once, so that all handlers show the same time."""
        if self.dictrepr is None:
            msg = self.msg if type(self.msg) is str else as_text(self.msg)
            self.dictrepr = {
                "message": msg % self.kw if self.kw else msg,
                "levelname": LOG_LEVELS_BY_NUM.get(self.level) or str(self.level),
                "asctime": _seconds.text(time.time()),
            }
        return self.dictrepr


def as_text(value: object) -> str:
    """Text of a message, whatever a caller logs."""
    if isinstance(value, str):
        return value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


class Handler:
    """Writes records to a stream of text or bytes. Subclasses inherit emit(): whoever replaces it here replaces it
    for all of them."""

    fmt = "%(message)s"
    level: int = LevelsByName.INFO

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream
        self.closed = False
        self._bytes: bool | None = None  # what the stream takes, once known

    def setFormat(self, fmt: str) -> None:
        """A %-format of asctime, levelname and message, with the line feed at its end."""
        self.fmt = fmt

    def setLevel(self, level: int) -> None:
        """Records below it are not for this handler."""
        self.level = level

    def flush(self) -> None:
        """Have the stream forward what it has."""
        flush = getattr(self.stream, "flush", None)
        if flush is not None:
            try:
                flush()
            except (OSError, ValueError):
                self._trouble()

    def close(self) -> None:
        """The end of the stream, unless it is one of the three standard ones."""
        if self.closed:
            return
        self.closed = True
        if self.stream is None or self.stream in (sys.stdin, sys.stdout, sys.stderr):
            return
        close = getattr(self.stream, "close", None)
        if close is not None:
            try:
                close()
            except OSError:
                self._trouble()

    def emit(self, record: LogRecord) -> None:
        """Write one record."""
        try:
            self._write(self.fmt % record.asdict())
        except Exception:
            self.handleError()

    def handleError(self) -> None:
        """An exception is being handled that is not the stream's failing but a mistake of somebody."""
        if isinstance(sys.exc_info()[1], (OSError, ValueError)):
            self._trouble()
        else:
            traceback.print_exc()

    def _trouble(self) -> None:
        """The stream does not take it, and there is nowhere to say so."""

    def _write(self, text: str) -> None:
        stream = self.stream
        if self._bytes is None:
            self._bytes = _takes_bytes(stream)
        stream.write(text.encode("utf-8", "backslashreplace") if self._bytes else text)
        if type(stream) is not LogFile:
            self.flush()


def _takes_bytes(stream: Any) -> bool:
    if isinstance(stream, (LogFile, BoundIO)):
        return True
    try:
        stream.write("")
    except TypeError:
        return True
    return False


class StreamHandler(Handler):
    """A stream that is somebody else's."""

    def __init__(self, strm: Any = None) -> None:
        super().__init__(strm)

    def remove(self) -> None:
        """Nothing to remove; a memory buffer is emptied."""
        clear = getattr(self.stream, "clear", None)
        if clear is not None:
            clear()

    def reopen(self) -> None:
        """Nothing to reopen."""


class BoundIO:
    """Keeps the last ``maxbytes`` of the bytes written to it."""

    def __init__(self, maxbytes: int, buf: bytes = b"") -> None:
        self.maxbytes = maxbytes
        self.buf = buf

    def write(self, data: bytes) -> None:
        if isinstance(data, str):
            raise TypeError("bytes are wanted")
        buf = self.buf + bytes(data)
        self.buf = buf[len(buf) - self.maxbytes :] if len(buf) > self.maxbytes else buf

    def getvalue(self) -> bytes:
        return self.buf

    def clear(self) -> None:
        self.buf = b""

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.clear()


class FileHandler(Handler):
    """A file by its name, appended to; anything that can be written to will do."""

    def __init__(self, filename: str, mode: str = "ab") -> None:
        super().__init__()
        self._begin(filename, mode, 0, 0)

    def _begin(self, filename: str, mode: str, maxbytes: int, backups: int) -> None:
        self.baseFilename = filename
        self.mode = mode
        self._bytes = True
        self._reporting = False
        self.stream = LogFile(
            filename, max(maxbytes, 0), backups, system=System(), clock=Clock(), report=self._report
        )
        self.stream.open(truncate="w" in mode)

    def reopen(self) -> None:
        """Go on with the file that has the name now."""
        if self.closed:
            self.closed = False
            self.stream.open()
        else:
            self.stream.reopen()

    def clear(self) -> None:
        """Begin anew, in place where the name is a link. What is no file of its own, as /dev/stdout, stays as it is."""
        self.stream.clear()

    def remove(self) -> None:
        """Close, and remove the file if there is one."""
        self.close()
        try:
            System.unlink(self.baseFilename)
        except FileNotFoundError:
            pass

    def _report(self, text: str) -> None:
        """Trouble with this very file: told in it, by the first line that finds place again."""
        if not self._reporting:
            self._reporting = True
            try:
                self.emit(LogRecord(LevelsByName.WARN, text))
            finally:
                self._reporting = False


class RotatingFileHandler(FileHandler):
    """A file that is renamed to ``.1`` when it has reached ``maxBytes``, ``.1`` to ``.2`` and so on."""

    def __init__(
        self, filename: str, mode: str = "ab", maxBytes: int = 512 * 1024 * 1024, backupCount: int = 10
    ) -> None:
        Handler.__init__(self)
        self.maxBytes = maxBytes
        self.backupCount = backupCount
        self._begin(filename, mode, maxBytes, backupCount)

    def doRollover(self) -> None:
        """Rotate if it is time. Writing looks after that by itself."""
        self.stream.maxbytes, self.stream.backups = max(self.maxBytes, 0), self.backupCount
        self.stream.rotate_if_due()


class SyslogHandler(Handler):
    """The system logger: one call per line."""

    def __init__(self) -> None:
        super().__init__()

    def reopen(self) -> None:
        """Nothing to reopen."""

    def emit(self, record: LogRecord) -> None:
        try:
            params = dict(record.asdict())
            for line in params["message"].rstrip("\n").split("\n"):
                params["message"] = line
                self._syslog(self.fmt % params)
        except Exception:
            self.handleError()

    def _syslog(self, text: str) -> None:
        system_log.write(text)

    def close(self) -> None:
        super().close()
        system_log.close()


class Logger:
    """Hands records to those of its handlers that want their level."""

    def __init__(self, level: int | None = None, handlers: list[Any] | None = None) -> None:
        self.level: int = LevelsByName.INFO if level is None else level
        self.handlers: list[Any] = [] if handlers is None else handlers

    def close(self) -> None:
        for handler in self.handlers:
            handler.close()

    def blather(self, msg: str, **kw: Any) -> None:
        if self.level <= 3:
            self.log(LevelsByName.BLAT, msg, **kw)

    def trace(self, msg: str, **kw: Any) -> None:
        if self.level <= 5:
            self.log(LevelsByName.TRAC, msg, **kw)

    def debug(self, msg: str, **kw: Any) -> None:
        if self.level <= 10:
            self.log(LevelsByName.DEBG, msg, **kw)

    def info(self, msg: str, **kw: Any) -> None:
        if self.level <= 20:
            self.log(LevelsByName.INFO, msg, **kw)

    def warn(self, msg: str, **kw: Any) -> None:
        if self.level <= 30:
            self.log(LevelsByName.WARN, msg, **kw)

    def error(self, msg: str, **kw: Any) -> None:
        if self.level <= 40:
            self.log(LevelsByName.ERRO, msg, **kw)

    def critical(self, msg: str, **kw: Any) -> None:
        if self.level <= 50:
            self.log(LevelsByName.CRIT, msg, **kw)

    def log(self, level: int, msg: str, **kw: Any) -> None:
        """One record, for the handlers whose level it reaches."""
        record: LogRecord | None = None
        for handler in self.handlers:
            if level >= handler.level:
                if record is None:
                    record = LogRecord(level, msg, **kw)
                handler.emit(record)

    def addHandler(self, handler: Any) -> None:
        self.handlers.append(handler)

    def getvalue(self) -> Any:
        """What the first handler's stream has kept."""
        stream: Any = self.handlers[0].stream if self.handlers else None
        if not hasattr(stream, "getvalue"):
            raise NotImplementedError("the first handler does not keep what was logged")
        return stream.getvalue()


def getLogger(level: int | None = None) -> Logger:
    """A logger without handlers."""
    return Logger(level)


def _attach(logger: Logger, handler: Handler, fmt: str) -> None:
    handler.setFormat(fmt)
    handler.setLevel(logger.level)
    logger.addHandler(handler)


def handle_boundIO(logger: Logger, fmt: str, maxbytes: int = 2 * 1024 * 1024) -> None:
    """Keep what is logged in memory."""
    _attach(logger, StreamHandler(BoundIO(maxbytes)), fmt)


def handle_stdout(logger: Logger, fmt: str) -> None:
    """Show what is logged on standard output, without ever waiting for who reads it."""
    _attach(logger, StreamHandler(_standard_output()), fmt)


def handle_syslog(logger: Logger, fmt: str) -> None:
    """Give what is logged to the system logger."""
    _attach(logger, SyslogHandler(), fmt)


def handle_file(
    logger: Logger, filename: str, fmt: str, rotating: bool = False, maxbytes: int = 0, backups: int = 0
) -> None:
    """Append what is logged to a file. The name ``syslog`` means the system logger."""
    if filename == "syslog":
        handle_syslog(logger, fmt)
    elif rotating:
        _attach(logger, RotatingFileHandler(filename, maxBytes=maxbytes, backupCount=backups), fmt)
    else:
        _attach(logger, FileHandler(filename), fmt)


def _standard_output() -> Any:
    """Descriptor 1 as a log, where sys.stdout is that; else sys.stdout as it is."""
    stream: Any = sys.stdout
    try:
        if stream.fileno() != 1:
            return stream
        stream.flush()
        out = LogFile("/dev/stdout", system=System(), clock=Clock(), report=silent)
        out.open()
    except (AttributeError, OSError, ValueError):
        return stream
    return out
