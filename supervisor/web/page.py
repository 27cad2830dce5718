"""The status page, and the page that asks before it acts.

Promise: well-formed markup in which every link is relative, and which works without scripts. Must not know of RPC or
of requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from supervisor.names import make_namespec
from supervisor.web.charts import bars
from supervisor.web.frame import page, token_field
from supervisor.web.rows import STATE_FILTERS, Filter, counted, table
from supervisor.web.text import escape

__all__ = ["Surroundings", "ask_page", "message_box", "restarts_line", "status_page"]

_EVERYTHING = (("refresh", "Refresh"), ("restartall", "Restart all"), ("stopall", "Stop all"))
_EVERY = Filter()


class Surroundings(NamedTuple):
    """What the status page shows besides processes."""

    token: str | None = None
    message: str | None = None
    identifier: str = "supervisor"
    only: Filter = _EVERY
    # The moment the page shows, for the stream of changes; and the daemon's clock.
    at: str = ""
    now: float = 0.0
    restarts: Sequence[int] = ()
    usage: bool = False


def message_box(message: str | None) -> str:
    """The text directly inside, and nothing at all without one."""
    return "" if message is None else f'<div class="status_msg">{escape(message)}</div>'


def restarts_line(restarts: Sequence[int]) -> str:
    """How often programs were started again in each minute of the last hour."""
    number = sum(restarts)
    text = f"{number} restart{'' if number == 1 else 's'}, last hour"
    return f"<span>{text}</span>{bars(restarts, text, 4)}"


def _filter_form(only: Filter) -> str:
    options = "".join([
        f'<option value="{value}"{_selected(value == only.state)}>{label}</option>'
        for value, label in STATE_FILTERS.items()
    ])
    return (
        '<form id="filter" action="./" method="get" role="search" aria-label="Processes">'
        '<label for="filter-name">Name</label>'
        f'<input id="filter-name" type="search" name="filter" value="{escape(only.name)}" placeholder="part of a name"'
        ' autocomplete="off" spellcheck="false" />'
        '<label for="filter-state">State</label>'
        f'<select id="filter-state" name="state" autocomplete="off">{options}</select>'
        '<button>Filter</button> <a href="./">Show all</a></form>'
    )


def _kept(only: Filter) -> str:
    """The page after an action shows the same processes."""
    return "".join([
        f'<input type="hidden" name="{name}" value="{escape(value)}" />'
        for name, value in (("filter", only.name), ("state", only.state)) if value
    ])


def _selected(is_it: bool) -> str:
    return ' selected="selected"' if is_it else ""


def _count_link(text: str) -> str:
    word = text.partition(" ")[2]
    return f'<a href="./?state={word}" data-state="{word}">{text}</a>'


def status_page(infos: list[dict[str, Any]], around: Surroundings) -> str:
    """The whole page for these process structs, in their order."""
    only = around.only
    everything = "".join([
        f'<button formaction="index.html?action={action}" name="{label}">{label}</button>'
        for action, label in _EVERYTHING
    ])
    top = (
        f'<p class="identifier">{escape(around.identifier)}</p>'
        f'<p class="counts" id="counts">{counted(infos, _count_link)}</p>'
        f'<p class="restarts" id="restarts">{restarts_line(around.restarts)}</p>'
    )
    usage = ' data-usage="1"' if around.usage else ""
    hidden = "" if infos and only and not _any_fits(infos, only) else ' hidden=""'
    main = (
        f'<main id="main" tabindex="-1" data-at="{around.at}" data-now="{around.now:.3f}"{usage}>'
        f'{message_box(around.message)}<div class="tools">{_filter_form(only)}'
        f'<form id="everything" class="all" action="index.html" method="post">{token_field(around.token)}'
        f"{_kept(only)}{everything}</form></div>"
        '<form id="processes" action="index.html" method="post" aria-label="Processes">'
        f"{token_field(around.token)}{_kept(only)}{_table(infos, only)}</form>"
        f'<p id="nothing"{hidden}>No program fits the filter</p></main>'
    )
    fatal = sum(info["statename"] == "FATAL" for info in infos)
    return page(f"({fatal} fatal) Supervisor Status" if fatal else "Supervisor Status", main, top, bool(fatal))


def _any_fits(infos: list[dict[str, Any]], only: Filter) -> bool:
    return any(only.fits(make_namespec(info["group"], info["name"]), info["statename"].lower()) for info in infos)


def _table(infos: list[dict[str, Any]], only: Filter) -> str:
    if not infos:
        return "<p>No programs to manage</p>"
    return (
        '<table id="table"><caption class="sr">Processes</caption>\n<thead><tr><th scope="col" class="state">State</th>'
        '<th scope="col" class="name">Name</th><th scope="col" class="desc">Description</th>'
        '<th scope="col" class="usage">CPU, memory</th><th scope="col" class="action">Action</th></tr></thead>\n'
        f"{table(infos, only)}\n</table>"
    )


def ask_page(question: str, fields: dict[str, str], token: str | None, why: str) -> str:
    """A page with a button for what was asked for, because the way it was asked for is not enough."""
    hidden = "".join([
        f'<input type="hidden" name="{name}" value="{escape(value)}" />' for name, value in fields.items()
    ])
    return page("Supervisor: " + question, (
        f'<main id="main" tabindex="-1" class="ask"><h2>{escape(question)}</h2><p>{escape(why)}</p>'
        f'<form action="index.html" method="post">{token_field(token)}{hidden}'
        '<button class="yes">Yes, do it</button> <a href="./">No, show the programs</a></form></main>'
    ))
