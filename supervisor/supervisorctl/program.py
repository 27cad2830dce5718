"""The program: options, then one action or the shell, then the exit status."""

from __future__ import annotations

import gc
import os
import sys

from supervisor.clientoptions import ClientOptions
from supervisor.supervisorctl import statuses
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.output import OutputGone
from supervisor.supervisorctl.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


def script() -> None:
    """The installed command: main, but one action leaves at once. Taking the interpreter apart would cost as much as
    the action; a shell and plugins, which may have something to put in order, are given the time."""
    options = ClientOptions()
    status = _status(None, options)
    if not _needs_controller(options):
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
            os._exit(status)
        except OSError:
            pass  # the ordinary end tells
    sys.exit(status)


def main(args: Iterable[Any] | None = None, options: ClientOptions | None = None) -> None:
    """Run supervisorctl; ends in SystemExit with the exit status."""
    sys.exit(_status(args, ClientOptions() if options is None else options))


def _status(args: Iterable[Any] | None, options: ClientOptions) -> int:
    try:
        _uncollected(options.realize, args)
        return run(options)
    except OutputGone as gone:
        _close_output()
        return int(str(gone.code))
    except KeyboardInterrupt:
        return statuses.INTERRUPTED


def _needs_controller(options: ClientOptions) -> bool:
    return bool(options.interactive or options.has_plugins)


def run(options: ClientOptions) -> int:
    """The action of the command line and the shell, if they are asked for; the exit status."""
    session: Any
    try:
        session = load("shell:Controller")(options) if _needs_controller(options) else Session(options)
    except ValueError as problem:  # a plugin cannot be made
        options.usage(str(problem))
        raise
    try:
        if options.args:
            _uncollected(session.onecmd, " ".join(options.args))
        if options.interactive:
            session.exec_cmdloop(options.args, options)
            load("shell:ignore_interrupts")()
            return statuses.LSBInitExitStatuses.SUCCESS
        return int(session.exitstatus)
    finally:
        session.close()


def _uncollected(function: Callable[[Any], object], argument: Any) -> None:
    """Call it; what is read of thousands of processes is no garbage to be looked through again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        function(argument)
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
