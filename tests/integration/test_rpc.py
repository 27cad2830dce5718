"""XML-RPC and the pages against a real daemon."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import xmlrpc.client
from typing import Any
from urllib.parse import unquote

import pytest

from supervisor.xmlrpc import SupervisorTransport, codec
from supervisor.xmlrpc.wire import Server
from tests.harness import Daemon, eventually
from tests.sturdy.measure import loop_cpu

# Nothing here may keep others waiting longer than this, in seconds.
PATIENCE = 1.0


def in_background(function: Any, *args: Any) -> tuple[threading.Thread, list[Any]]:
    """Call in a thread; (thread, outcome when it is done)."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(function(*args))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome


def test_both_clients_give_the_same(daemon: Daemon) -> None:
    daemon.start(inet="", a={"startsecs": 0}, b={"autostart": False})
    for url in (f"unix://{daemon.socket}", f"http://127.0.0.1:{daemon.port}"):
        lean = Server(url)
        with xmlrpc.client.ServerProxy("http://x", transport=SupervisorTransport("", "", url)) as proxy:
            for method in ("getAPIVersion", "getState", "getPID", "getIdentification", "getAllConfigInfo"):
                assert lean.call(f"supervisor.{method}") == getattr(proxy.supervisor, method)()
        lean.close()


def test_start_and_stop_are_answered_by_what_they_wait_for(daemon: Daemon) -> None:
    daemon.start(a={"autostart": False, "startsecs": 1})
    thread, outcome = in_background(daemon.proxy().supervisor.startProcess, "a")
    daemon.wait_event("PROCESS_STATE_STARTING", processname="a")
    assert (outcome, daemon.state("a")) == ([], "STARTING")
    thread.join()
    assert outcome == [True]
    assert daemon.state("a") == "RUNNING"
    child = daemon.child("a")
    child.tell("report", "SIGTERM")
    thread, outcome = in_background(daemon.proxy().supervisor.stopProcess, "a")
    child.wait_signal("SIGTERM")
    assert (outcome, daemon.state("a")) == ([], "STOPPING")
    fault = daemon.fault("startProcess", "a", False)
    assert (fault.faultCode, fault.faultString) == (40, "ABNORMAL_TERMINATION: a")
    child.tell("exit", 0)
    thread.join()
    assert outcome == [True]
    assert "waiting for a to stop" in daemon.log()


def test_who_does_not_wait_is_always_told_the_same(daemon: Daemon) -> None:
    """However soon the program dies, its death belongs to who waits."""
    daemon.start(f={"command": "/bin/false", "autostart": False, "startsecs": 1, "startretries": 0})
    supervisor = daemon.proxy().supervisor
    for _ in range(20):
        assert supervisor.startProcess("f", False) is True
        eventually(lambda: daemon.state("f") == "FATAL")


def test_a_client_that_leaves_does_not_stop_the_work(daemon: Daemon) -> None:
    daemon.start(a={"autostart": False, "startsecs": 1})
    body = xmlrpc.client.dumps(("a",), "supervisor.startProcess").encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.socket)
        client.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        daemon.wait_event("PROCESS_STATE_STARTING", processname="a")
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="a")
    assert daemon.state("a") == "RUNNING"


def test_groups_answer_in_the_order_in_which_they_come_up(daemon: Daemon) -> None:
    daemon.start(
        "[group:g]\nprograms=slow,bad,fast",
        slow={"autostart": False, "startsecs": 1, "priority": 1},
        fast={"autostart": False, "startsecs": 0, "priority": 2},
        bad={"autostart": False, "command": "/nowhere/x", "priority": 3},
    )
    assert [(r["name"], r["status"]) for r in daemon.call("startProcessGroup", "g")] == [
        ("fast", 80),
        ("bad", 20),
        ("slow", 80),
    ]
    assert sorted(r["name"] for r in daemon.call("stopProcess", "g:*")) == ["fast", "slow"]


