"""status -w: the table again and again, drawn anew on a terminal, printed at each change elsewhere and as JSON."""

from __future__ import annotations

import select
import time

from supervisor.supervisorctl import status
from supervisor.supervisorctl.colours import can_redraw
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.output import OutputGone
from supervisor.supervisorctl.statuses import LSBInitExitStatuses, LSBStatusExitStatuses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session

EVERY = 1.0
# From the corner on, with lines that end at the edge instead of going on below it.
_BEGIN, _END_OF_LINE, _END = "\x1b[H\x1b[?7l", "\x1b[K\n", "\x1b[J\x1b[?7h"


def watch(session: Session, words: list[str], as_json: bool = False) -> None:
    """Show the processes until Ctrl-C, or until the server or the reader is gone."""
    before: object = None
    redraws = session.on_terminal() and can_redraw() and not as_json
    try:
        while True:
            if session.probe() != LSBInitExitStatuses.SUCCESS:
                session.worsen(LSBStatusExitStatuses.UNKNOWN)
                return
            shown, errors = status.select(session, words)
            now = ([(info["group"], info["name"], info["state"], info["pid"]) for info in shown], errors)
            if redraws:
                session.write(_screen(status.all_lines(session, shown, errors), session.rows()))
            elif as_json and now != before:
                session.output(load("jsontext:statuses")(shown, errors))
            elif now != before:
                status.show(session, shown, errors)
                session.output("")
            before = now
            _pause(session.pipe())
    except KeyboardInterrupt:
        session.output("")


def _screen(lines: list[str], rows: int) -> str:
    """What draws the lines over what was there, as many as there is room for above the cursor."""
    room = max(rows - 1, 2)
    if len(lines) > room:
        more = len(lines) - room + 1
        lines = [*lines[: room - 1], f"... and {more} more, for which this terminal has no room"]
    return "".join([_BEGIN, *(line + _END_OF_LINE for line in lines), _END])


def _pause(output: int | None) -> None:
    """Until the next look, or until nobody reads the pipe that the output is."""
    if output is None:
        time.sleep(EVERY)
        return
    poll = select.poll()
    poll.register(output, 0)
    if poll.poll(EVERY * 1000):
        raise OutputGone()
