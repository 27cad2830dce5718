"""Actions on the configuration: reread, avail, add, remove and update."""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.names import make_namespec
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import LSBInitExitStatuses as Exit
from supervisor.supervisorctl.targets import take_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

SHUTTING_DOWN = "ERROR: supervisor shutting down"
_NEITHER = {
    Faults.SHUTDOWN_STATE: ("ERROR: shutting down", Exit.GENERIC),
    Faults.BAD_NAME: ("ERROR: no such process/group: {}", Exit.GENERIC),
}
_NOT_ADDED = {**_NEITHER, Faults.ALREADY_ADDED: ("ERROR: process group already active", Exit.SUCCESS)}
_NOT_REMOVED = {**_NEITHER, Faults.STILL_RUNNING: ("ERROR: process/group still running: {}", Exit.GENERIC)}


def configuration_fault(session: Session, fault: CallFault, shutting_down: str = SHUTTING_DOWN) -> None:
    """Say that the daemon ends, or why its configuration cannot be read; other faults go on."""
    if fault.code == Faults.SHUTDOWN_STATE:
        session.fail(shutting_down)
    elif fault.code == Faults.CANT_REREAD:
        session.fail(f"ERROR: {_several_lines(fault.text)}")
    else:
        raise fault


def _several_lines(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))


def reread(session: Session, command: Command, words: list[str]) -> None:
    """Read the configuration and say which groups differ from the active ones."""
    try:
        [[added, changed, removed]] = session.call("reloadConfig")
    except CallFault as fault:
        configuration_fault(session, fault)
        return
    kinds = ((added, "available"), (changed, "changed"), (removed, "disappeared"))
    found = sorted((name, kind) for names, kind in kinds for name in names)
    lines = [f"{one_line(name)}: {kind}" for name, kind in found]
    session.output("\n".join(lines) or "No config updates to processes")


def avail(session: Session, command: Command, words: list[str]) -> None:
    """List every process of the configuration read last."""
    try:
        infos = session.call("getAllConfigInfo")
    except CallFault as fault:
        configuration_fault(session, fault)
        return
    lines = []
    for info in sorted(infos, key=lambda info: str(info["name"])):
        name = one_line(make_namespec(info["group"], info["name"]))
        in_use = "in use" if info["inuse"] else "avail"
        starts = "auto" if info["autostart"] else "manual"
        lines.append(f"{name:<32} {in_use:<9} {starts:<9} {info['group_prio']}:{info['process_prio']}")
    if lines:
        session.output("\n".join(lines))


def add(session: Session, command: Command, words: list[str]) -> None:
    """Bring groups of the configuration read last into service."""
    _each_group(session, words, "addProcessGroup", "added process group", _NOT_ADDED)


def remove(session: Session, command: Command, words: list[str]) -> None:
    """Take groups that are stopped out of service."""
    _each_group(session, words, "removeProcessGroup", "removed process group", _NOT_REMOVED)


def _each_group(
    session: Session, names: list[str], method: str, done: str, phrases: dict[int, tuple[str, int]]
) -> None:
    for name in names:
        try:
            session.call(method, name)
        except CallFault as fault:
            if fault.code not in phrases:
                raise
            phrase, status = phrases[fault.code]
            session.fail(phrase.format(one_line(name)), status)
        else:
            session.output(f"{one_line(name)}: {done}")


def update(session: Session, command: Command, words: list[str]) -> None:
    """Make the active groups what the configuration says."""
    try:
        _update(session, words)
    except CallFault as fault:
        configuration_fault(session, fault, "ERROR: already shutting down")


def _update(session: Session, words: list[str]) -> None:
    by_member = bool(take_flags(words, ("--members",)))
    [[added, changed, removed]] = session.call("reloadConfig")
    if words and "all" not in words:
        wanted = set(words)
        known = {info["group"] for info in session.call("getAllProcessInfo")} | set(added)
        for name in dict.fromkeys(word for word in words if word not in known):
            session.fail(f"ERROR: no such group: {one_line(name)}")
    else:
        wanted = {*added, *changed, *removed}
    for name in removed:
        if name in wanted and _stopped(session, name):
            session.call("removeProcessGroup", name)
            session.output(f"{one_line(name)}: removed process group")
    for name in changed:
        if name in wanted and not (by_member and _members_updated(session, name)):
            session.call("stopProcessGroup", name)
            session.output(f"{one_line(name)}: stopped")
            session.call("removeProcessGroup", name)
            session.call("addProcessGroup", name)
            session.output(f"{one_line(name)}: updated process group")
    for name in added:
        if name in wanted:
            session.call("addProcessGroup", name)
            session.output(f"{one_line(name)}: added process group")


def _members_updated(session: Session, name: str) -> bool:
    """Replace those members of a group that changed; false when that can be done with the whole group only."""
    running = _in_the_way(session, name)
    if running is None:
        return False
    for number, outcome in session.calls([("stopProcess", (member,)) for member in running]):
        if not isinstance(outcome, CallFault):
            session.output(f"{one_line(running[number])}: stopped")
        elif outcome.code != Faults.NOT_RUNNING:
            session.fail(f"{one_line(running[number])}: ERROR ({one_line(outcome.text)})")
    if running and _in_the_way(session, name):
        session.fail(f"ERROR: process/group still running: {one_line(name)}")
    else:
        session.output(f"{one_line(name)}: updated process group")
    return True


def _in_the_way(session: Session, name: str) -> list[str] | None:
    """The members that keep a group from being updated; none: it is. None when members do not stand for themselves,
    or the daemon knows nothing of them."""
    try:
        members: list[str] = session.call("updateGroupMembers", name)
    except CallFault as fault:
        if fault.code not in (Faults.FAILED, Faults.UNKNOWN_METHOD):
            raise
        return None
    return members


def _stopped(session: Session, name: str) -> bool:
    """Stop a group that is to go; false when a process of it would not stop."""
    results = session.call("stopProcessGroup", name)
    session.output(f"{one_line(name)}: stopped")
    if any(result["status"] == Faults.FAILED for result in results):
        session.fail(f"{one_line(name)}: has problems; not removing")
        return False
    return True
