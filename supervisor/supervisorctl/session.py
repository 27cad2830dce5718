"""A conversation with one supervisord: output, exit status, calls, and the dispatch of one line.

Promise: small to import, so that one action from the command line starts quickly. It must not know cmd, readline or
xmlrpc.client; the shell and plugins add those in Controller, which is a Session too.
"""

from __future__ import annotations

import io
import sys

from supervisor.faults import Faults
from supervisor.supervisorctl import statuses
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.link import BadAnswer, CallFault, Link, Refused, UnknownProtocol
from supervisor.supervisorctl.output import Output
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.table import COMMANDS, NO_WORDS, Command
from supervisor.supervisorctl.targets import BadWords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TextIO

    from supervisor.clientoptions import ClientOptions
    from supervisor.supervisorctl.link import Outcome
    from supervisor.supervisorctl.verbs import Verb

API_VERSION = "3.0"
NO_NAMESPACE = (
    "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to "
    "control it.  Please check that the [rpcinterface:supervisor] section is enabled in the configuration file "
    "(see sample.conf)."
)
OTHER_VERSION = (
    "Sorry, this version of supervisorctl expects to talk to a server with API version {}, "
    "but the remote version is {}."
)


class Session(Output):
    """What an action is given: where to print, whom to ask, and the exit status to worsen."""

    def __init__(self, options: ClientOptions, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self.options = options
        self.stdin: Any = stdin or sys.stdin or io.StringIO()  # started with a closed stdin: there is no more input
        self.stdout: Any = stdout if stdout is not None else sys.stdout
        self.exitstatus: int = statuses.LSBInitExitStatuses.SUCCESS
        self._link: Link | None = None

    # How it ends

    def worsen(self, status: int) -> None:
        """Set the exit status unless a worse one, which is a higher one, is set already."""
        self.exitstatus = max(self.exitstatus, status)

    # Whom to ask

    @property
    def link(self) -> Link:
        """The way to the server named by the options now; made anew when they changed."""
        options = self.options
        place = (options.serverurl or "", options.username, options.password)
        if self._link is None or self._link.place != place:
            self.close()
            self._link = Link(*place)
        return self._link

    def call(self, method: str, *params: object) -> Any:
        """The value of one call of the ``supervisor`` namespace; CallFault when it is a fault."""
        return self.link.call(f"supervisor.{method}", params)

    def calls(
        self, requests: Iterable[tuple[str, tuple[object, ...]]], choose: Callable[[list[int]], int] | None = None
    ) -> Iterator[tuple[int, Outcome]]:
        """The number and the outcome of calls that are all sent before the first is waited for (see Link.calls)."""
        return self.link.calls([(f"supervisor.{method}", params) for method, params in requests], choose)

    def close(self) -> None:
        """Let the connection to the server go; the next call makes another."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def upcheck(self) -> bool:
        """Whether a server we understand is there; when not, say why and set the exit status."""
        status = self.probe()
        self.worsen(status)
        return status == statuses.LSBInitExitStatuses.SUCCESS

    def probe(self) -> int:
        """0 when a server we understand is there; else say why and return the exit status for it."""
        try:
            api = self.call("getVersion")
        except CallFault as fault:
            if fault.code != Faults.UNKNOWN_METHOD:
                raise
            self.output(NO_NAMESPACE)
            return statuses.LSBInitExitStatuses.UNIMPLEMENTED_FEATURE
        except (ConnectionRefusedError, FileNotFoundError) as problem:
            return self.unreachable(problem)
        if api != API_VERSION:
            self.output(OTHER_VERSION.format(API_VERSION, one_line(str(api))))
            return statuses.OTHER_API
        return statuses.LSBInitExitStatuses.SUCCESS

    def unreachable(self, problem: OSError, before: str = "", after: str = "") -> int:
        """Say that nobody answers; the exit status that upcheck gives for it."""
        refused = isinstance(problem, ConnectionRefusedError)
        self.output(f"{before}{self.options.serverurl} {'refused connection' if refused else 'no such file'}{after}")
        self.hint("hints:unreachable")
        return statuses.REFUSED if refused else statuses.NO_SOCKET

    def hint(self, code: str, *words: object) -> None:
        """One line of help on stderr, for people only."""
        if sys.stderr is not None and sys.stderr.isatty():
            print(one_line(load(code)(self.options, *words)), file=sys.stderr)

    # One line

    def onecmd(self, line: str) -> object:
        """Run one line; true when the shell is to end. Whatever goes wrong becomes a line of output."""
        line = line.strip()
        if not line:
            return None
        if line.startswith("?"):
            line = f"help {line[1:]}"
        try:
            return self.dispatch(line)
        except Refused:
            return self.refused(line)
        except Exception as problem:
            self.trouble(problem)
        return None

    def dispatch(self, line: str) -> object:
        """Find the action of a line and run it."""
        name, rest = action_and_rest(line)
        command = COMMANDS.get(name)
        if command is not None:
            return self.run(command, rest.split())
        if name == "EOF":
            return self.run(COMMANDS["exit"], [])
        return self.unknown(line)

    def unknown(self, line: str) -> object:
        """A line that no action answers to."""
        self.fail(f"*** Unknown syntax: {one_line(line)}")
        return None

    def run(self, command: Command, words: list[str]) -> object:
        """Run one action of the table."""
        if command.words == NO_WORDS and words:
            self.usage_error(command, f"Error: {command.name} accepts no arguments")
            return None
        try:
            return load(command.code)(self, command, words)
        except BadWords as problem:
            self.fail(str(problem), problem.status)
            if problem.usage:
                self.show_help(command)
        except (ConnectionRefusedError, FileNotFoundError) as problem:
            self.unreachable(problem)
            self.worsen(statuses.LSBInitExitStatuses.GENERIC)
        return None

    def usage_error(self, command: Command, message: str, status: int = statuses.LSBInitExitStatuses.GENERIC) -> None:
        """Say what is wrong with the words of an action, show its help, set the exit status."""
        self.output(message)
        self.worsen(status)
        self.show_help(command)

    def show_help(self, command: Command) -> None:
        """Print the help lines of an action."""
        self.output("\n".join(command.help))

    def fail(self, message: str, status: int = statuses.LSBInitExitStatuses.GENERIC) -> None:
        """Print a message and worsen the exit status."""
        self.output(message)
        self.worsen(status)

    def refused(self, line: str) -> object:
        """The server wants other credentials."""
        self.fail("Server requires authentication")
        self.hint("hints:refused")
        return None

    def trouble(self, problem: BaseException) -> None:
        """One line about what an action met and did not expect."""
        self.fail(f"error: {one_line(explain(problem))}")
        if isinstance(problem, UnknownProtocol):
            self.hint("hints:protocol")
        elif isinstance(problem, (OSError, BadAnswer)):
            self.hint("hints:unreachable")

    # What the shell and plugins change

    def confirmed(self, question: str) -> bool:
        """Whether a person agrees; one action from the command line is not asked about."""
        return True

    def namespec_result(self, verb: Verb, result: dict[str, Any]) -> str:
        """The line for one result struct of start, stop, signal or clear."""
        return str(load("apply:result_line")(verb, result))

    def help(self, topic: str) -> None:
        """Answer ``help`` (topic '') and ``help topic``."""
        load("help:of_table")(self, topic)


def action_and_rest(line: str) -> tuple[str, str]:
    """The action at the beginning of a line, which ends with its letters, digits and underscores, and the rest."""
    end = 0
    while end < len(line) and line[end].isascii() and (line[end].isalnum() or line[end] == "_"):
        end += 1
    return line[:end], line[end:].strip()


def explain(problem: BaseException) -> str:
    """An exception as class and text, spelled as people and scripts have always seen it."""
    if isinstance(problem, CallFault):
        return f"<class 'xmlrpc.client.Fault'>, {problem}"
    spelled = getattr(problem, "spelled", None)
    if spelled is None:
        kind = type(problem)
        spelled = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"<class {spelled!r}>, {problem}"
