"""plan: what update would do, and why, without doing it.

The comparison is the daemon's, which reads its files for it and leaves what is in force as it is.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import CHANGES_PENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

FLAGS = ("--json", "--values")


def plan(session: Session, command: Command, words: list[str]) -> None:
    """Say what update would do and why."""
    if any(word not in FLAGS for word in words):
        session.usage_error(command, "Error: plan accepts no arguments but --json and --values")
        return
    try:
        groups = session.call("planConfig", "--values" in words)
    except CallFault as fault:
        if fault.code == Faults.UNKNOWN_METHOD:
            session.fail("ERROR: the remote supervisord is too old to plan")
        else:
            load("configuration:configuration_fault")(session, fault)
        return
    changes = any(group["action"] != "unchanged" for group in groups)
    if "--json" in words:
        session.output(load("jsontext:value")(groups))
    elif changes:
        session.output("\n".join(map(one_line, _lines(groups))))
    else:
        session.output("No config updates to processes")
    if changes:
        session.worsen(CHANGES_PENDING)


def _lines(groups: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each group that is not as before, and for each reason; one for the others together."""
    for group in groups:
        if group["action"] != "unchanged":
            yield f"{group['group']}: {group['action']}"
        for change in group["changes"]:
            where = f"{change['process']} " if change["process"] else ""
            yield f"    {where}{change['option']}: {change['old']!r} -> {change['new']!r}"
    unchanged = [group["group"] for group in groups if group["action"] == "unchanged"]
    if unchanged:
        yield f"unchanged: {', '.join(unchanged)}"
