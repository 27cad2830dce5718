"""The commented sample configuration, written from the rows of the option tables.

Scripts uncomment and parse it: every option stands at column 0, prose begins with ``; ``. Must not know: who prints it.
"""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.config.option import Option, Table
from supervisor.config.tables import (
    EVENTLISTENER,
    GROUP,
    INCLUDE,
    INET_HTTP_SERVER,
    PROGRAM,
    SUPERVISORCTL,
    SUPERVISORD,
    UNIX_HTTP_SERVER,
)

_WIDTH = 34

_HEAD = """\
; Sample configuration of supervisor.
;
; Sections and options that begin with a semicolon are switched off; remove it to switch them on.
; Remarks follow after a blank and a semicolon.  Mind:
;  - A semicolon after a blank starts a remark everywhere, in commands too: "command=a ; b" ends after a.
;    A comment needs that blank before it.
;  - Nothing is expanded as a shell does it, neither ~ in commands nor $HOME: variables of the environment
;    of supervisord are written as %(ENV_HOME)s, a percent sign as %%.
;  - Quotes around values belong to the value, except in environment=.
;  - The paths under /tmp are examples only: choose places that no other user can write to.
"""

_BEFORE = {
    "unix_http_server": "; Where supervisorctl reaches supervisord on this machine.\n",
    "inet_http_server": "; The same over the network.  Nothing is encrypted: let it listen on localhost only.\n"
                        "; Both kinds of server also take allowed_hosts, get_actions, max_header_bytes and"
                        " max_body_bytes.\n",
    "supervisord": "",
    "rpcinterface:supervisor": "; Has to stay for supervisorctl to work.  Further sections of this kind add plugins.\n",
    "supervisorctl": "; Has to agree with the server sections above.\n",
    "program:theprogramname": "; A program.  numprocs_start= is the first process_num.  The same options stand in a\n"
                              "; fcgi-program:name section, which needs socket= too.\n",
    "eventlistener:theeventlistenername": "; A program that is told of events on its standard input.  It also takes\n"
                                          "; buffer_maxbytes, result_handler, result_maxbytes, event_len and\n"
                                          "; restart_unknown.\n",
    "group:thegroupname": "; Programs commanded together, as thegroupname:*.\n",
    "include": "; Further files.  Files they include in turn are not read.\n",
}


def sample() -> str:
    """The whole text."""
    parts = [_HEAD]
    for name, table in (("unix_http_server", UNIX_HTTP_SERVER), ("inet_http_server", INET_HTTP_SERVER),
                        ("supervisord", SUPERVISORD)):
        parts.append(_section(name, table, name != "inet_http_server"))
    parts.append(_BEFORE["rpcinterface:supervisor"] + "[rpcinterface:supervisor]\n"
                 "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n")
    parts.append(_section("supervisorctl", SUPERVISORCTL, True))
    for name, table in (("program:theprogramname", PROGRAM), ("eventlistener:theeventlistenername", EVENTLISTENER),
                        ("group:thegroupname", GROUP), ("include", INCLUDE)):
        parts.append(_section(name, table, False))
    return "\n".join(parts)


def _section(name: str, table: Table, active: bool) -> str:
    lines = "".join(line + "\n" for row in table.rows if row.sample for line in _lines(name, row, active))
    return f"{_BEFORE[name]}{'' if active else ';'}[{name}]\n{lines}"


def _lines(section: str, row: Option, active: bool) -> Iterator[str]:
    if section.startswith("eventlistener:") and row.name.endswith("_capture_maxbytes"):
        return
    example, remark = row.example, _remark(row)
    if section.startswith("eventlistener:") and row.name == "priority":
        example, remark = "-1", f"{row.help} Default -1."
    if section.startswith("eventlistener:") and row.name == "redirect_stderr":
        example, remark = "false", "Has to stay off for event listeners. Default false."
    yield _line("" if active and row.sample == "on" else ";", row.name, example, remark)
    if section == "supervisorctl" and row.name == "serverurl":
        yield _line(";", row.name, "http://127.0.0.1:9001", "The same for an inet_http_server.")


def _line(mark: str, name: str, value: str, remark: str) -> str:
    equals = " = " if name == "files" else "="      # scripts that look for whole lines know them so
    return f"{mark}{name}{equals}{value}".ljust(_WIDTH) + f" ; {remark}"


def _remark(row: Option) -> str:
    return row.help + (" Required." if row.required else f" Default {row.shown}.")
