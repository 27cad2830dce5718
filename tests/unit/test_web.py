from __future__ import annotations

import xml.dom.minidom
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from supervisor import events
from supervisor.faults import Faults, RPCError
from supervisor.rpcinterface.facts import Brief
from supervisor.states import ProcessStates, SupervisorStates
from supervisor.web import VIEWS, MeldView, StatusView, ViewContext, supervisor_ui_handler
from supervisor.web.actions import group_action, process_action, question
from supervisor.web.handler import parse_form
from supervisor.web.page import Surroundings, status_page
from supervisor.web.rows import Filter
from supervisor.web.text import escape, quote
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt
from tests.fakes import FakeLog, fake_loop

S = ProcessStates


def brief(
    name: str, group: str = "", state: int = S.RUNNING, description: str = "pid 5", failed: bool = False
) -> Brief:
    return group or name, name, state, 1000, description, failed


def rows(page: str) -> list[list[str]]:
    """The text of each cell of each row of the bodies that is to be seen."""
    document = xml.dom.minidom.parseString(page)

    def text(node: Any) -> str:
        return node.data if node.nodeType == node.TEXT_NODE else " ".join(filter(None, map(text, node.childNodes)))

    return [
        [" ".join(text(cell).split()) for cell in row.getElementsByTagName("td")]
        for body in document.getElementsByTagName("tbody")
        for row in body.getElementsByTagName("tr")
        if not row.hasAttribute("hidden")
    ]


def test_the_status_page_shows_each_process() -> None:
    page = status_page(
        [
            brief("a"),
            brief("c", state=S.STARTING, description=""),
            brief("e", state=S.EXITED, description="Nov 20"),
            brief("f", state=S.EXITED, description="Nov 21", failed=True),
            brief("m<&>", "g", S.FATAL, "spawn <error>"),
            brief("n", "g", S.STOPPED, "Not started"),
            brief("z", state=S.STOPPING, description=""),
        ],
        Surroundings(token="a token"),
    )
    ending = "Clear log stdout stderr"
    assert rows(page) == [
        ["running", "a", "pid 5", "", f"Restart Stop {ending}"],
        ["starting", "c", "", "", f"Restart Stop {ending}"],
        ["exited", "e", "Nov 20", "", f"Start {ending}"],
        ["exited", "f", "Nov 21 Why?", "", f"Start {ending}"],
        ["Show group g", "1 fatal, 1 stopped", "", "Restart Stop Start"],
        ["fatal", "g: m<&>", "spawn <error> Why?", "", f"Start {ending}"],
        ["stopped", "g: n", "Not started", "", f"Start {ending}"],
        ["stopping", "z", "", "", ending],
    ]
    assert page.count("<tbody") == 3
    assert 'formaction="?processname=g%3Am%3C%26%3E&amp;action=start"' in page
    assert 'formaction="?groupname=g&amp;action=stopgroup"' in page
    assert 'name="token" value="a token"' in page
    assert "<title>(1 fatal) Supervisor Status</title>" in page
    assert "images/icon-fatal.svg" in page
    assert "status_msg" not in page


def test_a_message_on_the_page() -> None:
    page = status_page([brief("a")], Surroundings(message="<b>\x1b'"))
    assert '<div class="status_msg">&lt;b&gt;\u241b&#39;</div>' in page
    assert "token" not in page
    assert "images/icon.svg" in page
    assert rows(page)


@pytest.mark.parametrize(
    ("only", "seen"),
    [
        (Filter("B"), ["b"]),
        (Filter("G:"), ["Show group g", "g: a", "g: c"]),
        (Filter("", "running"), ["b", "Show group g", "g: c"]),
        (Filter("", "down"), ["Show group g", "g: a", "h"]),
        (Filter("", "failed"), ["h"]),
        (Filter("", "no such state"), ["b", "Show group g", "g: a", "g: c", "h"]),
        (Filter("x<"), []),
    ],
)
def test_filters(only: Filter, seen: list[str]) -> None:
    page = status_page(
        [brief("b"), brief("a", "g", S.STOPPED), brief("c", "g"), brief("h", state=S.FATAL)],
        Surroundings(only=only),
    )
    assert [row[0] if row[0].startswith("Show") else row[1] for row in rows(page)] == seen
    assert ('<p id="nothing">' in page) is not bool(seen)
    assert f'value="{escape(only.name)}" placeholder' in page


