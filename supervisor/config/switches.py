"""The switches of supervisord's command line and its help text.

Must not know: what the values are for.
"""

from __future__ import annotations

from supervisor.config.cmdline import Switch, help_text
from supervisor.datatypes import (
    byte_size,
    existing_directory,
    existing_dirpath,
    integer,
    logging_level,
    octal_type,
    profile_options,
)

SERVER_SWITCHES = (
    Switch("configfile", "c", "configuration", "file to read (looked for in the usual places if not given)",
           "FILENAME"),
    Switch("nodaemon", "n", "nodaemon", "stay in the foreground (as 'nodaemon=true' in the file)"),
    Switch("silent", "s", "silent", "in the foreground, write no log to stdout (as 'silent=true')"),
    Switch("", "h?", "help", "show this text and exit"),
    Switch("", "v", "version", "show the version number of supervisord and exit"),
    Switch("user", "u", "user", "switch to this user, given by name or number", "USER"),
    Switch("umask", "m", "umask", "umask for supervisord and its programs (default 022)", "UMASK", octal_type),
    Switch("directory", "d", "directory", "working directory when run as a daemon", "DIRECTORY", existing_directory),
    Switch("logfile", "l", "logfile", "path of the activity log", "FILENAME", existing_dirpath),
    Switch("logfile_maxbytes", "y", "logfile_maxbytes", "rotate the activity log at this size", "BYTES", byte_size),
    Switch("logfile_backups", "z", "logfile_backups", "how many rotated activity logs to keep", "NUM", integer),
    Switch("loglevel", "e", "loglevel",
           "least important level to log\n    (critical, error, warn, info, debug, trace or blather)",
           "LEVEL", logging_level),
    Switch("pidfile", "j", "pidfile", "where to write the process number of the daemon", "FILENAME", existing_dirpath),
    Switch("identifier", "i", "identifier", "name of this supervisord", "STR"),
    Switch("childlogdir", "q", "childlogdir", "directory for automatic child logs", "DIRECTORY", existing_directory),
    Switch("nocleanup", "k", "nocleanup", "keep automatic child logs of earlier runs"),
    Switch("minfds", "a", "minfds", "file descriptors needed to start", "NUM", integer),
    Switch("strip_ansi", "t", "strip_ansi", "remove terminal control sequences from child logs"),
    Switch("minprocs", "", "minprocs", "processes needed to start", "NUM", integer),
    Switch("profile_options", "", "profile_options",
           "run under the profiler and print its results:\n    sort keys such as cumulative or calls, and callers,\n"
           "    separated by commas", "OPTIONS", profile_options),
    Switch("check", "", "check", "read the configuration, tell what is wrong with it, start nothing", extra=True),
    Switch("strict", "", "strict", "with --check, warnings count as errors", extra=True),
)


CLOSING = """\
Without -c the file is looked for beside the program (../etc/supervisord.conf,
../supervisord.conf), in the current directory (supervisord.conf,
etc/supervisord.conf) and in /etc (supervisord.conf, supervisor/supervisord.conf).
To get one: echo_supervisord_conf > supervisord.conf

Signals: TERM, INT and QUIT stop all programs and end; HUP reads the file again
and starts everything anew; USR2 opens the logs again.
To talk to it while it runs: supervisorctl."""


def server_help(progname: str) -> str:
    """What supervisord --help prints."""
    return help_text("supervisord -- keep a set of programs running.", f"{progname} [options]", SERVER_SWITCHES,
                     CLOSING)
