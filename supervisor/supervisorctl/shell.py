"""The shell: a Session with plugins, prompts, history and completion. Loaded when one of these is needed.

Promise: what plugins know as Controller, a cmd.Cmd; any of its methods may be called from several threads.
"""

from __future__ import annotations

import cmd
import signal
import sys
from getpass import getpass

from supervisor.supervisorctl.completer import Completer
from supervisor.supervisorctl.help import help_lines
from supervisor.supervisorctl.history import History
from supervisor.supervisorctl.lines import LineReader
from supervisor.supervisorctl.plugins import answer_help
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.session import Session, action_and_rest
from supervisor.supervisorctl.table import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from supervisor.clientoptions import ClientOptions
    from supervisor.supervisorctl.verbs import Verb


class Controller(Session, cmd.Cmd):  # type: ignore[misc]  # a line may end in any true value, not True alone
    """The shell, and what a plugin is given as ``controller``."""

    def __init__(
        self,
        options: ClientOptions,
        completekey: str = "tab",
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
    ) -> None:
        cmd.Cmd.__init__(self, completekey, stdin, stdout)
        Session.__init__(self, options, stdin, stdout)
        self.prompt = f"{options.prompt}> "
        self.options.plugins = []
        for name, factory, kwargs in self.options.plugin_factories:
            self.options.plugins.append(_made(self, name, factory, kwargs))
        self._completer = Completer(self)
        self._history = History(None)

    # Whom to ask

    def get_supervisor(self) -> Any:
        """A fresh proxy of the ``supervisor`` namespace; what it raises is known from xmlrpc.client."""
        return self.get_server_proxy("supervisor")

    def get_server_proxy(self, namespace: str | None = None) -> Any:
        """A fresh proxy, of one namespace if it is named."""
        proxy = self.options.getServerProxy()
        return getattr(proxy, namespace) if namespace else proxy

    # One line

    def dispatch(self, line: str) -> object:
        """Let the first plugin that has the action run it."""
        name, rest = action_and_rest(line)
        if name == "help":
            return self.run(COMMANDS["help"], rest.split())
        for plugin in self.options.plugins:
            action = getattr(plugin, f"do_{name}", None)
            if action is not None:
                self._completer.forget()
                return action(rest)
        return self.unknown(line)

    def emptyline(self) -> bool:
        """An empty line does nothing."""
        return False

    def default(self, line: str) -> None:
        """No action answers to the line."""
        self.unknown(line)

    def do_help(self, arg: str) -> None:
        """Answer ``help``."""
        self.run(COMMANDS["help"], arg.split())

    def namespec_result(self, verb: Verb, result: dict[str, Any]) -> str:
        """The line for one result; the built-in plugin's method for it may have been replaced."""
        return str(getattr(self.options.plugins[0], f"_{verb.name}result")(result))

    def help(self, topic: str) -> None:
        """Let each plugin answer in turn."""
        if topic == "help":
            self.output("\n".join(help_lines()))
            return
        for plugin in self.options.plugins:
            if hasattr(plugin, "do_help"):
                plugin.do_help(topic)
            else:
                answer_help(plugin, self, topic)

    # Asking the person

    def confirmed(self, question: str) -> bool:
        """Whether the person agrees; without a person there is nothing to ask."""
        if not self.options.interactive:
            return True
        try:
            return self._ask(question).lower().startswith("y")
        except EOFError:
            self.output("")
            return False

    def _ask(self, question: str) -> str:
        """The answer to a question, which is kept out of the history. EOFError at the end of input."""
        if self.use_rawinput:
            with self._history.paused():
                return str(input(question))
        self.write(question)
        return self._line()

    def _line(self) -> str:
        """The next line of an input that is no terminal, without its end. EOFError when there is none."""
        line = str(self.stdin.readline())
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    def refused(self, line: str) -> object:
        """Ask for other credentials and run the line again with them; the end of input ends the shell."""
        if not self.options.interactive:
            return super().refused(line)
        self.output("Server requires authentication")
        try:
            self.options.username = self._ask("Username:")
            self.options.password = self._password()
        except EOFError:
            self.output("")
            return True
        self.output("")
        return self.onecmd(line)

    def _password(self) -> str:
        if self.use_rawinput:
            return getpass("Password:")
        # Without a terminal the prompt is not part of the output that a program reads.
        sys.stderr.write("Password:")
        sys.stderr.flush()
        return self._line()

    # The loop

    def exec_cmdloop(self, args: object = None, options: Any = None) -> None:
        """Show the status, then read and run lines until the input ends, ``quit`` or Ctrl-C at the prompt."""
        terminal = self.stdin is sys.stdin and self.stdin.isatty()
        self.use_rawinput = terminal
        if not terminal:
            self._own_lines()
        self._history = History(self.options.history_file if terminal else None)
        self._history.load()
        try:
            self._loop()
        finally:
            self._history.save()

    def _own_lines(self) -> None:
        if isinstance(self.stdin, LineReader):
            return
        try:
            self.stdin: Any = LineReader(self.stdin.fileno())
        except (AttributeError, OSError, ValueError):
            pass

    def _loop(self) -> None:
        if self.use_rawinput:
            self._completer.install(self.completekey)
        try:
            if self.onecmd("status"):
                return
        except KeyboardInterrupt:
            self.output("")
            return
        while True:
            try:
                line = self._next_line()
            except KeyboardInterrupt:
                self.output("")
                return
            try:
                if self.onecmd(line):
                    return
            except KeyboardInterrupt:
                self.output("")

    def _next_line(self) -> str:
        self._completer.forget()
        try:
            if self.use_rawinput:
                return input(self.prompt)
            self.write(self.prompt)
            return self._line()
        except EOFError:
            return "EOF"

    def cmdloop(self, intro: Any = None) -> None:
        """The loop by the name that cmd gives it."""
        if intro:
            self.output(intro)
        self.exec_cmdloop()

    # Completion

    def complete(self, text: str, state: int) -> str | None:  # type: ignore[override]  # what readline asks for
        """The candidate of that number for readline."""
        return self._completer.complete(text, state)

    def completenames(self, text: str, *ignored: Any) -> list[str]:
        """The actions that begin with a text."""
        return self._completer.actions(text)


def _made(controller: Controller, name: str, factory: Any, kwargs: dict[str, str]) -> Any:
    """A plugin; ValueError when what makes it does not."""
    try:
        plugin = factory(controller, **kwargs)
        plugin.name = name
    except Exception as problem:
        why = one_line(f"{type(problem).__name__}: {problem}")
        raise ValueError(f"supervisor.ctl_factory of [ctlplugin:{name}] made no plugin: {why}") from problem
    return plugin


def ignore_interrupts() -> None:
    """For the end: Ctrl-C pressed once more is no other wish than the first, and spoils no exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
