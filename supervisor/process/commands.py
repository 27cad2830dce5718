"""From a command's text to the file to run and its arguments.

Promise: a text is split once, however often it is run; the file is looked for each time. Runs nothing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from functools import lru_cache

from supervisor.engine.system import System
from supervisor.process.errors import BadCommand, NoPermission, NotExecutable, NotFound, ProcessException

__all__ = ["find_program", "split_command"]


# What the kernel takes as arguments and environment together, in bytes.
LONGEST = os.sysconf("SC_ARG_MAX")
_MOST_SHOWN = 500

_BLANK = r" \t\r\n"
_WORD = re.compile(rf"[^{_BLANK}]+")
_PIECE = re.compile(
    rf"""(?P<blank>[{_BLANK}]+)|(?P<plain>[^{_BLANK}\\'"]+)"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"|\\(?P<escaped>.)|(?P<open>.)""",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')


def _words(command: str) -> list[str]:
    """The words in POSIX shell quoting, in time that grows with the length; ValueError while a quote is open."""
    if not any(sign in command for sign in "'\"\\"):
        return _WORD.findall(command)
    words: list[str] = []
    word: list[str] | None = None
    for match in _PIECE.finditer(command):
        kind = match.lastgroup or ""
        if kind == "blank":
            if word is not None:
                words.append("".join(word))
                word = None
            continue
        if kind == "open":
            raise ValueError("No closing quotation" if _ends_in_quotes(command, match) else "No escaped character")
        text = match[kind]
        word = word or []
        word.append(_ESCAPED.sub(r"\1", text) if kind == "double" and "\\" in text else text)
    if word is not None:
        words.append("".join(word))
    return words


def _ends_in_quotes(command: str, opening: re.Match[str]) -> bool:
    """Whether a text that ends too early does so between quotes, not after a backslash."""
    backslashes = len(command) - len(command.rstrip("\\"))
    return opening[0] == "'" or (opening[0] == '"' and backslashes % 2 == 0)


@lru_cache(maxsize=4096)
def _split(command: str) -> tuple[tuple[str, ...], str | None]:
    """(words, None) or ((), what is wrong)."""
    if len(command) > LONGEST:
        return (), f"command is longer than the {LONGEST} bytes the system takes"
    shown = repr(command) if len(command) <= _MOST_SHOWN else f"{command[:_MOST_SHOWN]!r}..."
    try:
        words = tuple(_words(command))
    except ValueError as exc:
        return (), f"can't parse command {shown}: {exc}"
    if "\0" in command:
        return (), f"can't parse command {shown}: it has a NUL in it"
    return words, None if words else "command is empty"


def split_command(command: str) -> list[str]:
    """The words of a command in POSIX shell quoting; BadCommand when there are none or quotes stay open."""
    words, trouble = _split(command or "")
    if trouble is not None:
        raise BadCommand(trouble)
    return list(words)


def find_program(system: System, program: str, get_path: Callable[[], Sequence[str]]) -> str:
    """The file to run for a command's first word; a ProcessException when there is none that can be.

    A word with a slash is taken as it is. A file on the path that cannot be run does not hide a later one that
    can; when there is none, it is the one that is complained about.
    """
    if "/" in program:
        trouble = _trouble(system, program)
        if trouble is not None:
            raise trouble
        return program
    first: ProcessException | None = None
    for folder in get_path():
        candidate = os.path.join(folder, program)
        trouble = _trouble(system, candidate)
        if trouble is None:
            return candidate
        if first is None and not isinstance(trouble, NotFound):
            first = trouble
    raise first or NotFound(f"can't find command {program!r}")


def _trouble(system: System, path: str) -> ProcessException | None:
    try:
        mode = system.stat(path).st_mode
    except (OSError, ValueError):
        return NotFound(f"can't find command {path!r}")
    if stat.S_ISDIR(mode):
        return NotExecutable(f"command at {path!r} is a directory")
    if not stat.S_IMODE(mode) & 0o111:
        return NotExecutable(f"command at {path!r} is not executable")
    if not system.access(path, os.X_OK):
        return NoPermission(f"no permission to run command {path!r}")
    return None
