"""A line on a terminal that tells how far a call on many processes is, and goes away when it is done."""

from __future__ import annotations

import select

from supervisor.states import ProcessStates
from supervisor.supervisorctl.colours import can_redraw
from supervisor.supervisorctl.link import BadAnswer, CallFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.supervisorctl.session import Session

FIRST_LOOK, NEXT_LOOK = 1.0, 0.5
_ERASE = "\r\x1b[K"
_MOVING = {
    "start": (ProcessStates.STARTING, ProcessStates.BACKOFF),
    "stop": (ProcessStates.STOPPING,),
}


def chooser(session: Session, verb: str) -> Callable[[list[int]], int] | None:
    """What waits until a descriptor is readable and tells which; None on a terminal that cannot erase a line."""
    return (lambda fds: _wait(session, verb, fds)) if can_redraw() else None


def _wait(session: Session, verb: str, fds: list[int]) -> int:
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    shown = False
    timeout = FIRST_LOOK
    while not (ready := poll.poll(timeout * 1000)):
        shown = _show(session, verb) or shown
        timeout = NEXT_LOOK
    if shown:
        session.write(_ERASE)
    found = {fd for fd, _ in ready}
    return next(fd for fd in fds if fd in found)


def _show(session: Session, verb: str) -> bool:
    try:
        infos = session.call("getAllProcessInfo")
    except (CallFault, BadAnswer, OSError):
        return False
    moving = sum(info["state"] in _MOVING[verb] for info in infos)
    session.write(f"{_ERASE}{verb}: waiting for {moving} of {len(infos)} processes")
    return True
