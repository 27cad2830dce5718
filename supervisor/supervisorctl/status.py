"""status and pid: what there is, in words or as JSON, once or again and again.

Promise: the widths and words of a line never change with colours, terminals or names; a name or description with
control characters stays one line of its own.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.names import make_namespec, split_namespec
from supervisor.states import ProcessStates
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import LSBInitExitStatuses, LSBStatusExitStatuses
from supervisor.supervisorctl.targets import expand_globs, is_pattern, take_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

    Info = dict[str, Any]

NARROWEST = 30
STATE_WIDTH = 10
NOT_UP = frozenset((ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL, ProcessStates.UNKNOWN))


def status(session: Session, command: Command, words: list[str]) -> None:
    """Show the state of all processes or of those named."""
    flags = take_flags(words, ("--json", "-w", "--watch"))
    if session.probe() != LSBInitExitStatuses.SUCCESS:
        session.worsen(LSBStatusExitStatuses.UNKNOWN)
        return
    if flags & {"-w", "--watch"}:
        load("watch:watch")(session, words, "--json" in flags)
        return
    shown, errors = select(session, words)
    if "--json" in flags:
        session.output(load("jsontext:statuses")(shown, errors))
    else:
        show(session, shown, errors)
    judge(session, shown, errors)


def select(session: Session, words: list[str]) -> tuple[list[Info], list[tuple[str, str]]]:
    """The processes to show, and (name, what is wrong) of names that mean none."""
    if len(words) == 1 and words != ["all"] and split_namespec(words[0])[1] is not None and not is_pattern(words[0]):
        return _select_one(session, words[0])
    everything: list[Info] = session.call("getAllProcessInfo")
    if not words or "all" in words:
        return everything, []
    groups: dict[str, list[Info]] = {}
    for info in everything:
        groups.setdefault(info["group"], []).append(info)
    shown: list[Info] = []
    errors: list[tuple[str, str]] = []
    for word in expand_globs(words, everything):
        group, process = split_namespec(word)
        members = groups.get(group, [])
        if process is None:
            shown.extend(members)
            if not members:
                errors.append((group, "no such group"))
            continue
        found = [info for info in members if info["name"] == process]
        shown.extend(found)
        if not found:
            errors.append((word, "no such process"))
    return shown, errors


def _select_one(session: Session, name: str) -> tuple[list[Info], list[tuple[str, str]]]:
    """The same for one name, without asking for thousands."""
    try:
        return [session.call("getProcessInfo", name)], []
    except CallFault as fault:
        if fault.code != Faults.BAD_NAME:
            raise
        return [], [(name, "no such process")]


def show(session: Session, shown: list[Info], errors: list[tuple[str, str]]) -> None:
    """Print all lines at once."""
    lines = all_lines(session, shown, errors)
    if lines:
        session.output("\n".join(lines))


def all_lines(session: Session, shown: list[Info], errors: list[tuple[str, str]]) -> list[str]:
    """The lines about bad names, then the table."""
    return [f"{one_line(name)}: ERROR ({what})" for name, what in errors] + _table_lines(session, shown)


def _table_lines(session: Session, shown: list[Info]) -> list[str]:
    """One line for each process: name, state, description."""
    names = [one_line(make_namespec(info["group"], info["name"])) for info in shown]
    width = max(NARROWEST, *map(len, names)) + 3 if names else 0
    paint = load("colours:painter")() if session.on_terminal() else str
    return [
        f"{name:<{width}}{paint(format(one_line(info['statename']), f'<{STATE_WIDTH}'))}{one_line(info['description'])}"
        for name, info in zip(names, shown, strict=True)
    ]


def judge(session: Session, shown: list[Info], errors: list[tuple[str, str]]) -> None:
    """The exit status that a list of processes means."""
    if any(info["state"] in NOT_UP for info in shown):
        session.worsen(LSBStatusExitStatuses.NOT_RUNNING)
    if errors:
        session.worsen(LSBStatusExitStatuses.UNKNOWN)


def pid(session: Session, command: Command, words: list[str]) -> None:
    """Print pids: of supervisord, of every process, of those named."""
    if not session.upcheck():
        return
    if not words:
        session.output(_number(session.call("getPID")))
        return
    if "all" in words:
        lines = [_number(info["pid"]) for info in session.call("getAllProcessInfo")]
        if lines:
            session.output("\n".join(lines))
        return
    names = expand_globs(words, session)
    for number, outcome in session.calls([("getProcessInfo", (name,)) for name in names]):
        name = names[number]
        if isinstance(outcome, CallFault):
            if outcome.code != Faults.BAD_NAME:
                raise outcome
            session.fail(f"No such process {one_line(name)}")
        else:
            session.output(_number(outcome["pid"]))
            if outcome["pid"] == 0:
                session.worsen(LSBInitExitStatuses.NOT_RUNNING)


def _number(value: Any) -> str:
    """What should be a number, from a server that may be none of ours."""
    return one_line(str(value))