def test_an_empty_page() -> None:
    page = status_page([], Surroundings())
    xml.dom.minidom.parseString(page)
    assert "No programs to manage" in page
    assert "<table" not in page


def test_text_in_pages() -> None:
    assert escape("<a b='c' d=\"e\">&\x00\x1b\x7f\x9b\udc80\t\n") == (
        "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;\u2400\u241b\u2421\ufffd\ufffd\t\n"
    )
    assert quote("g:*é /~._-\r\n") == "g%3A%2A%C3%A9%20%2F~._-%0D%0A"
    quote("\udc80")


@pytest.mark.parametrize(
    ("query", "body", "form"),
    [
        (None, b"", {}),
        ("?", b"", {}),
        ("?a=1&a=2&b=&c=x%20y+z", b"", {"a": "1", "c": "x y z"}),
        ("?a=1&b=2", b"a=3&a=4\r\n", {"a": "4\r\n", "b": "2"}),
        ("??a=1", b"\na=2", {"?a": "1", "\na": "2"}),
        ("?a=%zz&b=%ff", b"", {"a": "%zz", "b": "\ufffd"}),
        ("?a=%C3%A9", "b=é".encode(), {"a": "é", "b": "é"}),
    ],
)
def test_forms(query: str | None, body: bytes, form: dict[str, str]) -> None:
    assert parse_form(query, body) == form


@pytest.mark.parametrize("body", [b"\xff", b"&".join([b"a=1"] * 5000)])
def test_what_is_no_form(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_form("", body)


# --- actions ------------------------------------------------------------------------------------------------------


class FakeRpc:
    def __init__(self) -> None:
        self.stopping, self.starting = Deferred(), Deferred()
        self.calls: list[str] = []

    def stopProcess(self, name: str) -> Deferred:
        self.calls.append(f"stop {name}")
        return self.stopping

    def startProcess(self, name: str) -> Deferred:
        self.calls.append(f"start {name}")
        return self.starting

    def clearProcessLogs(self, name: str) -> bool:
        raise RPCError(Faults.FAILED, name)


def test_restart_waits_for_the_stop_and_then_for_the_start() -> None:
    rpc = FakeRpc()
    action = process_action(rpc, "restart", "a")
    assert action is not None
    answer = adopt(fake_loop()[0], action)
    assert rpc.calls == ["stop a"]
    rpc.stopping.settle(True)
    assert rpc.calls == ["stop a", "start a"]
    rpc.starting.settle(True)
    assert answer() == "Process a restarted"


def test_actions_can_be_polled() -> None:
    rpc = FakeRpc()
    action = process_action(rpc, "restart", "a")
    assert action is not None
    assert action() is NOT_DONE_YET
    rpc.stopping.fail(RPCError(Faults.NOT_RUNNING, "a"))
    assert action() is NOT_DONE_YET
    rpc.starting.fail(RPCError(Faults.SPAWN_ERROR, "a"))
    assert action() == "ERROR: Process a: spawn error"
    assert rpc.calls == ["stop a", "start a"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (Faults.NO_FILE, "ERROR: Process a: no such file"),
        (Faults.NOT_EXECUTABLE, "ERROR: Process a: file not executable"),
        (Faults.ALREADY_STARTED, "ERROR: Process a: already started"),
        (Faults.ABNORMAL_TERMINATION, "ERROR: Process a: abnormal termination"),
        (Faults.FAILED, "ERROR: Process a: unexpected rpc fault [30] FAILED: a"),
    ],
)
def test_a_start_that_fails(code: int, text: str) -> None:
    rpc = FakeRpc()
    action = process_action(rpc, "start", "a")
    assert action is not None
    rpc.starting.fail(RPCError(code, "a"))
    assert action() == text