def test_multicall_waits_in_turn(daemon: Daemon) -> None:
    daemon.start(a={"autostart": False, "startsecs": 1})
    calls = [
        {"methodName": "supervisor.startProcess", "params": ["a"]},
        {"methodName": "supervisor.getProcessInfo", "params": ["a"]},
        {"methodName": "supervisor.stopProcess", "params": ["a"]},
        {"methodName": "supervisor.stopProcess", "params": ["a"]},
    ]
    started, info, stopped, fault = daemon.call("system.multicall", calls)
    assert (started, info["statename"], stopped) == (True, "RUNNING", True)
    assert fault == {"faultCode": 70, "faultString": "NOT_RUNNING: a"}


def test_heavy_calls_let_others_in_between(daemon: Daemon) -> None:
    daemon.start(probe=None, a={"autostart": False, "numprocs": 200, "process_name": "%(program_name)s%(process_num)d"})
    calls = [{"methodName": "supervisor.getAllProcessInfo"}] * 1000
    thread, outcome = in_background(daemon.proxy().system.multicall, calls)
    longest = 0.0
    while thread.is_alive():
        # The work of the daemon that the call waited for: a busy machine does not make it more.
        before = loop_cpu(daemon.pid)
        daemon.call("getState")
        longest = max(longest, loop_cpu(daemon.pid) - before)
    assert longest < PATIENCE
    (results,) = outcome
    assert len(results) == 1000
    assert len(results[0]) == 200


def test_logs_with_any_bytes_are_read_back(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0, "stdout_logfile": "@dir@/a.out"})
    child = daemon.child("a")
    child.tell("out", "ab\x1b[1m\x00\xff\xc3\xa9\n")
    child.tell("exit", 0)
    daemon.wait_event("PROCESS_STATE_EXITED", processname="a")
    text = "ab\u241b[1m\u2400\ufffdé\n"
    assert daemon.call("readProcessStdoutLog", "a", 0, 0) == text
    assert daemon.call("tailProcessStdoutLog", "a", 0, 100) == [text, 11, False]
    assert daemon.call("tailProcessStdoutLog", "a", 0, 2) == ["\n", 11, True]
    assert daemon.call("clearProcessLogs", "a") is True
    assert daemon.call("readProcessStdoutLog", "a", 0, 0) == ""


def test_what_was_given_to_standard_input_is_never_logged(daemon: Daemon) -> None:
    daemon.start(loglevel="blather", a={"startsecs": 0})
    child = daemon.child("a")
    child.ask("readline")
    assert daemon.call("sendProcessStdin", "a", "secret-é\n") is True
    assert child.answer().encode("latin-1").decode() == "secret-é\n"
    assert daemon.fault("sendProcessStdin", "nope", "secret").faultCode == 10
    assert "secret" not in daemon.log()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<", 400),
        (b"\xff", 400),
        (b"<x/>", 400),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><methodCall><methodName>&a;</methodName></methodCall>", 400),
        (b"<methodCall><methodName>supervisor.nope</methodName></methodCall>", 200),
        (b"<methodCall><methodName>" + b"x" * 5_000_000 + b"</methodName></methodCall>", 200),
    ],
)
def test_any_body_gets_an_answer_and_the_connection_goes_on(daemon: Daemon, body: bytes, status: int) -> None:
    daemon.start(probe=None, inet="")
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    for _ in range(2):
        connection.request("POST", "/RPC2", body)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_shutdown_is_answered_and_refuses_the_rest(daemon: Daemon) -> None:
    daemon.start(probe=None, a={"startsecs": 0})
    child = daemon.child("a")
    child.tell("report", "SIGTERM")
    assert daemon.call("shutdown") is True
    child.wait_signal("SIGTERM")
    for method in ("getState", "shutdown", "startAllProcesses"):
        assert daemon.fault(method).faultString == "SHUTDOWN_STATE"
    assert daemon.call("sendRemoteCommEvent", "a", "b") is True
    assert len(daemon.call("system.listMethods")) == 41
    child.tell("exit", 0)
    assert daemon.wait() == 0


# --- the pages ----------------------------------------------------------------------------------------------------


