"""Event listeners gone mad and plugins that raise: their own pool or call at most, and nothing of it for the client."""

from __future__ import annotations

import pathlib
import random
import time
import xmlrpc.client

import pytest

from tests.harness import Daemon, eventually
from tests.harness.daemon import Child
from tests.sturdy.measure import MEGABYTE, children, cpu, fds, memory, unread
from tests.sturdy.raw import Peak

SLEEP = {"command": "/bin/sleep 1000", "startsecs": 0}
JUNK = {
    "random": random.Random(2).randbytes(5000),
    "nul": b"\0" * 3000,
    "negative": b"RESULT -5\nOK",
    "absurd": b"RESULT 99999999999999999999\n",
    "word": b"RESULT two\nOK",
    "float": b"RESULT 2.0\nOK",
    "ready twice": b"READY\nREADY\n",
    "deep": b"RESULT 2\nOKREADY\n" * 5000,
    "lower": b"ready\n",
    "long header": b"RESULT " + b"1" * 10_000,
}


def send(daemon: Daemon, count: int = 1, kind: str = "t") -> None:
    for number in range(count):
        daemon.call("sendRemoteCommEvent", kind, str(number))


def settled(daemon: Daemon, child: Child) -> None:
    eventually(lambda: not unread(child.pid), "an empty pipe")
    daemon.call("getState")


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("junk", JUNK)
def test_any_junk_is_unknown_at_most_and_others_go_on(daemon: Daemon, junk: str, busy: bool) -> None:
    daemon.start(daemon.listener("mad"), well=SLEEP, loglevel="info")
    pid = daemon.wait_state("well", "RUNNING")["pid"]
    mad = daemon.child("mad")
    if busy:
        mad.tell("out", "READY\n")
        send(daemon)
        mad.tell("readline")
    before, spent = memory(daemon.pid), cpu(daemon.pid)
    for piece in (JUNK[junk], JUNK[junk][:7], JUNK[junk]):
        mad.ask("out", piece)
    for _ in range(3):
        mad.answer()
    settled(daemon, mad)
    send(daemon, 3, "after")
    for number in range(3):
        assert daemon.wait_event("REMOTE_COMMUNICATION", type="after").data == str(number)
    assert daemon.state("mad") == "RUNNING" and daemon.info("well")["pid"] == pid
    assert daemon.log().count("has entered the UNKNOWN state") <= 1
    assert memory(daemon.pid) - before < 2 * MEGABYTE and cpu(daemon.pid) - spent < 0.5


@pytest.mark.parametrize("what", ["header", "result", "too much", "spurious"])
def test_endless_talk_of_a_listener_stays_within_bounds(daemon: Daemon, what: str) -> None:
    daemon.start(daemon.listener("mad", result_handler="supervisor.dispatchers:default_handler"), loglevel="info")
    mad = daemon.child("mad")
    if what != "spurious":
        mad.tell("out", "READY\n")
        send(daemon)
        mad.tell("readline")
        mad.tell("out", {"header": "RESULT ", "result": "RESULT 1048576\n", "too much": "RESULT 99999999\n"}[what])
    before = memory(daemon.pid)
    mad.tell("flood", 1, 60 * MEGABYTE, "1" * 1000)
    settled(daemon, mad)
    assert memory(daemon.pid) - before < 20 * MEGABYTE
    assert "has entered the UNKNOWN state" in daemon.log()


def test_a_listener_that_never_answers_holds_its_buffer_and_no_more(daemon: Daemon) -> None:
    daemon.start(daemon.listener("mute", buffer_size=10), loglevel="info")
    mute = daemon.child("mute")
    mute.tell("out", "READY\n")
    count = 300
    begun = time.monotonic()
    send(daemon, count)
    for number in range(count):
        assert daemon.wait_event("REMOTE_COMMUNICATION").data == str(number)
    lines = [line for line in daemon.log().splitlines() if "buffer overflow" in line or "overflow" in line]
    assert 1 <= len(lines) <= 2 + (time.monotonic() - begun)


