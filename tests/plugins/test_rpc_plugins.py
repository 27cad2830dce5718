"""RPC interfaces and supervisorctl plugins of others."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from tests.harness import Daemon, eventually

MORE = """
[rpcinterface:more]
supervisor.rpcinterface_factory = plugin_rpc:make
Some.Option = Value %(ENV_HOME)s
empty =
"""
CTL = """
[ctlplugin:friendly]
supervisor.ctl_factory = plugin_ctl:make
word = one
"""


def start(daemon: Daemon, config: str = "", **rest: Any) -> None:
    daemon.start(MORE + config, probe=None, **rest)


def test_a_factory_gets_its_options(daemon: Daemon) -> None:
    start(daemon)
    options = daemon.call("more.getOptions")
    assert options == {"some.option": f"Value {daemon.dir}", "empty": ""}


def test_a_factory_is_called_once_for_each_server(daemon: Daemon) -> None:
    start(daemon, inet="")
    assert daemon.call("more.made") == 2
    assert daemon.inet_proxy().more.made() == 2


def test_methods_are_listed_and_described(daemon: Daemon) -> None:
    start(daemon)
    listed = daemon.call("system.listMethods")
    assert "more.getOptions" in listed and "more.afterDelay" in listed
    assert "more._update" not in listed
    assert daemon.call("system.methodSignature", "more.afterDelay") == ["string", "int", "string", "double"]
    assert "with a delay" in daemon.call("system.methodHelp", "more.afterDelay")
    assert daemon.fault("system.methodSignature", "more.fault").faultCode == 4


@pytest.mark.parametrize("times", [0, 1, 3])
def test_answers_that_take_their_time(daemon: Daemon, times: int) -> None:
    start(daemon)
    assert daemon.call("more.after", times, "value") == "value"
    assert daemon.call("more.afterDelay", times, "value", 0.01) == "value"
    assert daemon.call("more.afterDelay", times, "value", 0) == "value"
    assert daemon.call("more.asked") == times + 1


def test_faults_and_errors_that_come_late(daemon: Daemon) -> None:
    start(daemon)
    fault = daemon.fault("more.faultAfter", 2)
    assert (fault.faultCode, fault.faultString) == (30, "FAILED: later")
    daemon.tolerate("ZeroDivisionError")
    with pytest.raises((xmlrpc.client.ProtocolError, xmlrpc.client.Fault)) as caught:
        daemon.call("more.errorAfter", 1)
    assert "secret" not in str(caught.value)
    assert daemon.call("more.asked") == 2


def test_deferred_answers_inside_a_multicall(daemon: Daemon) -> None:
    start(daemon)
    calls = [
        {"methodName": "more.afterDelay", "params": [2, "one", 0.01]},
        {"methodName": "more.faultAfter", "params": [1]},
        {"methodName": "supervisor.getState", "params": []},
        {"methodName": "more.after", "params": [1, "two"]},
    ]
    one, fault, state, two = daemon.call("system.multicall", calls)
    assert (one, two) == ("one", "two")
    assert fault == {"faultCode": 30, "faultString": "FAILED: later"}
    assert state["statename"] == "RUNNING"


def test_faults_of_a_plugin(daemon: Daemon) -> None:
    start(daemon)
    fault = daemon.fault("more.fault", 777)
    assert (fault.faultCode, fault.faultString) == (777, "MADE_UP: on purpose")
    assert daemon.fault("more.fault", 12345).faultString == "UNKNOWN: on purpose"
    assert daemon.fault("more.noSuch").faultCode == 1
    assert daemon.fault("more._deferred").faultCode == 1


@pytest.mark.parametrize("method", ["recurse", "unsendable", "leave"])
def test_whatever_a_method_does_the_daemon_lives(daemon: Daemon, method: str) -> None:
    start(daemon)
    for text in ("RecursionError", "cannot marshal", "SystemExit", "unsendable"):
        daemon.tolerate(text)
    with pytest.raises((xmlrpc.client.ProtocolError, xmlrpc.client.Fault)) as caught:
        daemon.call(f"more.{method}")
    assert "plugin_rpc.py" not in str(caught.value)
    assert daemon.proxy().supervisor.getState()["statename"] == "RUNNING"


def test_a_plugin_calls_the_built_in_interface(daemon: Daemon) -> None:
    start(daemon, a={"startsecs": 0}, b={"autostart": "false"})
    daemon.wait_state("a", "RUNNING")
    state, name, group, process, count, groups = daemon.call("more.inProcess", "a")
    assert state["statename"] == "RUNNING" and name == "RUNNING"
    assert (group, process, count, sorted(groups)) == ("a", "a", 2, ["a", "b"])


def test_a_plugin_polls_a_deferred_answer_of_the_built_in_interface(daemon: Daemon) -> None:
    start(daemon, a={"autostart": "false", "startsecs": 1}, b={"autostart": "false", "command": "/no/such"})
    assert daemon.call("more.startAndPoll", "a") == ["started", True]
    assert daemon.fault("more.startAndPoll", "b").faultCode == 20


def test_a_thread_of_a_plugin_does_not_wait_for_the_daemon_to_wake_up(daemon: Daemon) -> None:
    start(daemon, a={"autostart": "false", "startsecs": 1})
    daemon.call("more.fromThread", "a", f"{daemon.dir}/notes")
    eventually(lambda: "started True" in daemon.read("notes"), "the start")
    assert daemon.wait() == 0


def test_a_plugin_adds_and_removes_processes(daemon: Daemon) -> None:
    start(daemon, a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    assert daemon.call("more.addProcess", "a", "extra", daemon.puppet) == ["extra"]
    child = daemon.child("a:extra")
    assert daemon.wait_state("a:extra", "RUNNING")["pid"] == child.pid
    daemon.call("more.toStdin", "a", "extra", "line\n")
    assert child.tell("readline") == "line\n"
    daemon.call("stopProcess", "a:extra")
    assert daemon.call("more.removeProcess", "a", "extra")
    assert daemon.fault("getProcessInfo", "a:extra").faultCode == 10
    assert [info["name"] for info in daemon.call("getAllProcessInfo")] == ["a"]


def test_a_plugin_writes_to_the_activity_log(daemon: Daemon) -> None:
    start(daemon)
    assert daemon.call("more.log", "100 % of it") == daemon.pid
    for level in ("INFO", "WARN", "DEBG"):
        daemon.wait_log(f"{level} 100 % of it")


def test_a_factory_may_give_nothing(daemon: Daemon) -> None:
    daemon.start("""
        [rpcinterface:none]
        supervisor.rpcinterface_factory = plugin_rpc:make_none
        key = value
        """, probe=None)
    assert daemon.fault("none.anything").faultCode == 1
    assert "supervisor.getState" in daemon.call("system.listMethods")


@pytest.mark.parametrize("spec", ["plugin_rpc:make_broken", "no_such_module:make", "plugin_rpc:no_such", "plugin_rpc",
                                  "plugin_rpc:make_interrupted", "plugin_interrupted:make"])
def test_a_factory_that_is_no_good_stops_the_start(daemon: Daemon, spec: str) -> None:
    daemon.configure(f"[rpcinterface:bad]\nsupervisor.rpcinterface_factory = {spec}", probe=None,
                     a={"command": "/bin/touch @dir@/ran"})
    daemon.tolerate("plugin_rpc")
    daemon.tolerate("not callable")
    result = daemon.run("-n", "-c", str(daemon.conf))
    assert result.returncode == 2
    assert "[rpcinterface:bad]" in result.stderr and spec in result.stderr and "Traceback" not in result.stderr
    assert not (daemon.dir / "ran").exists()


def test_actions_of_a_ctl_plugin(daemon: Daemon) -> None:
    start(daemon, CTL, a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    result = daemon.ctl("greet", "you", "there")
    assert (result.returncode, result.stdout) == (0, "hello 'you there', RUNNING, [('word', 'one')]\n")
    result = daemon.ctl("greet")
    assert result.stdout == "hello '', RUNNING, [('word', 'one')]\n"
    result = daemon.ctl("each_one", "a", "a")
    assert result.stdout.count("RUNNING") == 2
    result = daemon.ctl("refuse")
    assert result.returncode == 5 and "refused: {" in result.stdout


def test_help_of_a_ctl_plugin(daemon: Daemon) -> None:
    start(daemon, CTL)
    assert "greet" in daemon.ctl("help").stdout
    # From 3.13 on the compiler of Python makes blanks of the tabs in a docstring.
    told = [daemon.ctl("help", action).stdout.expandtabs() for action in ("greet", "each_one")]
    assert told[0].splitlines() == ["*** No help on greet", "greet NAME\t\tSay hello".expandtabs()]
    assert "each_one NAME...\tstatus of each".expandtabs() in told[1]
    assert daemon.ctl("help", "status").stdout.splitlines()[-1] == "*** No help on status"


def test_ctl_plugin_in_the_shell(daemon: Daemon) -> None:
    start(daemon, CTL)
    result = daemon.ctl(input="greet you\nexit\n")
    assert "hello 'you', RUNNING" in result.stdout
