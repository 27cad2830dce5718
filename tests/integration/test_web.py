"""The pages of a real daemon, without a browser."""

from __future__ import annotations

import base64
import http.client
import pathlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import Daemon, eventually


@contextmanager
def asked(daemon: Daemon, method: str, path: str, body: str | None = None, **headers: str) -> Iterator[
        http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def status(daemon: Daemon, method: str, path: str, body: str | None = None, **headers: str) -> int:
    with asked(daemon, method, path, body, **headers) as response:
        return response.status


def until(response: http.client.HTTPResponse, text: str) -> str:
    """What a stream says up to a text."""
    said = ""
    while text not in said:
        said += response.readline().decode()
    return said


def test_changes_are_pushed(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0, "autostart": False}, inet="", probe=None)
    with asked(daemon, "GET", "/events?since=") as stream:
        assert stream.status == 200
        assert stream.getheader("Content-Type") == "text/event-stream;charset=utf-8"
        assert stream.getheader("X-Accel-Buffering") == "no"
        assert "event: stale" in until(stream, "stale\n")
        daemon.call("startProcess", "a")
        said = until(stream, 'data-state="running"')
        assert 'data-name="a"' in said
    daemon.call("stopProcess", "a")
    with asked(daemon, "GET", "/events", Last_Event_ID=said.rpartition("id: ")[2].partition("\n")[0]) as stream:
        assert 'data-state="stopped"' in until(stream, "</tr>")


def test_streams_that_end_leave_nothing(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0}, inet="", probe=None)
    folder = pathlib.Path(f"/proc/{daemon.pid}/fd")
    if not folder.exists():
        pytest.skip("no /proc")
    daemon.wait_state("a", "RUNNING")
    daemon.child("a")
    before = len(list(folder.iterdir()))
    for _ in range(20):
        with asked(daemon, "GET", "/events?since=&usage=1") as stream:
            until(stream, "stale")
    eventually(lambda: len(list(folder.iterdir())) <= before, "closed descriptors")


@pytest.mark.parametrize(("page", "scripts"), [
    ("/", {"supervisor", "live", "charts", "programs"}),
    ("/process.html?processname=a", {"supervisor", "live", "charts", "process"}),
    ("/process.html?processname=nope", {"supervisor"}),
    ("/tail.html?processname=a", {"supervisor", "ansi", "lines", "log"}),
])
def test_what_a_page_names_is_there(daemon: Daemon, page: str, scripts: set[str]) -> None:
    daemon.start(a={"autostart": False}, inet="", probe=None)
    with asked(daemon, "GET", page) as response:
        named = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]*)"', response.read().decode())
    assert {name.partition(".js?v=")[0] for name in named if ".js" in name} == scripts
    assert [status(daemon, "GET", f"/{name}") for name in named] == [200] * len(named)
    assert len(named) == len(scripts) + 3  # a sheet and two pictures


def test_nothing_is_told_without_the_password(daemon: Daemon) -> None:
    daemon.start(a={"autostart": False}, inet="username=me\npassword=it", probe=None)
    pages = ("/", "/events", "/process.html?processname=a", "/tail.html?processname=a", "/supervisor.js",
             "/programs.js", "/log.js")
    for page in pages:
        assert status(daemon, "GET", page) == 401
    right = "Basic " + base64.b64encode(b"me:it").decode()
    for page in pages:
        assert status(daemon, "GET", page, Authorization=right) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Referer": "http://elsewhere.example/page"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "elsewhere.example"},
    ],
)
def test_foreign_pages_are_told_nothing(daemon: Daemon, headers: dict[str, str]) -> None:
    daemon.start(a={"autostart": False}, inet="", probe=None)
    for page in ("/events", "/?filter=a", "/process.html?processname=a"):
        assert status(daemon, "GET", page, **headers) == 403
    assert status(daemon, "POST", "/index.html?action=start&processname=a", "", **headers) == 403
    assert daemon.state("a") == "STOPPED"


def test_scripts_of_old(daemon: Daemon) -> None:
    """get_actions=true: links and forms without a token act."""
    daemon.start(a={"startsecs": 0, "autostart": False}, inet="get_actions=true", probe=None)
    with asked(daemon, "GET", "/index.html?processname=a&action=start") as answer:
        assert (answer.status, answer.getheader("Location")) == (303, "./?message=Process%20a%20started")
    with asked(daemon, "POST", "/", "processname=a&action=stop") as answer:
        assert (answer.status, answer.getheader("Location")) == (303, "./?message=Process%20a%20stopped")


def test_more_of_a_log_is_given_when_asked_for(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0}, inet="", probe=None)
    child = daemon.child("a")
    child.tell("flood", 1, 100_000)
    eventually(lambda: pathlib.Path(daemon.info("a")["stdout_logfile"]).stat().st_size == 100_000, "the log")
    for query, size in (("", 1024), ("?limit=50000", 50_000), ("?x=1&limit=5", 1024), ("?limit=x", 1024)):
        with asked(daemon, "GET", f"/logtail/a{query}") as stream:
            stream.read(size)
            child.tell("out", "!")
            assert stream.read(1) == b"!"


@pytest.mark.parametrize("path", ["/events?since=" + "9" * 5000, "/events?since=%ff&usage=&processname=%00",
                                  "/process.html?processname=" + "x" * 50_000, "/?filter=%3C&state=%00",
                                  "/process.html?processname=%00%ff", "/tail.html?processname=a&channel=x&limit=-1"])
def test_absurd_parameters(daemon: Daemon, path: str) -> None:
    daemon.start(a={"autostart": False}, inet="", probe=None)
    assert status(daemon, "GET", path) == 200
