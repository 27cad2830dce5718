"""Every promise of the page on security names tests, and these exist."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.rst").read_text(encoding="utf-8")
PROMISED = PAGE.partition("What is promised\n")[2].partition("What is not promised\n")[0]
NAMED = re.compile(r"``(test_\w+)\.(test_\w+)``")


def functions_in(module: str) -> set[str]:
    """The test functions in all files of this name below tests."""
    found = set()
    for path in (ROOT / "tests").rglob(f"{module}.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("module, test", sorted(set(NAMED.findall(PROMISED)) - {("test_security", "test_x")}))
def test_a_test_that_is_named_exists(module: str, test: str) -> None:
    assert test in functions_in(module)


def test_every_promise_names_its_tests() -> None:
    promises = re.findall(r"^- (.*?)(?=^- |^\S|\Z)", PROMISED, re.MULTILINE | re.DOTALL)
    assert len(promises) > 20
    for promise in promises:
        assert NAMED.search(promise), promise
