"""The words after an action: flags taken out, patterns such as ``web:*_1`` replaced by the names they match.

``all``, ``group:*`` and ``group:`` are no patterns: they mean one call for many. A word that is the exact name of a
process or group is taken as it is, whatever characters it has.
"""

from __future__ import annotations

from supervisor.names import make_namespec
from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.statuses import LSBInitExitStatuses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session

_MAGIC = frozenset("*?[")


class BadWords(Exception):
    """The words of an action make no sense; the text says why. usage: the help of the action belongs to the answer."""

    def __init__(self, text: str, usage: bool = False, status: int = LSBInitExitStatuses.GENERIC) -> None:
        super().__init__(text)
        self.usage = usage
        self.status = status


def take_flags(words: list[str], known: tuple[str, ...]) -> set[str]:
    """The known flags among the words, which they are taken out of."""
    found = {word for word in words if word in known}
    if found:
        words[:] = [word for word in words if word not in found]
    return found


def is_pattern(word: str) -> bool:
    """Whether a word has to be compared with names: not for a name, a whole group or a star alone."""
    if word == "*" or _MAGIC.isdisjoint(word):
        return False
    group, colon, process = word.partition(":")
    return not _MAGIC.isdisjoint(group) or (bool(colon) and process != "*" and not _MAGIC.isdisjoint(process))


def expand_globs(words: list[str], source: Session | list[dict[str, Any]]) -> list[str]:
    """The words with each pattern replaced by the names it matches; one that matches nothing stays as it is."""
    if not any(map(is_pattern, words)):
        return words
    everything = source if isinstance(source, list) else source.call("getAllProcessInfo")
    names: list[tuple[str, str]] = [(info["group"], info["name"]) for info in everything]
    whole_groups = {f"{group}:{rest}" for group, _ in names for rest in ("", "*")}
    expanded: list[str] = []
    for word in words:
        matches = load("globs:matches")(word, names) if is_pattern(word) and word not in whole_groups else []
        expanded += [make_namespec(*name) for name in matches] or [word]
    return expanded


def each_process(words: list[str], infos: list[dict[str, Any]]) -> list[str]:
    """The words with patterns, whole groups and ``all`` replaced by the processes they mean."""
    if "all" in words:
        return [make_namespec(info["group"], info["name"]) for info in infos]
    names: list[str] = []
    for word in expand_globs(words, infos):
        group, colon, process = word.partition(":")
        members = [make_namespec(info["group"], info["name"]) for info in infos if info["group"] == group]
        names += members if colon and process in ("", "*") and members else [word]
    return names
