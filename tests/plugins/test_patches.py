"""Plugins that replace parts of the daemon: what is replaced must be reached late."""

from __future__ import annotations

import socket
import urllib.request
from typing import Any

from tests.harness import Daemon, eventually


def start(daemon: Daemon, what: str, options: str = "", **rest: Any) -> None:
    rest.setdefault("probe", None)
    daemon.start(
        f"[rpcinterface:patch]\nsupervisor.rpcinterface_factory = plugin_patches:make\nwhat = {what}\n{options}",
        **rest,
    )


def test_get_signal(daemon: Daemon) -> None:
    start(daemon, "get_signal", a={"startsecs": 0})
    child = daemon.child("a")
    daemon.signal(1)
    daemon.wait_log("plugin swallowed SIGHUP")
    assert daemon.info("a")["pid"] == child.pid


def test_transition_and_laststart(daemon: Daemon) -> None:
    start(daemon, "transition", "flag = @dir@/flag", held={"startsecs": 0}, free={"startsecs": 0})
    daemon.wait_state("free", "RUNNING")
    daemon.child("held")
    assert daemon.info("held")["statename"] == "STARTING"
    (daemon.dir / "flag").touch()
    daemon.wait_state("held", "RUNNING")


def test_spawn(daemon: Daemon) -> None:
    start(daemon, "spawn", "flag = @dir@/flag", later={"startsecs": 0}, free={"startsecs": 0, "environment": "X=1"})
    child = daemon.child("free")
    assert child.tell("value", "[os.environ.get('BY_PLUGIN'), os.environ.get('X')]") == ["spawn", "1"]
    daemon.wait_state("free", "RUNNING")
    assert daemon.info("later")["statename"] == "STOPPED"
    (daemon.dir / "flag").touch()
    daemon.child("later")
    daemon.wait_state("later", "RUNNING")


def test_code_in_the_child(daemon: Daemon) -> None:
    start(daemon, "child", a={"startsecs": 0})
    assert daemon.child("a").tell("value", "os.environ['BY_PLUGIN']") == f"child of {daemon.pid}"


def test_finish(daemon: Daemon) -> None:
    start(daemon, "finish", a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    daemon.child("a").tell("exit", 0)
    daemon.wait_log("plugin saw the end of a, state 100")


def test_output_is_taken_over(daemon: Daemon) -> None:
    start(daemon, "log", a={"startsecs": 0, "stdout_logfile": "NONE", "stderr_logfile": "@dir@/err.log"})
    child = daemon.child("a")
    child.tell("out", "hello\n")
    daemon.wait_log("WARN a stdout said hello")
    child.tell("err", "ouch\n")
    daemon.wait_log("WARN a stderr said ouch")
    assert daemon.read("err.log") == ""


def test_a_descriptor_of_a_plugin(daemon: Daemon) -> None:
    start(daemon, "process_map", "socket = @dir@/plugin.sock", a={"startsecs": 0})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(str(daemon.dir / "plugin.sock"))
        client.send(b"one")
        daemon.wait_log("INFO plugin got one")
        client.send(b"raise")
        daemon.wait_log("WARN plugin's dispatcher failed")
        client.send(b"two")
        daemon.wait_log("INFO plugin got two")


def get(daemon: Daemon, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_pages(daemon: Daemon) -> None:
    start(daemon, "views", inet="", supervisord="identifier=me")
    assert get(daemon, "/plugin.html?who=you") == (200, "page of me for you at /plugin.html?who=you close")
    assert get(daemon, "/plugin.html") == (200, "page of me for None at /plugin.html? close")
    assert get(daemon, "/ok.html")[0] == 404
    assert get(daemon, "/")[0] == 200


def test_handlers(daemon: Daemon) -> None:
    start(daemon, "handlers", inet="")
    eventually(lambda: get(daemon, "/plugin/x")[0] == 200, "the plugin's handler")
    assert get(daemon, "/plugin/x") == (200, "handled GET /plugin/x")
    assert get(daemon, "/")[0] == 200
    assert daemon.inet_proxy().supervisor.getState()["statename"] == "RUNNING"


def test_start_process(daemon: Daemon) -> None:
    off = {"autostart": "false", "startsecs": 0}
    start(daemon, "start_process", "[group:g]\nprograms=c,forbidden",
          a=off, c=off, forbidden=off)
    assert daemon.call("startProcess", "a") is True
    fault = daemon.fault("startProcess", "g:forbidden")
    assert fault.faultString == "FAILED: plugin forbids g:forbidden"
    results = {row["name"]: row for row in daemon.call("startProcessGroup", "g")}
    assert results["c"]["status"] == 80
    assert (results["forbidden"]["status"], results["forbidden"]["description"]) == (
        30, "FAILED: plugin forbids g:forbidden")


def test_a_type_of_events(daemon: Daemon) -> None:
    start(daemon, "events", probe="ANNOUNCED", a={"startsecs": 0})
    assert daemon.wait_event("ANNOUNCED", text="a").payload == "text:a\n"


def test_a_subscriber_that_raises_hurts_nobody(daemon: Daemon) -> None:
    start(daemon, "raise", probe="EVENT", a={"startsecs": 0, "stdout_events_enabled": True})
    daemon.wait_event("SUPERVISOR_STATE_CHANGE_RUNNING")
    child = daemon.child("a")
    daemon.wait_event("PROCESS_STATE_RUNNING", processname="a")
    child.tell("out", "one\n")
    assert daemon.wait_event("PROCESS_LOG_STDOUT").data == "one\n"
    child.tell("out", "two\n")
    assert daemon.wait_event("PROCESS_LOG_STDOUT").data == "two\n"
    assert daemon.call("sendRemoteCommEvent", "t", "data") is True
    assert daemon.wait_event("REMOTE_COMMUNICATION").data == "data"
    daemon.wait_event("TICK_5")
    assert daemon.call("stopProcess", "a") is True
    daemon.wait_event("PROCESS_STATE_STOPPED", processname="a")
    daemon.call("removeProcessGroup", "a")
    daemon.wait_event("PROCESS_GROUP_REMOVED", groupname="a")
    daemon.wait_log("CRIT uncaptured python exception in a subscriber to ProcessGroupRemovedEvent "
                    "(<class 'ZeroDivisionError'>:ProcessGroupRemovedEvent")


def test_handlers_of_the_activity_log(daemon: Daemon) -> None:
    start(daemon, "logger", "copy = @dir@/copy", a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    eventually(lambda: "spawned: 'a' with pid" in daemon.read("copy"), "the copy")
    assert "spawned: 'a' with pid" in daemon.log()
