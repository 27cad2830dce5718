"""A plugin that takes over starts, ends, output, signals and descriptors, all at once."""

from __future__ import annotations

from tests.harness import Child, Daemon

CONFIG = """
[rpcinterface:manager]
supervisor.rpcinterface_factory = plugin_manager:make
socket = @dir@/notices
[rpcinterface:quick]
supervisor.rpcinterface_factory = plugin_manager:make_quick
"""
WAITS = {"environment": "X-SUPERVISORD-TYPE=notify", "startsecs": 0, "autostart": "false", "stdout_logfile": "NONE"}


def notice(child: Child, text: str) -> None:
    """Send the plugin a datagram."""
    child.tell("value", f"__import__('socket').socket(1, 2).sendto({text.encode()!r}, os.environ['NOTIFY_SOCKET'])")


def test_a_manager(daemon: Daemon) -> None:
    daemon.start(CONFIG, inet="", main=WAITS, other={"autostart": "false", "startsecs": 0})
    pid = daemon.call("quick.startProcess", "main")
    child = daemon.child("main")
    assert child.pid == pid
    daemon.wait_event("PROCESS_STATE_STARTING", processname="main")
    assert daemon.info("main")["statename"] == "STARTING"
    notice(child, "FAIL")
    daemon.wait_log("ERRO ValueError told to fail in told")
    notice(child, "READY=1")
    assert daemon.wait_event("PROCESS_STATE_RUNNING", processname="main")["pid"] == str(pid)
    assert daemon.fault("quick.startProcess", "main").faultCode == 60

    assert daemon.call("quick.startProcess", "other")
    daemon.child("other")
    daemon.wait_state("other", "RUNNING")

    child.tell("out", "one line\n")
    daemon.wait_log("INFO [main:stdout] one line")
    child.tell("err", "and one\n")
    daemon.wait_log("INFO [main:stderr] and one")

    daemon.signal(1)
    daemon.wait_log("INFO manager got HUP")
    assert daemon.info("main")["pid"] == pid

    daemon.call("stopProcess", "other")
    daemon.wait_log("manager saw the end of other: 0")
    assert daemon.info("other")["statename"] == "STOPPED"


def test_a_manager_ends_the_daemon(daemon: Daemon) -> None:
    daemon.start(CONFIG, main={"startsecs": 30, "startretries": 0}, a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    daemon.child("main").tell("exit", 1)
    assert daemon.wait() == 0
    assert "CRIT main is down" in daemon.log()
    assert "stopped: a (terminated by SIGTERM)" in daemon.log()