def test_other_failures() -> None:
    rpc = FakeRpc()
    clear, stop = process_action(rpc, "clearlog", "a"), process_action(rpc, "stop", "a")
    assert clear is not None
    assert stop is not None
    assert clear() == "unexpected rpc fault [30] FAILED: a"
    rpc.stopping.fail(RPCError(Faults.NOT_RUNNING, "a"))
    assert stop() == "unexpected rpc fault [70] NOT_RUNNING: a"
    assert process_action(rpc, "Start", "a") is None


class FakeGroupRpc:
    def __init__(self, *failed: str) -> None:
        self.calls: list[str] = []
        self.failed = failed

    def stopProcessGroup(self, name: str) -> list[dict[str, Any]]:
        self.calls.append(f"stop {name}")
        return []

    def startProcessGroup(self, name: str) -> Any:
        self.calls.append(f"start {name}")
        results = [{"name": "good", "status": Faults.SUCCESS, "description": "OK"}]
        results += [{"name": name, "status": Faults.SPAWN_ERROR, "description": "SPAWN_ERROR"} for name in self.failed]
        return lambda: results


@pytest.mark.parametrize(
    ("action", "calls", "message"),
    [
        ("startgroup", ["start g"], "Group g started"),
        ("stopgroup", ["stop g"], "Group g stopped"),
        ("restartgroup", ["stop g", "start g"], "Group g restarted"),
    ],
)
def test_groups(action: str, calls: list[str], message: str) -> None:
    rpc = FakeGroupRpc()
    deed = group_action(rpc, action, "g")
    assert deed is not None
    assert adopt(fake_loop()[0], deed)() == message
    assert rpc.calls == calls


def test_failures_in_a_group_are_named() -> None:
    deed = group_action(FakeGroupRpc(*"abcdefg"), "startgroup", "g")
    assert deed is not None
    message = deed()
    assert message.startswith("ERROR: Group g: not started: a (SPAWN_ERROR), b (SPAWN_ERROR), ")
    assert message.endswith("e (SPAWN_ERROR) and 2 more")
    assert group_action(FakeGroupRpc(), "start", "g") is None


def test_questions() -> None:
    assert question("stopall", None, None) == "Stop all programs?"
    assert question("clearlog", "a", None) == "Clear the logs of a?"
    assert question("restartgroup", None, "g") == "Restart group g?"
    for action, process, group in (("start", None, "g"), ("x", "a", "g"), ("stopgroup", "a", None)):
        assert question(action, process, group) is None


# --- the handler --------------------------------------------------------------------------------------------------


class FakeRequest:
    def __init__(self, path: str, query: str = "", command: str = "GET", body: bytes = b"", acts: bool = False,
                 cookie: str | None = None, accept: str | None = None) -> None:
        self.path, self.query, self.command, self.body = path, query, command, body
        self.server = SimpleNamespace(get_actions=acts, max_body=1 << 20)
        self.header: list[str] = []
        self.closed = False
        self.sent = {"cookie": cookie, "accept": accept}
        self.headers: dict[str, str] = {}
        self.answers: list[tuple[int, str]] = []

    def split_uri(self) -> tuple[str, None, str | None, None]:
        return self.path, None, self.query and f"?{self.query}", None

    def __setitem__(self, name: str, value: str) -> None:
        self.headers[name] = value

    def get_header(self, name: str) -> str | None:
        return self.sent.get(name)

    def cgi_environment(self) -> dict[str, Any]:
        return {"SERVER_PORT": "1", "PATH_TRANSLATED": self.path}

    def get_server_url(self) -> str:
        return "http://h"

    def read_body(self, callback: Any, limit: int) -> None:
        callback(self.body)

    def reply(self, code: int, body: bytes, content_type: str, headers: Any = ()) -> None:
        self.headers.update({"Content-Type": content_type, **dict(headers)})
        self.answers.append((code, body.decode()))

    def error(self, code: int, message: str | None = None) -> None:
        self.answers.append((code, message or ""))

    @property
    def message(self) -> str:
        """The message of the page that follows."""
        assert self.answers == [(303, "")]
        where, _, message = self.headers["Location"].partition("?message=")
        assert where == "./"
        return unquote(message)


