"""The stream of changes that an open page listens to, as server-sent events.

Promise: only what changed is sent, at the pace of the client, and nothing is done while nothing changes but a sign of
life now and then; usage is looked at only for who asks for it. Must not know what the page does with it.

Events: ``rows`` (rows of the table, one line each), ``restarts`` (the chart of them), ``fatal`` (how many processes
are FATAL, for pages that do not see all rows), ``stale`` (the page has to be loaded again, too much has changed),
``usage`` (JSON: namespec -> [percent of a processor, bytes] or null, as far as that is new). The id of rows and stale
is the moment up to which is told.
"""

from __future__ import annotations

from supervisor.engine.loop import Timer
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.names import make_namespec
from supervisor.rpcinterface.facts import process_brief
from supervisor.web.journal import Journal, Key
from supervisor.web.page import restarts_line
from supervisor.web.proc import AVAILABLE
from supervisor.web.rows import row
from supervisor.web.usage import Usage
from supervisor.xmlrpc.deferred import NOT_DONE_YET

if TYPE_CHECKING:
    import json
else:
    json = Late("json")

__all__ = ["ChangeStream", "send_changes"]

# Without a word for so long, some proxies take a connection for dead; and so we notice a client that is gone.
_BEAT = 50.0
# Rows in one piece; more wait for the client to take these.
_ROWS_AT_A_TIME = 200
_FIRST = b"retry: 2000\n\n"


def send_changes(request: Any, supervisord: Any, form: dict[str, str]) -> None:
    """Answer with a stream that begins where the page was made or the last stream ended."""
    at = request.get_header("last-event-id") or form.get("since", "")
    stream = ChangeStream(request, supervisord, at, form.get("processname"), bool(form.get("usage")))
    request["Content-Type"] = "text/event-stream;charset=utf-8"
    request["Cache-Control"] = "no-cache"
    request["X-Content-Type-Options"] = "nosniff"
    # A proxy shall not collect what is meant to be seen at once.
    request["X-Accel-Buffering"] = "no"
    request.push(stream)
    request.done()


class ChangeStream:
    """What one open page is sent. A producer that wakes its channel."""

    wakes = True

    def __init__(self, request: Any, supervisord: Any, at: str, only: str | None, usage: bool) -> None:
        self._request = request
        self._supervisord = supervisord
        self._journal = Journal.of(supervisord)
        self._usage = Usage.of(supervisord) if usage and AVAILABLE else None
        self._only = only
        self._at = at
        self._todo: list[Key] = []
        self._ready: list[bytes] = [_FIRST]
        self._sent_restarts = self._journal.restarts_by_minute()
        self._sent_fatal = -1
        self._sent_usage: dict[str, tuple[float, int]] = {}
        self._beat_timer: Timer | None = None
        self._closed = False
        request.on_close(self.close)
        self._journal.listen(self._wake)
        if self._usage is not None:
            self._usage.listen(self._usage_is_new)
        self._beat(False)

    def more(self) -> Any:
        """The next events, or NOT_DONE_YET; it never ends by itself."""
        if self._closed:
            return b""
        if self._ready:
            ready, self._ready = self._ready, []
            return b"".join(ready)
        if not self._todo and self._at != self._journal.at:
            changed = self._journal.since(self._at)
            self._at = self._journal.at
            if changed is None:
                return self._event("stale", "")
            self._todo = changed
        if self._todo:
            keys = self._todo[:_ROWS_AT_A_TIME]
            del self._todo[:_ROWS_AT_A_TIME]
            return self._rows(keys)
        return NOT_DONE_YET

    def close(self) -> None:
        """Nobody listens any more."""
        self._closed = True
        self._journal.unlisten(self._wake)
        if self._usage is not None:
            self._usage.unlisten(self._usage_is_new)
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None

    def _rows(self, keys: list[Key]) -> bytes:
        now = int(self._supervisord.loop.clock.wall())
        rows = []
        for group_name, name in keys:
            group = self._supervisord.process_groups.get(group_name)
            process = None if group is None else group.processes.get(name)
            if process is not None and self._only in (None, make_namespec(group_name, name)):
                rows.append(row(process_brief(group_name, process, now)).strip().replace("\n", " "))
        others = self._restarts() if self._only is None else self._fatal()
        return others + self._event("rows", "\n".join(rows)) if rows else others or b":\n\n"

    def _restarts(self) -> bytes:
        """The chart of restarts, if it is not as it was."""
        restarts = self._journal.restarts_by_minute()
        if restarts == self._sent_restarts:
            return b""
        self._sent_restarts = restarts
        return f"event: restarts\ndata: {restarts_line(restarts)}\n\n".encode()

    def _fatal(self) -> bytes:
        """How many are FATAL, if that is not as it was."""
        fatal = self._journal.fatal()
        if fatal == self._sent_fatal:
            return b""
        self._sent_fatal = fatal
        return f"event: fatal\ndata: {fatal}\n\n".encode()

    def _event(self, kind: str, data: str) -> bytes:
        # Until all of the rows are told, a new stream has to begin where this one did.
        moment = "" if self._todo else f"id: {self._at}\n"
        lines = data.replace("\r", " ").replace("\n", "\ndata: ")
        return f"{moment}event: {kind}\ndata: {lines}\n\n".encode("utf-8", "replace")

    def _wake(self) -> None:
        self._request.channel.wake()

    def _beat(self, say: bool = True) -> None:
        self._beat_timer = self._supervisord.loop.call_later(_BEAT, self._beat)
        if say and not self._ready:
            self._ready.append(b":\n\n")
            self._wake()

    def _usage_is_new(self) -> None:
        if self._usage is None or len(self._ready) > 1:
            return
        latest = self._usage.latest
        if self._only is not None:
            latest = {self._only: latest[self._only]} if self._only in latest else {}
        sent, self._sent_usage = self._sent_usage, latest
        new: dict[str, Any] = {name: values for name, values in latest.items() if sent.get(name) != values}
        new.update(dict.fromkeys(sent.keys() - latest.keys()))
        # Nothing new is news too: time goes on in the charts.
        text = json.dumps(new, ensure_ascii=False, separators=(",", ":"))
        self._ready.append(f"event: usage\ndata: {text}\n\n".encode("utf-8", "replace"))
        self._wake()
