"""plan: what update would do, and why, without doing it.

Works with every supervisord: the comparison is the daemon's (reloadConfig), the reasons are the facts that two answers
of getAllConfigInfo, before and after the configuration was read, show differently. No process is touched.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.names import make_namespec
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import CHANGES_PENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

    Facts = dict[tuple[str, str], dict[str, Any]]

# Facts about the moment, not about the configuration.
NOT_COMPARED = frozenset(("inuse", "group", "name"))


def plan(session: Session, command: Command, words: list[str]) -> None:
    """Say what update would do and why."""
    as_json = words == ["--json"]
    if words and not as_json:
        session.usage_error(command, "Error: plan accepts no arguments but --json")
        return
    try:
        changes = _changes(session)
    except CallFault as fault:
        load("configuration:configuration_fault")(session, fault)
        return
    except (ConnectionRefusedError, FileNotFoundError) as problem:
        session.unreachable(problem)
        session.worsen(1)
        return
    if as_json:
        session.output(load("jsontext:value")(changes))
    else:
        lines = [one_line(f"{each['group']}: {each['action']} ({'; '.join(each['why'])})") for each in changes]
        session.output("\n".join(lines) or "No config updates to processes")
    if changes:
        session.worsen(CHANGES_PENDING)


def _changes(session: Session) -> list[dict[str, Any]]:
    before = _facts(session)
    [[added, changed, removed]] = session.call("reloadConfig")
    after = _facts(session)
    return [
        *({"group": name, "action": "remove", "why": ["it is in the configuration no more"]} for name in removed),
        *({"group": name, "action": "restart", "why": reasons(name, before, after)} for name in changed),
        *({"group": name, "action": "add", "why": ["it is new in the configuration"]} for name in added),
    ]


def _facts(session: Session) -> Facts:
    try:
        return {(info["group"], info["name"]): info for info in session.call("getAllConfigInfo")}
    except CallFault as fault:
        if fault.code == Faults.SHUTDOWN_STATE:
            raise
        return {}


def reasons(group: str, before: Facts, after: Facts) -> list[str]:
    """What the two answers show differently of a group."""
    found = []
    for name in sorted(key for key in {*before, *after} if key[0] == group):
        namespec = make_namespec(*name)
        if name not in before:
            found.append(f"{namespec} is new")
        elif name not in after:
            found.append(f"{namespec} is gone")
        else:
            old, new = before[name], after[name]
            found += [
                f"{namespec}: {key} {old.get(key)!r} -> {new[key]!r}"
                for key in sorted(new)
                if key not in NOT_COMPARED and old.get(key) != new[key]
            ]
    # After an earlier reread both answers are alike, and some options are in no answer.
    return found or ["options that cannot be compared from here, such as environment, or read by an earlier reread"]
