"""wait: until processes are in a state, for scripts that go on then."""

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
    pause = SHORTEST
    missing = list(names)
    while True:
        infos = _look(session, missing)
        missing = [name for name in missing if not _arrived(session, name, infos.get(split_namespec(name)), wish)]
        left = deadline - time.monotonic()
        if not missing:
            return
        if left <= 0:
            for name in missing:
                session.fail(f"{one_line(name)}: ERROR (not {wish} in time)", TIMED_OUT)
            return
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST)


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


def _arrived(session: Session, name: str, info: Info | None, wish: str) -> bool:
    """Whether there is nothing more to wait for; prints the line about the process then."""
    if info is None:
        session.fail(f"{one_line(name)}: ERROR (no such process)")
        return True
    if info["state"] in WISHES[wish]:
        session.output(f"{one_line(name)}: {info['statename'].lower()}")
        return True
    if wish == "running" and info["state"] == ProcessStates.FATAL:
        session.fail(f"{one_line(name)}: ERROR ({one_line(info['description'])})", LSBInitExitStatuses.NOT_RUNNING)
        return True
    return False