def events_about(daemon: Daemon, talks: Child, kind: str, text: str) -> None:
    """48 MB in events of a kind; back when all of it has been dealt with."""
    if kind == "REMOTE_COMMUNICATION":
        for _ in range(12):
            assert daemon.call("sendRemoteCommEvent", "x", text * 4) is True
        return
    before, after = ("<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->") if "COMM" in kind else ("", "")
    for _ in range(48):
        talks.tell("out", before + text + after)
    settled(daemon, talks)


@pytest.mark.parametrize("kind", ["REMOTE_COMMUNICATION", "PROCESS_LOG", "PROCESS_COMMUNICATION"])
@pytest.mark.parametrize("letter", ["n", "é"])
def test_large_events_for_one_that_never_answers_are_bounded_in_memory(daemon: Daemon, kind: str, letter: str) -> None:
    capture = {"stdout_capture_maxbytes": "2MB"} if kind == "PROCESS_COMMUNICATION" else {}
    talks = {"stdout_logfile": "NONE", "stdout_events_enabled": True, "startsecs": 0, **capture}
    daemon.start(daemon.listener("mute", f"{kind},TICK_3600", buffer_size=100_000, buffer_maxbytes="8MB"),
                 talks=talks, probe=None, loglevel="info")
    daemon.child("mute").tell("out", "READY\n")
    talker = daemon.child("talks")
    text = letter * (MEGABYTE // len(letter.encode()))
    events_about(daemon, talker, kind, text)
    peak = Peak(daemon.pid)
    events_about(daemon, talker, kind, text)
    # The bound, one event in the hands of the listener and one that is made.
    assert peak.grown() < 24 * MEGABYTE
    assert memory(daemon.pid) < 120 * MEGABYTE
    assert "pool mute event buffer overflowed, discarding event " in daemon.log()
    # A pool that goes leaves none of it.
    for _ in range(3):
        daemon.call("stopProcess", "mute")
        daemon.call("removeProcessGroup", "mute")
        daemon.call("addProcessGroup", "mute")
        events_about(daemon, talker, kind, text)
    assert peak.grown() < 24 * MEGABYTE


def test_one_that_dies_of_every_event_gets_it_again_with_growing_pauses(daemon: Daemon) -> None:
    daemon.start(daemon.listener("dies", autorestart=True), loglevel="info")
    send(daemon)
    for _ in range(3):
        child = daemon.child("dies")
        child.tell("out", "READY\n")
        head = child.tell("readline")
        body = child.tell("read", int(head.rpartition("len:")[2]))
        assert body == "type:t\n0"
        child.tell("exit", 1)
    child = daemon.child("dies")
    child.tell("out", "READY\n")
    child.tell("readline")
    child.tell("out", "RESULT 2\nOK")
    daemon.wait_event("REMOTE_COMMUNICATION")
    assert daemon.call("getState")["statename"] == "RUNNING"


@pytest.mark.parametrize("fd", [0, 1])
def test_a_listener_that_closes_its_pipes(daemon: Daemon, fd: int) -> None:
    daemon.start(daemon.listener("mad"), loglevel="info")
    mad = daemon.child("mad")
    mad.tell("out", "READY\n")
    mad.tell("close", fd)
    spent = cpu(daemon.pid)
    send(daemon, 20)
    for number in range(20):
        assert daemon.wait_event("REMOTE_COMMUNICATION").data == str(number)
    assert daemon.state("mad") == "RUNNING" and cpu(daemon.pid) - spent < 0.5
    mad.tell("exit", 0)
    daemon.wait_state("mad", "EXITED")


# Plugins

PLUGIN = '''
import sys
from supervisor.process import Subprocess

class Odd:
    def __init__(self, supervisord):
        self.supervisord = supervisord
    def raises(self, name):
        exception = getattr(__builtins__, name, None) or __builtins__[name]
        raise exception("secret of /etc/plugin")
    def repeats(self, text):
        raise ValueError(text)
    def recursion(self):
        return self.recursion()
    def unsendable(self, kind):
        return {"object": object(), "huge": 2 ** 99, "set": {1}, "none": None, "self": self,
                "deep": deep(100000), "key": {1: 2}}[kind]
    def fine(self):
        return "fine"

def deep(count):
    value = []
    for _ in range(count):
        value = [value]
    return value

def make(supervisord, **config):
    return Odd(supervisord)
'''


@pytest.fixture
def odd(daemon: Daemon) -> Daemon:
    (daemon.dir / "oddplugin.py").write_text(PLUGIN)
    daemon.start("[rpcinterface:odd]\nsupervisor.rpcinterface_factory=oddplugin:make\n", well=SLEEP, probe=None,
                 env={"PYTHONPATH": str(daemon.dir)})
    daemon.tolerate("oddplugin.py")
    daemon.tolerate("xmlrpc")
    return daemon


@pytest.mark.parametrize("call", [
    ("odd.raises", "ValueError"), ("odd.raises", "SystemExit"), ("odd.raises", "KeyboardInterrupt"),
    ("odd.raises", "MemoryError"), ("odd.raises", "StopIteration"), ("odd.raises", "TypeError"), ("odd.recursion",),
    ("odd.raises", "GeneratorExit"), ("odd.raises", "BaseException"),
    *(("odd.unsendable", kind) for kind in ("object", "huge", "set", "self", "deep", "key"))], ids="-".join)
def test_a_plugin_that_raises_is_an_error_of_that_call(odd: Daemon, call: tuple[str, ...]) -> None:
    pid = odd.wait_state("well", "RUNNING")["pid"]
    with pytest.raises((xmlrpc.client.Fault, xmlrpc.client.ProtocolError)) as failure:
        odd.call(*call)
    assert "secret" not in str(failure.value) and "/" not in getattr(failure.value, "faultString", "")
    if isinstance(failure.value, xmlrpc.client.ProtocolError):
        assert failure.value.errcode == 500
    with odd.proxy() as proxy:
        assert proxy.odd.fine() == "fine"
    assert odd.info("well")["pid"] == pid
    # In a multicall the others have their answers.
    answers = odd.call("system.multicall", [{"methodName": "odd.fine", "params": []},
                                            {"methodName": call[0], "params": list(call[1:])},
                                            {"methodName": "odd.fine", "params": []}])
    assert answers[0] == answers[2] == "fine" and answers[1]["faultCode"]


def test_the_text_of_an_exception_is_bounded(odd: Daemon) -> None:
    """It may hold what a client sent."""
    with pytest.raises(xmlrpc.client.ProtocolError):
        odd.call("odd.repeats", "x" * 3_000_000)
    odd.wait_log("raised an unexpected exception")
    assert 10_000 < len(odd.log()) < 50_000 and "characters left out" in odd.log()


def test_a_result_handler_that_raises_anything(daemon: Daemon) -> None:
    (daemon.dir / "oddhandler.py").write_text(
        "class Own(BaseException): pass\n"
        "def handle(event, result):\n"
        "    raise {b'1': SystemExit, b'2': ValueError, b'3': KeyboardInterrupt, b'4': Own}[result]\n")
    names = ("one", "two", "three", "four")
    daemon.start("".join(daemon.listener(name, result_handler="oddhandler:handle") for name in names), loglevel="info",
                 env={"PYTHONPATH": str(daemon.dir)})
    for number, name in enumerate(names, 1):
        child = daemon.child(name)
        child.tell("out", "READY\n")
        if number == 1:
            send(daemon)
        child.tell("readline")
        child.tell("out", f"RESULT 1\n{number}")
    daemon.wait_log("has entered the UNKNOWN state", 4)
    assert daemon.call("getState")["statename"] == "RUNNING"


def test_listeners_that_crash_leave_nothing(daemon: Daemon) -> None:
    (daemon.dir / "crash.py").write_text("import sys\nsys.stdout.write('READY\\n')\nsys.stdout.flush()\n"
                                         "sys.stdin.readline()\nsys.exit(1)\n")
    daemon.start(daemon.program("crash", "eventlistener", command="@python@ -I -S @dir@/crash.py", startsecs=0,
                                events="EVENT", autorestart=True, numprocs=4, process_name="c%(process_num)d"),
                 well={**SLEEP, "command": "/bin/sleep 0.05", "autorestart": True}, probe=None, loglevel="info")
    daemon.wait_log("exited: c", 8)
    level = fds(daemon.pid)
    daemon.wait_log("exited: c", 20)
    assert fds(daemon.pid) <= level + 15
    daemon.call("stopAllProcesses")
    assert not children(daemon.pid)
    assert pathlib.Path(f"/proc/{daemon.pid}").exists()
