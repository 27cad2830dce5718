"""What a person at a terminal sees of a call on many processes while it lasts: what is done, and how much is left.

The server answers for a whole group at once, at its end. Until then the states are looked at again and again: what
has arrived is told, a line that goes away says how many are waited for. Promise: each process is told once.
"""

from __future__ import annotations

import select

from supervisor.faults import Faults
from supervisor.names import split_namespec
from supervisor.states import RUNNING_STATES, STOPPED_STATES, ProcessStates
from supervisor.supervisorctl.colours import can_redraw
from supervisor.supervisorctl.link import BadAnswer, CallFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from supervisor.supervisorctl.apply import Target
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.verbs import Verb

    Key = tuple[str, str | None]

FIRST_LOOK, NEXT_LOOK = 1.0, 0.5
_ERASE = "\r\x1b[K"
# States from which a process sets out, those in which it has arrived, and those in which it has failed to.
_WAYS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "start": (STOPPED_STATES, (ProcessStates.RUNNING,), (ProcessStates.BACKOFF, ProcessStates.FATAL)),
    "stop": (RUNNING_STATES, STOPPED_STATES, ()),
}


def watch(session: Session, verb: Verb, targets: list[Target]) -> Progress | None:
    """The progress of calls that are about to be made; None on a terminal that cannot erase a line."""
    return Progress(session, verb, targets) if can_redraw() else None


class Progress:
    """Waits for answers and tells meanwhile."""

    def __init__(self, session: Session, verb: Verb, targets: list[Target]) -> None:
        self._session = session
        self._verb = verb
        whole = {target.word for target in targets if target.many}
        single = {split_namespec(target.word) for target in targets if not target.many}
        self._sets_out, self._arrived, self._failed = _WAYS[verb.name]
        self._told_by_us: set[Key] = set()
        self._waited_for: set[Key] = set()
        for info in self._infos():
            key = (info["group"], info["name"])
            if info["state"] in self._sets_out and ("all" in whole or info["group"] in whole or key in single):
                self._waited_for.add(key)
                if key not in single:
                    self._told_by_us.add(key)
        self._all = len(self._waited_for)
        self._told: set[Key] = set()

    def choose(self, fds: list[int]) -> int:
        """Wait until one of the descriptors is readable; which."""
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        shown = False
        timeout = FIRST_LOOK
        try:
            while not (ready := poll.poll(timeout * 1000)):
                shown = self._look(shown)
                timeout = NEXT_LOOK
        finally:
            if shown:
                self._session.write(_ERASE)
        found = {fd for fd, _ in ready}
        return next(fd for fd in fds if fd in found)

    def untold(self, results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The results of a call on many that are news."""
        return [result for result in results
                if result["status"] != Faults.SUCCESS or (result["group"], result["name"]) not in self._told]

    def _infos(self) -> list[dict[str, Any]]:
        try:
            return self._session.call("getAllProcessInfo")  # type: ignore[no-any-return]
        except (CallFault, BadAnswer, OSError):
            return []  # the call itself tells what is wrong

    def _look(self, shown: bool) -> bool:
        lines = []
        for info in self._infos():
            key = (info["group"], info["name"])
            if key not in self._waited_for:
                continue
            if info["state"] in self._arrived:
                self._waited_for.discard(key)
                if key in self._told_by_us:
                    self._told.add(key)
                    result = {**info, "status": Faults.SUCCESS, "description": "OK"}
                    lines.append(f"{self._session.namespec_result(self._verb, result)}\n")
            elif info["state"] in self._failed:
                self._waited_for.discard(key)
        left = len(self._waited_for)
        said = f"{self._verb.name}: waiting for {left} of {self._all} processes" if left else ""
        said = said[: self._session.columns() - 1]  # a line that wraps cannot be erased
        self._session.write(f"{_ERASE if shown or said else ''}{''.join(lines)}{said}")
        return bool(said)
