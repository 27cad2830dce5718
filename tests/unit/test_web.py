from __future__ import annotations

import xml.dom.minidom
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from supervisor.faults import Faults, RPCError
from supervisor.states import ProcessStates, SupervisorStates
from supervisor.web import VIEWS, MeldView, StatusView, ViewContext, supervisor_ui_handler
from supervisor.web.actions import process_action
from supervisor.web.handler import parse_form
from supervisor.web.page import Controls, status_page
from supervisor.web.text import escape, quote
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt
from tests.fakes import FakeLog, fake_loop

S = ProcessStates


def info(name: str, group: str = "", state: int = S.RUNNING, description: str = "pid 5") -> dict[str, Any]:
    names = {S.RUNNING: "RUNNING", S.FATAL: "FATAL", S.STOPPED: "STOPPED", S.STARTING: "STARTING"}
    return {
        "name": name,
        "group": group or name,
        "state": state,
        "statename": names[state],
        "description": description,
    }


def rows(page: str) -> list[list[str]]:
    """The text of each cell of each row of the body."""
    document = xml.dom.minidom.parseString(page)

    def text(node: Any) -> str:
        return node.data if node.nodeType == node.TEXT_NODE else " ".join(filter(None, map(text, node.childNodes)))

    body = document.getElementsByTagName("tbody")
    return [[text(cell) for cell in row.getElementsByTagName("td")] for row in body[0].getElementsByTagName("tr")]


def test_the_status_page_shows_each_process() -> None:
    page = status_page(
        [info("a"), info("m<&>", "g", S.STOPPED, "Not started"), info("c", state=S.STARTING, description="")],
        None,
        Controls("token"),
    )
    tails = "Tail -f Stdout Tail -f Stderr"
    assert [[" ".join(cell.split()) for cell in row] for row in rows(page)] == [
        ["running", "pid 5", "a", f"Restart Stop Clear Log {tails}"],
        ["stopped", "Not started", "g:m<&>", f"Start Clear Log {tails}"],
        ["starting", "", "c", f"Clear Log {tails}"],
    ]
    assert 'formaction="index.html?processname=g%3Am%3C%26%3E&amp;action=start"' in page
    assert 'href="logtail/g%3Am%3C%26%3E/stderr"' in page
    assert 'name="token" value="token"' in page
    assert "status_msg" not in page


def test_links_act_where_the_section_allows_it() -> None:
    page = status_page([info("a")], "<b>\x1b'", Controls(None))
    assert '<a href="index.html?processname=a&amp;action=restart" name="Restart">Restart</a>' in page
    assert '<div class="status_msg">&lt;b&gt;\u241b&#39;</div>' in page
    assert "token" not in page
    assert rows(page)


def test_an_empty_page() -> None:
    page = status_page([], None, Controls("t"))
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
        ("?a=1&b=2", b"a=3&a=4\r\n", {"a": "4", "b": "2"}),
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


# --- the handler --------------------------------------------------------------------------------------------------


class FakeRequest:
    def __init__(self, path: str, query: str = "", command: str = "GET", body: bytes = b"", acts: bool = False) -> None:
        self.path, self.query, self.command, self.body = path, query, command, body
        self.server = SimpleNamespace(get_actions=acts)
        self.header: list[str] = []
        self.closed = False
        self.headers: dict[str, str] = {}
        self.answers: list[tuple[int, str]] = []

    def split_uri(self) -> tuple[str, None, str | None, None]:
        return self.path, None, self.query and f"?{self.query}", None

    def __setitem__(self, name: str, value: str) -> None:
        self.headers[name] = value

    def cgi_environment(self) -> dict[str, Any]:
        return {"SERVER_PORT": "1", "PATH_TRANSLATED": self.path}

    def get_server_url(self) -> str:
        return "http://h"

    def read_body(self, callback: Any) -> None:
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
            options=SimpleNamespace(logger=self.log, mood=SupervisorStates.RUNNING),
            process_groups={},
        )
        self.handler = supervisor_ui_handler(self.supervisord)

    def ask(self, path: str = "/", query: str = "", **kw: Any) -> FakeRequest:
        request = FakeRequest(path, query, **kw)
        assert self.handler.match(request)
        self.handler.handle_request(request)
        return request

    @property
    def token(self) -> str:
        page = self.ask().answers[0][1]
        return page.partition('name="token" value="')[2].partition('"')[0]


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
    request = scene.ask("/index.html", "action=stopall")
    ((code, page),) = request.answers
    assert code == 200
    assert "status_msg" in page
    assert scene.ask("/index.html", "action=refresh").message.startswith("Page refreshed at ")


def test_buttons_act_with_the_token(scene: Scene) -> None:
    token = scene.token
    assert len(token) == 32
    request = scene.ask("/index.html", "action=stopall", command="POST", body=f"token={token}".encode())
    assert request.message.startswith("All stopped at ")
    for body in (b"", b"token=x"):
        assert scene.ask("/index.html", "action=stopall", command="POST", body=body).answers[0][0] == 403


def test_links_act_where_it_was_allowed(scene: Scene) -> None:
    assert scene.ask("/", "action=restartall", acts=True).message.startswith("All restarted at ")
    assert scene.ask("/", "", command="POST", body=b"action=stopall", acts=True).message.startswith("All stopped")
    assert scene.ask("/", "action=start&processname=g%0D%0A:*", acts=True).message == "No such process named g\r\n:*"


@pytest.mark.parametrize("query", ["action=foo", "action=start", "action=start&processname=", "action=Start"])
def test_what_there_is_no_action_for(scene: Scene, query: str) -> None:
    assert scene.ask("/", query, acts=True).answers[0][0] == 400
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
    config = SimpleNamespace(name="a", stdout_logfile=str(log))
    process = SimpleNamespace(config=config)
    scene.supervisord.process_groups["a"] = SimpleNamespace(processes={"a": process})
    title = "Supervisor tail of process "
    assert tail(scene, "") == (title + "None", "No process name found")
    assert tail(scene, "processname=a") == (title + "a", "No file for a")
    assert tail(scene, "processname=%3Cb%3E") == (title + "<b>", "ERROR: unexpected rpc fault [10] BAD_NAME: <b>")
    assert tail(scene, "processname=a:*")[1] == "ERROR: unexpected rpc fault [10] BAD_NAME: a:*"
    log.write_bytes(b"y" * 2000 + b"<\x1b[1m&\xff\n")
    assert tail(scene, "processname=a")[1] == "y" * 1016 + "<\u241b[1m&\ufffd\n"
    for limit, length in (("1500", 1500), ("5", 1024), ("x", 1024), ("-5", 1024), ("9" * 30, 1024), ("999999", 2008)):
        assert len(tail(scene, f"processname=a&limit={limit}")[1]) == length
    page = scene.ask("/tail.html", "processname=a&limit=1500").answers[0][1]
    assert 'href="tail.html?processname=a&amp;limit=1500"' in page


def test_context() -> None:
    context = ViewContext(template=None, form={"a": 1})
    assert (context.template, context.form) == (None, {"a": 1})
