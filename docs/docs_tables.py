"""The generators of the documentation's tables: name -> function that returns reST.

Promise: every row of the code's own tables is shown; nothing here states a fact of its own beyond the payload's tokens.
Must not know: Sphinx.
"""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from lifecycle_figure import svg

from supervisor import events
from supervisor.clientoptions import CLIENT_SWITCHES
from supervisor.config import option as scopes
from supervisor.config.cmdline import Switch
from supervisor.config.reference import NAMES, Entry, entries, sections
from supervisor.config.switches import SERVER_SWITCHES
from supervisor.config.tables import PROGRAM
from supervisor.faults import Faults
from supervisor.loggers import LevelsByDescription
from supervisor.process.lifecycle import STEPS
from supervisor.states import (
    RUNNING_STATES,
    SIGNALLABLE_STATES,
    STOPPED_STATES,
    ProcessStates,
    SupervisorStates,
    getProcessStateDescription,
)
from supervisor.supervisorctl.table import COMMANDS, Command
from supervisor.xmlrpc.methods import METHODS, Method

OLDEST = "3.0"      # what has been there since then is not worth a note


def table(head: Iterable[str], rows: Iterable[Iterable[str]], widths: str = "auto") -> str:
    """A list-table."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (head, *rows):
        lines += [f"   {'* -' if place == 0 else '  -'} {cell}" for place, cell in enumerate(row)]
    return "\n".join([*lines, ""])


def code(text: object) -> str:
    """A word as it is typed."""
    return f"``{text}``" if str(text) else ""


def escaped(text: str) -> str:
    """Prose with what reST would take for markup made plain."""
    for mark in "\\*`|_":
        text = text.replace(mark, "\\" + mark)
    return text


# -- options of the configuration file

def options(kind: str) -> str:
    """The options of one kind of section."""
    return "\n".join(_option(entry) for entry in entries(kind))


def _option(entry: Entry) -> str:
    since = f" Since {entry.since}." if entry.since != OLDEST else ""
    default = "Required." if entry.required else f"Default: {escaped(entry.default)}."
    return f"{code(entry.name)} : {entry.kind}\n    {escaped(entry.help)} {default}{since}\n"


def expansions() -> str:
    """Which options may use which names."""
    used: dict[str, list[str]] = {}
    for kind in sections():
        for entry in entries(kind):
            used.setdefault(entry.expansions, []).append(kind)
    order = [NAMES[scope] for scope in (scopes.ENV, scopes.HERE, scopes.HOST, scopes.SECTION, scopes.PROCESS)]
    rows = []
    for names in order:
        where = ", ".join(f"[{kind}]" for kind in dict.fromkeys(used.get(names, ())))
        rows.append((", ".join(code(f"%({name})s") for name in names.split(", ")), where))
    return table(("Names", "Options of"), rows, "50 50")


def program_expansions() -> str:
    """The options of a program that are expanded for each of its processes."""
    names = [code(row.name) for row in PROGRAM.rows if row.expand == scopes.PROCESS]
    return "Expanded for each process: " + ", ".join(names) + ". All others are expanded once for the section.\n"


# -- command lines

def switches(rows: Iterable[Switch]) -> str:
    """The options of a command line, as an option list."""
    return "\n".join(f"{_spelled(row)}\n    {escaped(_one_line(row.help))}\n" for row in rows)


def _spelled(row: Switch) -> str:
    short = [f"-{letter} {row.metavar}".rstrip() for letter in row.short if letter != "?"]
    long = f"--{row.long}={row.metavar}" if row.metavar else f"--{row.long}"
    return ", ".join([*short, long])


def _one_line(text: str) -> str:
    return " ".join(text.split())


# -- supervisorctl

def commands() -> str:
    """The actions of supervisorctl."""
    return "\n".join(f"{code(name)}\n{_usages(row)}" for name, row in sorted(COMMANDS.items()))


def _usages(row: Command) -> str:
    rows: list[list[str]] = []
    for line in row.help:
        usage, tab, text = line.partition("\t")
        text = text.strip()
        if usage.strip() and tab:
            rows.append([usage.strip(), text])
        elif rows and tab:
            rows[-1][1] = f"{rows[-1][1].rstrip('.')}. {text}" if rows[-1][1] else text
        elif not usage.endswith(":"):
            rows.append([usage.strip(), ""] if line.startswith(row.name) else ["", usage.strip()])
    lines = ["    | " + " -- ".join(part for part in (code(usage), escaped(text)) if part) for usage, text in rows]
    return "\n".join([*lines, ""])


# -- XML-RPC

def methods(namespace: str) -> str:
    """The methods of one namespace; aliases are told of with the method they stand for."""
    names: dict[int, list[str]] = {}
    for name, method in METHODS[namespace].items():
        names.setdefault(id(method), []).append(name)
    return "\n".join(_method(namespace, METHODS[namespace][called[0]], called) for called in names.values())


def _method(namespace: str, method: Method, names: list[str]) -> str:
    name, *aliases = names
    parameters = ", ".join(f"{each.name}=true" if each.optional else each.name for each in method.parameters)
    lines = [f".. describe:: {namespace}.{name}({parameters}) -> {method.result.type}", "",
             f"   {escaped(method.help)}", ""]
    if aliases:
        lines += [f"   Also called {', '.join(code(alias) for alias in aliases)}.", ""]
    lines += [f"   - {code(each.name)} ({each.type}): {escaped(each.text)}" for each in method.parameters]
    lines += [f"   - gives {method.result.type}: {escaped(method.result.text)}", ""]
    return "\n".join(lines)


def faults() -> str:
    """Fault codes."""
    return table(("Code", "Name"), ((str(number), code(name)) for name, number in _constants(Faults)), "20 80")


def _constants(holder: type) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in vars(holder).items() if not name.startswith("_"))


def supervisor_states() -> str:
    """States of the daemon."""
    return table(("Code", "Name"), ((str(number), code(name)) for name, number in _constants(SupervisorStates)),
                 "20 80")


# -- processes

def process_states() -> str:
    """States of a process and the sets they are in."""
    def mark(number: int, states: Iterable[int]) -> str:
        return "yes" if number in states else ""

    rows = ((code(name), str(number), mark(number, RUNNING_STATES), mark(number, STOPPED_STATES),
             mark(number, SIGNALLABLE_STATES)) for name, number in _constants(ProcessStates))
    return table(("State", "Code", "Counts as running", "Counts as stopped", "Takes signals"), rows)


def lifecycle_figure() -> str:
    """The life of a process, drawn."""
    return "\n".join([".. raw:: html", "", *(f"   {line}" for line in svg().splitlines()), ""])


def lifecycle() -> str:
    """The same as a table."""
    rows = ((code(getProcessStateDescription(state)), what.value, code(getProcessStateDescription(step.to)),
             escaped(", ".join(order.value for order in step.orders))) for (state, what), step in STEPS.items())
    return table(("State", "What happens", "Next state", "What is done"), rows, "15 30 15 40")


def log_levels() -> str:
    """Levels of the activity log."""
    rows = sorted(_constants(LevelsByDescription), key=lambda each: -each[1])
    return table(("Level", "In the log"), ((code(name), code(name[:4].upper())) for name, _ in rows), "50 50")


# -- events

class _Process:
    """Somebody for example payloads."""

    config = SimpleNamespace(name="cat")
    group = SimpleNamespace(config=SimpleNamespace(name="cat"))
    pid = 2766
    backoff = 1


def _state_before(name: str) -> int:
    """A state from which a process comes to the one that the type of event names."""
    state = getattr(ProcessStates, name.removeprefix("PROCESS_STATE_"))
    return [before for (before, _), step in STEPS.items()
            if step.to == state and before not in (state, ProcessStates.UNKNOWN)][-1]


def _example(name: str, kind: type[events.Event]) -> events.Event:
    made: dict[type, Callable[[], events.Event]] = {
        events.ProcessStateEvent: lambda: kind(_Process(), _state_before(name)),        # type: ignore[call-arg]
        events.ProcessLogEvent: lambda: kind(_Process(), 2766, "DATA"),                 # type: ignore[call-arg]
        events.ProcessCommunicationEvent: lambda: kind(_Process(), 2766, "DATA"),       # type: ignore[call-arg]
        events.RemoteCommunicationEvent: lambda: kind("TYPE", "DATA"),                  # type: ignore[call-arg]
        events.ProcessGroupEvent: lambda: kind("cat"),                                  # type: ignore[call-arg]
        events.TickEvent: lambda: kind(1795176000, None),                               # type: ignore[call-arg]
        events.SupervisorStateChangeEvent: kind,
    }
    for base, make in made.items():
        if issubclass(kind, base):
            return make()
    raise LookupError(f"no example of {name}")


def event_types() -> str:
    """All types with an example of each payload; those that are never sent themselves have none."""
    types: dict[str, Any] = dict(_constants(events.EventTypes))
    names = {kind: name for name, kind in types.items()}
    rows = []
    for name, kind in types.items():
        parent = next((names[base] for base in kind.__mro__[1:] if base in names), "")
        abstract = any(other is not kind and issubclass(other, kind) for other in types.values())
        payload = "" if abstract else _example(name, kind).payload()
        example = " ⏎ ".join(code(line) for line in payload.rstrip("\n").split("\n") if line)
        rows.append((code(name), code(parent), "(never sent itself)" if abstract else example or "(empty)"))
    return table(("Type", "Subtype of", "Example of its payload"), rows, "35 25 40")


# -- the source itself

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "supervisor"


def rooms() -> str:
    """Every module with the first sentence of its head, by folder."""
    parts = []
    folders = [PACKAGE, *sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))]
    for folder in folders:
        about = "" if folder == PACKAGE else f" -- {_head(folder / '__init__.py')}"
        rows = [(code(path.name), _head(path)) for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
        parts.append(f"``{folder.relative_to(ROOT)}/``{about}\n")
        parts += [_indented(table(("Module", "What it is for"), rows, "25 75"))] if rows else []
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())


def _head(path: pathlib.Path) -> str:
    """The first paragraph of a module's documentation, on one line."""
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return escaped(" ".join(found.split("\n\n")[0].split()).replace("``", ""))


