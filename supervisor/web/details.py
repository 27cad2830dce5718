"""The page about one process: what it is, why it is in its state, what it wrote last.

Promise: shown for every process in every state; what is read of logs is a few kilobytes. Must not know how requests
arrive.
"""

from __future__ import annotations

import time

from supervisor.dispatchers import stripEscapes
from supervisor.hints import Any
from supervisor.logread import tailFile
from supervisor.names import make_namespec
from supervisor.process.lookup import find_process
from supervisor.rpcinterface.facts import as_struct, process_facts
from supervisor.states import ProcessStates
from supervisor.web.charts import bars
from supervisor.web.frame import page, token_field
from supervisor.web.journal import Journal
from supervisor.web.page import message_box
from supervisor.web.proc import AVAILABLE
from supervisor.web.rows import buttons, status_class, word
from supervisor.web.text import escape, quote
from supervisor.web.views import LONGEST_VALUE, POLICY, MeldView

__all__ = ["ProcessView"]

_S = ProcessStates
_LAST_BYTES = 6000
_LAST_LINES = 30
_TRAIL = '<p class="trail"><a href="./">All programs</a></p>'


class ProcessView(MeldView):
    """The page at process.html."""

    policy = POLICY
    longest_value = LONGEST_VALUE
    token: str | None = None  # set by the handler

    def render(self) -> Any:
        form, supervisord = self.context.form, self.context.supervisord
        name = form.get("processname", "")
        group, process = find_process(supervisord, name)
        if process is None:
            return page("Supervisor: no such process", [
                f'<main id="main" tabindex="-1" class="ask">{_TRAIL}'
                f"<h2>No such process named {escape(name)}</h2></main>"
            ])
        namespec = make_namespec(group.config.name, process.config.name)
        now = supervisord.loop.clock.wall()
        info = as_struct(process_facts(group.config.name, process, now))
        channels = ("stdout", "stderr") if info["state"] == _S.RUNNING else ("stderr", "stdout")
        main = [
            message_box(form.get("message")),
            _title(namespec, info, self.token),
            _trouble(info, process),
            '<div class="logs">',
            *(_last_lines(namespec, info, channel) for channel in channels),
            '</div><div class="aside">',
            _charts(supervisord, (info["group"], info["name"])),
            _facts(info, process),
            "</div></main>",
        ]
        journal = Journal.of(supervisord)
        usage = ' data-usage="1"' if AVAILABLE else ""
        opening = (
            f'<main id="main" tabindex="-1" class="details" data-process="{escape(namespec)}" data-at="{journal.at}"'
            f' data-now="{now:.3f}"{usage}>'
        )
        alarm = journal.fatal() > 0
        return page(f"Supervisor: {namespec}", [opening, *main], alarm=alarm, scripts=("live", "charts", "process"))


def _failed(info: dict[str, Any]) -> bool:
    return info["state"] in (_S.FATAL, _S.BACKOFF, _S.UNKNOWN) or bool(info["state"] == _S.EXITED and info["spawnerr"])


def _title(namespec: str, info: dict[str, Any], token: str | None) -> str:
    state = word(info["state"])
    # What is wrong has a place of its own.
    description = "" if info["state"] in (_S.FATAL, _S.BACKOFF) else info["description"]
    times = f' data-start="{info["start"]}"' if info["state"] == _S.RUNNING else ""
    return (
        f'<div class="title">{_TRAIL}<h2>{escape(namespec)}</h2><p class="now"{times}>'
        f'<span class="{status_class(info["state"])} {state}">{state}</span> '
        f'<span class="desc">{escape(description)}</span></p>'
        f'<form class="action" action="index.html" method="post">{token_field(token)}'
        '<input type="hidden" name="back" value="process" />'
        f'{buttons(namespec, info["state"], "index.html")}</form></div>'
    )


def _trouble(info: dict[str, Any], process: Any) -> str:
    """The reason of a failure, where one looks first."""
    if not _failed(info):
        return ""
    reasons = [info["spawnerr"] or info["description"]]
    if process.ending and info["stop"] >= info["start"]:
        reasons.append(f"The last run ended with: {process.ending}")
    if info["state"] == _S.BACKOFF:
        reasons.append(f"Tries so far: {process.backoff}; it will be started again")
    lines = "".join([f"<p>{escape(reason)}</p>" for reason in reasons if reason])
    return f'<section class="trouble" aria-label="Reason">{lines}</section>'


def _moment(when: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when else "never"


def _facts(info: dict[str, Any], process: Any) -> str:
    config = process.config
    ended = _moment(info["stop"])
    if process.ending and info["stop"]:
        ended += f", {process.ending}"
    facts = [
        ("Process", f"pid {info['pid']}" if info["pid"] else "not running"),
        ("Last start", _moment(info["start"])),
        ("Last end", ended),
        ("Command", str(config.command)),
        ("Standard output", info["stdout_logfile"] or "not logged"),
        ("Standard error", info["stderr_logfile"] or (
            "with standard output" if config.redirect_stderr else "not logged")),
    ]
    rows = "".join([f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts])
    return f'<section class="facts" aria-label="Facts"><dl>{rows}</dl></section>'


def _charts(supervisord: Any, key: tuple[str, str]) -> str:
    hours = Journal.of(supervisord).restarts_by_hour(key)
    number = sum(hours)
    text = f"{number} restart{'' if number == 1 else 's'} in the last 24 hours"
    live = '<div id="live-charts"></div>' if AVAILABLE else ""
    return (
        f'<section class="charts" aria-label="Charts">{live}<figure><figcaption>{text}</figcaption>'
        f"{bars(hours, text, 10)}</figure></section>"
    )


def _last_lines(namespec: str, info: dict[str, Any], channel: str) -> str:
    path = info[f"{channel}_logfile"]
    if not path:
        return ""
    text = stripEscapes(tailFile(path, 0, _LAST_BYTES)[0].encode()).decode("utf-8", "replace")
    body = escape("\n".join(text.split("\n")[-_LAST_LINES - 1:]))
    query = "&amp;channel=stderr" if channel == "stderr" else ""
    shown = f'<pre tabindex="0" aria-label="Last lines of {channel}">{body}</pre>' if text else "<p>Nothing yet</p>"
    return (
        f'<section class="last"><h3>{channel}</h3> '
        f'<a href="tail.html?processname={quote(namespec)}{query}" aria-label="Follow {channel}">Follow</a>'
        f"{shown}</section>"
    )
