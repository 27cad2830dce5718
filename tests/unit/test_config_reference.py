"""The reference of options: every row can be told."""

from __future__ import annotations

from supervisor.config.reference import entries, sections
from supervisor.config.tables import TABLES


def test_every_option_is_told_once() -> None:
    assert sections() == list(TABLES)
    told = {section: [entry.name for entry in entries(section)] for section in sections()}
    assert told["fcgi-program"] == ["socket", "socket_backlog", "socket_owner", "socket_mode"]
    assert told["eventlistener"] == ["events", "buffer_size", "buffer_maxbytes", "result_handler", "event_len",
                                     "result_maxbytes", "restart_unknown"]
    assert all(len(told[section]) == len(table.rows) for section, table in TABLES.items()
               if section not in ("fcgi-program", "eventlistener"))


def test_what_is_told() -> None:
    entry = next(entry for entry in entries("program") if entry.name == "stopwaitsecs")
    assert entry[:5] == ("stopwaitsecs", "seconds", "10", False, "3.0")
    assert "program_name" in entry.expansions and "process_num" not in entry.expansions
