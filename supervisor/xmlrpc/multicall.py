"""system.multicall: several calls in one request.

Promise: calls run one after the other and one that has to wait is waited for; with a loop they run in slices, so that
others are served meanwhile; the collected answer is bounded; the text of an exception is for the log alone. It must not
know what the methods are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.xmlrpc.bounds import MAX_ANSWER
from supervisor.xmlrpc.codec import Marshalled
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, LoopLike, adopt, is_deferred

__all__ = ["Multicall"]

# What is kept free for each result of a multicall in its answer: a fault that says why it is not there.
_FAULT_SIZE = 256
_TOO_LARGE = "the results of this multicall are too large"
_SEE_LOG = "see the activity log"
# Seconds of work before others have their turn.
_SLICE = 0.02
_Found = tuple[Any, int, Callable[..., Any]]
_NOTHING_FOUND: _Found = (None, 0, repr)


class Multicall(Deferred):
    """The list of results, once the last call has answered."""

    delay = 0.05

    def __init__(
        self,
        calls: Any,
        find: Callable[[str, int], Callable[..., Any]],
        loop: LoopLike | None = None,
        write: Callable[[Any], Marshalled] | None = None,
        report: Callable[[str, BaseException], object] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(calls, list) or not all(isinstance(item, dict) for item in calls):
            raise RPCError(Faults.INCORRECT_PARAMETERS)
        self._room = MAX_ANSWER - len(calls) * _FAULT_SIZE
        if self._room < 0:
            raise RPCError(Faults.INCORRECT_PARAMETERS, "too many calls")
        self._calls = calls
        self._find = find  # gives what to call for a method's name and a number of parameters
        self._found = _NOTHING_FOUND
        self._loop = loop
        self._write = write  # gives each result the form it is sent in, so that its size is known
        self._report = report  # told of the first failure of each method, with the method's name
        self._reported: set[str] = set()
        self._results: list[Any] = []
        self._full = False
        self._waits_for: Callable[[], Any] | None = None

    def __call__(self) -> Any:
        waits_for = self._waits_for
        if not self.settled and self._loop is None and waits_for is not None:
            try:
                value = waits_for()
            except BaseException as error:  # foreign code: whatever it raises is the result
                value = self._fault(error)
            if value is not NOT_DONE_YET:
                self._add(value)
                self._waits_for = None
                self.run()
        return super().__call__()

    def begin(self, loop: LoopLike) -> None:
        if self._loop is None:
            self._loop = loop
            if self._waits_for is not None:
                adopt(loop, self._waits_for).then(self._answered)

    def run(self) -> None:
        """Call until one has to wait, or the time is up, or all is done."""
        end = time.monotonic() + _SLICE
        self._found = _NOTHING_FOUND  # others had their turn and may have replaced what was found
        while len(self._results) < len(self._calls):
            value = self._next(self._calls[len(self._results)])
            if callable(value) and is_deferred(value):
                self._wait(value)
                return
            self._add(value)
            if self._loop is not None and time.monotonic() > end:
                self._loop.call_background(self.run)
                return
        self.settle(self._results)

    def _wait(self, function: Callable[[], Any]) -> None:
        self._waits_for = function
        if self._loop is not None:
            adopt(self._loop, function).then(self._answered)

    def _answered(self, answer: Deferred) -> None:
        try:
            value = answer()
        except BaseException as error:  # foreign code: whatever it raises is the result
            value = self._fault(error)
        self._waits_for = None
        self._add(value)
        if self._loop is None:
            self.run()
        else:
            self._loop.call_background(self.run)

    def _next(self, item: dict[str, Any]) -> Any:
        try:
            if self._full:
                raise RPCError(Faults.FAILED, _TOO_LARGE)
            name, params = item.get("methodName"), item.get("params", ())
            if name is None:
                raise RPCError(Faults.INCORRECT_PARAMETERS, "No methodName")
            if name == "system.multicall":
                raise RPCError(Faults.INCORRECT_PARAMETERS, "Recursive system.multicall forbidden")
            if not isinstance(name, str) or not isinstance(params, (list, tuple)):
                raise RPCError(Faults.INCORRECT_PARAMETERS)
            # As a rule the same method is called again and again, and is looked up once.
            found, count, function = self._found
            if name != found or len(params) != count:
                count = len(params)
                function = self._find(name, count)
                self._found = (name, count, function)
            return function(*params)
        except BaseException as error:  # foreign code: whatever it raises is the result
            return self._fault(error)

    def _add(self, value: Any) -> None:
        if self._write is not None:
            try:
                if type(value) is not Marshalled:
                    value = self._write(value)
            except Exception as error:
                value = self._write(self._fault(error))
            more = value.size() - _FAULT_SIZE
            if more > self._room:
                self._full = True
                value = self._write(self._fault(RPCError(Faults.FAILED, _TOO_LARGE)))
            elif more > 0:
                self._room -= more
        self._results.append(value)

    def _fault(self, error: BaseException) -> dict[str, Any]:
        """The result of the call under way, which raised."""
        if not isinstance(error, RPCError):
            name = str(self._calls[len(self._results)].get("methodName"))
            if self._report is not None and name not in self._reported:
                self._reported.add(name)
                self._report(name, error)
            error = RPCError(Faults.FAILED, f"{type(error)}:{_SEE_LOG}")
        return {"faultCode": error.code, "faultString": error.text}
