"""Pages: what a view is, and the views without actions.

Promise: a view is made for one request and gives its response, or NOT_DONE_YET to be asked again. Must not know how
requests arrive.
"""

from __future__ import annotations

from supervisor.faults import Faults, RPCError
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.logread import tailFile
from supervisor.process.lookup import find_process
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.version import VERSION
from supervisor.web.journal import Journal
from supervisor.web.text import escape, quote
from supervisor.xmlrpc.bounds import MAX_ANSWER, fitting
from supervisor.xmlrpc.deferred import NOT_DONE_YET

if TYPE_CHECKING:
    from supervisor.web import templates
else:
    # The status page does without.
    templates = Late("supervisor.web.templates")

__all__ = ["LONGEST_VALUE", "MeldView", "OKView", "TailView", "ViewContext"]

# Pages show what is true now.
_FRESH = {
    "Pragma": "no-cache",
    "Cache-Control": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}

# Characters of a parameter that our own pages look at. Names are shown several times, and longer in links.
LONGEST_VALUE = 128 * 1024

# Our own pages bring everything they need, and nobody puts them in a frame.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class ViewContext:
    """What a view is given: template, request, form, response, supervisord."""

    template: str | None
    request: Any
    form: dict[str, Any]
    response: dict[str, Any]
    supervisord: Any

    def __init__(self, **kw: Any) -> None:
        self.__dict__.update(kw)


class MeldView:
    """A page made from a template. Plugins derive theirs and write render()."""

    content_type = "text/html;charset=utf-8"
    delay = 0.5
    policy: str | None = None

    def __init__(self, context: ViewContext) -> None:
        self.context = context
        self.callback: Any = None
        self._root: Any = None

    @property
    def root(self) -> Any:
        """The template; parsed when it is first looked at."""
        if self._root is None and self.context.template is not None:
            self._root = templates.template(self.context.template)
        return self._root

    @root.setter
    def root(self, root: Any) -> None:
        self._root = root

    def __call__(self) -> Any:
        """The response with its body, or NOT_DONE_YET."""
        body = self.render()
        if body is NOT_DONE_YET:
            return NOT_DONE_YET
        response = self.context.response
        headers = response["headers"]
        headers["Content-Type"] = self.content_type
        headers.update(_FRESH)
        if self.policy is not None:
            headers["Content-Security-Policy"] = self.policy
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "same-origin"
        response["body"] = body
        return response

    def render(self) -> Any:
        """The page as text or bytes, or NOT_DONE_YET."""
        return NOT_DONE_YET

    def clone(self) -> Any:
        """The template, to be filled."""
        return self.root.clone()


class OKView:
    """Says that the server answers."""

    delay = 0

    def __init__(self, context: ViewContext) -> None:
        self.context = context

    def __call__(self) -> dict[str, Any]:
        return {"body": "OK", "headers": {"Content-Type": "text/plain"}}


class TailView(MeldView):
    """The end of a log of a process, or of the activity log. The script goes on from there."""

    policy = POLICY
    longest_value = LONGEST_VALUE
    smallest = 1024

    def render(self) -> bytes:
        """The page."""
        form = self.context.form
        name = form.get("processname")
        limit = self._limit(form.get("limit", ""))
        activity = name is None and form.get("log") == "activity"
        channel = "stderr" if form.get("channel") == "stderr" and not activity else "stdout"
        if activity:
            title, query, text = "Supervisor activity log", "log=activity", self._activity(limit)
        else:
            title, query, text = f"Supervisor tail of process {name}", "", self._text(name, limit, channel)
            if name is not None:
                query = f"processname={quote(name)}"
        root = self.clone()
        root.findmeld("title").content(escape(title), structure=True)
        body = root.findmeld("tailbody")
        body.content(escape(fitting(text, MAX_ANSWER, escape, end=True)), structure=True)
        anchor = root.findmeld("refresh_anchor")
        if query:
            other = "&channel=stderr" if channel == "stderr" else ""
            anchor.attributes(href=f"tail.html?{query}&limit={limit}{other}")
        else:
            anchor.replace("")
        if activity:
            self._more(root, "Activity log", "", "mainlogtail")
        elif name is not None:
            known = find_process(self.context.supervisord, name)[1] is not None
            stream = f"logtail/{quote(name)}{'/stderr' if channel == 'stderr' else ''}"
            self._more(root, name, _ways(name, channel, stream), stream if known else "")
        page: bytes = root.write_xhtmlstring()
        body.content("")  # a tree is a circle, and the text in it may be megabytes
        return page

    def _more(self, root: Any, heading: str, ways: str, stream: str) -> None:
        """What our own template has besides: whose log it is, where else to go, and what the script listens to."""
        names = ("heading", "links", "main", "icon", "head")
        places = [root.findmeld(name) for name in names]
        if None in places:
            return
        title, links, main, icon, head = places
        title.content(escape(heading), structure=True)
        links.content(ways or "&#160;", structure=True)
        if stream:
            # The template engine leaves alone what looks like an entity.
            main.attributes(**{"data-stream": escape(stream), "data-log": escape(heading)})
        if Journal.of(self.context.supervisord).fatal():
            icon.attributes(href="images/icon-fatal.svg")
        for element in head:
            for name in {"href", "src"} & element.attrib.keys():
                element.attributes(**{name: f"{element.attrib[name]}?v={quote(VERSION)}"})

    def _limit(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            return self.smallest
        # So many digits are more than any file has.
        return max(self.smallest, int(text.lstrip("0")[:18] or 0))

    def _text(self, name: str | None, limit: int, channel: str) -> str:
        if name is None:
            return "No process name found"
        rpc = SupervisorNamespaceRPCInterface(self.context.supervisord)
        read, tail = rpc.readProcessStdoutLog, rpc.tailProcessStdoutLog
        if channel == "stderr":
            read, tail = rpc.readProcessStderrLog, rpc.tailProcessStderrLog
        try:
            read(name, 0, 1)
            text: str = tail(name, 0, limit)[0]
            return text
        except RPCError as fault:
            if fault.code == Faults.NO_FILE:
                return f"No file for {name}"
            return f"ERROR: unexpected rpc fault [{fault.code:d}] {fault.text}"

    def _activity(self, limit: int) -> str:
        path = self.context.supervisord.options.logfile
        if not isinstance(path, str):
            return "No file for the activity log"
        text: str = tailFile(path, 0, limit)[0]
        return text


def _ways(name: str, channel: str, stream: str) -> str:
    """To the other channel, to the process, and to the bare text."""
    quoted = quote(name)
    return "".join([
        '<span class="channels">',
        *(_channel_link(quoted, one, one == channel) for one in ("stdout", "stderr")),
        f'</span><a href="process.html?processname={quoted}">Details</a> <a href="{stream}">Raw stream</a>',
    ])


def _channel_link(quoted: str, channel: str, current: bool) -> str:
    query = f"processname={quoted}" + ("&amp;channel=stderr" if channel == "stderr" else "")
    mark = ' aria-current="page"' if current else ""
    return f'<a href="tail.html?{query}"{mark}>{channel}</a> '
