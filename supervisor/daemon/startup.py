"""From a configuration to a process that may run it: user, limits, log, and nobody else in its place.

Promise: in this order, and nothing of another instance is touched before it is known that there is none.
Knows nothing of groups, servers or the loop.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from supervisor import loggers
from supervisor.engine.daemonize import Readiness, daemonize, detach
from supervisor.engine.inuse import in_use
from supervisor.engine.leftovers import leftovers
from supervisor.engine.limits import LimitError, require_limits
from supervisor.engine.pidfile import PidFile, PidFileHeld
from supervisor.engine.privileges import PrivilegeError, drop_privileges
from supervisor.engine.system import System
from supervisor.hints import TYPE_CHECKING
from supervisor.late import load_all
from supervisor.poller import BasePoller

if TYPE_CHECKING:
    from supervisor.options import ServerOptions

__all__ = [
    "StartError",
    "become_user",
    "go_to_background",
    "make_logger",
    "refuse_second_instance",
    "report_leftovers",
    "starting",
    "tell_notes",
    "without_rotation",
]

_ROOT = (
    "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  "
    "If you intend to run as root, you can set user=root in the config file to avoid this message."
)
_TAKEN = (
    "Another program is already listening on a port that one of our HTTP servers is configured to use.  "
    "Shut this program down first before starting supervisord."
)
# Parts of ours that are loaded when they are first needed.
_LATE_ROOMS = ("meld3", "supervisor.web.handler", "supervisor.web.registry", "supervisor.xmlrpc.handler",
               "supervisor.xmlrpc.namespaces", "supervisor.xmlrpc.strict")
_FORMAT = "%(asctime)s %(levelname)s %(message)s\n"


class StartError(Exception):
    """Why the daemon cannot start; the text is meant for people."""


@contextmanager
def starting() -> Iterator[None]:
    """What the system refuses meanwhile is why the daemon cannot start."""
    try:
        yield
    except OSError as exc:
        what = f"{exc.filename}: " if exc.filename else ""
        raise StartError(f"Cannot start: {what}{exc.strerror or exc}")


def become_user(options: ServerOptions, system: System) -> None:
    """Switch to the configured user; and raise the limits, which is done by the first run only."""
    try:
        if options.uid is not None:
            if options.uid != system.getuid():
                load_all(_LATE_ROOMS)  # that user may not be allowed to read where we are installed
            drop_privileges(system, options.uid)
            options.parse_infos.append(f"Set uid to user {options.uid} succeeded")
        elif system.getuid() == 0:
            options.parse_criticals.append(_ROOT)
        if options.first:
            options.parse_infos.extend(require_limits(system, options.minfds, options.minprocs))
    except (PrivilegeError, LimitError) as exc:
        raise StartError(str(exc))
    except OSError as exc:
        raise StartError(f"Cannot become user {options.uid}: {exc.strerror}")


def make_logger(options: ServerOptions) -> loggers.Logger:
    """The activity log, and its copy on stdout in the foreground."""
    logger = loggers.getLogger(options.loglevel)
    if options.nodaemon and not options.silent:
        loggers.handle_stdout(logger, _FORMAT)
    if options.logfile == "syslog":
        loggers.handle_syslog(logger, _FORMAT)
        return logger
    try:
        loggers.handle_file(
            logger,
            options.logfile,
            _FORMAT,
            rotating=bool(options.logfile_maxbytes),
            maxbytes=options.logfile_maxbytes,
            backups=options.logfile_backups,
        )
    except OSError as exc:
        raise StartError(f"Cannot open the log file {options.logfile}: {exc.strerror or exc}")
    return logger


@contextmanager
def without_rotation(logger: loggers.Logger) -> Iterator[None]:
    """While it is not known whether the log is another instance's; for good when that turns out to be so."""
    logs = [handler for handler in logger.handlers if isinstance(handler, loggers.RotatingFileHandler)]
    for log in logs:
        log.stream.maxbytes = 0
    yield
    for log in logs:
        log.doRollover()


def tell_notes(options: ServerOptions) -> None:
    """Put into the log what was noted before there was one."""
    logger = options.logger
    for notes, tell in (
        (options.parse_criticals, logger.critical),
        (options.parse_warnings, logger.warn),
        (options.parse_infos, logger.info),
    ):
        for note in notes:
            tell(note)
        del notes[:]


def refuse_second_instance(options: ServerOptions, pidfile: PidFile) -> str | None:
    """StartError when another daemon holds one of our addresses or our pid file.

    Otherwise what an earlier one left in the pid file, None if it left none.
    """
    for config in options.server_configs:
        if in_use(config):
            raise StartError(_TAKEN)
    try:
        return pidfile.look()
    except PidFileHeld as exc:
        raise StartError(str(exc))


def report_leftovers(options: ServerOptions, system: System) -> None:
    """After an end without goodbye: one line about programs that are still there from before."""
    names = {
        (group.name, process.name) for group in options.process_group_configs for process in group.process_configs
    }
    found = leftovers(system, options.serverurl, names)
    if found:
        # Anybody can give a process such a variable: no line end of theirs gets into our log.
        what = ", ".join(f"{left.name if left.name.isprintable() else ascii(left.name)} (pid {left.pid})"
                         for left in found)
        options.logger.warn(
            f"an earlier supervisord ended without stopping its programs, still running: {what}; "
            "they are not supervised, stop them by their pids"
        )


def go_to_background(options: ServerOptions, system: System, poller: BasePoller) -> Readiness:
    """Daemonize; back in the child only."""
    log = options.logger
    # What is buffered would be written twice.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    poller.before_daemonize()
    try:
        readiness = daemonize(system, lambda: log.blather("supervisord forked; parent exiting"))
        poller.after_daemonize()
    except OSError as exc:
        raise StartError(f"Cannot go into the background: {exc.strerror}")
    log.info("daemonizing the supervisord process")
    if options.directory:
        try:
            system.chdir(options.directory)
        except OSError as exc:
            log.critical(f"can't chdir into {options.directory!r}: {exc}")
        else:
            log.info(f"set current directory: {options.directory!r}")
    try:
        detach(system)
    except OSError as exc:
        # Our parent, who waits for our word, ends with our status.
        raise StartError(f"Cannot leave the terminal: {exc.filename or exc}: {exc.strerror}")
    return readiness
