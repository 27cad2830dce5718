"""The reference of all options, as rows for the documentation.

Must not know: how a page looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from supervisor.config import option as scopes
from supervisor.config.option import Option
from supervisor.config.tables import EVENTLISTENER, FCGI_PROGRAM, PROGRAM, TABLES

KINDS = {
    "integer": "integer", "boolean": "boolean", "SuffixMultiplier": "byte size", "octal_type": "octal number",
    "permissions": "octal number", "existing_directory": "existing directory", "existing_dirpath": "path",
    "logfile_or_syslog": "path or syslog", "logfile_name": "child log file", "logging_level": "log level",
    "stop_signal": "signal", "list_of_exitcodes": "exit codes", "auto_restart": "boolean or unexpected",
    "name_to_uid": "user", "colon_separated_user_group": "user or user:group", "inet_address": "inet address",
    "text": "text", "text_without_nul": "text", "list_of_strings": "list", "dict_of_key_value_pairs": "key/value list",
    "seconds": "seconds", "waiting_seconds": "seconds", "process_count": "integer", "positive_size": "byte size",
    "event_length": "characters or bytes",
}
NAMES = {
    scopes.ENV: "ENV_x", scopes.HERE: "here, ENV_x", scopes.HOST: "here, host_node_name, ENV_x",
    scopes.SECTION: "here, program_name, group_name, host_node_name, ENV_x",
    scopes.PROCESS: "here, program_name, group_name, host_node_name, process_num, numprocs, ENV_x",
}


class Entry(NamedTuple):
    """What a reader of the manual is told about one option."""

    name: str
    kind: str
    default: str
    required: bool
    since: str
    expansions: str
    help: str


def sections() -> list[str]:
    """The kinds of sections in the order of the manual."""
    return list(TABLES)


def entries(section: str) -> Iterator[Entry]:
    """The options of one kind of section; those that every program has are told of once, with [program:x]."""
    table = TABLES[section]
    shared = set(PROGRAM.rows) if table in (EVENTLISTENER, FCGI_PROGRAM) else set()
    for row in table.rows:
        if row not in shared:
            yield Entry(row.name, kind(row), row.shown, row.required, row.since, NAMES[row.expand], row.help)


def kind(row: Option) -> str:
    """The type of an option's value in words."""
    if row.name == "user":
        return "user"       # that of the daemon is a text until it is switched to
    return KINDS[getattr(row.convert, "__name__", type(row.convert).__name__)]
