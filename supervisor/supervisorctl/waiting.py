"""wait: until processes are in a state, for scripts that go on then.

Lines keep the order of the words, but on a terminal, where each comes once its process has arrived.
"""

from __future__ import annotations

import math
import time

from supervisor.faults import Faults
from supervisor.names import split_namespec
from supervisor.states import ProcessStates
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import TIMED_OUT, LSBInitExitStatuses
from supervisor.supervisorctl.targets import BadWords, each_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

    Info = dict[str, Any]
    # The rest of the line, and the exit status of what is an error.
    Outcome = tuple[str, "int | None"]

WISHES = {
    "running": (ProcessStates.RUNNING,),
    "stopped": (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL),
    "exited": (ProcessStates.EXITED,),
}
SHORTEST, LONGEST = 0.05, 0.5


def wait(session: Session, command: Command, words: list[str]) -> None:
    """Wait for all named processes, at most as long as asked."""
    wish = _take(words, "--for", "running")
    if wish not in WISHES:
        raise _wrong(f"bad state '{one_line(wish)}'")
    seconds = _seconds(_take(words, "--timeout", "inf"))
    if not words:
        raise _wrong("wait requires a process name")
    if session.upcheck():
        _wait(session, each_process(words, session.call("getAllProcessInfo")), wish, time.monotonic() + seconds)


def _wrong(text: str) -> BadWords:
    return BadWords(f"Error: {text}", usage=True, status=LSBInitExitStatuses.INVALID_ARGS)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if math.isnan(seconds):
        raise _wrong(f"bad number '{one_line(text)}'")
    return seconds


def _take(words: list[str], option: str, default: str) -> str:
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            del words[at]
            return words.pop(at)
        if word == option:
            raise _wrong(f"{option} requires a value")
        if word.startswith(f"{option}="):
            return words.pop(at).partition("=")[2]
    return default


def _wait(session: Session, names: list[str], wish: str, deadline: float) -> None:
    in_order = not session.on_terminal()
    pause = SHORTEST
    outcomes: dict[str, Outcome] = {}
    untold = names
    while True:
        missing = [name for name in untold if name not in outcomes]
        infos = _look(session, missing)
        left = deadline - time.monotonic()
        for name in missing:
            outcome = _outcome(name, infos.get(split_namespec(name)), wish)
            if outcome is None and left <= 0:
                outcome = f"ERROR (not {wish} in time)", TIMED_OUT
            if outcome is not None:
                outcomes[name] = outcome
        untold = _tell(session, untold, outcomes, in_order)
        if not untold:
            return
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST)


def _tell(session: Session, names: list[str], outcomes: dict[str, Outcome], in_order: bool) -> list[str]:
    """Print the lines that can be told; gives the names that are left."""
    left: list[str] = []
    for name in names:
        if name not in outcomes or (in_order and left):
            left.append(name)
            continue
        phrase, status = outcomes[name]
        line = f"{one_line(name)}: {phrase}"
        session.output(line) if status is None else session.fail(line, status)
    return left


def _look(session: Session, names: list[str]) -> dict[tuple[str, str | None], Info]:
    """What is known of the processes, in one call for all of them."""
    if len(names) > 1:
        infos = session.call("getAllProcessInfo")
    else:
        try:
            infos = [session.call("getProcessInfo", name) for name in names]
        except CallFault as fault:
            if fault.code != Faults.BAD_NAME:
                raise
            infos = []
    return {(info["group"], info["name"]): info for info in infos}


def _outcome(name: str, info: Info | None, wish: str) -> Outcome | None:
    """What became of a process; None while there is something to wait for."""
    if info is None:
        what = "group" if split_namespec(name)[1] is None else "process"
        return f"ERROR (no such {what})", LSBInitExitStatuses.GENERIC
    if info["state"] in WISHES[wish]:
        return one_line(info["statename"].lower()), None
    if wish == "running" and info["state"] == ProcessStates.FATAL:
        return f"ERROR ({one_line(info['description'])})", LSBInitExitStatuses.NOT_RUNNING
    return None
