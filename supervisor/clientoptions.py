"""ClientOptions: what command line, environment and file make of one run of supervisorctl.

Imports next to nothing, because a one-shot command should be over in milliseconds; plugins and the classic proxy are
loaded where they are asked for. Must not know: the daemon's options.
"""

from __future__ import annotations

import os

from supervisor.config import late
from supervisor.config.base import Dummy, Options
from supervisor.config.clienttable import SUPERVISORCTL
from supervisor.config.cmdline import CommandLineError, Switch, help_text
from supervisor.config.expand import environ_names, expand
from supervisor.config.reader import SyntaxProblem, decode, merged, read_bytes, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ClientOptions"]

# Characters of a password file that are looked at.
_LONGEST_LINE = 10_000
PLUGIN_KEY = "supervisor.ctl_factory"


def server_url(value: str) -> str:
    """A URL with a scheme and something after it; the text of the refusal is the one of datatypes.url."""
    scheme, colon, rest = value.strip().partition(":")
    if not (colon and scheme[:1].isalpha() and rest.strip("/")):
        raise ValueError(f"value {value!r} is not a URL")
    return value


def expanded_path(value: str) -> str:
    """An absolute path, ``~`` expanded."""
    return os.path.normpath(os.path.abspath(os.path.expanduser(value)))


CLIENT_SWITCHES = (
    Switch("configfile", "c", "configuration", "file to read (looked for in the usual places if not given)",
           "FILENAME"),
    Switch("", "h?", "help", "show this text and exit"),
    Switch("interactive", "i", "interactive", "open a shell, after the action if there is one"),
    Switch("serverurl", "s", "serverurl", 'where supervisord listens\n     (default "http://localhost:9001").', "URL",
           server_url),
    Switch("username", "u", "username", "user name for a server that asks for one", "USERNAME"),
    Switch("password", "p", "password", "password for a server that asks for one", "PASSWORD"),
    Switch("history_file", "r", "history_file", "keep the lines typed in this file (needs readline)", "FILENAME",
           also="history-file"),
    Switch("password_file", "", "password-file", "read the password from the first line of a file", "FILENAME",
           extra=True),
    Switch("", "", "version", "show the version number of supervisorctl and exit", extra=True),
)
CLOSING = """\
action [arguments] -- what to do, such as "status" or "restart web"

Actions beside the classic ones: completion, logs, plan, wait.

The words after the options are one action, which is carried out before the
program ends.  Without an action, or with -i, a shell is opened in which
actions are typed one after the other; its action "help" lists them.
Environment: SUPERVISORCTL_CONFIG, SUPERVISORCTL_SERVERURL,
SUPERVISORCTL_USERNAME and SUPERVISORCTL_PASSWORD stand for -c, -s, -u and -p
where these are not given, and go before the file."""


