"""One row per option of the server's sections: the only place that knows an option's name, type and default.

Parsing, errors, the comparison of reread, getAllConfigInfo, the sample and the reference page follow from the rows.
Must not know: files, processes, plugins.
"""

from __future__ import annotations

from supervisor.config.clienttable import SUPERVISORCTL
from supervisor.config.limits import (
    event_length,
    permissions,
    positive_size,
    process_count,
    seconds,
    stop_signal,
    text_without_nul,
    waiting_seconds,
)
from supervisor.config.option import HERE, HOST, PROCESS, SECTION, Option, Table, text
from supervisor.datatypes import (
    Automatic,
    RestartWhenExitUnexpected,
    auto_restart,
    boolean,
    byte_size,
    colon_separated_user_group,
    dict_of_key_value_pairs,
    existing_directory,
    existing_dirpath,
    inet_address,
    integer,
    list_of_exitcodes,
    list_of_strings,
    logfile_name,
    logging_level,
    name_to_uid,
    octal_type,
)

MB = 1024 * 1024

__all__ = ["CTLPLUGIN", "EVENTLISTENER", "FCGI_PROGRAM", "GROUP", "INCLUDE", "INET_HTTP_SERVER", "PROGRAM",
           "RPCINTERFACE", "SUPERVISORCTL", "SUPERVISORD", "TABLES", "UNIX_HTTP_SERVER"]


def logfile_or_syslog(value: str) -> str:
    """The activity log: a path, or the word syslog."""
    return value if value == "syslog" else existing_dirpath(value)


_AUTHENTICATION = (
    Option("username", text, sample="off", example="user", shown="none",
           help="Name a client has to give. Empty: nobody is asked."),
    Option("password", text, sample="off", example="123", shown="none",
           help="Password a client has to give: as text, as {SHA} or {SHA256} and the hexadecimal digest, or as "
                "{PBKDF2-SHA256} or {PBKDF2-SHA512} and ITERATIONS$SALT$HASH."),
)
_LIMITS = (
    Option("allowed_hosts", list_of_strings, [], since="4.3.1", shown="none",
           help="Further host names under which browsers may reach an inet server without a password; * for any."),
    Option("get_actions", boolean, False, since="4.3.1", shown="false",
           help="Let links and forms without a token act in the web pages."),
    Option("max_header_bytes", positive_size, 256 * 1024, since="4.3.1", shown="256KB",
           help="Largest header of a request."),
    Option("max_body_bytes", positive_size, 16 * MB, since="4.3.1", shown="16MB",
           help="Largest body of a request."),
)

UNIX_HTTP_SERVER = Table(
    "unix_http_server",
    Option("file", text_without_nul, expand=HERE, required=True, sample="on", example="/tmp/supervisor.sock",
           help="Path of the socket."),
    Option("chmod", permissions, 0o700, error="Invalid chmod value {}", sample="off", example="0700", shown="0700",
           help="Permissions of the socket."),
    Option("chown", colon_separated_user_group, (-1, -1), error="Invalid sockchown value {}", sample="off",
           example="nobody:nogroup", shown="unchanged", help="Owner of the socket: user or user:group."),
    *_AUTHENTICATION, *_LIMITS,
    told="file username password chown chmod",
)

INET_HTTP_SERVER = Table(
    "inet_http_server",
    Option("port", inet_address, required=True, sample="off", example="127.0.0.1:9001",
           help="Address to listen on: host:port; without a host, or with *, on all interfaces."),
    *_AUTHENTICATION, *_LIMITS,
    told="username password port",
)

SUPERVISORD = Table(
    "supervisord",
    Option("logfile", logfile_or_syslog, "supervisord.log", expand=HERE, sample="on",
           example="/tmp/supervisord.log", shown="supervisord.log in the working directory",
           help="The activity log: a path, or syslog."),
    Option("logfile_maxbytes", byte_size, 50 * MB, expand=HERE, sample="on", example="50MB", shown="50MB",
           help="Size at which the activity log is rotated; 0: never."),
    Option("logfile_backups", integer, 10, expand=HERE, sample="on", example="10", shown="10",
           help="How many rotated logs are kept."),
    Option("loglevel", logging_level, 20, expand=HERE, sample="on", example="info", shown="info",
           help="critical, error, warn, info, debug, trace or blather."),
    Option("pidfile", existing_dirpath, "supervisord.pid", expand=HERE, sample="on",
           example="/tmp/supervisord.pid", shown="supervisord.pid in the working directory",
           help="File that holds supervisord's process number."),
    Option("nodaemon", boolean, False, expand=HERE, sample="on", example="false", shown="false",
           help="Stay in the foreground."),
    Option("silent", boolean, False, expand=HERE, since="4.2.0", sample="on", example="false", shown="false",
           help="In the foreground, write no log to standard output."),
    Option("minfds", integer, 1024, expand=HERE, sample="on", example="1024", shown="1024",
           help="File descriptors that must be available at start."),
    Option("minprocs", integer, 200, expand=HERE, sample="on", example="200", shown="200",
           help="Processes that must be available at start."),
    Option("umask", octal_type, 0o22, expand=HERE, sample="off", example="022", shown="022",
           help="Permissions that files of supervisord and its programs do not get."),
    Option("user", text, expand=HERE, sample="off", example="supervisord", shown="the user who starts it",
           help="User to switch to when started as root."),
    Option("identifier", text, "supervisor", expand=HERE, sample="off", example="supervisor", shown="supervisor",
           help="Name of this supervisord, given to clients."),
    Option("directory", existing_directory, expand=HERE, sample="off", example="/tmp", shown="no change",
           help="Working directory when run as a daemon."),
    Option("nocleanup", boolean, False, expand=HERE, sample="off", example="true", shown="false",
           help="Keep the automatic child logs of earlier runs."),
    Option("childlogdir", existing_directory, expand=HERE, sample="off", example="/tmp",
           shown="the system's temporary directory", help="Directory of automatic child logs."),
    Option("environment", dict_of_key_value_pairs, {}, expand=HOST, sample="off", example='KEY="value"',
           shown="none", help="Variables for all programs: KEY=\"value\",KEY2=\"value2\"."),
    Option("strip_ansi", boolean, False, expand=HERE, sample="off", example="false", shown="false",
           help="Remove terminal control sequences from child logs."),
    told="minfds minprocs directory umask logfile logfile_maxbytes logfile_backups loglevel pidfile identifier "
         "nodaemon silent childlogdir nocleanup strip_ansi",
)

