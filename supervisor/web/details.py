"""The page about one process: what it is, why it is in its state, what it wrote last.

Promise: shown for every process in every state; what is read of logs is a few kilobytes. Must not know how requests
arrive.
"""

from __future__ import annotations

import time
from typing import Any

from supervisor.dispatchers import stripEscapes
from supervisor.logread import tailFile
from supervisor.names import make_namespec
from supervisor.rpcinterface.info import process_info
from supervisor.states import ProcessStates
from supervisor.web.charts import bars
from supervisor.web.frame import page, token_field
from supervisor.web.journal import Journal
from supervisor.web.lookup import find_process
from supervisor.web.page import message_box
from supervisor.web.rows import buttons, status_class
from supervisor.web.text import escape, quote
from supervisor.web.usage import AVAILABLE
from supervisor.web.views import POLICY, MeldView

__all__ = ["ProcessView"]

_LAST_BYTES = 6000
_LAST_LINES = 30


class ProcessView(MeldView):
    """The page at process.html."""

    policy = POLICY
    token: str | None = None  # set by the handler

    def render(self) -> Any:
        form, supervisord = self.context.form, self.context.supervisord
        name = form.get("processname", "")
        group, process = find_process(supervisord, name)
        if process is None:
            return page("Supervisor: no such process", (
                f'<main id="main" tabindex="-1"><h2>No such process named {escape(name)}</h2>'
                '<p><a href="./">Show the programs</a></p></main>'
            ))
        namespec = make_namespec(group.config.name, process.config.name)
        now = supervisord.loop.clock.wall()
        info = process_info(group.config.name, process, int(now))
        main = "".join([
            message_box(form.get("message")),
            _title(namespec, info, self.token),
            _facts(info, process),
            _charts(supervisord, (info["group"], info["name"])),
            _last_lines(namespec, info, "stderr"),
            _last_lines(namespec, info, "stdout"),
        ])
        journal = Journal.of(supervisord)
        usage = ' data-usage="1"' if AVAILABLE else ""
        opening = (
            f'<main id="main" tabindex="-1" class="details" data-process="{escape(namespec)}" data-at="{journal.at}"'
            f' data-now="{now:.3f}"{usage}>'
        )
        fatal = info["state"] == ProcessStates.FATAL
        return page(f"Supervisor: {namespec}", f"{opening}{main}</main>", alarm=fatal)


def _title(namespec: str, info: dict[str, Any], token: str | None) -> str:
    word = info["statename"].lower()
    times = f' data-start="{info["start"]}"' if info["state"] == ProcessStates.RUNNING else ""
    return (
        f'<h2>{escape(namespec)}</h2><p class="now"{times}><span class="{status_class(info["state"])} {word}">{word}'
        f'</span> <span class="desc">{escape(info["description"])}</span></p>'
        f'<form class="action" action="index.html" method="post">{token_field(token)}'
        f'<input type="hidden" name="back" value="process" />{buttons(namespec, info["state"], "index.html")}</form>'
    )


def _moment(when: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when else "never"


def _facts(info: dict[str, Any], process: Any) -> str:
    config = process.config
    facts = [("Process", str(info["pid"]) if info["pid"] else "none")]
    if info["spawnerr"]:
        facts.append(("Last failure", info["spawnerr"]))
    if process.exitstatus is not None:
        facts.append(("Last exit status", _status_words(process.exitstatus)))
    facts += [
        ("Last start", _moment(info["start"])),
        ("Last end", _moment(info["stop"])),
        ("Command", str(config.command)),
        ("Standard output", info["stdout_logfile"] or "not logged"),
        ("Standard error", info["stderr_logfile"] or ("as above" if config.redirect_stderr else "not logged")),
    ]
    rows = "".join([f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts])
    return f'<section aria-label="Facts"><dl>{rows}</dl></section>'


def _status_words(status: int) -> str:
    return "ended by a signal" if status < 0 else str(status)


def _charts(supervisord: Any, key: tuple[str, str]) -> str:
    hours = Journal.of(supervisord).restarts_by_hour(key)
    number = sum(hours)
    text = f"{number} restart{'' if number == 1 else 's'} in the last 24 hours"
    live = '<div id="live-charts"></div>' if AVAILABLE else ""
    return (
        f'<section class="charts" aria-label="Charts"><figure><figcaption>{text}</figcaption>'
        f'{bars(hours, text, 10)}</figure>{live}</section>'
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
        f'<section class="last"><h3>Last lines of {channel} '
        f'<a href="tail.html?processname={quote(namespec)}{query}" aria-label="Follow {channel}">Follow</a></h3>'
        f"{shown}</section>"
    )