class Scene:
    def __init__(self) -> None:
        self.loop, _, _, _ = fake_loop()
        self.log = FakeLog()
        self.supervisord = SimpleNamespace(
            loop=self.loop,
            options=SimpleNamespace(logger=self.log, mood=SupervisorStates.RUNNING, identifier="me"),
            process_groups={},
        )
        self.handler = supervisor_ui_handler(self.supervisord)

    def ask(self, path: str = "/", query: str = "", **kw: Any) -> FakeRequest:
        request = FakeRequest(path, query, **kw)
        assert self.handler.match(request)
        self.handler.handle_request(request)
        return request

    def session(self) -> tuple[str, str]:
        """(cookie, token) of a browser that has looked at the page."""
        request = self.ask()
        cookie, *about = request.headers["Set-Cookie"].split("; ")
        assert about == ["HttpOnly", "SameSite=Strict"]
        return cookie, request.answers[0][1].partition('name="token" value="')[2].partition('"')[0]

    def post(self, query: str, cookie: str | None, token: str = "", **kw: Any) -> FakeRequest:
        return self.ask("/index.html", query, command="POST", body=f"token={token}".encode(), cookie=cookie, **kw)


@pytest.fixture(autouse=True)
def no_subscriptions() -> Iterator[None]:
    events.clear()
    yield
    events.clear()


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/", True),
        ("///", True),
        ("/index.html", True),
        ("//tail.html", True),
        ("/ok.html", True),
        ("/status.html", False),
        ("/x/index.html", False),
        ("/Index.html", False),
    ],
)
def test_which_paths_are_ours(scene: Scene, path: str, ours: bool) -> None:
    assert scene.handler.match(FakeRequest(path)) is ours


def test_health(scene: Scene) -> None:
    request = scene.ask("/ok.html")
    assert request.answers == [(200, "OK")]
    assert request.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("mood", [SupervisorStates.RUNNING, SupervisorStates.SHUTDOWN])
def test_the_page_and_its_headers(scene: Scene, mood: int) -> None:
    scene.supervisord.options.mood = mood
    request = scene.ask("/", "message=%3Cb%3E")
    ((code, page),) = request.answers
    assert (code, "&lt;b&gt;" in page) == (200, True)
    assert {name: request.headers[name] for name in ("Content-Type", "Pragma", "Cache-Control", "Expires")} == {
        "Content-Type": "text/html;charset=utf-8",
        "Pragma": "no-cache",
        "Cache-Control": "no-cache",
        "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
    }
    assert request.headers["X-Frame-Options"] == "DENY"
    assert request.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in request.headers["Content-Security-Policy"]


def test_links_do_not_act_by_themselves(scene: Scene) -> None:
    request = scene.ask("/index.html", "action=stopgroup&groupname=%3Cg%3E")
    ((code, page),) = request.answers
    assert code == 200
    assert "<h2>Stop group &lt;g&gt;?</h2>" in page
    assert 'name="groupname" value="&lt;g&gt;"' in page
    assert scene.ask("/index.html", "action=refresh").message.startswith("Page refreshed at ")


def test_buttons_act_with_the_token_of_the_session(scene: Scene) -> None:
    cookie, token = scene.session()
    assert len(token) == 32
    assert scene.post("action=stopall", cookie, token).message.startswith("All stopped at ")
    assert "Set-Cookie" not in scene.ask(cookie=cookie).headers
    other, its_token = scene.session()
    assert (other == cookie, its_token == token) == (False, False)
    for wrong in ((cookie, ""), (cookie, its_token), (None, token), ("supervisor_session=x", token), (other, token)):
        ((code, page),) = scene.post("action=stopall", *wrong).answers
        assert (code, "Stop all programs?" in page) == (403, True)


def test_the_cookie_among_others(scene: Scene) -> None:
    cookie, token = scene.session()
    request = scene.post("action=stopall", f"a=b; {cookie}; supervisor_session2=c", token)
    assert request.message.startswith("All stopped at ")


