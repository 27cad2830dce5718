"""Errors and warnings of a configuration, each with the place it comes from.

An error begins with the text people know and goes on with section, file, option and line. Must not know: what is
wrong, nor who is told.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_TOLD = 50


class Place:
    """Where something stands in a file."""

    __slots__ = ("file", "line")

    def __init__(self, file: str = "", line: int = 0) -> None:
        self.file = file
        self.line = line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Problem:
    """One thing that is wrong: what, in which section, and where exactly.

    ``discreet`` is the text for readers who may be far away.
    """

    __slots__ = ("brief", "detail", "discreet", "section", "text")

    def __init__(self, text: str, detail: str = "", discreet: str = "") -> None:
        self.text = text
        self.discreet = discreet or text
        self.section = ""
        self.detail = detail
        self.brief = False      # programs that match the text of a fault know it without the detail

    def within(self, section: str, file: str) -> Problem:
        """The same with its section named, unless it has one."""
        if not self.section:
            named = f"[{section}]" in self.text
            self.section = f" (file: {file!r})" if named else f" in section {section!r} (file: {file!r})"
        return self

    def told(self) -> str:
        """In full."""
        return self.text + self.section + self.detail

    def told_discreetly(self) -> str:
        """Without the names of environment variables."""
        return self.discreet + self.section + self.detail

    def as_fault(self) -> str:
        """As clients have always been told."""
        return self.discreet + self.section + self.detail * (not self.brief)


class ConfigError(ValueError):
    """A configuration that cannot be used, with everything that is wrong with it."""

    notes: Iterable[str] = ()       # what was noticed beside

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        texts = [problem.told_discreetly() for problem in self.problems]
        if len(texts) > MOST_TOLD:
            texts[MOST_TOLD:] = [f"... and {len(texts) - MOST_TOLD} more"]
        super().__init__("\n".join(texts))


    @property
    def first(self) -> str:
        """What is wrong first, for a client."""
        return self.problems[0].as_fault()


class ConfigFault(ConfigError):
    """The same for a client: only what is wrong first."""

    def __init__(self, error: ConfigError) -> None:
        super().__init__(error.problems)
        self.args = (error.first,)


def problem_of(error: Exception, detail: str = "") -> Problem:
    """What an exception of a converter or an expansion says; a value of several lines is shown on one."""
    texts = (getattr(error, "brief", str(error)), detail + getattr(error, "hint", ""), getattr(error, "discreet", ""))
    return Problem(*(text.replace("\n", "\\n") for text in texts))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` when something known looks like the word, else nothing."""
    best, least = "", 1 + max(1, len(word) // 4)
    for candidate in known:
        if abs(len(candidate) - len(word)) < least and (distance := _distance(word, candidate, least)) < least:
            best, least = candidate, distance
    return f"; did you mean {best}?" if best else ""


def _distance(a: str, b: str, limit: int) -> int:
    """How many letters to insert, drop, change or swap to get from one to the other; gives up at the limit."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return row[-1]
