"""One call for many processes: a struct of its outcome for each.

Promise: every call is made in the order given before any of them is waited for; outcomes stand in the order in which
they became known, those of one turn of the loop in the order given; with a loop, long lists are gone through in slices
so that others are served meanwhile. Must not know what the call does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter

from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.names import make_namespec
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, LoopLike, adopt, is_deferred

__all__ = ["Batch", "make_allfunc", "outcome"]

# Seconds of work before others have their turn.
_SLICE = 0.02

_Pair = tuple[Any, Any]


class Batch(Deferred):
    """The list of outcomes, once there are all. Nothing happens before it is begun, or called for the first time."""

    delay = 0.05

    def __init__(
        self,
        processes: Iterable[_Pair],
        predicate: Callable[[Any], bool],
        func: Callable[..., Any],
        extra_kwargs: dict[str, Any],
    ) -> None:
        super().__init__()
        self._todo = deque(processes)
        self._predicate = predicate
        self._func = func
        self._extra = extra_kwargs
        self._loop: LoopLike | None = None
        self._waiting: list[tuple[_Pair, Callable[[], Any]]] = []
        self._adopted = self._unanswered = 0
        self._answers: list[tuple[int, _Pair, Deferred]] = []  # of this turn
        self._results: list[dict[str, Any]] = []

    def __call__(self) -> Any:
        if not self.settled and self._loop is None:
            while self._todo:
                self._issue(*self._todo.popleft())
            self._waiting = [item for item in self._waiting if not self._look(*item)]
            if not self._waiting:
                self.settle(self._results)
        return super().__call__()

    def begin(self, loop: LoopLike) -> None:
        if self._loop is None and not self.settled:
            self._loop = loop
            waiting, self._waiting = self._waiting, []
            for pair, function in waiting:
                self._adopt(loop, pair, function)
            self._run(loop)

    def _run(self, loop: LoopLike) -> None:
        end = time.monotonic() + _SLICE
        while self._todo and not self.settled:
            try:
                self._issue(*self._todo.popleft())
            except BaseException as error:  # of a plugin's replacement; whoever called is told
                self.fail(error)
                return
            if time.monotonic() > end and self._todo:
                loop.call_background(self._run, loop)
                break
        waiting, self._waiting = self._waiting, []
        for pair, function in waiting:
            self._adopt(loop, pair, function)
        self._settle_if_done()

    def _adopt(self, loop: LoopLike, pair: _Pair, function: Callable[[], Any]) -> None:
        self._adopted += 1
        self._unanswered += 1
        adopt(loop, function).then(partial(self._answered, loop, self._adopted, pair))

    def _answered(self, loop: LoopLike, number: int, pair: _Pair, answer: Deferred) -> None:
        if not self._answers:
            loop.call_soon(self._take_answers)
        self._answers.append((number, pair, answer))

    def _take_answers(self) -> None:
        answers, self._answers = self._answers, []
        self._unanswered -= len(answers)
        if self.settled:
            return
        try:
            for _, pair, answer in sorted(answers, key=itemgetter(0)):
                self._look(pair, answer)
        except BaseException as error:  # of a plugin's replacement; whoever called is told
            self.fail(error)
            return
        self._settle_if_done()

    def _settle_if_done(self) -> None:
        if not (self.settled or self._todo or self._unanswered):
            self.settle(self._results)

    def _issue(self, group: Any, process: Any) -> None:
        if not self._predicate(process):
            return
        pair = (group, process)
        try:
            value = self._func(make_namespec(group.config.name, process.config.name), **self._extra)
        except RPCError as fault:
            self._add(pair, fault.code, fault.text)
        else:
            if is_deferred(value):
                self._waiting.append((pair, value))
            else:
                self._add(pair, Faults.SUCCESS, "OK")

    def _look(self, pair: _Pair, function: Callable[[], Any]) -> bool:
        """Whether the answer is there; if so it is noted."""
        try:
            if function() is NOT_DONE_YET:
                return False
        except RPCError as fault:
            self._add(pair, fault.code, fault.text)
        else:
            self._add(pair, Faults.SUCCESS, "OK")
        return True

    def _add(self, pair: _Pair, status: int, description: str) -> None:
        self._results.append(outcome(*pair, status, description))


def outcome(group: Any, process: Any, status: int, description: str) -> dict[str, Any]:
    """The struct that tells what became of one process."""
    return {
        "name": process.config.name,
        "group": group.config.name,
        "status": status,
        "description": description,
    }


def make_allfunc(
    processes: Iterable[_Pair],
    predicate: Callable[[Any], bool],
    func: Callable[..., Any],
    **extra_kwargs: Any,
) -> Batch:
    """A callable that does func(namespec, **extra_kwargs) for each (group, process) of which the predicate is true.

    It gives NOT_DONE_YET until each of them is done, then a list of structs.
    """
    return Batch(processes, predicate, func, extra_kwargs)
