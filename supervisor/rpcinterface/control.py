"""Starting, stopping and signalling processes.

Promise: whoever waits is answered by the state change waited for; group and all variants go through the methods for
one process, because plugins replace those. Must not know how a process is run.
"""

from __future__ import annotations

from supervisor.datatypes import signal_number
from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.names import split_namespec
from supervisor.process.errors import BadCommand, NoPermission, NotExecutable, NotFound
from supervisor.process.stopping import REPORT_PERIOD
from supervisor.rpcinterface.base import Namespace, isNotRunning, isRunning, isSignallable
from supervisor.rpcinterface.batch import Batch, make_allfunc, outcome
from supervisor.states import RUNNING_STATES, STOPPED_STATES, ProcessStates
from supervisor.xmlrpc.bounds import MAX_ANSWER, fitting
from supervisor.xmlrpc.codec import safe_text
from supervisor.xmlrpc.deferred import Deferred, LoopLike

__all__ = ["Control"]


class Control(Namespace):
    """The methods that change what runs."""

    def startProcess(self, name: Any, wait: Any = True) -> Any:
        self._update("startProcess")
        process = self._getGroupAndProcess(name)[1]
        if process is None:
            return self.startProcessGroup(split_namespec(name)[0], wait)
        _check_command(process)
        state = process.get_state()
        if state in RUNNING_STATES:
            raise RPCError(Faults.ALREADY_STARTED, name)
        if state == ProcessStates.UNKNOWN:
            raise RPCError(Faults.FAILED, f"{name} is in an unknown process state")
        process.spawn()
        if process.spawnerr:
            raise RPCError(Faults.SPAWN_ERROR, name)
        # Without startsecs it runs now, however soon it dies; its death is not looked for here, or who does not wait
        # would be told now this, now that.
        process.transition()
        state = process.get_state()
        if state == ProcessStates.STOPPING:
            raise RPCError(Faults.ABNORMAL_TERMINATION, name)
        if wait and state != ProcessStates.RUNNING:
            return _Starting(process, name)
        return True

    def startProcessGroup(self, name: Any, wait: Any = True) -> Batch:
        self._update("startProcessGroup")
        return make_allfunc(self._getMembers(self._getGroup(name)), isNotRunning, self.startProcess, wait=wait)

    def startAllProcesses(self, wait: Any = True) -> Batch:
        self._update("startAllProcesses")
        return make_allfunc(self._getAllProcesses(), isNotRunning, self.startProcess, wait=wait)

    def stopProcess(self, name: Any, wait: Any = True) -> Any:
        self._update("stopProcess")
        process = self._getGroupAndProcess(name)[1]
        if process is None:
            return self.stopProcessGroup(split_namespec(name)[0], wait)
        if not _is_stoppable(process):
            raise RPCError(Faults.NOT_RUNNING, name)
        failure = process.stop()
        if failure is not None:
            raise RPCError(Faults.FAILED, failure)
        # Its end is seen by the loop, so that members of a group are told in their order.
        if wait and process.get_state() not in STOPPED_STATES:
            return _Stopping(process)
        return True

    def stopProcessGroup(self, name: Any, wait: Any = True) -> Batch:
        self._update("stopProcessGroup")
        return make_allfunc(self._getMembers(self._getGroup(name)), _is_stoppable, self.stopProcess, wait=wait)

    def stopAllProcesses(self, wait: Any = True) -> Batch:
        self._update("stopAllProcesses")
        return make_allfunc(self._getAllProcesses(), _is_stoppable, self.stopProcess, wait=wait)

    def signalProcess(self, name: Any, signal: Any) -> Any:
        self._update("signalProcess")
        process = self._getGroupAndProcess(name)[1]
        if process is None:
            return self.signalProcessGroup(split_namespec(name)[0], signal=signal)
        number = _signal_number(signal)
        if not isSignallable(process):
            raise RPCError(Faults.NOT_RUNNING, name)
        failure = process.signal(number)
        if failure is not None:
            raise RPCError(Faults.FAILED, failure)
        return True

    def signalProcessGroup(self, name: Any, signal: Any) -> Any:
        self._update("signalProcessGroup")
        return self._signal_each(self._getMembers(self._getGroup(name)), signal)

    def signalAllProcesses(self, signal: Any) -> Any:
        self._update("signalAllProcesses")
        return self._signal_each(self._getAllProcesses(), signal)

    def _signal_each(self, processes: list[tuple[Any, Any]], signal: Any) -> Any:
        """Signal those that take signals. What is no signal is found out once, before any of them is touched."""
        try:
            _signal_number(signal)
        except RPCError as fault:
            refused = [pair for pair in processes if isSignallable(pair[1])]
            description = _repeatable(fault.text, len(refused))
            return [outcome(*pair, fault.code, description) for pair in refused]
        if isinstance(signal, str):
            signal = signal.strip()  # each member reads it again, and it may be megabytes of blanks
        return make_allfunc(processes, isSignallable, self.signalProcess, signal=signal)()


def _is_stoppable(process: Any) -> bool:
    """Whether there is something to stop: it runs, or is about to be started again."""
    return isRunning(process) or process.restart_pending()


def _check_command(process: Any) -> None:
    """A fault when the command cannot be run as it stands."""
    try:
        process.get_execv_args()
    except NotFound as why:
        raise RPCError(Faults.NO_FILE, why.args[0]) from None
    except (BadCommand, NotExecutable, NoPermission) as why:
        raise RPCError(Faults.NOT_EXECUTABLE, why.args[0]) from None


def _signal_number(signal: Any) -> int:
    if not isinstance(signal, (str, int, float)):
        raise RPCError(Faults.INCORRECT_PARAMETERS)
    try:
        return signal_number(signal)
    except (ValueError, OverflowError):
        raise RPCError(Faults.BAD_SIGNAL, signal) from None


def _repeatable(text: str, times: int) -> str:
    """The text, cut if an answer could not carry it so many times."""
    told = fitting(text, MAX_ANSWER // max(times, 1), safe_text)
    return text if told == text else f"{told}..."


class _Starting(Deferred):
    """True as soon as the process runs, a fault when it does not get there."""

    def __init__(self, process: Any, name: str) -> None:
        super().__init__()
        self._name = name
        process.watch(self._look)
        self._look(process, process.get_state())

    def _look(self, process: Any, state: int) -> None:
        if state == ProcessStates.STARTING and not process.spawnerr:
            return
        process.unwatch(self._look)
        if process.spawnerr:
            self.fail(RPCError(Faults.SPAWN_ERROR, self._name))
        elif state == ProcessStates.RUNNING:
            self.settle(True)
        else:
            self.fail(RPCError(Faults.ABNORMAL_TERMINATION, self._name))


class _Stopping(Deferred):
    """True as soon as the process is stopped; until then the log is told now and again."""

    def __init__(self, process: Any) -> None:
        super().__init__()
        self._process = process
        self._timer: Any = None
        process.watch(self._look)

    def __call__(self) -> Any:
        if not self.settled and self._timer is None:
            self._process.stop_report()
        return super().__call__()

    def begin(self, loop: LoopLike) -> None:
        if not self.settled and self._timer is None:
            self._report(loop)

    def _report(self, loop: LoopLike) -> None:
        self._process.stop_report()
        self._timer = loop.call_later(REPORT_PERIOD, self._report, loop)

    def _look(self, process: Any, state: int) -> None:
        if state in STOPPED_STATES:
            process.unwatch(self._look)
            if self._timer is not None:
                self._timer.cancel()
            self.settle(True)
