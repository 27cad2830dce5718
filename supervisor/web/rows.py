"""Rows of the table of processes, as the status page has them and as they are pushed to it later.

Promise: well-formed markup on one line for each process; what depends on name and state alone is made once. Must not
know of requests or of what is around the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from supervisor.names import make_namespec
from supervisor.rpcinterface.facts import Brief
from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.web.text import escape, quote

__all__ = ["Filter", "STATE_FILTERS", "buttons", "row", "status_class", "table", "tally", "word"]

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
_GROUP_ACTIONS = (("restartgroup", "Restart"), ("stopgroup", "Stop"), ("startgroup", "Start"))

# What the filter offers, and in which order states are counted.
_STATES = {state: name.lower() for name, state in (
    ("RUNNING", _S.RUNNING), ("STARTING", _S.STARTING), ("BACKOFF", _S.BACKOFF), ("FATAL", _S.FATAL),
    ("EXITED", _S.EXITED), ("STOPPING", _S.STOPPING), ("STOPPED", _S.STOPPED), ("UNKNOWN", _S.UNKNOWN),
)}
_FAILED = ("fatal", "backoff", "unknown")
STATE_FILTERS = {
    "": "any state",
    "failed": "failed",
    "down": "not running",
    **{state: state for state in _STATES.values()},
}


def word(state: int) -> str:
    """The name of a state as pages show it."""
    return _STATES.get(state) or (getProcessStateDescription(state) or "").lower()


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

    def fits(self, brief: Brief) -> bool:
        """Whether a process is to be seen."""
        if self._part not in make_namespec(brief[0], brief[1]).lower():
            return False
        wanted, state = self.state, word(brief[2])
        if wanted == "failed":
            return state in _FAILED
        if wanted == "down":
            return state != "running"
        return not wanted or state == wanted


def buttons(namespec: str, state: int, page: str = "") -> str:
    """The buttons of a process: they belong into a form. page: where they lead if not to the page they are on."""
    return _buttons(state, page, quote(namespec), escape(namespec))


def _buttons(state: int, page: str, target: str, name: str) -> str:
    return "".join([
        f'<button formaction="{page}?processname={target}&amp;action={action}" aria-label="{label} {name}">'
        f"{label}</button>"
        for action, label in (*_ACTIONS.get(state, ()), ("clearlog", "Clear log"))
    ])


# They stand in a pattern for the name in a URL, the name as text, what is shown of it, and for what is put in later.
_TARGET, _NAME, _SHOWN, _LATER = "\0\1\2\3"


@lru_cache(maxsize=64)
def _pattern(state: int, why: bool) -> str:
    """A row of any process in this state."""
    name = word(state)
    reason = f' <a class="why" href="process.html?processname={_TARGET}" aria-label="Why is {_NAME} {name}?">Why?</a>'
    logs = "".join([
        f'<a href="tail.html?processname={_TARGET}{query}" aria-label="{channel} of {_NAME}">{channel}</a>'
        for channel, query in (("stdout", ""), ("stderr", "&amp;channel=stderr"))
    ])
    return (
        f'<tr class="process" data-name="{_NAME}" data-state="{name}"{_LATER}'
        f'><td class="state"><span class="{status_class(state)} {name}">{name}</span></td>'
        f'<td class="name"><a href="process.html?processname={_TARGET}">{_SHOWN}</a></td><td class="desc">{_LATER}'
        f'{reason if why else ""}</td><td class="usage"></td>'
        f'<td class="action">{_buttons(state, "", _TARGET, _NAME)}<span class="logs">{logs}</span></td></tr>\n'
    )


@lru_cache(maxsize=16384)
def _fixed(group: str, process: str, state: int, why: bool) -> tuple[str, str, str]:
    """The parts of a row around its times and around its description."""
    namespec = make_namespec(group, process)
    name = escape(namespec)
    shown = name if namespec == group else f'<span class="of">{escape(group)}:</span>{escape(process)}'
    text = _pattern(state, why).replace(_TARGET, quote(namespec)).replace(_NAME, name).replace(_SHOWN, shown)
    opening, upto_description, rest = text.split(_LATER)
    return opening, upto_description, rest


def row(brief: Brief, hidden: bool = False) -> str:
    """One process."""
    group, name, state, start, description, failed = brief
    if state == _RUNNING:
        # Its description is of numbers: nothing in it has to be escaped.
        opening, upto_description, rest = _fixed(group, name, state, False)
        hide = ' hidden=""' if hidden else ""
        return f'{opening} data-start="{start}"{hide}{upto_description}{description}{rest}'
    why = word(state) in _FAILED or (failed and state == _S.EXITED)
    opening, upto_description, rest = _fixed(group, name, state, why)
    hide = ' hidden=""' if hidden else ""
    return f"{opening}{hide}{upto_description}{escape(description)}{rest}"


def _group_head(group: str, found: list[Brief], hidden: bool) -> str:
    name, quoted = escape(group), quote(group)
    actions = "".join([
        f'<button formaction="?groupname={quoted}&amp;action={action}"'
        f' aria-label="{label} group {name}">{label}</button>'
        for action, label in _GROUP_ACTIONS
    ])
    attribute = ' hidden=""' if hidden else ""
    counts = ", ".join([f"{number} {state}" for state, number in tally(found)])
    return (
        f'<tr class="group"{attribute}><td class="fold" colspan="2"><label>'
        f'<input type="checkbox" class="fold" checked="checked" autocomplete="off" />'
        f'<span class="sr">Show group </span><b>{name}</b></label></td><td class="desc counts">{counts}</td>'
        f'<td class="usage"></td><td class="action">{actions}</td></tr>\n'
    )


def tally(briefs: Iterable[Brief]) -> list[tuple[str, int]]:
    """How many are in which state, as far as any are."""
    numbers = Counter(map(_state_of, briefs))
    return [(name, numbers[state]) for state, name in _STATES.items() if numbers[state]]


def table(briefs: Iterable[Brief], only: Filter) -> list[str]:
    """The bodies of the table in pieces: one for each group, and one for what stands alone between two of them."""
    parts: list[str] = []
    alone = False
    for group, members in groupby(briefs, _group_of):
        found = list(members)
        if len(found) == 1 and found[0][1] == group:
            if not alone:
                parts.append("<tbody>\n")
                alone = True
            parts.append(row(found[0], _hides(only, found[0])))
            continue
        if alone:
            parts.append("</tbody>\n")
            alone = False
        hides = [_hides(only, brief) for brief in found]
        parts.append(f'<tbody data-group="{escape(group)}">\n{_group_head(group, found, all(hides))}')
        parts += map(row, found, hides)
        parts.append("</tbody>\n")
    if alone:
        parts.append("</tbody>\n")
    return parts


_group_of = itemgetter(0)
_state_of = itemgetter(2)


def _hides(only: Filter, brief: Brief) -> bool:
    return bool(only) and not only.fits(brief)