FLOOR_NAMES = ("leaves", "pure", "machinery", "domain", "transport", "doors", "options", "programs")


def floors() -> str:
    """The floors, from the test that holds them."""
    tree = ast.parse((ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8"))
    found = next(node.value for node in tree.body if isinstance(node, ast.Assign)
                 and getattr(node.targets[0], "id", "") == "FLOORS")
    by_floor: dict[int, list[str]] = {}
    for name, floor in ast.literal_eval(found).items():
        if name != "supervisor":
            by_floor.setdefault(floor, []).append(name.removeprefix("supervisor."))
    rows = [(str(floor), FLOOR_NAMES[floor], ", ".join(code(name) for name in by_floor[floor]))
            for floor in sorted(by_floor, reverse=True)]
    return table(("Floor", "Name", "Modules and folders"), rows, "10 20 70")


GENERATORS: dict[str, Callable[[], str]] = {
    **{f"options-{kind}": partial(options, kind) for kind in sections()},
    "expansions": expansions,
    "program-expansions": program_expansions,
    "switches-supervisord": partial(switches, SERVER_SWITCHES),
    "switches-supervisorctl": partial(switches, CLIENT_SWITCHES),
    "commands": commands,
    **{f"methods-{namespace}": partial(methods, namespace) for namespace in METHODS},
    "faults": faults,
    "supervisor-states": supervisor_states,
    "process-states": process_states,
    "lifecycle-figure": lifecycle_figure,
    "lifecycle": lifecycle,
    "log-levels": log_levels,
    "event-types": event_types,
    "rooms": rooms,
    "floors": floors,
}
