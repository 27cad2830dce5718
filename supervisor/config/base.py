"""What the options of both programs share: command line, search for the file, usage errors.

Cheap to import, for supervisorctl. Must not know: any section.
"""

from __future__ import annotations

import os
import sys

from supervisor.config import cmdline
from supervisor.printing import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


class Dummy:
    """A bag for attributes."""

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Options:
    """The options of one run of a program."""

    progname: str = ""
    configfile: Any = None
    here: str | None = None
    configroot: Any = None
    args: list[str]
    doc: str | None = None
    positional_args_allowed = 0
    switches: Sequence[cmdline.Switch] = ()
    stdout = sys.stdout
    stderr = sys.stderr
    hint = ""           # what a person at a terminal may try after an error

    def __init__(self, require_configfile: bool = True) -> None:
        self.require_configfile = require_configfile
        self.args = []
        self.given: dict[str, Any] = {}      # what the command line says
        parent = os.path.dirname(os.path.dirname(sys.argv[0] if sys.argv else ""))
        self.searchpaths = [os.path.join(parent, "etc/supervisord.conf"), os.path.join(parent, "supervisord.conf"),
                            "supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf",
                            "/etc/supervisor/supervisord.conf"]

    # -- how it ends early

    def exit(self, status: int = 0) -> None:
        """Leaves the program."""
        sys.exit(status)

    def usage(self, msg: str) -> None:
        """One or more errors, a line on where help is, exit status 2."""
        self.errors([msg])

    def errors(self, texts: Iterable[str]) -> None:
        """The same for several."""
        stderr = self._stderr()
        hint = f"; {self.hint}" if self.hint and stderr is not None and stderr.isatty() else ""
        for text in texts:
            self._tell(f"Error: {text}{hint}")
        self._tell(f"For help, use {self.progname} -h")
        self.exit(2)

    def _stderr(self) -> Any:
        return sys.stderr if self.stderr is Options.stderr else self.stderr

    def _tell(self, line: str) -> None:
        """On stderr, if that can be written: telling of a trouble must not become a trouble of its own."""
        stderr = self._stderr()
        try:
            if stderr is not None:
                stderr.write(f"{line}\n")
        except OSError:
            pass

    def help_text(self) -> str:
        """The text of --help."""
        raise NotImplementedError

    def help(self, dummy: object = None) -> None:
        """Prints the help text and leaves."""
        self._print((self.doc or self.help_text()).replace("%s", self.progname))
        self.exit(0)

    def _print(self, text: str) -> None:
        stdout = sys.stdout if self.stdout is Options.stdout else self.stdout
        show(text if text.endswith("\n") else text + "\n", stdout)

    def act(self, switch: cmdline.Switch) -> None:
        """A switch that asks for something at once."""
        self.help()

    # -- what is asked for

    def realize(self, args: Iterable[Any] | None = None, doc: str | None = None,
                progname: str | None = None) -> None:
        """Reads the command line, then the file."""
        words = sys.argv[1:] if args is None else list(args)
        self.progname = progname or (sys.argv[0] if sys.argv else "")
        self.doc = doc
        try:
            found, self.args = cmdline.parse(self.switches, words)
            if self.args and not self.positional_args_allowed:
                raise cmdline.CommandLineError(f"positional arguments are not supported: {self.args!r}")
            self.given = cmdline.values(found, self.act)
        except cmdline.CommandLineError as e:
            self.usage(str(e))
        if "configfile" in self.given:
            self.configfile = self.given["configfile"]
        elif not self.configfile:
            self.configfile = self.default_configfile()
        try:
            self.process_config()
        except FileNotFoundError as e:
            if e.filename is not None:
                raise
            # What getcwd() says, and nothing else.
            self.usage("The current directory has been removed; change to another one, or name every file absolutely")

    def process_config(self, do_usage: bool = True) -> None:
        """Reads the file and settles every value."""
        raise NotImplementedError

    def default_configfile(self) -> str | None:
        """The first file that exists on the search path; none is an error where one is needed."""
        for path in self.searchpaths:
            if os.path.exists(path):
                return path
        if self.require_configfile:
            self.hint = "to get one: echo_supervisord_conf > supervisord.conf"
            self.usage(f"No config file found at default paths ({', '.join(self.searchpaths)}); "
                       "use the -c option to specify a config file at a different path")
        return None
