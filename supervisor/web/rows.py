"""Rows of the table of processes, as the status page has them and as they are pushed to it later.

Promise: well-formed markup on one line for each process; what depends on name and state alone is made once. Must not
know of requests or of what is around the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from supervisor.names import make_namespec
from supervisor.states import ProcessStates
from supervisor.web.text import escape, quote

__all__ = ["Filter", "STATE_FILTERS", "buttons", "counted", "row", "status_class", "table"]

_S = ProcessStates
_RUNNING = ProcessStates.RUNNING

_START, _STOP, _RESTART = ("start", "Start"), ("stop", "Stop"), ("restart", "Restart")
_ACTIONS = {
    _S.RUNNING: (_RESTART, _STOP),
    _S.STARTING: (_RESTART, _STOP),
    _S.BACKOFF: (_RESTART, _STOP),
    _S.STOPPED: (_START,),
    _S.EXITED: (_START,),
    _S.FATAL: (_START,),
}
_GROUP_ACTIONS = (("startgroup", "Start"), ("restartgroup", "Restart"), ("stopgroup", "Stop"))
_FAILURES = (_S.FATAL, _S.BACKOFF, _S.UNKNOWN)

# What the filter offers, and in which order states are counted.
_STATES = ("running", "starting", "backoff", "fatal", "exited", "stopping", "stopped", "unknown")
STATE_FILTERS = {
    "": "any state",
    "failed": "failed",
    "down": "not running",
    **{state: state for state in _STATES},
}


def status_class(state: int) -> str:
    """How a state looks."""
    if state == _S.RUNNING:
        return "statusrunning"
    if state in (_S.FATAL, _S.BACKOFF):
        return "statuserror"
    return "statusnominal"


class Filter:
    """Which processes are to be seen: part of the name, and the state."""

    def __init__(self, name: str = "", state: str = "") -> None:
        self.name = name
        self.state = state if state in STATE_FILTERS else ""
        self._part = name.lower()

    def __bool__(self) -> bool:
        return bool(self._part or self.state)

    def fits(self, namespec: str, state: str) -> bool:
        if self._part not in namespec.lower():
            return False
        wanted = self.state
        if wanted == "failed":
            return state in ("fatal", "backoff", "unknown")
        if wanted == "down":
            return state != "running"
        return not wanted or state == wanted


def buttons(namespec: str, state: int, page: str = "") -> str:
    """The buttons of a process: they belong into a form. page: where they lead if not to the page they are on."""
    return _buttons(state, page) % {"target": quote(namespec), "name": escape(namespec)}


@lru_cache(maxsize=64)
def _buttons(state: int, page: str) -> str:
    """The same for any process."""
    return "".join([
        f'<button formaction="{page}?processname=%(target)s&amp;action={action}" aria-label="{label} %(name)s">'
        f"{label}</button>"
        for action, label in (*_ACTIONS.get(state, ()), ("clearlog", "Clear log"))
    ])


@lru_cache(maxsize=16384)
def _fixed(group: str, process: str, state: int, statename: str) -> tuple[str, str, str]:
    """The parts of a row around its times and around its description."""
    namespec, word = make_namespec(group, process), statename.lower()
    quoted, name = quote(namespec), escape(namespec)
    details = f"process.html?processname={quoted}"
    shown = name if namespec == group else f'<span class="of">{escape(group)}:</span>{escape(process)}'
    why = f'<a class="why" href="{details}" aria-label="Why is {name} {word}?">Why?</a>' if state in _FAILURES else ""
    tail = f'<a href="tail.html?processname={quoted}'
    return (
        f'<tr class="process" data-name="{name}" data-state="{word}"',
        f'><td class="state"><span class="{status_class(state)} {word}">{word}</span></td>'
        f'<td class="name"><a href="{details}">{shown}</a></td><td class="desc">',
        f'</td><td class="usage"></td><td class="action">{why}{buttons(namespec, state)}'
        f'<span class="logs">{tail}" aria-label="stdout of {name}">stdout</a>'
        f'{tail}&amp;channel=stderr" aria-label="stderr of {name}">stderr</a></span></td></tr>\n',
    )


def row(info: dict[str, Any], hidden: bool = False) -> str:
    """One process, from its struct."""
    state = info["state"]
    opening, upto_description, rest = _fixed(info["group"], info["name"], state, info["statename"])
    times = f' data-start="{info["start"]}"' if state == _RUNNING else ""
    if hidden:
        times += ' hidden=""'
    return f'{opening}{times}{upto_description}{escape(info["description"])}{rest}'


def _group_head(group: str, infos: list[dict[str, Any]], hidden: bool) -> str:
    name, quoted = escape(group), quote(group)
    actions = "".join([
        f'<button formaction="?groupname={quoted}&amp;action={action}"'
        f' aria-label="{label} group {name}">{label}</button>'
        for action, label in _GROUP_ACTIONS
    ])
    attribute = ' hidden=""' if hidden else ""
    return (
        f'<tr class="group"{attribute}><td class="fold" colspan="2"><label>'
        f'<input type="checkbox" class="fold" checked="checked" autocomplete="off" />'
        f'<span class="sr">Show group </span><b>{name}</b></label></td><td class="desc counts">{counted(infos)}</td>'
        f'<td class="usage"></td><td class="action">{actions}</td></tr>\n'
    )


def counted(infos: Iterable[dict[str, Any]], link: Callable[[str], str] = str) -> str:
    """How many are in which state: 3 running, 1 fatal."""
    numbers = Counter([info["statename"] for info in infos])
    return ", ".join([link(f"{numbers[word.upper()]} {word}") for word in _STATES if numbers[word.upper()]])


def table(infos: Iterable[dict[str, Any]], only: Filter) -> str:
    """The bodies of the table: one for each group, and one for what stands alone between two of them."""
    parts: list[str] = []
    alone = False
    for group, members in groupby(infos, _group_of):
        found = list(members)
        if len(found) == 1 and found[0]["name"] == group:
            if not alone:
                parts.append("<tbody>\n")
                alone = True
            parts.append(row(found[0], _hides(only, found[0])))
            continue
        if alone:
            parts.append("</tbody>\n")
            alone = False
        hides = [_hides(only, info) for info in found]
        parts.append(f'<tbody data-group="{escape(group)}">\n{_group_head(group, found, all(hides))}')
        parts += map(row, found, hides)
        parts.append("</tbody>\n")
    if alone:
        parts.append("</tbody>\n")
    return "".join(parts)


_group_of = itemgetter("group")


def _hides(only: Filter, info: dict[str, Any]) -> bool:
    return bool(only) and not only.fits(make_namespec(info["group"], info["name"]), info["statename"].lower())