RPCINTERFACE = Table(
    "rpcinterface",
    Option("supervisor.rpcinterface_factory", text, required=True, sample="on",
           example="supervisor.rpcinterface:make_main_rpcinterface",
           help="module:callable that makes the methods of this namespace."),
)
CTLPLUGIN = Table(
    "ctlplugin",
    Option("supervisor.ctl_factory", text, required=True,
           help="module:callable that makes a plugin of supervisorctl."),
)
INCLUDE = Table(
    "include",
    Option("files", text, expand=HOST, required=True, sample="off", example="relative/directory/*.ini",
           help="Further configuration files, patterns separated by blanks, relative to this file."),
)
GROUP = Table(
    "group",
    Option("programs", list_of_strings, [], expand=HERE, sample="off", example="progname1,progname2",
           shown="none", help="The programs of the group, separated by commas."),
    Option("priority", integer, 999, expand=HERE, sample="off", example="999", shown="999",
           help="Place in the order of starting and stopping."),
    told="priority",
)


def _channel(channel: str) -> tuple[Option, ...]:
    """The options that standard output and standard error have alike."""
    return (
        Option(f"{channel}_logfile", logfile_name, Automatic, expand=PROCESS, info=True, sample="off",
               example="/a/path", shown="AUTO", help=f"Where {channel} goes: a path, AUTO or NONE."),
        Option(f"{channel}_logfile_maxbytes", byte_size, 50 * MB, expand=PROCESS, info=True, sample="off",
               example="1MB", shown="50MB", help=f"Size at which the {channel} log is rotated; 0: never."),
        Option(f"{channel}_logfile_backups", integer, 10, expand=PROCESS, info=True, sample="off", example="10",
               shown="10", help=f"How many rotated {channel} logs are kept."),
        Option(f"{channel}_capture_maxbytes", byte_size, 0, expand=SECTION, info=True, sample="off", example="1MB",
               shown="0", help=f"How much of a section between tokens on {channel} is sent as an event; 0: none."),
        Option(f"{channel}_events_enabled", boolean, False, expand=SECTION, since="3.0a7", info=True, sample="off",
               example="false", shown="false", help=f"Send an event for what is written to {channel}."),
        Option(f"{channel}_syslog", boolean, False, expand=PROCESS, since="4.0", info=True, sample="off",
               example="false", shown="false", help=f"Send {channel} to syslog, with the name of the process."),
    )


