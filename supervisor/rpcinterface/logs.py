"""The logs and the standard input of processes.

Promise: whatever a log holds can be read back; only regular files are cleared; what a process does not read is held
back up to a bound and then refused. Must not know how output gets into a log.
"""

from __future__ import annotations

import errno
import os
import stat

from supervisor.engine.files import open_name, refuse_planted_folder
from supervisor.engine.system import System
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.logread import TailResult, readFile, tailFile
from supervisor.rpcinterface.base import Namespace, integer
from supervisor.rpcinterface.batch import Batch, make_allfunc
from supervisor.xmlrpc.bounds import MAX_ANSWER, fitting
from supervisor.xmlrpc.codec import safe_text
from supervisor.xmlrpc.values import capped_int

__all__ = ["Logs", "read_log"]

_SYSTEM = System()


def read_log(logfile: str | None, offset: int, length: int) -> str:
    """A slice of a log as text."""
    if logfile is None or not os.path.exists(logfile):
        raise RPCError(Faults.NO_FILE, logfile)
    try:
        text = readFile(logfile, offset, length).decode("utf-8", "replace")
    except ValueError as why:
        raise RPCError(getattr(Faults, why.args[0])) from None
    return fitting(text, MAX_ANSWER, safe_text)


def _logfile(process: Any, channel: str) -> str | None:
    path = getattr(process.config, f"{channel}_logfile")
    return path if isinstance(path, str) else None


class Logs(Namespace):
    """The methods for what goes into processes and comes out of them."""

    def readProcessStdoutLog(self, name: Any, offset: Any, length: Any) -> str:
        self._update("readProcessStdoutLog")
        return self._readProcessLog(name, offset, length, "stdout")

    readProcessLog = readProcessStdoutLog

    def readProcessStderrLog(self, name: Any, offset: Any, length: Any) -> str:
        self._update("readProcessStderrLog")
        return self._readProcessLog(name, offset, length, "stderr")

    def _readProcessLog(self, name: Any, offset: Any, length: Any, channel: str) -> str:
        logfile = _logfile(self._getProcess(name), channel)
        return read_log(logfile, integer(offset), integer(length))

    def tailProcessStdoutLog(self, name: Any, offset: Any, length: Any) -> TailResult:
        self._update("tailProcessStdoutLog")
        return self._tailProcessLog(name, offset, length, "stdout")

    tailProcessLog = tailProcessStdoutLog

    def tailProcessStderrLog(self, name: Any, offset: Any, length: Any) -> TailResult:
        self._update("tailProcessStderrLog")
        return self._tailProcessLog(name, offset, length, "stderr")

    def _tailProcessLog(self, name: Any, offset: Any, length: Any, channel: str) -> TailResult:
        logfile = _logfile(self._getProcess(name), channel)
        begin, size = integer(offset), integer(length)
        if logfile is None or not os.path.exists(logfile):
            return ["", 0, False]
        text, end, overflow = tailFile(logfile, begin, size)
        kept = fitting(text, MAX_ANSWER, safe_text, end=True)
        return [kept, capped_int(end), overflow or len(kept) < len(text)]

    def clearProcessLogs(self, name: Any) -> bool:
        self._update("clearProcessLogs")
        process = self._getProcess(name)
        try:
            if process.dispatchers:
                process.removelogs()
            else:
                for channel in ("stdout", "stderr"):
                    _empty(_logfile(process, channel))
        except OSError:
            raise RPCError(Faults.FAILED, name) from None
        return True

    clearProcessLog = clearProcessLogs

    def clearAllProcessLogs(self) -> Batch:
        self._update("clearAllProcessLogs")
        return make_allfunc(self._getAllProcesses(), lambda process: True, self.clearProcessLogs)

    def sendProcessStdin(self, name: Any, chars: Any) -> bool:
        self._update("sendProcessStdin")
        if not isinstance(chars, str):
            raise RPCError(Faults.INCORRECT_PARAMETERS, chars)
        process = self._getProcess(name)
        if not process.pid or process.killing:
            raise RPCError(Faults.NOT_RUNNING, name)
        try:
            process.write(chars.encode("utf-8"))
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise RPCError(Faults.NO_FILE, name) from None
            raise RPCError(Faults.FAILED, f"{name}: {error.strerror}") from None
        return True


def _empty(path: str | None) -> None:
    """Empty a file of a stopped program in place, so that it keeps its mode; one that is not there is not made."""
    try:
        if path is None or not stat.S_ISREG(os.lstat(path).st_mode):
            return
        refuse_planted_folder(_SYSTEM, os.path.dirname(path) or ".")
        fd, about = open_name(_SYSTEM, path, os.O_WRONLY, 0)
    except FileNotFoundError:
        return
    try:
        # A further name may be one that somebody gave to a file of someone else.
        if stat.S_ISREG(about.st_mode) and about.st_nlink == 1:
            os.ftruncate(fd, 0)
    finally:
        os.close(fd)