class Browser:
    def __init__(self, daemon: Daemon) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
        self.host = f"127.0.0.1:{daemon.port}"
        self.cookie = ""

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
        self.connection.request(method, path, body, {"Cookie": self.cookie, **headers})
        response = self.connection.getresponse()
        self.cookie = (response.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        self.page = response.read().decode()
        return response

    def press(self, button: str) -> str:
        """Press the button of this query on the status page; the message that follows."""
        self.ask("GET", "/")
        token = re.findall('name="token" value="([0-9a-f]+)"', self.page)[0]
        assert f'?{button.replace("&", "&amp;")}"' in self.page
        response = self.ask("POST", f"/index.html?{button}", f"token={token}", Origin=f"http://{self.host}")
        location = response.getheader("Location")
        assert (response.status, location is not None) == (303, True)
        assert location is not None
        self.ask("GET", location[1:])
        message = unquote(location.partition("?message=")[2])
        assert f'<div class="status_msg">{message}</div>' in self.page
        return message


def test_the_buttons_work(daemon: Daemon) -> None:
    daemon.start(inet="", a={"autostart": False, "startsecs": 0})
    browser = Browser(daemon)
    assert browser.press("processname=a&action=start") == "Process a started"
    first = daemon.info("a")["pid"]
    assert browser.press("processname=a&action=restart") == "Process a restarted"
    assert daemon.info("a")["pid"] not in (0, first)
    assert browser.press("processname=a&action=clearlog") == "Log for a cleared"
    assert browser.press("processname=a&action=stop") == "Process a stopped"
    assert browser.press("action=restartall").startswith("All restarted at ")
    assert daemon.state("a") == "RUNNING"
    assert browser.press("action=stopall").startswith("All stopped at ")
    assert daemon.state("a") == "STOPPED"
    browser.connection.close()


def test_nothing_else_acts(daemon: Daemon) -> None:
    daemon.start(probe=None, inet="", a={"autostart": False, "startsecs": 0})
    browser = Browser(daemon)
    assert browser.ask("GET", "/index.html?processname=a&action=start").status == 200
    assert browser.ask("POST", "/index.html?processname=a&action=start", "token=guess").status == 403
    assert browser.ask("POST", "/", "action=startall", Origin="http://elsewhere.example").status == 403
    assert daemon.state("a") == "STOPPED"
    browser.connection.close()


def test_links_act_where_the_section_says_so(daemon: Daemon) -> None:
    daemon.start(probe=None, inet="get_actions=true", a={"autostart": False, "startsecs": 0})
    browser = Browser(daemon)
    response = browser.ask("GET", "/index.html?processname=a&action=start")
    assert (response.status, response.getheader("Location")) == (303, "./?message=Process%20a%20started")
    assert daemon.state("a") == "RUNNING"
    browser.ask("GET", "/")
    assert '?processname=a&amp;action=stop"' in browser.page
    browser.connection.close()


def test_the_other_pages(daemon: Daemon) -> None:
    daemon.start(probe=None, inet="", a={"startsecs": 0, "stdout_logfile": "@dir@/a.out"})
    daemon.child("a").tell("out", "<line>\n")
    browser = Browser(daemon)

    def tail() -> bool:
        assert browser.ask("GET", "/tail.html?processname=a").status == 200
        return ">&lt;line&gt;\n</pre>" in browser.page

    eventually(tail, "the line on the page")
    assert browser.ask("GET", "/ok.html").status == 200
    assert browser.page == "OK"
    for path in ("/stylesheets/supervisor.css", "/images/icon.png", "/images/state0.gif"):
        browser.connection.request("HEAD", path)
        response = browser.connection.getresponse()
        response.read()
        assert response.status == 200
    assert browser.ask("GET", "/status.html").status == 404
    browser.connection.close()


def test_the_lean_codec_reads_what_the_daemon_says(daemon: Daemon) -> None:
    daemon.start(probe=None, a={"startsecs": 0})
    infos = daemon.call("getAllProcessInfo")
    assert codec.loads_response(codec.dumps_response(infos)) == infos
