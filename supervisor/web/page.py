"""The status page, and the page that asks before it acts.

Promise: well-formed markup in which every link is relative, and which works without scripts. Must not know of RPC or
of requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.rpcinterface.facts import Brief
from supervisor.web.charts import bars
from supervisor.web.frame import page, token_field
from supervisor.web.rows import STATE_FILTERS, Filter, table, tally
from supervisor.web.text import escape, quote

__all__ = ["Surroundings", "ask_page", "message_box", "restarts_line", "status_page"]

# These are links to the page that asks; the script asks on the spot.
_ASKED = (("restartall", "Restart all"), ("stopall", "Stop all"))
_EVERY = Filter()


class Surroundings:
    """What the status page shows besides processes."""

    def __init__(self, token: str | None = None, message: str | None = None, identifier: str = "supervisor",
                 only: Filter = _EVERY, at: str = "", now: float = 0.0, restarts: Sequence[int] = (),
                 usage: bool = False) -> None:
        self.token = token
        self.message = message
        self.identifier = identifier
        self.only = only
        # The moment the page shows, for the stream of changes; and the daemon's clock.
        self.at = at
        self.now = now
        self.restarts = restarts
        self.usage = usage


def message_box(message: str | None) -> str:
    """The text directly inside, and nothing at all without one."""
    return "" if message is None else f'<div class="status_msg">{escape(message)}</div>'


def restarts_line(restarts: Sequence[int]) -> str:
    """How often programs were started again in each minute of the last hour."""
    number = sum(restarts)
    text = f"{number} restart{'' if number == 1 else 's'} in the last hour"
    return f"<span>{text}</span>{bars(restarts, text, 4)}"


def _filter_form(only: Filter) -> str:
    options = "".join([
        f'<option value="{value}"{_selected(value == only.state)}>{label}</option>'
        for value, label in STATE_FILTERS.items()
    ])
    hidden = "" if only else ' hidden=""'
    return (
        '<form id="filter" action="./" method="get" role="search" aria-label="Processes">'
        '<label for="filter-name" class="sr">Name</label>'
        f'<input id="filter-name" type="search" name="filter" value="{escape(only.name)}" placeholder="Filter by name"'
        ' autocomplete="off" spellcheck="false" />'
        '<label for="filter-state" class="sr">State</label>'
        f'<select id="filter-state" name="state" autocomplete="off">{options}</select>'
        f'<button>Filter</button><a id="show-all" href="./"{hidden}>Show all</a><span id="shown"></span></form>'
    )


def _kept(only: Filter) -> str:
    """The page after an action shows the same processes."""
    return "".join([
        f'<input type="hidden" name="{name}" value="{escape(value)}" />'
        for name, value in (("filter", only.name), ("state", only.state)) if value
    ])


def _selected(is_it: bool) -> str:
    return ' selected="selected"' if is_it else ""


def _everything(only: Filter, token: str | None) -> str:
    kept = "".join([
        f"&amp;{name}={quote(value)}" for name, value in (("filter", only.name), ("state", only.state)) if value
    ])
    links = "".join([
        f'<a class="button" href="index.html?action={action}{kept}" data-action="{action}">{label}</a>'
        for action, label in _ASKED
    ])
    return (
        f'<form id="everything" class="all" action="index.html" method="post">{token_field(token)}{_kept(only)}'
        f'<button formaction="index.html?action=refresh" name="Refresh">Refresh</button>{links}</form>'
    )


def _counts(counts: list[tuple[str, int]], only: Filter) -> str:
    return "".join([
        f'<a class="{state}" href="./?state={state}" data-state="{state}"'
        f'{_current(only.state == state)}>{number} {state}</a>'
        for state, number in counts
    ])


def _current(is_it: bool) -> str:
    return ' aria-current="true"' if is_it else ""


def status_page(briefs: list[Brief], around: Surroundings) -> str:
    """The whole page for these processes, in their order."""
    only = around.only
    counts = tally(briefs)
    usage = ' data-usage="1"' if around.usage else ""
    hidden = "" if briefs and only and not any(map(only.fits, briefs)) else ' hidden=""'
    main = [
        f'<main id="main" tabindex="-1" data-at="{around.at}" data-now="{around.now:.3f}"{usage}>'
        f'{message_box(around.message)}'
        f'<div class="summary"><p class="counts" id="counts">{_counts(counts, only)}</p>'
        f'<p class="restarts" id="restarts">{restarts_line(around.restarts)}</p></div>'
        f'<div class="tools">{_filter_form(only)}{_everything(only, around.token)}</div>'
        '<form id="processes" action="index.html" method="post" aria-label="Processes">'
        f"{token_field(around.token)}{_kept(only)}",
        *_table(briefs, only),
        f'</form><p id="nothing"{hidden}>No program fits the filter</p></main>',
    ]
    fatal = dict(counts).get("fatal", 0)
    title = f"({fatal} fatal) Supervisor Status" if fatal else "Supervisor Status"
    identifier = f'<p class="identifier" title="{escape(around.identifier)}">{escape(around.identifier)}</p>'
    return page(title, main, identifier, bool(fatal), ("live", "charts", "programs"))


def _table(briefs: list[Brief], only: Filter) -> list[str]:
    if not briefs:
        return [
            '<div class="empty"><p>No programs to manage</p><p>Add a <code>[program:x]</code> section to the '
            'configuration, then run <code>supervisorctl update</code>.</p></div>'
        ]
    return [
        '<table id="table"><caption class="sr">Processes</caption>\n<thead><tr><th scope="col" class="state">State</th>'
        '<th scope="col" class="name">Name</th><th scope="col" class="desc">Description</th>'
        '<th scope="col" class="usage">CPU, memory</th><th scope="col" class="action">Actions and logs</th></tr>'
        "</thead>\n",
        *table(briefs, only),
        "\n</table>",
    ]


def ask_page(question: str, fields: dict[str, str], token: str | None, why: str) -> str:
    """A page with a button for what was asked for, because the way it was asked for is not enough."""
    hidden = "".join([
        f'<input type="hidden" name="{name}" value="{escape(value)}" />' for name, value in fields.items()
    ])
    return page("Supervisor: " + question, [
        f'<main id="main" tabindex="-1" class="ask"><h2>{escape(question)}</h2><p>{escape(why)}</p>'
        f'<form action="index.html" method="post">{token_field(token)}{hidden}'
        '<button class="yes">Yes, do it</button> <a href="./">No, show the programs</a></form></main>'
    ])