PROGRAM = Table(
    "program",
    Option("command", text_without_nul, expand=PROCESS, required=True, info=True, sample="off", example="/bin/cat",
           help="Command line to run, with quotes as in a shell, but no shell; looked up on PATH without a slash."),
    Option("process_name", text, "%(program_name)s", expand=PROCESS, bare=True, sample="off",
           example="%(program_name)s", shown="%(program_name)s", help="Name of each process."),
    Option("numprocs", process_count, 1, expand=SECTION, sample="off", example="1", shown="1",
           help="How many processes to run."),
    Option("directory", text_without_nul, expand=PROCESS, info=True, sample="off", example="/tmp", shown="no change",
           help="Working directory of the program."),
    Option("umask", octal_type, expand=SECTION, sample="off", example="022", shown="inherited",
           help="Permissions that files of the program do not get."),
    Option("priority", integer, 999, expand=SECTION, sample="off", example="999", shown="999",
           help="Place in the order of starting and stopping: low ones start first."),
    Option("autostart", boolean, True, expand=SECTION, info=True, sample="off", example="true", shown="true",
           help="Start with supervisord."),
    Option("startsecs", seconds, 1, expand=SECTION, info=True, sample="off", example="1", shown="1",
           help="Seconds it must stay up before it counts as started; 0: none."),
    Option("startretries", integer, 3, expand=SECTION, info=True, sample="off", example="3", shown="3",
           help="How often a start that failed is tried again."),
    Option("autorestart", auto_restart, RestartWhenExitUnexpected, expand=SECTION, info=True, sample="off",
           example="unexpected", shown="unexpected", help="Restart it when it exits: true, false, or unexpected."),
    Option("exitcodes", list_of_exitcodes, [0], expand=SECTION, info=True, sample="off", example="0", shown="0",
           help="Exit statuses that are expected."),
    Option("stopsignal", stop_signal, 15, expand=SECTION, info=True, sample="off", example="TERM", shown="TERM",
           help="Signal sent to stop it."),
    Option("stopwaitsecs", waiting_seconds, 10, expand=SECTION, info=True, sample="off", example="10", shown="10",
           help="Seconds between that signal and SIGKILL."),
    Option("stopasgroup", boolean, False, expand=SECTION, since="3.0b1", sample="off", example="false",
           shown="false", help="Send the stop signal to its whole process group."),
    Option("killasgroup", boolean, None, expand=SECTION, since="3.0a11", info=True, sample="off", example="false",
           shown="the value of stopasgroup", help="Send SIGKILL to its whole process group."),
    Option("user", name_to_uid, expand=SECTION, sample="off", example="chrism", shown="the user of supervisord",
           help="User to run it as."),
    Option("redirect_stderr", boolean, False, expand=SECTION, info=True, sample="off", example="true",
           shown="false", help="Write standard error into the log of standard output."),
    *_channel("stdout"), *_channel("stderr"),
    Option("environment", dict_of_key_value_pairs, {}, expand=PROCESS, bare=True, sample="off",
           example='A="1",B="2"', shown="none", help="Variables for the program, over those of [supervisord]."),
    Option("serverurl", text, None, expand=SECTION, info=True, sample="off", example="AUTO", shown="AUTO",
           help="What SUPERVISOR_SERVER_URL says; AUTO: worked out."),
    Option("numprocs_start", integer, 0, expand=SECTION, since="3.0a4", shown="0",
           help="The first process_num."),
    told="priority autostart autorestart startsecs startretries stopsignal stopwaitsecs stopasgroup killasgroup "
         "exitcodes redirect_stderr numprocs numprocs_start stdout_capture_maxbytes stdout_events_enabled "
         "stderr_capture_maxbytes stderr_events_enabled serverurl user umask process_name environment "
         "directory stdout_logfile stdout_logfile_backups stdout_logfile_maxbytes stdout_syslog stderr_logfile "
         "stderr_logfile_backups stderr_logfile_maxbytes stderr_syslog command",
)

FCGI_PROGRAM = PROGRAM.plus(
    "fcgi-program", after="serverurl", told=PROGRAM.told + " socket_backlog socket_owner socket_mode socket", rows=(
    Option("socket", text, expand=HERE, required=True,
           help="The socket shared by its processes: unix:///path or tcp://host:port."),
    Option("socket_backlog", integer, expand=HERE, since="3.4.0", shown="the system's limit",
           help="How many connections may wait."),
    Option("socket_owner", colon_separated_user_group, expand=HERE, error="Invalid socket_owner value {}",
           shown="the program's user", help="Owner of a unix socket: user or user:group."),
    Option("socket_mode", permissions, expand=HERE, error="Invalid socket_mode value {}", shown="0700",
           help="Permissions of a unix socket."),
))

EVENTLISTENER = PROGRAM.plus(
    "eventlistener", after="numprocs",
    told="priority buffer_size result_handler events redirect_stderr " + PROGRAM.told, rows=(
    Option("events", list_of_strings, expand=HERE, required=True, sample="off", example="EVENT",
           help="Types of events to be told of, separated by commas."),
    Option("buffer_size", integer, 10, expand=HERE, sample="off", example="10", shown="10",
           help="How many events may wait for a listener."),
    Option("buffer_maxbytes", positive_size, 64 * MB, expand=HERE, since="4.3.1", shown="64MB",
           help="How much memory the text and data of the events that wait may take."),
    Option("result_handler", text, "supervisor.dispatchers:default_handler", expand=HERE,
           shown="supervisor.dispatchers:default_handler", help="module:callable that judges a listener's answer."),
    Option("event_len", event_length, "characters", expand=HERE, since="4.3.1", shown="characters",
           help="What len in the header of an event counts: characters or bytes."),
    Option("result_maxbytes", positive_size, MB, expand=HERE, since="4.3.1", shown="1MB",
           help="The longest answer of a listener; a longer one breaks the protocol."),
    Option("restart_unknown", boolean, False, expand=HERE, since="4.3.1", shown="false",
           help="Restart a listener that broke the protocol."),
))

TABLES = {table.kind: table for table in (
    UNIX_HTTP_SERVER, INET_HTTP_SERVER, SUPERVISORD, RPCINTERFACE, SUPERVISORCTL, CTLPLUGIN, PROGRAM, FCGI_PROGRAM,
    EVENTLISTENER, GROUP, INCLUDE)}
