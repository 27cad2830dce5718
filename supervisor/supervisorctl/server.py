"""Actions on the daemon as a whole: version, shutdown, reload, open, quit and exit."""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import CallFault
from supervisor.supervisorctl.safetext import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command


def version(session: Session, command: Command, words: list[str]) -> None:
    """Show the version of the daemon's package."""
    if session.upcheck():
        session.output(one_line(str(session.call("getSupervisorVersion"))))


def shutdown(session: Session, command: Command, words: list[str]) -> None:
    """End the daemon."""
    if not session.confirmed("Really shut the remote supervisord process down y/N? "):
        return
    try:
        session.call("shutdown")
    except CallFault as fault:
        if fault.code != Faults.SHUTDOWN_STATE:
            raise
        session.output("ERROR: already shutting down")
    except (ConnectionRefusedError, FileNotFoundError) as problem:
        session.unreachable(problem, "ERROR: ", " (already shut down?)")
        session.worsen(1)
    else:
        session.output("Shut down")


def reload(session: Session, command: Command, words: list[str]) -> None:
    """Restart the daemon in place."""
    if not session.confirmed("Really restart the remote supervisord process y/N? "):
        return
    try:
        session.call("restart")
    except CallFault as fault:
        if fault.code == Faults.SHUTDOWN_STATE:
            session.fail("ERROR: already shutting down")
        elif fault.code == Faults.CANT_REREAD:
            session.fail(f"ERROR: {one_line(fault.text)}")
        else:
            raise
    else:
        session.output("Restarted supervisord")


def open_server(session: Session, command: Command, words: list[str]) -> None:
    """Talk to another daemon from now on and show what it has."""
    url = " ".join(words)
    if not url.startswith(("http://", "unix://")) or not url.partition("://")[2]:
        session.fail("ERROR: url must be http:// or unix://")
        return
    session.options.serverurl, session.options.opened = url, True
    before = session.exitstatus
    load("status:status")(session, command, [])
    session.exitstatus = before


def leave(session: Session, command: Command, words: list[str]) -> bool:
    """End the shell."""
    session.output("")
    return True
