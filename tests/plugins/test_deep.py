"""Plugins that replace marshalling, the making of processes, handlers by index and log handlers."""

from __future__ import annotations

import pytest

from tests.harness import Daemon

CONFIG = """
[rpcinterface:deep]
supervisor.rpcinterface_factory = plugin_deep:make
"""
# Imported before sections of programs are read.
LISTENER = """
[eventlistener:l]
command = @puppet@
events = TICK_3600
result_handler = plugin_deep:make
"""
MORE = """
[fcgi-program:f]
command = @puppet@ f
socket = unix://@dir@/f.sock
autostart = false
[group:g]
programs = b
"""


def test_none_can_be_sent(daemon: Daemon) -> None:
    daemon.start(CONFIG, probe=None)
    assert daemon.call("deep.nothing") == [None, None]
    assert daemon.call("getState")["statename"] == "RUNNING"
    assert daemon.fault("getProcessInfo", "nobody").faultCode == 10
    assert daemon.call("system.multicall", [{"methodName": "deep.nothing", "params": []}]) == [[None, None]]


def test_signatures_are_the_plugin_s(daemon: Daemon) -> None:
    daemon.start(CONFIG, probe=None)
    assert daemon.call("system.methodSignature", "deep.seen") == ["string"]
    assert daemon.call("system.methodSignature", "deep.nothing") == ["array"]


def test_each_section_passes_through_the_plugin(daemon: Daemon) -> None:
    daemon.start(CONFIG + LISTENER, probe=None)
    daemon.configure(
        CONFIG + LISTENER + MORE, probe=None, a={"extra": "and more"}, b={"autostart": "false"},
    )
    added, changed, removed = daemon.call("reloadConfig")[0]
    assert (sorted(added), changed, removed) == (["a", "f", "g"], [], [])
    assert set(daemon.call("deep.seen")) >= {
        "program:a of a", "program:b of g", "fcgi-program:f of f", "eventlistener:l of l listens"}
    daemon.call("addProcessGroup", "a")
    assert daemon.child("a").hello["argv"][-2:] == ["and", "more"]


def test_a_socket_of_a_plugin_outlives_a_restart(daemon: Daemon) -> None:
    daemon.start(CONFIG, probe="SUPERVISOR_STATE_CHANGE")
    daemon.wait_event("SUPERVISOR_STATE_CHANGE_RUNNING")
    assert daemon.call("restart")
    daemon.wait_event("SUPERVISOR_STATE_CHANGE_RUNNING")
    assert daemon.proxy().deep.socket() is True


@pytest.mark.parametrize("guard", ["", "username=user\npassword=secret"])
def test_handlers_are_replaced_by_index(daemon: Daemon, guard: str) -> None:
    daemon.start(CONFIG, inet=guard, probe=None)
    daemon.wait_log("supervisord started")
    proxy = daemon.inet_proxy(*(["user", "secret"] if guard else []))
    assert proxy.supervisor.getState()["statename"] == "RUNNING"
    daemon.wait_log("INFO plugin passes POST /RPC2 on")


def test_all_handlers_of_logs_emit_through_the_plugin(daemon: Daemon) -> None:
    daemon.start(CONFIG, probe=None, a={"startsecs": 0})
    daemon.wait_log("INFO SUCCESS BY PLUGIN: a entered RUNNING state")