class ClientOptions(Options):
    """The options of supervisorctl."""

    positional_args_allowed = 1
    switches = CLIENT_SWITCHES
    serverurl: str | None = None
    username: str | None = None
    password: str | None = None
    prompt: str | None = None
    history_file: str | None = None
    interactive: Any = 0
    opened = False              # the server was changed by the action open

    def __init__(self) -> None:
        super().__init__(require_configfile=False)
        self.configroot = Dummy()
        self.configroot.supervisorctl = section = Dummy()
        for name in SUPERVISORCTL.by_name:
            setattr(section, name, None)
        self.plugins: list[Any] = []
        self._plugin_factories: list[tuple[str, Any, dict[str, str]]] = []
        self._default_plugin_known = False

    @property
    def plugin_factories(self) -> list[tuple[str, Any, dict[str, str]]]:
        """(name, factory, keyword arguments) of each plugin, the built-in one first; callers add to the list."""
        if not self._default_plugin_known:
            self._default_plugin_known = True
            self._plugin_factories.insert(0, ("default", late.default_plugin(), {}))
        return self._plugin_factories

    @property
    def has_plugins(self) -> bool:
        """Whether there are plugins beside the built-in one, which is not loaded for the answer."""
        return len(self._plugin_factories) > self._default_plugin_known

    def help_text(self) -> str:
        return help_text("supervisorctl -- command programs that supervisord runs.",
                         f"{self.progname} [options] [action [arguments]]", CLIENT_SWITCHES, CLOSING)

    def act(self, switch: Switch) -> None:
        if switch.long == "version":
            self._print(late.version())
            self.exit(0)
        self.help()

    def default_configfile(self) -> str | None:
        return os.environ.get("SUPERVISORCTL_CONFIG") or super().default_configfile()

    def process_config(self, do_usage: bool = True) -> None:
        """Settles every value: command line, environment, file, default."""
        sections: dict[str, dict[str, str]] = {}
        try:
            if self.configfile:
                sections = self.read_config(self.configfile)
            values = self._values(sections.get("supervisorctl", {}))
            factories = self._factories(sections)
        except ValueError as e:
            if not do_usage:
                raise
            self.usage(str(e))
            return
        if not self.args:
            values["interactive"] = 1
        for name, value in values.items():
            setattr(self, name, value)
        self._plugin_factories, self._default_plugin_known = factories, False

    def read_config(self, fp: Any) -> dict[str, dict[str, str]]:
        """The sections of a file, given by path or open, that are meant for supervisorctl. Raises ValueError."""
        name = getattr(fp, "name", fp) if hasattr(fp, "read") else os.fspath(fp)
        if hasattr(fp, "read"):
            text = fp.read()
        else:
            text = self._text(name)
        self.here = os.path.dirname(os.path.abspath(name))
        sections = merged(read_sections(text, str(name)),
                          lambda section: section == "supervisorctl" or section.startswith("ctlplugin:"))
        if "supervisorctl" not in sections and not self._server_given():
            raise ValueError(".ini file does not include supervisorctl section")
        return sections

    def _server_given(self) -> bool:
        return "serverurl" in self.given or bool(os.environ.get("SUPERVISORCTL_SERVERURL"))

    def _text(self, path: str) -> str:
        if not os.path.exists(path):
            raise ValueError(f"could not find config file {path}")
        try:
            return decode(read_bytes(path))
        except OSError:
            raise ValueError(f"could not read config file {path}")
        except UnicodeError as e:
            raise SyntaxProblem(f"{e} (file: {path!r})")

    def _values(self, texts: dict[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for row in SUPERVISORCTL.rows:
            text = texts.get(row.name)
            value = row.default if text is None else self._expanded(text, f"supervisorctl.{row.name}", row.expand)
            setattr(self.configroot.supervisorctl, row.name, value)
            values[row.name] = value
        for name in ("serverurl", "username", "password"):
            if told := os.environ.get("SUPERVISORCTL_" + name.upper()):
                values[name] = told
        values.update((name, value) for name, value in self.given.items() if name not in ("configfile",))
        if path := values.pop("password_file", None):
            values["password"] = self._first_line(path)
        url = values["serverurl"]
        if url.startswith("unix://") and "serverurl" not in self.given:
            values["serverurl"] = "unix://" + expanded_path(url[len("unix://"):])
        if values["history_file"]:
            values["history_file"] = expanded_path(values["history_file"])
        return values

    def _expanded(self, text: str, name: str, scope: str) -> str:
        if "%" not in text:
            return text
        names = environ_names(os.environ)
        if scope == "here":
            names["here"] = self.here or ""
        return expand(text, names, name)

    def _first_line(self, path: str) -> str:
        try:
            with open(os.path.expanduser(path), encoding="utf-8") as f:
                return f.readline(_LONGEST_LINE).rstrip("\r\n")
        except (OSError, UnicodeError) as e:
            raise CommandLineError(f"could not read password file {path}: {getattr(e, 'strerror', None) or e}")

    def _factories(self, sections: dict[str, dict[str, str]]) -> list[tuple[str, Any, dict[str, str]]]:
        found = []
        for section, texts in sections.items():
            if not section.startswith("ctlplugin:"):
                continue
            values = {option: self._expanded(text, f"{section}.{option}", "env") for option, text in texts.items()}
            spec = values.pop(PLUGIN_KEY, None)
            if spec is None:
                raise ValueError(f"section [{section}] does not specify a {PLUGIN_KEY}")
            try:
                factory = late.import_spec(spec)
            except ValueError as e:
                raise ValueError(f"{spec} cannot be resolved within [{section}]: {e}")
            found.append((section.partition(":")[2], factory, values))
        return found

    def getServerProxy(self) -> Any:
        """The classic xmlrpc.client proxy of the server."""
        return late.server_proxy(self.serverurl, self.username, self.password)
