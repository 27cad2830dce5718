"""Programs written with supervisor.childutils, and without anything, as real children."""

from __future__ import annotations

import pytest

from tests.harness import Daemon, eventually

BY_TEXT = """
import os, sys
from supervisor import childutils
while True:
    headers, payload = childutils.listener.wait()
    rpc = childutils.getRPCInterface(os.environ)
    told, data = childutils.eventdata(payload + "\\n" if "\\n" not in payload else payload)
    sys.stderr.write(f"{headers['eventname']} {told} {data!r} {rpc.supervisor.getState()['statename']}\\n")
    sys.stderr.flush()
    (childutils.listener.ok if data != "no" else childutils.listener.fail)()
"""

BY_BYTES = """
import sys
from supervisor import childutils
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
while True:
    headers, payload = childutils.listener.wait(stdin, stdout)
    sys.stderr.write(f"{headers['eventname']} {len(payload)} {ascii(payload)}\\n")
    sys.stderr.flush()
    childutils.listener.send(b"OK", stdout)
"""


def listener(daemon: Daemon, code: str, events: str = "REMOTE_COMMUNICATION", **options: object) -> str:
    (daemon.dir / "listener.py").write_text(code)
    return daemon.listener("l", events, command="@python@ @dir@/listener.py", stderr_logfile="@dir@/said", **options)


def wait_said(daemon: Daemon, text: str) -> None:
    eventually(lambda: text in daemon.read("said"), f"{text!r} in {daemon.read('said')!r}")


@pytest.mark.parametrize("inet", [False, True])
def test_a_listener_of_text(daemon: Daemon, inet: bool) -> None:
    env = {"PYTHONWARNINGS": "ignore"}  # a proxy for each event, and none closed: so it is done
    if inet:
        who = "SUPERVISOR_USERNAME=user,SUPERVISOR_PASSWORD=secret"
        daemon.start(listener(daemon, BY_TEXT, environment=who), unix=None,
                     inet="username=user\npassword=secret", probe=None, env=env)
        send = daemon.inet_proxy("user", "secret").supervisor.sendRemoteCommEvent
    else:
        daemon.start(listener(daemon, BY_TEXT), probe=None, env=env)
        send = daemon.proxy().supervisor.sendRemoteCommEvent
    send("kind", "é\nß")
    wait_said(daemon, "REMOTE_COMMUNICATION {'type': 'kind'} 'é\\nß' RUNNING")
    send("kind", "no")
    daemon.wait_log("WARN l: event was rejected")
    wait_said(daemon, "'no' RUNNING\nREMOTE_COMMUNICATION {'type': 'kind'} 'no' RUNNING")


def test_a_listener_of_bytes(daemon: Daemon) -> None:
    daemon.start(listener(daemon, BY_BYTES, event_len="bytes"), probe=None)
    for number in range(3):
        daemon.call("sendRemoteCommEvent", "t", f"é{number}")
    for number in range(3):
        wait_said(daemon, f"REMOTE_COMMUNICATION 9 'type:t\\n\\xe9{number}'")
    daemon.wait_log("l: event was processed", 3)


@pytest.mark.parametrize("message", ['"text é"', 'b"text \\xc3\\xa9"'])
@pytest.mark.parametrize("channel", ["stdout", "stderr"])
def test_messages_of_a_program(daemon: Daemon, channel: str, message: str) -> None:
    (daemon.dir / "program.py").write_text(
        f"from supervisor import childutils\nprint('before')\nchildutils.pcomm.{channel}({message})\n"
        "input()\n"
    )
    daemon.start(probe="PROCESS_COMMUNICATION", a={
        "startsecs": 0, "command": "@python@ @dir@/program.py", f"{channel}_capture_maxbytes": "1KB",
        "stdout_logfile": "@dir@/a.out",
    })
    event = daemon.wait_event(f"PROCESS_COMMUNICATION_{channel.upper()}", processname="a")
    assert event.data == "text é" and event["pid"] == str(daemon.info("a")["pid"])
    assert "XSUPERVISOR" not in daemon.read("a.out")


SHELL = """#!/bin/sh
printf 'READY\\n'
while read line; do
  kill -QUIT $PPID
done < /dev/stdin
"""


def test_a_line_of_shell_ends_the_daemon(daemon: Daemon) -> None:
    (daemon.dir / "killer").write_text(SHELL)
    command = "/bin/sh @dir@/killer"
    daemon.start(daemon.listener("l", "PROCESS_STATE_FATAL", command=command), probe=None,
                 a={"command": "/bin/false", "startretries": 0, "startsecs": 1}, b={"startsecs": 0})
    assert daemon.wait() == 0
    log = daemon.log()
    assert "WARN received SIGQUIT indicating exit request" in log and "stopped: b" in log


def test_a_line_of_shell_in_the_section(daemon: Daemon) -> None:
    command = "bash -c \"printf 'READY\\n' && while read line; do kill -SIGQUIT $PPID; done < /dev/stdin\""
    daemon.start(daemon.listener("l", "PROCESS_STATE_STOPPED,PROCESS_STATE_EXITED,PROCESS_STATE_FATAL",
                                 command=command), probe=None, a={"startsecs": 0})
    daemon.wait_state("l", "RUNNING")
    daemon.child("a").tell("exit", 1)
    assert daemon.wait() == 0
