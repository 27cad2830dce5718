"""The pages of the documentation as tests read them: code blocks, with what is said about them.

A block with a caption is a file of that name. A comment ``.. test: skip, REASON`` right before a block takes it out of
what is executed.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

_DIRECTIVE = re.compile(r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\s*$")
_OPTION = re.compile(r"^ +:(?P<name>[a-z]+):(?: (?P<value>.*))?$")
_SKIP = re.compile(r"^ *\.\. test: skip, \S.*$")


class Block(NamedTuple):
    """One code block."""

    page: str
    line: int
    language: str
    options: dict[str, str]
    text: str
    skipped: bool

    @property
    def file(self) -> str | None:
        return self.options.get("caption")

    def __repr__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[pathlib.Path]:
    """Every page, README included."""
    return [*sorted(DOCS.rglob("*.rst")), ROOT / "README.rst"]


def blocks(path: pathlib.Path) -> Iterator[Block]:
    """The blocks of one page, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    skipped = False
    for number, line in enumerate(lines):
        if _SKIP.match(line):
            skipped = True
        elif found := _DIRECTIVE.match(line):
            yield _block(path, lines, number, found, skipped)
            skipped = False


def _block(path: pathlib.Path, lines: list[str], number: int, found: re.Match[str], skipped: bool) -> Block:
    indent = len(found["indent"]) + 3
    options: dict[str, str] = {}
    at = number + 1
    while option := _OPTION.match(lines[at]):
        options[option["name"]] = option["value"] or ""
        at += 1
    body: list[str] = []
    for line in lines[at:]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        body.append(line[indent:])
    return Block(path.name, number + 1, found["language"], options, "\n".join(body).strip("\n") + "\n", skipped)


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of all pages in any of these languages."""
    return [block for page in pages() for block in blocks(page) if block.language in languages]
