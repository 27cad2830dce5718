"""The program: options, then one action or the shell, then the exit status."""

from __future__ import annotations

import gc
import os
import sys

from supervisor.clientoptions import ClientOptions
from supervisor.supervisorctl import statuses
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.session import OutputGone, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def main(args: Iterable[Any] | None = None, options: ClientOptions | None = None) -> None:
    """Run supervisorctl; ends in SystemExit with the exit status."""
    if options is None:
        options = ClientOptions()
    try:
        options.realize(args)
        status = run(options)
    except OutputGone as gone:
        _close_output()
        status = int(str(gone.code))
    except KeyboardInterrupt:
        status = statuses.INTERRUPTED
    sys.exit(status)


def run(options: ClientOptions) -> int:
    """The action of the command line and the shell, if they are asked for; the exit status."""
    session: Any
    if options.interactive or options.has_plugins:
        session = load("shell:Controller")(options)
    else:
        session = Session(options)
    try:
        if options.args:
            _act(session, " ".join(options.args))
        if options.interactive:
            session.exec_cmdloop(options.args, options)
            load("shell:ignore_interrupts")()
            return statuses.LSBInitExitStatuses.SUCCESS
        return int(session.exitstatus)
    finally:
        session.close()


def _act(session: Any, line: str) -> None:
    """Run the action; an answer about thousands of processes is no garbage to look through again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        session.onecmd(line)
    finally:
        if collecting:
            gc.enable()


def _close_output() -> None:
    """Point stdout elsewhere, so that the interpreter's last flush has nobody to miss."""
    try:
        fd = os.open(os.devnull, os.O_WRONLY)
        os.dup2(fd, sys.stdout.fileno())
        os.close(fd)
    except (OSError, ValueError):
        pass
