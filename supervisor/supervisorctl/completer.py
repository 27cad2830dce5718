"""Completion in the shell: what may follow what has been typed, by the kinds that the table names."""

from __future__ import annotations

from supervisor.supervisorctl.completion import group_names, process_names, signal_names
from supervisor.supervisorctl.link import BadAnswer, CallFault
from supervisor.supervisorctl.plugins import actions_of
from supervisor.supervisorctl.table import COMMANDS

try:
    import readline
except ImportError:  # a Python without readline has a shell without completion
    readline = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Colons, stars and minus signs are parts of words.
DELIMITERS = " \t\n"


class Completer:
    """Answers readline; the list of processes is fetched once for each typed command."""

    def __init__(self, ctl: Any) -> None:
        self._ctl = ctl
        self._infos: list[dict[str, Any]] | None = None
        self._found: list[str] = []

    def install(self, completekey: str) -> None:
        """Make readline ask us."""
        if readline is None:
            return
        readline.set_completer(self.complete)
        readline.set_completer_delims(DELIMITERS)
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else f"{completekey}: complete")

    def forget(self) -> None:
        """A command was typed: processes may be others now."""
        self._infos = None

    def complete(self, text: str, state: int) -> str | None:
        """The candidate of that number, or None."""
        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()] if readline is not None else ""
            self._found = self.candidates(line, text)
        return self._found[state] if state < len(self._found) else None

    def candidates(self, line: str, text: str) -> list[str]:
        """Every candidate for the word being typed at the end of the line."""
        before = line[: len(line) - len(text)].split()
        if not before:
            return self.actions(text)
        kind = COMMANDS[before[0]].completes if before[0] in COMMANDS else "nothing"
        if kind == "actions":
            return self.actions(text)
        if kind == "groups":
            return self.groups(text)
        if kind == "signals" and len(before) == 1:
            return [f"{name} " for name in signal_names() if name.startswith(text.upper())]
        if kind in ("processes", "signals"):
            return self.processes(text)
        if kind == "shells":
            return [f"{shell} " for shell in ("bash", "fish", "zsh") if shell.startswith(text)]
        return []

    def actions(self, text: str) -> list[str]:
        """Actions of every plugin, each with a blank; those that the list of all leaves out once a text is typed."""
        names = {"help"}
        for plugin in self._ctl.options.plugins:
            names.update(actions_of(plugin))
        if not text:
            names -= {name for name, command in COMMANDS.items() if command.more}
        return [f"{name} " for name in sorted(names) if name.startswith(text)]

    def groups(self, text: str) -> list[str]:
        """Names of groups."""
        return [f"{name} " for name in group_names(self._processes()) if name.startswith(text)]

    def processes(self, text: str) -> list[str]:
        """Names of processes: plain ones for groups of one, else ``group:name`` and ``group:*``; all of them with
        their group once the text has a colon."""
        names = process_names(self._processes(), ":" in text)
        return [f"{name} " for name in names if name.startswith(text)]

    def _processes(self) -> list[dict[str, Any]]:
        if self._infos is None:
            try:
                self._infos = self._ctl.call("getAllProcessInfo")
            except (CallFault, BadAnswer, OSError, ValueError):
                return []
        return self._infos or []