def test_the_page_after_an_action(scene: Scene) -> None:
    session = scene.session()
    plain = scene.post("action=stopall", *session, accept="text/plain")
    ((code, text),) = plain.answers
    assert (code, plain.headers["Content-Type"]) == (200, "text/plain;charset=utf-8")
    assert text.startswith("All stopped at ")
    kept = scene.post("action=stop&processname=x&filter=a%26b&state=down", *session)
    assert kept.headers["Location"] == "./?message=No%20such%20process%20named%20x&filter=a%26b&state=down"
    back = scene.post("action=stop&processname=x:y&back=process", *session)
    assert back.headers["Location"].startswith("process.html?processname=x%3Ay&message=No%20such")
    group = scene.post("action=stopgroup&groupname=nope", *session)
    assert group.message == "No such group named nope"


def test_links_act_where_it_was_allowed(scene: Scene) -> None:
    assert scene.ask("/", "action=restartall", acts=True).message.startswith("All restarted at ")
    assert scene.ask("/", "", command="POST", body=b"action=stopall", acts=True).message.startswith("All stopped")
    assert scene.ask("/", "action=start&processname=g%0D%0A:*", acts=True).message == "No such process named g\r\n:*"


def test_events_are_asked_for_by_get(scene: Scene) -> None:
    request = scene.ask("/events", command="POST")
    assert request.answers == [(405, "")]
    assert request.headers == {"Allow": "GET"}


@pytest.mark.parametrize("query", ["action=foo", "action=start", "action=start&processname=", "action=Start"])
def test_what_there_is_no_action_for(scene: Scene, query: str) -> None:
    assert scene.ask("/", query, acts=True).answers[0][0] == 400
    assert scene.ask("/", query).answers[0][0] == 400
    assert scene.log.lines == []


def test_methods(scene: Scene) -> None:
    request = scene.ask("/", command="PUT")
    assert request.answers == [(405, "")]
    assert request.headers == {"Allow": "GET, HEAD, POST"}


def test_a_bad_body(scene: Scene) -> None:
    assert scene.ask("/", command="POST", body=b"\xff").answers == [(400, "")]


