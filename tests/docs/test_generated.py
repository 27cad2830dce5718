"""What is made from the code says all of it: tables, figure, manual pages, completions, messages of troubleshooting."""

from __future__ import annotations

import ast
import functools
import importlib
import pathlib
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from supervisor.clientoptions import CLIENT_SWITCHES
from supervisor.config.cmdline import Switch
from supervisor.config.reference import entries
from supervisor.config.switches import SERVER_SWITCHES
from supervisor.config.tables import TABLES
from supervisor.events import EventTypes
from supervisor.process.lifecycle import STEPS
from supervisor.states import ProcessStates
from supervisor.supervisorctl.completion import SCRIPTS, script
from supervisor.supervisorctl.table import COMMANDS
from supervisor.xmlrpc.methods import METHODS
from tests.docs.pages import DOCS, ROOT, pages


@pytest.fixture(scope="module")
def tables() -> Any:
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("docs_tables")
    finally:
        sys.path.remove(str(DOCS))


def test_every_table_is_shown_on_a_page(tables: ModuleType) -> None:
    shown = {name for path in pages()
             for name in re.findall(r"^\.\. generated:: (\S+)$", path.read_text(encoding="utf-8"), flags=re.M)}
    assert shown == set(tables.GENERATORS)


def test_options_of_every_section_are_told(tables: ModuleType) -> None:
    shared = {row.name for row in TABLES["program"].rows}
    for kind, table in TABLES.items():
        text = tables.GENERATORS[f"options-{kind}"]()
        left_out = shared if kind in ("fcgi-program", "eventlistener") else set()
        for row in table.rows:
            assert (f"``{row.name}`` : " in text) == (row.name not in left_out), (kind, row.name)


def test_every_kind_of_value_is_explained() -> None:
    page = (DOCS / "configuration.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^([a-z/]+(?: [a-z]+)*) {2,}", page, flags=re.M)
    for name in TABLES:
        for entry in entries(name):
            first = entry.kind.partition(" or ")[0]
            assert first in rows or entry.kind == "characters or bytes", entry


def test_methods_types_and_actions_are_told(tables: ModuleType) -> None:
    for namespace, methods in METHODS.items():
        text = tables.methods(namespace)
        for name in methods:
            assert f"{namespace}.{name}(" in text or f"``{name}``" in text
    types = tables.event_types()
    for name in vars(EventTypes):
        assert name.startswith("_") or f"- ``{name}``" in types
    actions = tables.commands()
    for name, command in COMMANDS.items():
        assert f"\n``{name}``\n" in "\n" + actions
        assert actions.count(f"| ``{name}") >= 1 or not command.help


def test_the_figure_has_every_state_and_arrow(tables: ModuleType) -> None:
    drawn = tables.lifecycle_figure()
    for name in vars(ProcessStates):
        assert name.startswith("_") or f">{name}<" in drawn
    for (state, what), step in STEPS.items():
        assert step.to == state or f">{what.value}<" in drawn, what
    arrows = {(state, step.to) for (state, _), step in STEPS.items() if step.to != state}
    assert drawn.count("<path d=") == len(arrows) + 1       # and the head of an arrow


@functools.cache
def manual(name: str) -> str:
    """A manual page as words."""
    text = (ROOT / "docs" / "share" / "man" / f"man{name[-1]}" / name).read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("'", ".\\\"")))
    text = re.sub(r"^\.\S+ ?", "", text, flags=re.M)
    text = re.sub(r"\\f(?:\[\w*\]|\(\w\w|\w)|\\%|\\&", "", text)
    text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(dq", '"').replace("\\e", "\\")
    text = text.replace("\\(ga", "`").replace("\\(ha", "^").replace("\\(ti", "~").replace("\\(lq", '"')
    return "".join(text.replace("\\(rq", '"').split())


def squeezed(text: str) -> str:
    return "".join(text.split())


STALE = "run: python docs/share.py"


@pytest.mark.parametrize("switches, page", [(SERVER_SWITCHES, "supervisord.1"), (CLIENT_SWITCHES, "supervisorctl.1")],
                         ids=["supervisord", "supervisorctl"])
def test_manual_pages_know_every_switch(switches: tuple[Switch, ...], page: str) -> None:
    for switch in switches:
        assert f"--{switch.long}" in manual(page), STALE
        if "http" not in switch.help:
            assert squeezed(switch.help) in manual(page), STALE


def test_the_manual_page_of_the_file_knows_every_option() -> None:
    for kind, table in TABLES.items():
        for row in table.rows:
            assert squeezed(row.help) in manual("supervisord.conf.5") or "://" in row.help, (kind, row.name, STALE)


def test_the_manual_page_of_the_client_knows_every_action() -> None:
    for command in COMMANDS.values():
        for line in command.help:
            for part in line.split("\t"):
                assert squeezed(part).rstrip(".:") in manual("supervisorctl.1") or part.endswith(":"), STALE


@pytest.mark.parametrize("shell", SCRIPTS)
def test_completions_are_up_to_date(shell: str) -> None:
    places = [path for path in (ROOT / "docs" / "share").rglob("*supervisorctl*")
              if shell in str(path.relative_to(ROOT))]
    assert [path.read_text(encoding="utf-8") for path in places] == [script(shell)], STALE


@functools.cache
def literals() -> list[str]:
    """Every piece of text in the source."""
    found = []
    for path in (ROOT / "supervisor").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def messages() -> list[str]:
    """The messages that troubleshooting tells about."""
    text = (DOCS / "troubleshooting.rst").read_text(encoding="utf-8")
    return [message for line in re.findall(r"^``(.+)``$", text, flags=re.M) for message in line.split("``, ``")]


# What others say, or is made of the name of a fault.
FOREIGN = {"Permission denied", "CANT_REREAD...", "invalid literal for int() with base 10: ..."}


@pytest.mark.parametrize("message", messages())
def test_messages_of_troubleshooting_are_what_the_programs_say(message: str) -> None:
    if message in FOREIGN:
        return
    for piece in re.split(r"\.\.\.|ERROR \(", message.removeprefix("supervisor: ")):
        piece = piece.strip(" :'\"()")
        assert any(piece in literal for literal in literals()), piece


def test_what_is_installed_beside_the_package_is_declared() -> None:
    declared = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "share").rglob("*"):
        if path.is_file():
            assert str(path.relative_to(ROOT)) in declared, path
    assert pathlib.Path(ROOT, "supervisor", "py.typed").exists()


def test_the_floor_of_coverage_is_the_one_that_is_told() -> None:
    floor = re.findall(r"^fail_under = (\d+)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), flags=re.M)
    told = re.findall(r"is the floor, (\d+):", (DOCS / "testing.rst").read_text(encoding="utf-8"))
    assert told == floor and len(told) == 1
