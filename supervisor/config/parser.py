"""UnhosedConfigParser: the sections of a configuration, as the daemon and its plugins read them.

A RawConfigParser whose reading is done by our own reader, which remembers file and line of each option; values are
expanded only where a percent sign stands. Must not know: options or their types.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping

from supervisor.config.expand import expand
from supervisor.config.problems import Place
from supervisor.config.reader import RawSection, SyntaxProblem, decode, read_sections
from supervisor.hints import Any

__all__ = ["FileProblem", "UnhosedConfigParser"]

_MISSING = object()


class FileProblem(SyntaxProblem, configparser.Error):
    """A text that is no configuration."""

    def __init__(self, message: str) -> None:
        configparser.Error.__init__(self, message)

    def __str__(self) -> str:
        return self.message


class UnhosedConfigParser(configparser.RawConfigParser):
    """Ini sections with repeated sections and options allowed, and expansion of values."""

    mysection = "supervisord"
    _sections: dict[str, dict[str, str]]
    _defaults: dict[str, str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("strict", False)
        kwargs.setdefault("inline_comment_prefixes", (";", "#"))
        super().__init__(*args, **kwargs)
        self.expansions: dict[str, str] = {}
        self.section_to_file: dict[str, str] = {}
        self.repeats: list[str] = []
        self._headers: dict[str, Place] = {}
        self._lines: dict[str, dict[str, tuple[str, int]]] = {}

    # -- reading

    def read(self, filenames: Any, encoding: str | None = None) -> list[Any]:
        """Reads files that can be opened; gives their names."""
        names: list[Any] = [filenames] if isinstance(filenames, str | bytes | os.PathLike) else list(filenames)
        done = []
        for name in names:
            try:
                with open(name, "rb") as f:
                    data = f.read()
            except OSError:
                continue
            self.load(decode(data) if encoding is None else data.decode(encoding), os.fsdecode(name), True)
            done.append(os.fspath(name))
        return done

    def read_file(self, f: Iterable[str], source: str | None = None) -> None:
        """Reads lines or an open file."""
        self.load("".join(f), str(source or getattr(f, "name", "<???>")))

    def read_string(self, string: str, source: str = "<string>") -> None:
        """Reads a text."""
        self.load(string, source)

    def load(self, text: str, source: str, is_file: bool = False, here: str | None = None) -> None:
        """Adds the sections of a text; those of a file are remembered as its own, ``%(here)s`` may be filled in."""
        try:
            sections = read_sections(text, source)
        except SyntaxProblem as e:
            raise FileProblem(str(e))
        for section in sections:
            self._add(section, source, is_file, here)

    def _add(self, section: RawSection, source: str, is_file: bool, here: str | None) -> None:
        name = section.name
        for option, number in section.repeated:
            self.repeats.append(f"{source}:{number}: [{name}] {option}: option given before in this section")
        for option, number in section.indented:
            self.repeats.append(f"{source}:{number}: [{name}] {option}: what looks like a section header is indented, "
                                "and so part of this option")
        first = self._headers.get(name)
        if first is None:
            self._headers[name] = Place(source, section.line)
            self._lines[name] = {}
        elif (first.file, first.line) != (source, section.line):
            self.repeats.append(f"{source}:{section.line}: [{name}]: section defined before, at {first}")
        options = self._defaults
        if name != self.default_section:
            options = self._sections.setdefault(name, {})
            if is_file:
                self.section_to_file.setdefault(name, source)
        lines = self._lines[name]
        for option, (text, number) in section.options.items():
            if option in lines and lines[option] != (source, number):
                file, line = lines[option]
                self.repeats.append(f"{source}:{number}: [{name}] {option}: option given before, at {file}:{line}")
            lines[option] = (source, number)
            options[option] = text if here is None else text.replace("%(here)s", here)

    # -- sections are plain dictionaries here; the view that configparser keeps of each is made when asked for

    def __getitem__(self, key: Any) -> configparser.SectionProxy:
        if key not in self:
            raise KeyError(key)
        return configparser.SectionProxy(self, key)

    def remove_section(self, section: Any) -> bool:
        """Drops a section; whether there was one."""
        return self._sections.pop(section, None) is not None

    def texts(self, section: str) -> dict[str, str]:
        """The options of a section, those of [DEFAULT] below them, as they are written."""
        if section not in self._sections:
            raise configparser.NoSectionError(section)
        return {**self._defaults, **self._sections[section]}

    # -- asking

    def place(self, section: str, option: str = "") -> Place:
        """Where an option, or else its section, stands."""
        line = self._lines.get(section, {}).get(option)
        if line is not None:
            return Place(*line)
        if option and section in self._lines and (line := self._lines.get(self.default_section, {}).get(option)):
            return Place(*line)
        return self._headers.get(section) or Place(self.section_to_file.get(section, ""))

    def saneget(self, section: str, option: str, default: Any = _MISSING, do_expand: bool = True,
                expansions: Mapping[str, Any] = {}, **kwargs: Any) -> Any:
        """An option's text, expanded; the default, expanded too, where it is missing."""
        try:
            value = self.get(section, option, **kwargs)
        except configparser.NoOptionError:
            if default is _MISSING:
                raise
            value = default
        if do_expand and isinstance(value, str) and "%" in value:
            value = expand(value, {**self.expansions, **expansions}, f"{section}.{option}")
        return value

    def getdefault(self, option: str, default: Any = _MISSING, expansions: Mapping[str, Any] = {},
                   **kwargs: Any) -> Any:
        """saneget() of the section this parser is for."""
        return self.saneget(self.mysection, option, default=default, expansions=expansions, **kwargs)

    def expand_here(self, here: str) -> None:
        """Puts a folder in the place of ``%(here)s``, in every value read so far."""
        common = self.defaults()
        for option, value in common.items():
            self.set(self.default_section, option, value.replace("%(here)s", here))
        for section in self.sections():
            for option, value in self.items(section):
                if "%(here)s" in value and option not in common:
                    self.set(section, option, value.replace("%(here)s", here))