def test_views_of_plugins(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    template = tmp_path / "t.html"
    template.write_text(
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:meld="https://github.com/Supervisor/supervisor">'
        '<body><p meld:id="place">x</p></body></html>'
    )
    asked: list[int] = []

    class View(StatusView, MeldView):
        delay = 0

        def render(self) -> Any:
            asked.append(1)
            if len(asked) < 3:
                return NOT_DONE_YET
            root = self.clone()
            assert self.context.form["PATH_TRANSLATED"] == "/mine.html"
            root.findmeld("place").content(self.context.form["name"] + self.context.form["SERVER_URL"])
            return root.write_xhtmlstring()

    monkeypatch.setitem(VIEWS, "mine.html", {"template": str(template), "view": View, "extra": 1})
    request = scene.ask("/mine.html", "name=%3C")
    while not request.answers:
        scene.loop.turn()
    assert len(asked) == 3
    assert "<p>&lt;http://h</p>" in request.answers[0][1]


def test_a_view_that_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(MeldView):
        def render(self) -> Any:
            raise KeyError("secret")

    monkeypatch.setitem(VIEWS, "ok.html", {"template": None, "view": Broken})
    assert scene.ask("/ok.html").answers == [(500, "")]
    ((level, text),) = scene.log.lines
    assert level == "error"
    assert text.startswith("Web interface error:\n")


def test_a_client_that_left_gets_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(MeldView):
        done = False

        def render(self) -> Any:
            return "x" if self.done else NOT_DONE_YET

    monkeypatch.setitem(VIEWS, "ok.html", {"template": None, "view": Slow})
    request = scene.ask("/ok.html")
    request.closed = True
    Slow.done = True
    scene.loop.turn()
    assert request.answers == []


# --- the tail -----------------------------------------------------------------------------------------------------


def tail(scene: Scene, query: str) -> tuple[str, str]:
    ((code, page),) = scene.ask("/tail.html", query).answers
    assert code == 200
    document = xml.dom.minidom.parseString(page.partition("\n")[2])

    def text(tag: str) -> str:
        return "".join(node.data for node in document.getElementsByTagName(tag)[0].childNodes)

    return text("title"), text("pre")


def test_tails(scene: Scene, tmp_path: Path) -> None:
    log = tmp_path / "log"
    errors = tmp_path / "errors"
    config = SimpleNamespace(name="a", stdout_logfile=str(log), stderr_logfile=str(errors))
    process = SimpleNamespace(config=config, get_state=lambda: S.RUNNING)
    scene.supervisord.process_groups["a"] = SimpleNamespace(processes={"a": process})
    title = "Supervisor tail of process "
    assert tail(scene, "") == (title + "None", "No process name found")
    assert tail(scene, "processname=a") == (title + "a", "No file for a")
    assert tail(scene, "processname=%3Cb%3E") == (title + "<b>", "ERROR: unexpected rpc fault [10] BAD_NAME: <b>")
    assert tail(scene, "processname=a:*")[1] == "ERROR: unexpected rpc fault [10] BAD_NAME: a:*"
    log.write_bytes(b"y" * 2000 + b"<\x1b[1m&\xff\n")
    assert tail(scene, "processname=a")[1] == "y" * 1016 + "<\u241b[1m&\ufffd\n"
    limits = [("1500", 1500), ("5", 1024), ("x", 1024), ("-5", 1024), ("9" * 30, 2008), ("0" * 30 + "1500", 1500)]
    for limit, length in (*limits, ("999999", 2008)):
        assert len(tail(scene, f"processname=a&limit={limit}")[1]) == length
    page = scene.ask("/tail.html", "processname=a&limit=1500").answers[0][1]
    assert 'href="tail.html?processname=a&amp;limit=1500"' in page
    errors.write_text("wrong")
    assert tail(scene, "processname=a&channel=stderr")[1] == "wrong"
    page = scene.ask("/tail.html", "processname=a&channel=stderr").answers[0][1]
    assert 'href="tail.html?processname=a&amp;limit=1024&amp;channel=stderr"' in page
    assert "</script>" in page


def test_context() -> None:
    context = ViewContext(template=None, form={"a": 1})
    assert (context.template, context.form) == (None, {"a": 1})


def test_whose_log_it_is(scene: Scene) -> None:
    config = SimpleNamespace(name="&lt;b", stdout_logfile=None, stderr_logfile=None)
    process = SimpleNamespace(config=config, get_state=lambda: S.FATAL)
    scene.supervisord.process_groups["&lt;b"] = SimpleNamespace(processes={"&lt;b": process})
    ((_, page),) = scene.ask("/tail.html", "processname=%26lt%3Bb").answers
    document = xml.dom.minidom.parseString(page.partition("\n")[2])
    (main,) = document.getElementsByTagName("main")
    assert main.getAttribute("data-log") == "&lt;b"
    assert main.getAttribute("data-stream") == "logtail/%26lt%3Bb"
    assert "images/icon-fatal.svg" in page


def test_the_activity_log(scene: Scene, tmp_path: Path) -> None:
    scene.supervisord.options.logfile = None
    assert tail(scene, "log=activity") == ("Supervisor activity log", "No file for the activity log")
    log = tmp_path / "log"
    log.write_text("x" * 2000 + "<spawned>\n")
    scene.supervisord.options.logfile = str(log)
    title, text = tail(scene, "log=activity&limit=1500&channel=stderr")
    assert (title, len(text), text[-10:]) == ("Supervisor activity log", 1500, "<spawned>\n")
    ((_, page),) = scene.ask("/tail.html", "log=activity").answers
    assert 'data-stream="mainlogtail"' in page
    assert 'href="tail.html?log=activity&amp;limit=1024"' in page
    assert tail(scene, "log=other")[1] == "No process name found"
    assert tail(scene, "log=activity&processname=a")[1].startswith("ERROR")


def test_looking_does_not_act(scene: Scene) -> None:
    request = scene.ask("/", "action=stopall", acts=True, command="HEAD")
    assert (request.answers[0][0], "Location" in request.headers) == (200, False)
