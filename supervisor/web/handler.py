"""The HTTP handler of the pages.

Promise: a page is looked up when it is asked for, since plugins change VIEWS; what changes anything comes by POST with
the token of the browser's session, unless the server's section allows GET to act; a slow action keeps nobody else
waiting. Must not know what is on the pages.
"""

from __future__ import annotations

import re
from functools import partial

from supervisor.engine.traces import in_full
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.web.journal import Journal
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt

if TYPE_CHECKING:
    from supervisor.web import registry, session, status, streams, views
else:
    # The pages are loaded when the first one is asked for: many daemons are never asked.
    registry = Late("supervisor.web.registry")
    session = Late("supervisor.web.session")
    status = Late("supervisor.web.status")
    streams = Late("supervisor.web.streams")
    views = Late("supervisor.web.views")

__all__ = ["DeferredWebProducer", "parse_form", "supervisor_ui_handler"]

# Far above what any form of ours has: fields, and bytes of a body.
_MAX_FIELDS = 1000
_MAX_FORM = 1024 * 1024
# Bytes of a form that are decoded at a time.
_STEP = 65536
_escapes = re.compile(b"(?:%[0-9A-Fa-f]{2})+").sub

# The stream of changes, which is no page.
_STREAM = "events"


class supervisor_ui_handler:
    """Answers for the pages in VIEWS."""

    IDENT = "Supervisor Web UI HTTP Request Handler"

    def __init__(self, supervisord: Any) -> None:
        self.supervisord = supervisord
        Journal.of(supervisord)

    def match(self, request: Any) -> bool:
        """Whether the path is the name of a page in VIEWS, nothing, or that of the stream."""
        page = _page_of(request)
        return page in registry.VIEWS or page == _STREAM

    def handle_request(self, request: Any) -> None:
        if _page_of(request) == _STREAM and _STREAM not in registry.VIEWS:
            self._stream(request)
        elif request.command == "POST":
            request.read_body(partial(self._body_arrived, request), min(_MAX_FORM, request.server.max_body))
        elif request.command in ("GET", "HEAD"):
            self.continue_request(b"", request)
        else:
            request["Allow"] = "GET, HEAD, POST"
            request.error(405)

    def _body_arrived(self, request: Any, body: bytes | bytearray) -> None:
        self.continue_request(body, request)

    def _stream(self, request: Any) -> None:
        if request.command != "GET":
            request["Allow"] = "GET"
            request.error(405)
            return
        try:
            form = parse_form(request.split_uri()[2], b"")
        except ValueError:
            request.error(400)
        else:
            streams.send_changes(request, self.supervisord, form)

    def continue_request(self, data: bytes | bytearray, request: Any) -> None:
        """Make the page, now or when its action is done."""
        page = _page_of(request)
        entry = registry.VIEWS.get(page)
        if entry is None:
            request.error(404)
            return
        try:
            form = parse_form(request.split_uri()[2], data)
        except ValueError:
            request.error(400)
            return
        longest = getattr(entry["view"], "longest_value", None)
        if longest is not None:
            form = {name: value[:longest] for name, value in form.items()}
        try:
            context = views.ViewContext(
                template=entry["template"],
                request=request,
                form={**_environment(request), **form},
                response={"headers": {}},
                supervisord=self.supervisord,
            )
            view = entry["view"](context)
            if hasattr(view, "token"):
                self._admit(request, form, view)
            DeferredWebProducer(request, view, self.supervisord).run()
        except BaseException as error:  # a plugin's view may raise anything
            _failed(request, self.supervisord, error)

    def _admit(self, request: Any, form: dict[str, str], view: Any) -> None:
        """Give a view with forms its token, and tell the one that acts whether it may."""
        visitor = session.Session(request)
        view.token = visitor.token
        if visitor.cookie is not None:
            view.context.response["headers"]["Set-Cookie"] = visitor.cookie
        if getattr(type(view), "render", None) is status.StatusView.render:
            posted = request.command == "POST"
            view.may_act = (posted and visitor.accepts(form.get("token"))) or (
                request.command != "HEAD" and getattr(request.server, "get_actions", False))
            view.refused = posted and not view.may_act and form.get("action", "refresh") != "refresh"


