"""Patterns for names of processes: ``web:*_1``, ``w*``, ``*:x``.

Pure. A pattern without colon is compared with what status shows, one with a colon with group and process apart.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from supervisor.names import make_namespec


def matches(pattern: str, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (group, process) that a pattern means, in their order; the process of exactly that name alone if there is."""
    exact = [name for name in names if pattern in (make_namespec(*name), ":".join(name))]
    if exact:
        return exact
    group, colon, process = pattern.partition(":")
    if not colon:
        return [name for name in names if fnmatchcase(make_namespec(*name), pattern)]
    return [name for name in names if fnmatchcase(name[0], group) and fnmatchcase(name[1], process or "*")]
