"""Ini text -> sections of raw option texts, each with the line it came from.

The dialect is the one of configparser with repeated sections and options allowed and ``;`` or ``#`` after a blank
starting a comment; everything wrong in a text is found in one pass. Must not know: what any option means.
"""

from __future__ import annotations

import errno
import os
from codecs import BOM_UTF8
from io import BytesIO, TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SECTION = "DEFAULT"

# Bytes of one file.
_LARGEST = 32 * 1024 * 1024
# So much of a line that cannot be understood is shown.
_QUOTED = 1000


class SyntaxProblem(ValueError):
    """What is wrong with the text of a file."""


class RawSection:
    """The options under one header: name -> (text, line)."""

    __slots__ = ("indented", "line", "name", "options", "repeated")

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.options: dict[str, tuple[str, int]] = {}
        self.repeated: list[tuple[str, int]] = []
        self.indented: list[tuple[str, int]] = []      # lines that look like a header and continue an option


def read_bytes(path: str) -> bytes:
    """The content of a file; a pipe or terminal is not waited for, and what is endless or absurdly large is refused."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as f:
        data = f.read(_LARGEST + 1) or b""
    if len(data) > _LARGEST:
        raise OSError(errno.EFBIG, f"more than {_LARGEST} bytes", path)
    return data


def decode(data: bytes) -> str:
    """The text of a file: UTF-8 with a byte order mark, else in the encoding of the locale; any line ends."""
    encoding = "utf-8" if data.startswith(BOM_UTF8) else None
    with TextIOWrapper(BytesIO(data), encoding=encoding) as text:
        return text.read().removeprefix("\ufeff")


def without_comment(line: str) -> str:
    """The line up to the first ``;`` or ``#`` that begins it or follows a blank."""
    end = len(line)
    for sign in ";#":
        at = line.find(sign)
        while 0 <= at < end:
            if at == 0 or line[at - 1].isspace():
                end = at
                break
            at = line.find(sign, at + 1)
    return line[:end]


# Nobody begins a line of a value like this.
_HEADERS = ("[program:", "[group:", "[eventlistener:", "[fcgi-program:", "[rpcinterface:", "[unix_http_server",
            "[inet_http_server", "[supervisord]", "[supervisorctl]", "[include]")
# Sections of whose bad lines nothing is quoted.
_WITH_PASSWORDS = ("unix_http_server", "inet_http_server", "supervisorctl")


class _Reader:
    """One pass over the lines of one text."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.sections: list[RawSection] = []
        self._bad_lines: list[tuple[int, str]] = []
        self._section: RawSection | None = None
        self._option = ""          # the option that indented lines continue
        self._more: list[str] = []  # its lines, when there is more than one

    def read(self, text: str) -> None:
        indent = 0
        lines = text.split("\n")
        last = len(lines)
        for number, line in enumerate(lines, 1):
            name, equals, value = line.partition("=")
            if (equals and name[0:1].isalpha() and ":" not in name and ";" not in line and "#" not in line
                    and self._section is not None):
                # As nearly all lines are: an option, and nothing that would have to be looked at closely.
                indent = 0
                if len(self._more) > 1:
                    self._finish_option()
                self._set_option(self._section, name, value, number)
                continue
            value = line.strip()
            if not value:
                if self._more and number < last:
                    self._more.append("")
                continue
            if ";" in value or "#" in value:
                value = without_comment(line).strip() if value[0] not in ";#" else ""
                if not value:
                    continue
            here = len(line) - len(line.lstrip()) if line[0] <= " " or line[0].isspace() else 0
            if here > indent and self._more:
                if value.startswith(_HEADERS) and self._section is not None:
                    self._section.indented.append((self._option, number))
                self._more.append(value)
                continue
            indent = here
            self._finish_option()
            self._header_or_option(value, number, line + "\n" * (number < last))
        self._finish_option()
        if self._bad_lines:
            found = "".join(f"\n\t[line {number:2d}]: {shown}" for number, shown in self._bad_lines)
            raise SyntaxProblem(f"Source contains parsing errors: {self._source!r}{found}")

    def _header_or_option(self, value: str, number: int, line: str) -> None:
        if value[0] == "[" and value.rfind("]") > 1:
            self._section = RawSection(value[1 : value.rfind("]")], number)
            self.sections.append(self._section)
            self._option = ""
            return
        if self._section is None:
            raise SyntaxProblem(
                f"File contains no section headers.\nfile: {self._source!r}, line: {number}\n{line[:_QUOTED]!r}")
        equals, colon = value.find("="), value.find(":")
        at = equals if colon < 0 or 0 <= equals < colon else colon
        if at <= 0 or value[0] == "[":
            secret = value[0] != "[" and self._section.name.partition(":")[0] in _WITH_PASSWORDS
            self._bad_lines.append((number, "(not shown)" if secret else repr(line[:_QUOTED])))
            self._more = [""] if self._option else []      # what is indented below it belongs to it
            return
        self._set_option(self._section, value[:at], value[at + 1 :], number)

    def _set_option(self, section: RawSection, name: str, value: str, number: int) -> None:
        option, text = name.rstrip().lower(), value.strip()
        if option in section.options:
            section.repeated.append((option, number))
        section.options[option] = (text, number)
        self._option = option
        self._more = [text]

    def _finish_option(self) -> None:
        if len(self._more) > 1 and self._section is not None:      # after a bad line: text that nobody will see
            number = self._section.options[self._option][1]
            self._section.options[self._option] = ("\n".join(self._more).rstrip(), number)
        self._more = []


def read_sections(text: str, source: str) -> list[RawSection]:
    """The sections of ``text`` in order, as often as they appear. Raises SyntaxProblem, naming ``source``."""
    reader = _Reader(source)
    at = text.find("\0")
    if at >= 0:
        raise SyntaxProblem(f"Source contains a NUL character: {source!r}, line {text.count(chr(10), 0, at) + 1}")
    reader.read(text)
    return reader.sections


def merged(sections: list[RawSection], wanted: Callable[[str], bool]) -> dict[str, dict[str, str]]:
    """Sections of one name put together, ``[DEFAULT]`` below each; only the texts, only the sections wanted."""
    common: dict[str, str] = {}
    found: dict[str, dict[str, str]] = {}
    for section in sections:
        if section.name == DEFAULT_SECTION:
            target = common
        elif wanted(section.name):
            target = found.setdefault(section.name, {})
        else:
            continue
        for option, (text, _) in section.options.items():
            target[option] = text
    return {name: {**common, **options} for name, options in found.items()} if common else found