def _page_of(request: Any) -> str:
    page: str = request.split_uri()[0].lstrip("/")
    return page or "index.html"


def _environment(request: Any) -> dict[str, Any]:
    return {**request.cgi_environment(), "SERVER_URL": request.get_server_url()}


def parse_form(query: str | None, body: bytes | bytearray) -> dict[str, str]:
    """The parameters of a query, overridden by those of an urlencoded body; empty ones are absent.

    The first of repeated query parameters counts, and the last of the body's. ValueError when it is no form.
    """
    form: dict[str, str] = {}
    for name, value in _pairs((query or "").removeprefix("?")):
        form.setdefault(name, value)
    text = body.decode("utf-8")
    if isinstance(body, bytearray):
        body.clear()  # it may be megabytes, and nobody needs it any more
    form.update(_pairs(text))
    return form


def _pairs(text: str) -> list[tuple[str, str]]:
    if text.count("&") >= _MAX_FIELDS:
        raise ValueError("too many fields")
    pairs = (field.partition("=") for field in text.split("&"))
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs if value]


def _decoded(text: str) -> str:
    """A name or value of a form. In steps, since decoding divides the text at each escape."""
    if not ("%" in text or "+" in text):
        return text
    data, decoded, at = text.replace("+", " ").encode(), bytearray(), 0
    while at < len(data):
        end = at + _STEP
        begun = data.rfind(b"%", end - 2, end)
        if begun > at:
            end = begun  # not in the middle of an escape
        decoded += _escapes(_unescaped, data[at:end])
        at = end
    return decoded.decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[0].replace(b"%", b"").decode())


def _failed(request: Any, supervisord: Any, error: BaseException) -> None:
    if isinstance(error, status.BadForm):
        request.error(400)
        return
    supervisord.options.logger.error(f"Web interface error:\n{in_full(error)}")
    request.error(500)


class DeferredWebProducer:
    """Sends the response of a view once there is one."""

    def __init__(self, request: Any, callback: Any, supervisord: Any = None) -> None:
        self.request = request
        self.callback = callback
        self.supervisord = supervisord
        self.delay = float(getattr(callback, "delay", 0.5))
        self.finished = False

    def run(self) -> None:
        """Ask the view, and again when what it waits for is there."""
        response = self.callback()
        if response is not NOT_DONE_YET:
            self.sendresponse(response)
            return
        loop = self.supervisord.loop
        waits_for = getattr(self.callback, "callback", None)
        if isinstance(waits_for, Deferred) and not waits_for.settled:
            adopt(loop, waits_for).then(self._again)
        else:
            loop.call_later(max(self.delay, 0.01), self._again)

    def _again(self, _: object = None) -> None:
        try:
            self.run()
        except BaseException as error:  # a plugin's view may raise anything
            if not self.request.closed:
                _failed(self.request, self.supervisord, error)

    def more(self) -> Any:
        """For plugins that push this onto a request: it is asked until the view has its response."""
        if self.finished:
            return b""
        response = self.callback()
        if response is NOT_DONE_YET:
            return NOT_DONE_YET
        self.sendresponse(response)
        return b""

    def sendresponse(self, response: dict[str, Any]) -> None:
        """Answer with what a view gave: headers and body."""
        self.finished = True
        request = self.request
        if request.closed:
            return
        headers = dict(response.get("headers") or {})
        location = headers.pop("Location", None)
        if location is not None:
            headers.pop("Content-Security-Policy", None)  # that of the body, which is none of the view's
            for name, value in headers.items():
                request[name] = value
            request["Location"] = location
            request.error(303)
            return
        body = response.get("body", "")
        content_type = headers.pop("Content-Type", "text/html")
        headers.pop("Content-Length", None)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        body = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
        code = 403 if getattr(self.callback, "refused", False) else 200
        request.reply(code, body, content_type, list(headers.items()))
