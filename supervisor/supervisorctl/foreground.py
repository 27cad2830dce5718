"""fg: a process' output on the screen, typed lines to its stdin.

Promise: Ctrl-C, the end of input and the death of the process end it at once, and no thread is left behind.
"""

from __future__ import annotations

import threading

from supervisor.faults import Faults
from supervisor.states import ProcessStates
from supervisor.supervisorctl.lines import LineReader
from supervisor.supervisorctl.link import BadAnswer, CallFault, Link
from supervisor.supervisorctl.logs import TO_LEAVE
from supervisor.supervisorctl.printer import Printer
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.stream import Stream, WakeUp, follow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

LOOK_EVERY = 0.5
ALIVE = (ProcessStates.RUNNING,)


class fgthread(threading.Thread):
    """Shows the stdout and stderr logs of a program as they grow, until kill() is called."""

    def __init__(self, program: str, ctl: Any) -> None:
        super().__init__(name=f"fg {program}", daemon=True)
        self.program = program
        self.ctl = ctl
        self._wake_up = WakeUp()

    def run(self) -> None:
        """Follow both logs; one that does not exist is left out."""
        link = Link(*self.ctl.link.place)
        followed: dict[Stream, Callable[[bytes], None]] = {}
        for channel in ("stdout", "stderr"):
            try:
                stream = Stream(link, f"/logtail/{self.program}/{channel}")
            except OSError:
                continue
            followed[stream] = Printer(self.ctl)
        try:
            follow(followed, self._wake_up, missing_is_fine=True)
        except (OSError, ValueError):
            pass  # the server went away; the caller notices by its next call
        finally:
            for each in followed:
                each.close()

    def kill(self) -> None:
        """End it, now."""
        self._wake_up.call()


def fg(session: Session, command: Command, words: list[str]) -> None:
    """Connect the terminal with a process."""
    if not session.upcheck():
        return
    if not words:
        session.usage_error(command, "ERROR: no process name supplied")
        return
    if len(words) > 1:
        session.fail("ERROR: too many process names supplied")
        return
    name = words[0]
    try:
        info = session.call("getProcessInfo", name)
    except CallFault as fault:
        if fault.code == Faults.BAD_NAME:
            session.fail("ERROR: bad process name supplied")
        else:
            session.output(f"ERROR: {one_line(str(fault))}")
        return
    if info["state"] not in ALIVE:
        session.fail("ERROR: process not running")
        return
    _talk(session, name, info["pid"])


def _talk(session: Session, name: str, pid: int) -> None:
    session.output(TO_LEAVE)
    thread = fgthread(name, session)
    try:
        thread.start()  # what it shows may make somebody leave at once
        ending = _lines_to(session, name, pid)
    except (KeyboardInterrupt, EOFError):
        ending = None
    finally:
        thread.kill()
        if thread.is_alive():
            thread.join()
    if ending is not None:
        session.output(ending)
    session.output("Exiting foreground")


def _lines_to(session: Session, name: str, pid: int) -> str | None:
    """Send typed lines until the input ends (None) or there is nobody to send to (why)."""
    source = _line_source(session)
    while True:
        while not source.ready(LOOK_EVERY):
            if not _alive(session, name, pid):
                return "Process got killed"
        line = source.readline()
        if not line:
            return None
        try:
            session.call("sendProcessStdin", name, line if line.endswith("\n") else line + "\n")
        except CallFault as fault:
            return "Process got killed" if fault.code == Faults.NOT_RUNNING else f"ERROR: {one_line(str(fault))}"
        except (OSError, BadAnswer) as problem:
            return f"ERROR: {one_line(str(problem))}"
        if not _alive(session, name, pid):
            return "Process got killed"


def _alive(session: Session, name: str, pid: int) -> bool:
    try:
        info = session.call("getProcessInfo", name)
    except (CallFault, OSError, BadAnswer):
        return False
    return info["state"] in ALIVE and info["pid"] == pid


class _Blocking:
    """Input without a descriptor: each look waits for a line."""

    def __init__(self, source: Any) -> None:
        self.readline = source.readline

    def ready(self, timeout: float) -> bool:
        """Always: readline waits."""
        return True


def _line_source(session: Session) -> LineReader | _Blocking:
    if isinstance(session.stdin, LineReader):
        return session.stdin
    try:
        return LineReader(session.stdin.fileno())
    except (AttributeError, OSError, ValueError):
        return _Blocking(session.stdin)
