"""JSON for programs: the facts of status and plan, independent of widths and words."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def statuses(shown: list[dict[str, Any]], errors: list[tuple[str, str]]) -> str:
    """An array with an object for each process, and one with ``error`` for each name that means none."""
    unknown: list[dict[str, Any]] = [{"name": name, "error": what} for name, what in errors]
    return value([*unknown, *shown])


def value(facts: object) -> str:
    """Any answer of the server as indented JSON of one line per fact; characters beyond ASCII are escaped."""
    return json.dumps(facts, indent=2, sort_keys=True)
