"""One reading of a configuration: the names it expands with, and all that was noticed on the way.

A section's texts become values here, row by row; everything wrong is collected before anybody is told.
Must not know: which sections there are, nor what becomes of the values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from supervisor.config.expand import expand
from supervisor.config.option import ENV, HERE, HOST, Option, Table
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.problems import ConfigError, Problem, did_you_mean, problem_of
from supervisor.hints import Any

BAD = object()        # stands for a value that could not be read
# Plugins that read options of their own in program sections and have no section with their name.
KNOWN_PLUGINS = ("dependent_startup",)


class Context:
    """What all sections of one reading share."""

    def __init__(self, owner: Any, environ: Mapping[str, str], here: str,
                 event_type: Callable[[str], type | None], resolve: Callable[[str], Any]) -> None:
        self.owner = owner                          # the options object that configurations point to
        self.environ = dict(environ)                # ENV_X -> value
        self.here = here
        self.event_type = event_type
        self.resolve = resolve
        self.host = os.uname().nodename
        self.environment: dict[str, str] = {}       # of [supervisord]
        self.problems: list[Problem] = []
        self._told: set[str] = set()
        self.notes: list[str] = []                  # what deserves a warning but stops nothing
        self.criticals: list[str] = []
        self.warnings: list[str] = []               # lines of the activity log
        self.infos: list[str] = []
        self.memo: dict[tuple[Any, str], Any] = {}
        self.guesses: dict[tuple[str, str], str] = {}
        self.plugins: tuple[str, ...] | None = None     # how options begin that plugins read
        self.claimed: set[str] = set()              # those that were told of
        self.made: dict[str, list[Any]] = {}        # section -> its processes
        self.specs: dict[str, str] = {}             # section of a plugin -> what it names as its factory

    def names(self, scope: str) -> dict[str, Any]:
        """The names an option of that scope may use; those of programs are added by their reader."""
        names: dict[str, Any] = dict(self.environ)
        if scope != ENV:
            names["here"] = self.here
        if scope not in (ENV, HERE):
            names["host_node_name"] = self.host
        return names

    def convert(self, row: Option, text: str) -> Any:
        """The value of an expanded text; the same text is converted once. Raises ValueError."""
        key = (row.convert, text)
        if key in self.memo:
            return self.memo[key]
        try:
            value = row.convert(text)
        except (ValueError, OverflowError) as e:
            if row.error:
                raise ValueError(row.error.format(text))
            if isinstance(e, ValueError):
                raise
            raise ValueError(str(e))
        self.memo[key] = value
        return value

    def report(self, problems: list[Problem], section: str, parser: UnhosedConfigParser) -> None:
        """Collects problems of one section; an option that is read for two purposes is told once."""
        file = file_of(parser, section)
        for problem in problems:
            told = problem.within(section, file).told()
            if told not in self._told:
                self._told.add(told)
                self.problems.append(problem)

    def note(self, parser: UnhosedConfigParser, section: str, option: str, text: str) -> None:
        """Collects a warning about one option, or a section."""
        place = parser.place(section, option)
        self.notes.append(f"{place}: [{section}]{' ' * bool(option)}{option}: {text}")

    def stop_if_wrong(self) -> None:
        """Raises ConfigError when anything was reported so far."""
        if self.problems:
            error = ConfigError(self.problems)
            error.notes = [*self.notes, *self.warnings]
            raise error


def file_of(parser: UnhosedConfigParser, section: str) -> str:
    """The file that defined a section."""
    return parser.section_to_file.get(section) or parser.place(section).file


def where(parser: UnhosedConfigParser, section: str, option: str = "") -> str:
    """The end of an error's text: option and line, and the file where it is another than the section's."""
    place = parser.place(section, option)
    if not place.line:
        return f", option {option}" if option else ""
    line = f"line {place.line}" if place.file == file_of(parser, section) else str(place)
    return f", option {option}, {line}" if option else f", {line}"


class SectionReader:
    """The texts of one section, turned into values by the rows of a table."""

    def __init__(self, context: Context, parser: UnhosedConfigParser, section: str, table: Table) -> None:
        self.context = context
        self.parser = parser
        self.section = section
        self.table = table
        self.texts: dict[str, str] = parser.texts(section)
        self.problems: list[tuple[int, Problem]] = []

    def note_unknown(self) -> None:
        """Warns of options that no row knows; those of [DEFAULT] are meant for other sections too.

        What a plugin seems to read is told once, however many sections have it.
        """
        known = self.table.by_name
        for option in self.texts:
            if option not in known and option not in self.parser.defaults():
                key = self.table.kind, option
                if self._is_claimed(option):
                    if option in self.context.claimed:
                        continue
                    self.context.claimed.add(option)
                if key not in self.context.guesses:
                    self.context.guesses[key] = did_you_mean(option, known)
                self.context.note(self.parser, self.section, option, "no such option" + self.context.guesses[key])

    def _is_claimed(self, option: str) -> bool:
        if "." in option:
            return True
        context = self.context
        if context.plugins is None:
            named = [section.partition(":")[2].strip().lower() for section in self.parser.sections()
                     if section.startswith(("rpcinterface:", "ctlplugin:"))]
            context.plugins = tuple(filter(None, (*KNOWN_PLUGINS, *named)))
        return option.startswith(context.plugins)

    def fail(self, row: Option | None, error: Exception, option: str = "", last: bool = False) -> None:
        """Collects what is wrong with one option, to be told in the table's order or last; ``option`` is the one to
        point at."""
        rank = -1 if row is None else self.table.rank[row.name] + last * len(self.table.rank)
        name = option or (row.name if row is not None else "")
        self.problems.append((rank, problem_of(error, where(self.parser, self.section, name))))

    def expanded(self, row: Option, text: str, names: Mapping[str, Any]) -> str:
        """A text with its names filled in. Raises ValueError."""
        if "%" not in text:
            return text
        return expand(text, names, row.name if row.bare else f"{self.section}.{row.name}")

    def value(self, row: Option, names: Callable[[], Mapping[str, Any]]) -> Any:
        """The value of one option, its default where it is missing, or BAD."""
        text = self.texts.get(row.name)
        if text is None:
            return row.default
        try:
            if "%" in text:
                text = self.expanded(row, text, names())
            return self.context.convert(row, text)
        except ValueError as e:
            self.fail(row, e)
            return BAD

    def values(self) -> dict[str, Any]:
        """The values of all rows, each expanded with the names of its own scope."""
        scopes: dict[str, dict[str, Any]] = {}

        def names(row: Option) -> Mapping[str, Any]:
            if row.expand not in scopes:
                scopes[row.expand] = self.context.names(row.expand)
            return scopes[row.expand]

        return {row.name: self.value(row, lambda row=row: names(row))  # type: ignore[misc]
                for row in self.table.rows}

    def take_problems(self) -> list[Problem]:
        """What was wrong so far, in the order of the rows."""
        found = [problem for _, problem in sorted(self.problems, key=lambda each: each[0])]
        self.problems = []
        return found

    def tell(self) -> None:
        """Hands what was wrong to the context."""
        self.context.report(self.take_problems(), self.section, self.parser)


__all__ = ["BAD", "Context", "HOST", "SectionReader", "file_of", "where"]
