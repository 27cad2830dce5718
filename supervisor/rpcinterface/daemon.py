"""The daemon itself: version, state, activity log, configuration, groups, events from outside.

Promise: arguments are checked here, the work is done by the daemon and its options. Must not know how.
"""

from __future__ import annotations

import os

from supervisor.engine.files import refuse_planted_folder
from supervisor.engine.system import System
from supervisor.events import RemoteCommunicationEvent, notify
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.rpcinterface.base import Namespace, integer
from supervisor.rpcinterface.logs import read_log
from supervisor.states import SupervisorStates, getSupervisorStateDescription
from supervisor.version import VERSION

__all__ = ["API_VERSION", "Daemon"]

API_VERSION = "3.0"


class Daemon(Namespace):
    """The methods about the daemon as a whole."""

    def getAPIVersion(self) -> str:
        self._update("getAPIVersion")
        return API_VERSION

    getVersion = getAPIVersion

    def getSupervisorVersion(self) -> str:
        self._update("getSupervisorVersion")
        return VERSION

    def getIdentification(self) -> str:
        self._update("getIdentification")
        return str(self.supervisord.options.identifier)

    def getState(self) -> dict[str, Any]:
        self._update("getState")
        state = self.supervisord.options.mood
        return {"statecode": state, "statename": getSupervisorStateDescription(state) or "UNKNOWN"}

    def getPID(self) -> int:
        self._update("getPID")
        return os.getpid()

    def readLog(self, offset: Any, length: Any) -> str:
        self._update("readLog")
        return read_log(self._logfile(), integer(offset), integer(length))

    readMainLog = readLog

    def _logfile(self) -> str | None:
        logfile = self.supervisord.options.logfile
        return logfile if isinstance(logfile, str) or logfile is None else "syslog"

    def clearLog(self) -> bool:
        self._update("clearLog")
        logfile = self._logfile()
        if logfile is None or not os.path.exists(logfile):
            raise RPCError(Faults.NO_FILE)
        # A link stays, for it may be /dev/stdout itself, and so does a device.
        link = os.path.islink(logfile)
        logger = self.supervisord.options.logger
        try:
            if os.path.isfile(logfile) and not link:
                refuse_planted_folder(System(), os.path.dirname(logfile) or ".")
                os.remove(logfile)
            for handler in list(logger.handlers):
                if hasattr(handler, "reopen"):
                    logger.info("reopening log file")
                    if link and hasattr(handler, "clear"):
                        handler.clear()
                    handler.reopen()
        except OSError as error:
            raise RPCError(Faults.FAILED, error.strerror) from None
        return True

    def shutdown(self) -> bool:
        self._update("shutdown")
        self.supervisord.options.mood = SupervisorStates.SHUTDOWN
        return True

    def restart(self) -> bool:
        self._update("restart")
        try:
            self.supervisord.request_restart()
        except ValueError as error:
            raise RPCError(Faults.CANT_REREAD, getattr(error, "first", str(error))) from None
        return True

    def reloadConfig(self) -> list[list[list[str]]]:
        self._update("reloadConfig")
        try:
            self.supervisord.options.process_config(do_usage=False)
        except ValueError as error:
            raise RPCError(Faults.CANT_REREAD, str(error)) from None
        added, changed, removed = self.supervisord.diff_to_active()
        return [[[config.name for config in configs] for configs in (added, changed, removed)]]

    def addProcessGroup(self, name: Any) -> bool:
        self._update("addProcessGroup")
        for config in self.supervisord.options.process_group_configs:
            if config.name == name:
                try:
                    added = self.supervisord.add_process_group(config)
                except (ValueError, OSError) as error:      # a socket or log that cannot be made
                    raise RPCError(Faults.FAILED, str(error)) from None
                if not added:
                    raise RPCError(Faults.ALREADY_ADDED, name)
                return True
        raise RPCError(Faults.BAD_NAME, name)

    def removeProcessGroup(self, name: Any) -> bool:
        self._update("removeProcessGroup")
        self._getGroup(name)
        if not self.supervisord.remove_process_group(name):
            raise RPCError(Faults.STILL_RUNNING, name)
        return True

    def sendRemoteCommEvent(self, type: Any, data: Any) -> bool:
        # Works during shutdown, too: listeners may take part in it.
        notify(RemoteCommunicationEvent(_text(type), _text(data)))
        return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
