"""The row that describes one option: everything the product says about an option comes from here.

Cheap to import: supervisorctl reads its own rows with it. Must not know: where the value is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Which names %(...)s may use, by where an option stands.
ENV = "environment"             # ENV_X only
HERE = "here"                   # and here
HOST = "host"                   # and host_node_name
SECTION = "section"             # and program_name, group_name
PROCESS = "process"             # and process_num, numprocs and the program's own environment


class Option:
    """One option of one kind of section."""

    __slots__ = ("bare", "convert", "default", "error", "example", "expand", "help", "info", "name", "required",
                 "sample", "shown", "since")

    def __init__(self, name: str, convert: Callable[[str], Any], default: Any = None, *, expand: str = ENV,
                 since: str = "3.0", shown: str = "", required: bool = False, bare: bool = False, error: str = "",
                 info: bool = False, sample: str = "", example: str = "", help: str = "") -> None:
        self.name = name
        self.convert = convert
        self.default = default
        self.expand = expand
        self.since = since
        self.shown = shown                  # the default as people read it
        self.required = required
        self.bare = bare                    # errors of expansion name the option without its section
        self.error = error                  # a text with {} that takes the place of the converter's
        self.info = info                    # part of getAllConfigInfo
        self.sample = sample                # in the sample: active ("on"), commented out ("off"), not ("")
        self.example = example              # the value shown in the sample
        self.help = help


class Table:
    """The options of one kind of section."""

    __slots__ = ("by_name", "kind", "rank", "rows", "told")

    def __init__(self, kind: str, *rows: Option, told: str = "") -> None:
        self.kind = kind
        self.rows = rows
        self.by_name = {row.name: row for row in rows}
        self.told = told                    # the options whose errors come first, in this order
        self.rank = {name: rank for rank, name in
                     enumerate(dict.fromkeys((*told.split(), *(row.name for row in rows))))}

    def plus(self, kind: str, after: str, rows: tuple[Option, ...], told: str) -> Table:
        """This table under another name with further rows, which follow the one named."""
        at = self.rows.index(self.by_name[after]) + 1
        return Table(kind, *self.rows[:at], *rows, *self.rows[at:], told=told)


def text(value: str) -> str:
    """The converter of options that are taken as they are written."""
    return value
