"""What is pushed to open pages: the journal of changes, the stream, usage of process trees, sessions, one process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.states import ProcessStates
from supervisor.web import details, proc, streams, usage
from supervisor.web.charts import bars
from supervisor.web.details import ProcessView
from supervisor.web.journal import Journal
from supervisor.web.proc import read_sample
from supervisor.web.session import Session
from supervisor.web.streams import ChangeStream
from supervisor.web.usage import Usage, trees
from supervisor.web.views import ViewContext
from supervisor.xmlrpc.deferred import NOT_DONE_YET
from tests.fakes import fake_loop

S = ProcessStates


class FakeProcess:
    def __init__(self, group: Any, name: str) -> None:
        self.group = group
        self.config = SimpleNamespace(
            name=name, stdout_logfile=None, stderr_logfile=None, command="/bin/<cat>", redirect_stderr=False
        )
        self.state = S.STOPPED
        self.pid = 0
        self.laststart = self.laststop = 0
        self.backoff = 0
        self.exitstatus: int | None = None
        self.ending: str | None = None
        self.spawnerr = ""

    def get_state(self) -> int:
        return self.state


class Scene:
    def __init__(self) -> None:
        self.loop, _, self.clock, self.log = fake_loop()
        self.supervisord = SimpleNamespace(loop=self.loop, process_groups={})
        self.journal = Journal.of(self.supervisord)
        self.woken = 0
        self.closers: list[Any] = []

    def add(self, group: str, *names: str) -> list[FakeProcess]:
        made = SimpleNamespace(config=SimpleNamespace(name=group), processes={})
        made.processes = {name: FakeProcess(made, name) for name in names}
        self.supervisord.process_groups[group] = made
        return list(made.processes.values())

    def change(self, process: FakeProcess, state: int) -> None:
        before, process.state = process.state, state
        kinds = {S.STARTING: events.ProcessStateStartingEvent, S.RUNNING: events.ProcessStateRunningEvent,
                 S.EXITED: events.ProcessStateExitedEvent, S.FATAL: events.ProcessStateFatalEvent}
        events.notify(kinds[state](process, before))

    def turns(self) -> None:
        for _ in range(5):
            self.loop.turn(0)

    def _wake(self) -> None:
        self.woken += 1

    def stream(self, at: str | None = None, only: str | None = None, usage: bool = False) -> ChangeStream:
        request = SimpleNamespace(channel=SimpleNamespace(wake=self._wake), on_close=self.closers.append)
        stream = ChangeStream(request, self.supervisord, self.journal.at if at is None else at, only, usage)
        assert stream.more() == b"retry: 2000\n\n"
        return stream


@pytest.fixture
def scene() -> Iterator[Scene]:
    events.clear()
    yield Scene()
    events.clear()


# --- the journal --------------------------------------------------------------------------------------------------


def test_what_changed_since(scene: Scene) -> None:
    a, b = scene.add("g", "a", "b")
    begin = scene.journal.at
    assert scene.journal.since(begin) == []
    scene.change(a, S.STARTING)
    middle = scene.journal.at
    scene.change(b, S.STARTING)
    scene.change(b, S.RUNNING)
    assert scene.journal.since(begin) == [("g", "a"), ("g", "b")]
    assert scene.journal.since(middle) == [("g", "b")]


def test_moments_that_are_not_known(scene: Scene) -> None:
    (a,) = scene.add("a", "a")
    begin = scene.journal.at
    epoch = begin.partition("-")[0]
    for number in ("", "x", "99", "-1", "9" * 50):
        assert scene.journal.since(f"{epoch}-{number}") is None
    for at in ("", "x", "-", epoch, "0-1"):
        assert scene.journal.since(at) is None
    for _ in range(600):
        scene.change(a, S.STARTING)
        scene.change(a, S.EXITED)
    assert scene.journal.since(begin) is None


def test_groups_that_come_or_go_change_everything(scene: Scene) -> None:
    begin = scene.journal.at
    events.notify(events.ProcessGroupAddedEvent("g"))
    assert scene.journal.since(begin) is None
    assert scene.journal.since(scene.journal.at) == []


def test_one_subscription_however_often_it_is_asked_for(scene: Scene) -> None:
    assert Journal.of(scene.supervisord) is scene.journal
    assert len(events.callbacks) == 3
    begin = scene.journal.at
    events.clear()
    assert Journal.of(scene.supervisord) is scene.journal
    assert len(events.callbacks) == 3
    assert scene.journal.since(begin) is None


def test_several_changes_are_told_at_once_and_then_there_is_a_pause(scene: Scene) -> None:
    a, b = scene.add("g", "a", "b")
    told: list[float] = []
    tell = lambda: told.append(scene.clock.now())
    scene.journal.listen(tell)
    scene.change(a, S.STARTING)
    scene.change(b, S.STARTING)
    assert told == []
    scene.turns()
    assert len(told) == 1
    scene.change(a, S.RUNNING)
    scene.turns()
    assert len(told) == 1
    scene.clock.advance(0.2)
    scene.turns()
    assert len(told) == 2
    scene.journal.unlisten(tell)
    scene.change(b, S.RUNNING)
    scene.clock.advance(1)
    scene.turns()
    assert len(told) == 2


def test_restarts_are_counted_and_starts_by_hand_are_not(scene: Scene) -> None:
    a, b = scene.add("g", "a", "b")
    scene.change(a, S.STARTING)
    assert sum(scene.journal.restarts_by_minute()) == 0
    for _ in range(3):
        scene.change(a, S.EXITED)
        scene.change(a, S.STARTING)
    scene.clock.advance(3 * 3600)
    scene.change(a, S.EXITED)
    scene.change(a, S.STARTING)
    assert scene.journal.restarts_by_hour(("g", "a"))[-4:] == [3, 0, 0, 1]
    assert scene.journal.restarts_by_hour(("g", "b")) == [0] * 24
    assert scene.journal.restarts_by_minute() == [0] * 59 + [1]
    scene.clock.advance(25 * 3600)
    assert scene.journal.restarts_by_hour(("g", "a")) == [0] * 24
    assert scene.journal.restarts_by_minute() == [0] * 60


def test_memory_of_restarts_is_bounded(scene: Scene) -> None:
    (a,) = scene.add("g", "a")
    for _ in range(1000):
        scene.change(a, S.EXITED)
        scene.change(a, S.STARTING)
    assert 100 <= sum(scene.journal.restarts_by_hour(("g", "a"))) <= 200
    assert sum(scene.journal.restarts_by_minute()) == 1000
    for index in range(2100):
        (one,) = scene.add(f"g{index}", "a")
        scene.change(one, S.EXITED)
        scene.change(one, S.STARTING)
    assert sum(scene.journal.restarts_by_hour(("g0", "a"))) == 0
    assert sum(scene.journal.restarts_by_hour(("g2099", "a"))) == 1


# --- the stream ---------------------------------------------------------------------------------------------------


def fields(message: bytes) -> dict[str, str]:
    """An event as a browser understands it."""
    found: dict[str, str] = {}
    for line in message.decode().removesuffix("\n\n").split("\n"):
        name, _, value = line.partition(": ")
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def test_changed_rows_are_pushed(scene: Scene) -> None:
    a, b = scene.add("g", "a", "b")
    stream = scene.stream()
    assert stream.more() is NOT_DONE_YET
    scene.change(a, S.STARTING)
    scene.change(a, S.RUNNING)
    b.spawnerr = "line\r\nid: 5\n\n<b>"
    scene.change(b, S.FATAL)
    scene.turns()
    assert scene.woken == 1
    message = fields(stream.more())
    assert (message["event"], message["id"]) == ("rows", scene.journal.at)
    first, second = message["data"].split("\n")
    assert 'data-name="g:a" data-state="running"' in first
    assert "line  id: 5  &lt;b&gt;" in second
    assert stream.more() is NOT_DONE_YET


def test_restarts_are_pushed(scene: Scene) -> None:
    (a,) = scene.add("g", "a")
    stream, narrow = scene.stream(), scene.stream(only="g:a")
    scene.change(a, S.EXITED)
    scene.change(a, S.STARTING)
    chart, rows = stream.more().split(b"\n\n", 1)
    assert fields(chart)["event"] == "restarts"
    assert fields(chart)["data"].startswith("<span>1 restart in the last hour</span><svg ")
    assert fields(rows)["event"] == "rows"
    fatal, rows = narrow.more().split(b"\n\n", 1)
    assert fields(fatal) == {"event": "fatal", "data": "0"}
    assert fields(rows)["event"] == "rows"
    scene.change(a, S.RUNNING)
    assert fields(stream.more())["event"] == "rows"


def test_a_stream_begins_where_the_page_was_made(scene: Scene) -> None:
    (a,) = scene.add("g", "a")
    begin = scene.journal.at
    scene.change(a, S.STARTING)
    assert 'data-state="starting"' in fields(scene.stream(begin).more())["data"]
    assert fields(scene.stream("of another run").more())["event"] == "stale"


def test_many_rows_come_in_pieces_and_only_the_last_one_has_the_moment(scene: Scene) -> None:
    stream = scene.stream()
    for process in scene.add("g", *(f"p{index}" for index in range(450))):
        scene.change(process, S.STARTING)
    pieces = []
    while (piece := stream.more()) is not NOT_DONE_YET:
        pieces.append(fields(piece))
    assert [len(piece["data"].split("\n")) for piece in pieces] == [200, 200, 50]
    assert ["id" in piece for piece in pieces] == [False, False, True]


def test_one_process_only_and_processes_that_are_gone(scene: Scene) -> None:
    a, b = scene.add("g", "a", "b")
    stream = scene.stream(only="g:b")
    scene.change(a, S.STARTING)
    assert fields(stream.more()) == {"event": "fatal", "data": "0"}
    scene.change(b, S.STARTING)
    assert fields(stream.more())["data"].count("<tr") == 1
    scene.change(a, S.FATAL)
    assert fields(stream.more()) == {"event": "fatal", "data": "1"}
    scene.change(b, S.RUNNING)
    del scene.supervisord.process_groups["g"]
    assert fields(stream.more()) == {"event": "fatal", "data": "0"}
    scene.change(b, S.EXITED)
    assert stream.more() == b":\n\n"


def test_a_sign_of_life_and_the_end(scene: Scene) -> None:
    stream = scene.stream()
    scene.clock.advance(streams._BEAT)
    scene.turns()
    assert scene.woken == 1
    assert stream.more() == b":\n\n"
    (close,) = scene.closers
    close()
    (a,) = scene.add("g", "a")
    scene.change(a, S.STARTING)
    scene.clock.advance(1000)
    scene.turns()
    assert scene.woken == 1
    assert stream.more() == b""


# --- usage --------------------------------------------------------------------------------------------------------


def write_stat(proc: Path, pid: int, parent: int, ticks: int = 0, born: int = 5, pages: int = 1) -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    words = ["S", str(parent), *["0"] * 9, str(ticks), "0", *["0"] * 6, str(born), "0", str(pages), "0"]
    (proc / str(pid) / "stat").write_text(f"{pid} (a ) 1 2 ( b) {' '.join(words)}\n")


def test_reading_proc(tmp_path: Path) -> None:
    write_stat(tmp_path, 7, 3, 11, 13, 17)
    sample = read_sample(7, str(tmp_path))
    assert sample is not None
    assert (sample.parent, sample.ticks, sample.born) == (3, 11, 13)
    assert sample.memory == 17 * os.sysconf("SC_PAGE_SIZE")
    assert read_sample(8, str(tmp_path)) is None
    (tmp_path / "7" / "stat").write_text("7 (x")
    assert read_sample(7, str(tmp_path)) is None


def test_trees() -> None:
    parents = {10: 1, 11: 10, 12: 11, 20: 1, 21: 12, 30: 31, 31: 30, 40: 2}
    samples = {pid: proc.Sample(parent, 0, 0, 0) for pid, parent in parents.items()}
    assert trees(samples, [10, 20, 12, 99]) == {10: [10, 11], 20: [20], 12: [12, 21], 99: []}


def test_usage_is_read_while_somebody_listens(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "PROC", str(tmp_path))
    monkeypatch.setattr(read_sample, "__defaults__", (str(tmp_path),))
    monkeypatch.setattr(streams, "AVAILABLE", True)
    monkeypatch.setattr(usage, "TICKS", 100.0)
    a, b = scene.add("g", "a", "b")
    a.pid, b.pid = 10, 20
    page = os.sysconf("SC_PAGE_SIZE")
    for pid, parent in ((10, 1), (11, 10), (20, 1), *((pid, 1) for pid in range(100, 200))):
        write_stat(tmp_path, pid, parent)
    stream, narrow = scene.stream(usage=True), scene.stream(only="g:b", usage=True)

    def news(stream: ChangeStream) -> Any:
        message = fields(stream.more())
        assert message["event"] == "usage"
        return json.loads(message["data"])

    scene.turns()
    assert news(stream) == {"g:a": [0, 2 * page], "g:b": [0, page]}
    assert news(narrow) == {"g:b": [0, page]}
    write_stat(tmp_path, 11, 10, 50)
    scene.clock.advance(0.5)
    scene.turns()
    assert news(stream) == {"g:a": [100.0, 2 * page]}
    assert news(narrow) == {}
    b.pid = 0
    scene.clock.advance(2)
    scene.turns()
    assert news(stream) == {"g:a": [0, 2 * page], "g:b": None}
    stream.close()
    narrow.close()
    write_stat(tmp_path, 11, 10, 90)
    scene.clock.advance(100)
    scene.turns()
    assert Usage.of(scene.supervisord).latest == {}


# --- sessions -----------------------------------------------------------------------------------------------------


def session(cookie: str | None) -> Session:
    return Session(SimpleNamespace(get_header=lambda name: cookie))


def test_sessions() -> None:
    new = session(None)
    assert new.cookie is not None
    assert not new.accepts(new.token)
    again = session(new.cookie.partition(";")[0])
    assert again.cookie is None
    assert again.accepts(new.token)
    assert not again.accepts(None)
    assert not again.accepts("\udc80é")


@pytest.mark.parametrize("value", ["", "x", "G" * 32, "a" * 33, "a" * 31 + "\n"])
def test_cookies_that_are_not_ours(value: str) -> None:
    assert session(f"supervisor_session={value}").cookie is not None


# --- one process --------------------------------------------------------------------------------------------------


def process_page(scene: Scene, **form: str) -> str:
    context = ViewContext(template=None, form=form, response={"headers": {}}, supervisord=scene.supervisord)
    page = ProcessView(context).render()
    assert isinstance(page, str)
    return page


def test_the_page_of_a_process(scene: Scene, tmp_path: Path) -> None:
    (a,) = scene.add("g", "a<")
    log = tmp_path / "err"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(500)) + b"\x1b[31m<why>\x1b[0m\n")
    a.config.stderr_logfile = str(log)
    a.state, a.spawnerr, a.ending, a.laststart, a.laststop = S.FATAL, "could <not>", "exit status 3", 1000, 1001
    page = process_page(scene, processname="g:a<")
    assert "<h2>g:a&lt;</h2>" in page
    assert "<p>could &lt;not&gt;</p><p>The last run ended with: exit status 3</p>" in page
    assert ", exit status 3</dd>" in page
    assert "<dt>Command</dt><dd>/bin/&lt;cat&gt;</dd>" in page
    assert "line 499\n&lt;why&gt;\n</pre>" in page
    assert "line 470\n" not in page
    assert "Last lines of stdout" not in page
    # The run that ended is not the one that failed now.
    a.laststart = 2000
    assert "The last run ended" not in process_page(scene, processname="g:a<")
    a.state, a.backoff = S.BACKOFF, 4
    assert "Tries so far: 4" in process_page(scene, processname="g:a<")
    a.state = S.FATAL
    assert 'formaction="index.html?processname=g%3Aa%3C&amp;action=start"' in page
    assert "icon-fatal" in page


@pytest.mark.parametrize("form", [{}, {"processname": "<b>"}, {"processname": "g:*"}, {"processname": "g"}])
def test_the_page_of_no_process(scene: Scene, form: dict[str, str]) -> None:
    scene.add("g", "a", "b")
    page = process_page(scene, **form)
    assert "No such process named" in page
    assert "<b>" not in page


def test_without_proc_there_are_no_live_charts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.add("a", "a")
    monkeypatch.setattr(details, "AVAILABLE", False)
    page = process_page(scene, processname="a")
    assert "live-charts" not in page
    assert "data-usage" not in page
    monkeypatch.setattr(streams, "AVAILABLE", False)
    stream = scene.stream(usage=True)
    scene.clock.advance(10)
    scene.turns()
    assert stream.more() is NOT_DONE_YET


def test_bars() -> None:
    assert bars([], "none", 4).count("<rect") == 0
    drawn = bars([0, 1, 1000], 'a "label"', 4)
    assert drawn.count("<rect") == 2
    assert 'aria-label="a &quot;label&quot;"' in drawn
    assert '<rect x="4" y="22" width="3" height="2" />' in drawn
    assert '<rect x="8" y="0" width="3" height="24" />' in drawn
