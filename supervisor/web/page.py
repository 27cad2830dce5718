"""The status page as text: one piece per process, joined once.

Promise: well-formed markup in which every link is relative, and which works without scripts. The frame around the
rows is ui/status.html. Must not know of RPC, requests or forms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from supervisor.names import make_namespec
from supervisor.states import ProcessStates
from supervisor.version import VERSION
from supervisor.web.templates import PACKAGE
from supervisor.web.text import escape, quote

__all__ = ["Controls", "status_class", "status_page"]

_ALL = (("refresh", "Refresh"), ("restartall", "Restart All"), ("stopall", "Stop All"))
_RUNNING = (("restart", "Restart"), ("stop", "Stop"), ("clearlog", "Clear Log"))
_STOPPED = (("start", "Start"), ("clearlog", "Clear Log"))
_BETWEEN = (("clearlog", "Clear Log"),)

_ACTIONS = {
    ProcessStates.RUNNING: _RUNNING,
    ProcessStates.STOPPED: _STOPPED,
    ProcessStates.EXITED: _STOPPED,
    ProcessStates.FATAL: _STOPPED,
}


def status_class(state: int) -> str:
    """How a state looks."""
    if state == ProcessStates.RUNNING:
        return "statusrunning"
    if state in (ProcessStates.FATAL, ProcessStates.BACKOFF):
        return "statuserror"
    return "statusnominal"


class Controls:
    """Writes what a person can click: buttons that post a token, or links that act."""

    def __init__(self, token: str | None) -> None:
        self.token = token  # None: links act

    def form(self) -> str:
        hidden = "" if self.token is None else f'<input type="hidden" name="token" value="{escape(self.token)}" />'
        return f'<form action="index.html" method="post">{hidden}'

    def one(self, action: str, label: str, quoted: str = "") -> str:
        """The control for an action, on the process with this quoted name if there is one."""
        where = f"processname={quoted}&amp;action={action}" if quoted else f"action={action}"
        if self.token is None or action == "refresh":
            return f'<a href="index.html?{where}" name="{label}">{label}</a>'
        return f'<button type="submit" formaction="index.html?{where}" name="{label}">{label}</button>'


@lru_cache(maxsize=1)
def _frame(stamp: tuple[int, int]) -> list[str]:
    """The pieces of ui/status.html around its places; stamp is the file's time and size."""
    with open(_frame_path(), encoding="utf-8") as file:
        text = file.read()
    pieces = []
    for place in ("form", "controls", "message", "processes", "version", "year"):
        before, text = text.split(f"<!--{place}-->")
        pieces.append(before)
    return [*pieces, text]


def _frame_path() -> str:
    return os.path.join(PACKAGE, "ui", "status.html")


def status_page(infos: Iterable[dict[str, Any]], message: str | None, controls: Controls) -> str:
    """The whole page for these process structs, in their order."""
    about = os.stat(_frame_path())
    head, *rest = _frame((about.st_mtime_ns, about.st_size))
    rows = [_row(index, info, controls) for index, info in enumerate(infos)]
    parts = [
        controls.form(),
        "\n".join([controls.one(action, label) for action, label in _ALL]),
        "" if message is None else f'<div class="status_msg">{escape(message)}</div>',
        _table(rows) if rows else "<p>No programs to manage</p>",
        escape(VERSION),
        time.strftime("%Y"),
    ]
    return head + "".join([part + piece for part, piece in zip(parts, rest, strict=True)])


def _table(rows: list[str]) -> str:
    return (
        '<table>\n<thead><tr><th class="state">State</th>\n<th class="desc">Description</th>\n'
        '<th class="name">Name</th>\n<th class="action">Action</th></tr></thead>\n<tbody>\n'
        f"{''.join(rows)}</tbody>\n</table>"
    )


@lru_cache(maxsize=8192)
def _fixed_cells(name: str, state: int, token: str | None) -> str:
    """The cells of a row that depend on nothing but the name and what can be done in a state."""
    quoted = quote(name)
    controls = Controls(token)
    items = [controls.one(action, label, quoted) for action, label in _ACTIONS.get(state, _BETWEEN)]
    items += [
        f'<a href="logtail/{quoted}{channel}" name="{label}" target="_blank" rel="noopener">{label}</a>'
        for channel, label in (("", "Tail -f Stdout"), ("/stderr", "Tail -f Stderr"))
    ]
    return (
        f'<td class="name"><a href="tail.html?processname={quoted}" target="_blank" rel="noopener">{escape(name)}</a>'
        f'</td>\n<td class="action">{" ".join(items)}</td></tr>\n'
    )


def _row(index: int, info: dict[str, Any], controls: Controls) -> str:
    state = info["state"]
    name = make_namespec(info["group"], info["name"])
    shade = "" if index % 2 else ' class="shade"'
    return (
        f"<tr{shade}>"
        f'<td class="state"><span class="{status_class(state)}">{info["statename"].lower()}</span></td>\n'
        f'<td class="desc">{escape(info["description"])}</td>\n'
        f"{_fixed_cells(name, state, controls.token)}"
    )
