"""The table of actions: name, where its code is, arguments, help, completion.

Dispatch, help, completion and exit statuses are read from these rows and from nowhere else.
It must not know how anything is done, and imports next to nothing: every run of supervisorctl reads it.
"""

from __future__ import annotations

from supervisor.supervisorctl.statuses import LSBInitExitStatuses as Exit

NO_WORDS = "no words"
ANY_WORDS = "any words"


class Command:
    """One action: ``code`` is ``module:function`` below this package, loaded when the action is first used."""

    __slots__ = ("name", "code", "help", "words", "completes", "missing", "no_words_status", "more")

    def __init__(
        self,
        name: str,
        code: str,
        *help: str,
        words: str = ANY_WORDS,
        completes: str = "nothing",
        missing: str = "",
        no_words_status: int = Exit.GENERIC,
        more: bool = False,
    ) -> None:
        self.name = name
        self.code = code
        self.help = help
        self.words = words
        self.completes = completes
        self.missing = missing
        self.no_words_status = no_words_status
        self.more = more


_PROCESS_NAME = "a process name"

# Some lines have a blank before their first tab: what reads help knows the column with it.
_ROWS = (
    Command(
        "add",
        "configuration:add",
        "add <name> [...]\tBring groups of the configuration read last into service",
        completes="groups",
    ),
    Command(
        "avail",
        "configuration:avail",
        "avail\t\t\tList every process of the configuration read last",
        words=NO_WORDS,
    ),
    Command(
        "clear",
        "apply:clear",
        "clear <name>\t\tEmpty the log files of a process",
        "clear <name> <name>\tEmpty the log files of several processes",
        "clear <gname>:*\t\tEmpty the log files of all processes of a group",
        "clear all\t\tEmpty the log files of all processes",
        completes="processes",
        missing=_PROCESS_NAME,
    ),
    Command("exit", "server:leave", "exit\tLeave the supervisor shell."),
    Command(
        "fg",
        "foreground:fg",
        "fg <process>\tTalk to a process: see its output, send it lines",
        "\t\tCtrl-C ends it",
        completes="processes",
    ),
    Command(
        "help",
        "help:help",
        "help\t\tList the actions there are",
        "help <action>\tTell what an action does",
        completes="actions",
    ),
    Command(
        "maintail",
        "logs:maintail",
        "maintail -f \tFollow the activity log of supervisord (Ctrl-C ends it)",
        "maintail -100\tThe last 100 *bytes* of the activity log",
        "maintail -n 20\tThe last 20 lines of the activity log",
        "maintail\tThe last 1600 *bytes* of the activity log",
    ),
    Command(
        "open",
        "server:open_server",
        "open <url>\tTalk to another supervisord.",
        "\t\t(a UNIX domain socket is written unix:///socket/path)",
    ),
    Command(
        "pid",
        "status:pid",
        "pid\t\t\tThe PID of supervisord.",
        "pid <name>\t\tThe PID of the process of that name.",
        "pid all\t\t\tThe PIDs of all processes, one on each line.",
        completes="processes",
    ),
    Command("quit", "server:leave", "quit\tLeave the supervisor shell."),
    Command("reload", "server:reload", "reload \t\tRestart the remote supervisord.", words=NO_WORDS),
    Command(
        "remove",
        "configuration:remove",
        "remove <name> [...]\tTake groups that are stopped out of service",
        completes="groups",
    ),
    Command(
        "reread",
        "configuration:reread",
        "reread \t\t\tRead the configuration files again; nothing is added, removed or restarted",
        words=NO_WORDS,
    ),
    Command(
        "restart",
        "apply:restart",
        "restart <name>\t\tStop a process and start it again",
        "restart <gname>:*\tThe same for all processes of a group",
        "restart <name> <name>\tThe same for several processes or groups",
        "restart all\t\tThe same for all processes",
        "restart --no-wait <name>\tDo not wait until it runs",
        "Note: the configuration files are not read again by restart; reread and update do that.",
        completes="processes",
        missing=_PROCESS_NAME,
    ),
    Command("shutdown", "server:shutdown", "shutdown \tShut the remote supervisord down.", words=NO_WORDS),
    Command(
        "signal",
        "apply:signal",
        "signal <signal name> <name>\t\tSend a signal to a process",
        "signal <signal name> <gname>:*\t\tSend a signal to all processes of a group",
        "signal <signal name> <name> <name>\tSend a signal to several processes or groups",
        "signal <signal name> all\t\tSend a signal to all processes",
        completes="signals",
        missing="a signal name and a process name",
    ),
    Command(
        "start",
        "apply:start",
        "start <name>\t\tStart a process",
        "start <gname>:*\t\tStart all processes of a group",
        "start <name> <name>\tStart several processes or groups",
        "start all\t\tStart all processes",
        "start --no-wait <name>\tDo not wait until it runs",
        completes="processes",
        missing=_PROCESS_NAME,
        no_words_status=Exit.INVALID_ARGS,
    ),
    Command(
        "status",
        "status:status",
        "status <name>\t\tState of one process",
        "status <gname>:*\tState of all processes of a group",
        "status <name> <name>\tState of several processes",
        "status\t\t\tState of all processes",
        "status --json [...]\tThe same for programs",
        "status -w [...]\t\tThe same, shown again when it changes (Ctrl-C ends it)",
        completes="processes",
    ),
    Command(
        "stop",
        "apply:stop",
        "stop <name>\t\tStop a process",
        "stop <gname>:*\t\tStop all processes of a group",
        "stop <name> <name>\tStop several processes or groups",
        "stop all\t\tStop all processes",
        "stop --no-wait <name>\tDo not wait until it has ended",
        completes="processes",
        missing=_PROCESS_NAME,
    ),
    Command(
        "tail",
        "logs:tail",
        "tail [-f] <name> [stdout|stderr]\t(stdout if neither is given)",
        "For example:",
        "tail -f <name>\t\tFollow what a process writes to stdout",
        "\t\t\tCtrl-C ends it.",
        "tail -100 <name>\tThe last 100 *bytes* of its stdout",
        "tail -n 20 <name>\tThe last 20 lines of its stdout",
        "tail <name> stderr\tThe last 1600 *bytes* of its stderr",
        "tail --raw <name>\tControl characters reach the terminal as they are",
        completes="processes",
    ),
    Command(
        "update",
        "configuration:update",
        "update\t\t\tRead the configuration again; add, remove and restart what changed",
        "update all\t\tThe same",
        "update <gname> [...]\tThe same for these groups only",
        "update --members [...]\tOf changed groups restart only the members that changed",
        completes="groups",
    ),
    Command("version", "server:version", "version\t\t\tThe version of the remote supervisord", words=NO_WORDS),
    Command(
        "completion",
        "completion:completion",
        "completion bash|zsh|fish\tPrint a completion script for a command shell",
        completes="shells",
        more=True,
    ),
    Command(
        "logs",
        "logs:logs",
        "logs [<name> ...]\tThe last lines of several programs, each with its name",
        "logs -f [<name> ...]\tFollow them (Ctrl-C ends it)",
        "logs -n 50 [<name> ...]\tThe last 50 lines of each",
        "logs --raw [...]\tControl characters reach the terminal as they are",
        completes="processes",
        more=True,
    ),
    Command(
        "plan",
        "plan:plan",
        "plan [--json] [--values]\tTell what update would do, and why; nothing is changed",
        "\t\t--values: with the values of environment variables",
        "\t\tExit status 0: nothing, 2: changes, 1: error",
        more=True,
    ),
    Command(
        "wait",
        "waiting:wait",
        "wait <name> [...] --for running|stopped|exited [--timeout <seconds>]",
        "\t\tWait until processes are in that state",
        completes="processes",
        more=True,
    ),
)

COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
