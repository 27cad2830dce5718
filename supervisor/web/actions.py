"""What the buttons of the status page do, and the message that tells how it went.

Promise: each action goes through the RPC methods and is awaited, never polled by us. Must not know how the message is
shown.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, LoopLike, adopt, is_deferred

__all__ = ["Action", "all_action", "group_action", "process_action", "question"]

Step = Callable[[], Any]
Explain = Callable[[RPCError], "str | None"]

_START_FAILURES = {
    Faults.NO_FILE: "no such file",
    Faults.NOT_EXECUTABLE: "file not executable",
    Faults.ALREADY_STARTED: "already started",
    Faults.SPAWN_ERROR: "spawn error",
    Faults.ABNORMAL_TERMINATION: "abnormal termination",
}

# Of the processes of a group that failed, so many are named.
_NAMED_FAILURES = 5

_ALL_QUESTIONS = {"stopall": "Stop all programs?", "restartall": "Restart all programs?"}
_QUESTIONS = {
    "start": "Start {}?",
    "stop": "Stop {}?",
    "restart": "Restart {}?",
    "clearlog": "Clear the logs of {}?",
}


class Action(Deferred):
    """Steps one after the other, then a message; or the explanation of the fault that ended them."""

    delay = 0.1

    def __init__(self, steps: list[tuple[Step, Explain]], message: Callable[[], str]) -> None:
        super().__init__()
        self._steps = deque(steps)
        self._message = message
        self._explain: Explain = _unexpected
        # What the last step gave.
        self.value: Any = None
        self._waits_for: Callable[[], Any] | None = None
        self._loop: LoopLike | None = None

    def __call__(self) -> Any:
        if not self.settled and self._loop is None:
            self._go()
        return super().__call__()

    def begin(self, loop: LoopLike) -> None:
        if self._loop is None:
            self._loop = loop
            self._go()

    def _go(self) -> None:
        while not self.settled:
            if self._waits_for is None:
                if not self._steps:
                    self.settle(self._message())
                    return
                step, self._explain = self._steps.popleft()
                self._waits_for = _outcome(step)
            if self._loop is not None:
                adopt(self._loop, self._waits_for).then(self._over)
                return
            if not self._look(self._waits_for):
                return

    def _over(self, answer: Deferred) -> None:
        try:
            self._look(answer)
        except BaseException as error:  # of a plugin's replacement; whoever waits is told
            self.fail(error)
        else:
            self._go()

    def _look(self, function: Callable[[], Any]) -> bool:
        try:
            value = function()
            if value is NOT_DONE_YET:
                return False
            self.value = value
        except RPCError as fault:
            explanation = self._explain(fault)
            if explanation is not None:
                self.settle(explanation)
        self._waits_for = None
        return True


def _outcome(step: Step) -> Callable[[], Any]:
    """Something to ask for how the step went."""
    known = Deferred()
    try:
        value = step()
    except RPCError as fault:
        known.fail(fault)
        return known
    if is_deferred(value):
        function: Callable[[], Any] = value
        return function
    known.settle(value)
    return known


def _unexpected(fault: RPCError) -> str:
    return f"unexpected rpc fault [{fault.code:d}] {fault.text}"


def all_action(rpc: Any, action: str) -> Action | None:
    """What a button for everything does; None if there is no such action."""
    stop = (rpc.stopAllProcesses, _unexpected)
    start = (rpc.startAllProcesses, _unexpected)
    if action == "refresh":
        return Action([], lambda: f"Page refreshed at {time.ctime()}")
    if action == "stopall":
        return Action([stop], lambda: f"All stopped at {time.ctime()}")
    if action == "restartall":
        return Action([stop, start], lambda: f"All restarted at {time.ctime()}")
    return None


_GROUP_DEEDS = {"startgroup": "started", "stopgroup": "stopped", "restartgroup": "restarted"}


def group_action(rpc: Any, action: str, group: str) -> Action | None:
    """What a button of a group does; None if there is no such action."""
    deed = _GROUP_DEEDS.get(action)
    if deed is None:
        return None
    steps: list[tuple[Step, Explain]] = []
    if action != "startgroup":
        steps.append((lambda: rpc.stopProcessGroup(group), _unexpected))
    if action != "stopgroup":
        steps.append((lambda: rpc.startProcessGroup(group), _unexpected))

    def message() -> str:
        failed = [one for one in done.value or () if one["status"] != Faults.SUCCESS]
        if not failed:
            return f"Group {group} {deed}"
        names = ", ".join([f"{one['name']} ({one['description']})" for one in failed[:_NAMED_FAILURES]])
        more = f" and {len(failed) - _NAMED_FAILURES} more" if len(failed) > _NAMED_FAILURES else ""
        return f"ERROR: Group {group}: not {deed}: {names}{more}"

    done = Action(steps, message)
    return done


def process_action(rpc: Any, action: str, name: str) -> Action | None:
    """What a button of one process does; None if there is no such action."""

    def start_failed(fault: RPCError) -> str:
        return f"ERROR: Process {name}: {_START_FAILURES.get(fault.code) or _unexpected(fault)}"

    def stop_failed(fault: RPCError) -> str | None:
        return None if fault.code == Faults.NOT_RUNNING else _unexpected(fault)

    start = lambda: rpc.startProcess(name)
    stop = lambda: rpc.stopProcess(name)
    if action == "start":
        return Action([(start, start_failed)], lambda: f"Process {name} started")
    if action == "stop":
        return Action([(stop, _unexpected)], lambda: f"Process {name} stopped")
    if action == "restart":
        return Action([(stop, stop_failed), (start, start_failed)], lambda: f"Process {name} restarted")
    if action == "clearlog":
        return Action([(lambda: rpc.clearProcessLogs(name), _unexpected)], lambda: f"Log for {name} cleared")
    return None


def question(action: str, process: str | None, group: str | None) -> str | None:
    """What to ask before an action; None if there is no such action."""
    if action in _ALL_QUESTIONS:
        return _ALL_QUESTIONS[action]
    if process and action in _QUESTIONS:
        return _QUESTIONS[action].format(process)
    if group and action in _GROUP_DEEDS:
        return _QUESTIONS[action.removesuffix("group")].format(f"group {group}")
    return None
