"""Imports go down only: the floors of docs/architecture.rst, read from the source.

An import below ``if TYPE_CHECKING:`` is for mypy and does not count. An import of a module loads the packages it lies
in, so these count, but for the package one is in oneself.
"""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parent.parent / "supervisor"

# Floor by name; the longest name that fits counts, and stands for the modules below it.
FLOORS = {
    "supervisor": 0,
    "supervisor.states": 0,
    "supervisor.faults": 0,
    "supervisor.names": 0,
    "supervisor.late": 0,
    "supervisor.hints": 0,
    "supervisor.printing": 0,
    "supervisor.version": 0,
    "supervisor.way": 0,
    "supervisor.config": 1,
    "supervisor.datatypes": 1,
    "supervisor.process.lifecycle": 1,
    "supervisor.process.waitstatus": 1,
    "supervisor.engine": 2,
    "supervisor.poller": 2,
    "supervisor.loggers": 2,
    "supervisor.logfile": 2,
    "supervisor.logread": 2,
    "supervisor.events": 2,
    "supervisor.dispatchers": 3,
    "supervisor.socket_manager": 3,
    "supervisor.process": 3,
    "supervisor.http": 4,
    "supervisor.http_client": 4,
    "supervisor.xmlrpc": 4,
    "supervisor.http.handlers": 5,
    "supervisor.http.servers": 5,
    "supervisor.xmlrpc.handler": 5,
    "supervisor.rpcinterface": 5,
    "supervisor.web": 5,
    "supervisor.checkup": 6,
    "supervisor.options": 6,
    "supervisor.clientoptions": 6,
    "supervisor.childutils": 6,
    "supervisor.compat": 6,
    "supervisor.medusa": 6,
    "supervisor.templating": 6,
    "supervisor.supervisord": 7,
    "supervisor.daemon": 7,
    "supervisor.supervisorctl": 7,
    "supervisor.pidproxy": 7,
    "supervisor.confecho": 7,
    "supervisor.demo": 7,
}

# Who may load modules by name: plugins that a configuration names, and what most runs never use.
LOADERS = {
    "supervisor.late": "modules that most runs never use",
    "supervisor.web": "its names, for those who ask for them",
    "supervisor.config.plugins": "what a configuration names",
    "supervisor.compat": "the same for plugins, under its old name",
    "supervisor.config.late": "what supervisorctl needs for plugins only",
    "supervisor.supervisorctl.late": "what most commands do not need",
    "supervisor.web.templates": "the template engine, for pages of plugins only",
    "supervisor.xmlrpc": "its names, for those who ask for them",
    "supervisor.supervisord": "the profiler",
}


class Module:
    """One source file and what it imports."""

    def __init__(self, path: pathlib.Path) -> None:
        words = path.relative_to(ROOT.parent).with_suffix("").parts
        self.is_package = words[-1] == "__init__"
        self.name = ".".join(words[:-1] if self.is_package else words)
        self.tree = ast.parse(path.read_text(encoding="utf-8"), str(path))

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def imports(self) -> Iterator[tuple[str, bool]]:
        """(dotted name, whether inside a function) of each import; ``from a import b`` gives a.b."""
        yield from _imports(self.tree.body, False)


def _imports(body: list[ast.stmt], inside: bool) -> Iterator[tuple[str, bool]]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", inside
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _imports(node.orelse, inside)
        else:
            within = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            for _, value in ast.iter_fields(node):
                if isinstance(value, list):
                    statements = [one for one in value if isinstance(one, ast.stmt)]
                    yield from _imports(statements, within)
                    for handler in value:
                        if isinstance(handler, (ast.ExceptHandler, ast.match_case)):
                            yield from _imports(handler.body, within)


@functools.cache
def modules() -> dict[str, Module]:
    found = [Module(path) for path in sorted(ROOT.rglob("*.py"))]
    return {module.name: module for module in found}


def ours(name: str) -> str | None:
    """The module of ours that a dotted name lies in."""
    while name.startswith("supervisor"):
        if name in modules():
            return name
        name = name.rpartition(".")[0]
    return None


def loads(module: Module) -> set[str]:
    """The modules of ours that importing this one loads."""
    found = set()
    for name, _ in module.imports():
        target = ours(name)
        while target is not None and target != "supervisor":
            if target != module.name and not f"{module.package}.".startswith(f"{target}."):
                found.add(target)
            target = ours(target.rpartition(".")[0])
    return found


def floor(name: str) -> int:
    place = name
    while place not in FLOORS or (place == "supervisor" and name != "supervisor"):
        place = place.rpartition(".")[0]
        assert place, f"{name} has no floor: say where it belongs in tests/test_layers.py and the documentation"
    return FLOORS[place]


def test_every_module_has_a_floor_and_every_floor_a_module() -> None:
    for name in modules():
        floor(name)
    assert not [name for name in FLOORS if not any(f"{one}.".startswith(f"{name}.") for one in modules())]


def test_imports_go_down_only() -> None:
    upward = []
    for module in modules().values():
        for name, _ in module.imports():
            target = ours(name)
            # A package hands on names of all its modules, whatever their floor.
            handed_on = module.is_package and target is not None and target.startswith(f"{module.name}.")
            if target is not None and not handed_on and floor(target) > floor(module.name):
                upward.append(f"{module.name} ({floor(module.name)}) imports {target} ({floor(target)})")
    assert not upward


def test_dispatchers_are_below_process() -> None:
    for module in modules().values():
        if module.name.startswith(("supervisor.dispatchers", "supervisor.socket_manager")):
            assert not [name for name in loads(module) if name.startswith("supervisor.process")], module.name


def test_no_circles() -> None:
    state: dict[str, str] = {}
    trail: list[str] = []

    def visit(name: str) -> None:
        if state.get(name) == "done":
            return
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        trail.append(name)
        for other in sorted(loads(modules()[name])):
            visit(other)
        trail.pop()
        state[name] = "done"

    for name in modules():
        visit(name)


def test_no_import_inside_a_function() -> None:
    found = [(module.name, name) for module in modules().values() for name, inside in module.imports() if inside]
    assert not found


def test_modules_are_loaded_by_name_in_known_places_only() -> None:
    loaders = set()
    for module in modules().values():
        for node in ast.walk(module.tree):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", None))
            if name in ("import_module", "__import__"):
                loaders.add(module.name)
    assert loaders == set(LOADERS)


@pytest.mark.parametrize("top", ["supervisor.supervisorctl"])
def test_the_command_line_client_stays_small(top: str) -> None:
    """It knows the leaves, pure code, the client's part of the transport and its own options."""
    allowed = ("supervisor.supervisorctl", "supervisor.clientoptions", "supervisor.xmlrpc")
    todo, seen = [top], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        assert floor(name) <= 1 or name.startswith(allowed), f"{name} is loaded by {top}"
        todo += loads(modules()[name])


def test_the_old_names_are_for_plugins_only() -> None:
    old = ("supervisor.compat", "supervisor.medusa", "supervisor.templating")
    users = [
        f"{module.name} imports {target}"
        for module in modules().values()
        for target in loads(module)
        if target.startswith(old) and not module.name.startswith(old)
    ]
    assert not users
