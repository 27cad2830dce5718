"""One routine for start, stop, restart, signal and clear: what the words mean, the calls, the lines, the exit status.

All calls of a pass are sent before the first answer is waited for, so that several names cost the time of the
slowest; lines keep the order of the words, but on a terminal, where they come as soon as they can be told.
Which calls and phrases belong to a wish is said by its verb.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.names import make_namespec, split_namespec
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import LSBInitExitStatuses
from supervisor.supervisorctl.targets import expand_globs, take_flags
from supervisor.supervisorctl.verbs import CLEAR, SIGNAL, START, STOP, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

NO_WAIT = "--no-wait"
ONE, MANY, LOST_GROUP = "one", "many", "lost group"


class Target:
    """One word: the call it becomes, or the group that does not exist."""

    __slots__ = ("kind", "word", "request")

    def __init__(self, kind: str, word: str, request: tuple[str, tuple[object, ...]] | None) -> None:
        self.kind = kind
        self.word = word
        self.request = request

    @property
    def many(self) -> bool:
        """Whether the call answers with a result for each of many processes."""
        return self.kind == MANY


def start(session: Session, command: Command, words: list[str]) -> None:
    """Start processes."""
    _named(session, command, words, (START,))


def stop(session: Session, command: Command, words: list[str]) -> None:
    """Stop processes."""
    _named(session, command, words, (STOP,))


def restart(session: Session, command: Command, words: list[str]) -> None:
    """Stop processes, then start them."""
    _named(session, command, words, (STOP, START))


def clear(session: Session, command: Command, words: list[str]) -> None:
    """Empty the logs of processes."""
    _named(session, command, words, (CLEAR,))


def signal(session: Session, command: Command, words: list[str]) -> None:
    """Send a signal to processes."""
    if not session.upcheck():
        return
    if len(words) < 2:
        _missing(session, command)
        return
    apply(session, SIGNAL, expand_globs(words[1:], session), (words[0],))


def _named(session: Session, command: Command, words: list[str], verbs: tuple[Verb, ...]) -> None:
    if not session.upcheck():
        return
    no_wait = take_flags(words, (NO_WAIT,)) if verbs[0].waits else None
    if not words:
        _missing(session, command)
        return
    names = expand_globs(words, session)
    for verb in verbs:
        # A stop that a start follows is waited for: the start would be refused while the old process ends.
        waits = not no_wait or verb is not verbs[-1]
        apply(session, verb, names, () if waits else (False,))


def _missing(session: Session, command: Command) -> None:
    session.usage_error(command, f"Error: {command.name} requires {command.missing}", command.no_words_status)


def apply(session: Session, verb: Verb, names: list[str], extra: tuple[object, ...] = ()) -> None:
    """Send one wish to the processes that the names mean and print what became of it."""
    targets = _targets(session, verb, names, extra)
    asked = [target for target in targets if target.request is not None]
    several = len(asked) > 1 or any(target.many for target in asked)
    watched = verb.waits and several and session.on_terminal()
    progress = load("progress:watch")(session, verb, asked) if watched else None
    outcomes = session.calls(
        [target.request for target in asked if target.request is not None], progress and progress.choose
    )
    if progress is not None:
        for number, outcome in outcomes:
            target = asked[number]
            known = target.many and not isinstance(outcome, CallFault)
            _report(session, verb, target, progress.untold(outcome) if known else outcome)
        return
    for target in targets:
        if target.request is None:
            session.fail(f"{one_line(target.word)}: ERROR (no such group)", verb.no_group)
        else:
            _report(session, verb, target, next(outcomes)[1])


def _targets(session: Session, verb: Verb, names: list[str], extra: tuple[object, ...]) -> list[Target]:
    if "all" in names:
        return [Target(MANY, "all", (verb.all, extra))]
    targets: list[Target] = []
    members: dict[str, list[str]] | None = None
    for name in names:
        group, process = split_namespec(name)
        if process is not None:
            targets.append(Target(ONE, name, (verb.one, (name, *extra))))
        elif verb.group is not None:
            targets.append(Target(MANY, group, (verb.group, (group, *extra))))
        else:
            if members is None:
                members = _members(session)
            targets += [Target(ONE, each, (verb.one, (each, *extra))) for each in members.get(group, ())]
            if group not in members:
                targets.append(Target(LOST_GROUP, group, None))
    return targets


def _members(session: Session) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for info in session.call("getAllProcessInfo"):
        members.setdefault(info["group"], []).append(make_namespec(info["group"], info["name"]))
    return members


def _report(session: Session, verb: Verb, target: Target, outcome: Any) -> None:
    if not isinstance(outcome, CallFault):
        results = outcome if target.many else [_result(target.word, Faults.SUCCESS, "OK")]
        _print_results(session, verb, results)
    elif target.kind == ONE:
        _print_results(session, verb, [_result(target.word, outcome.code, outcome.text)])
    elif target.word != "all" and outcome.code == Faults.BAD_NAME:
        session.fail(f"{one_line(target.word)}: ERROR (no such group)", verb.no_group)
    else:
        phrase, status = verb.phrases.get(outcome.code, (None, LSBInitExitStatuses.GENERIC))
        session.fail(f"ERROR: {phrase or one_line(outcome.text)}", status)


def _result(name: str, status: int, description: str) -> dict[str, Any]:
    group, process = split_namespec(name)
    return {"group": group, "name": process, "status": status, "description": description}


def _print_results(session: Session, verb: Verb, results: list[dict[str, Any]]) -> None:
    lines = []
    for result in results:
        lines.append(str(session.namespec_result(verb, result)))
        if result["status"] != Faults.SUCCESS:
            session.worsen(verb.phrases.get(result["status"], (None, LSBInitExitStatuses.GENERIC))[1])
    if lines:
        session.output("\n".join(lines))


def result_line(verb: Verb, result: dict[str, Any]) -> str:
    """What became of one process, in words."""
    name = one_line(make_namespec(result["group"], result["name"]))
    if result["status"] == Faults.SUCCESS:
        return f"{name}: {verb.done}"
    missing: tuple[str | None, int] = (f"{result['description']}", LSBInitExitStatuses.GENERIC)
    phrase, _ = verb.phrases.get(result["status"], missing)
    if phrase is None:
        return one_line(result["description"])
    return f"{name}: ERROR ({one_line(phrase)})"
