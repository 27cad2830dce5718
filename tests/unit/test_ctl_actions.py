"""Actions of supervisorctl against a daemon that is a dictionary: lines, exit statuses, calls."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.faults import Faults
from supervisor.supervisorctl import foreground, logends
from supervisor.supervisorctl.link import BadAnswer, CallFault, Refused
from supervisor.supervisorctl.session import Session

STOPPED, STARTING, RUNNING, FATAL = 0, 10, 20, 200
STATES = {STOPPED: "STOPPED", STARTING: "STARTING", RUNNING: "RUNNING", FATAL: "FATAL"}


class FakeDaemon:
    """Answers calls from a list of (group, name, state); faults and values can be put in for any call."""

    def __init__(self, *processes: tuple[str, str, int]) -> None:
        self.processes = list(processes)
        self.answers: dict[tuple[object, ...], object] = {("getVersion",): "3.0"}
        self.asked: list[tuple[object, ...]] = []

    def call(self, method: str, *params: object) -> Any:
        self.asked.append((method, *params))
        answer: object = self.answers.get((method, *params), self.answers.get((method,)))
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        return getattr(self, method)(*params)

    def getAllProcessInfo(self) -> list[dict[str, Any]]:
        return [self._info(*process) for process in sorted(self.processes)]

    def getProcessInfo(self, name: str) -> dict[str, Any]:
        for process in self.processes:
            if name in (f"{process[0]}:{process[1]}", process[1] if process[0] == process[1] else None):
                return self._info(*process)
        raise CallFault(Faults.BAD_NAME, f"BAD_NAME: {name}")

    def _info(self, group: str, name: str, state: int) -> dict[str, Any]:
        up = state == RUNNING
        return {"group": group, "name": name, "state": state, "statename": STATES[state], "pid": 7 if up else 0,
                "description": "pid 7, uptime 0:00:01" if up else "Not started"}


class FakeSession(Session):
    """A session whose calls a FakeDaemon answers."""

    def __init__(self, daemon: FakeDaemon) -> None:
        options: Any = SimpleNamespace(serverurl="unix:///x.sock", username=None, password=None, interactive=None)
        super().__init__(options, io.StringIO(), io.StringIO())
        self.daemon = daemon

    def call(self, method: str, *params: object) -> Any:
        return self.daemon.call(method, *params)

    def calls(self, requests: Any, choose: Any = None) -> Any:
        for number, (method, params) in enumerate(requests):
            try:
                yield number, self.daemon.call(method, *params)
            except CallFault as fault:
                yield number, fault


def run(daemon: FakeDaemon, line: str) -> tuple[list[str], int]:
    session = FakeSession(daemon)
    session.onecmd(line)
    return session.stdout.getvalue().splitlines(), session.exitstatus


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon(("a", "a", RUNNING), ("b", "b", STOPPED), ("g", "x", RUNNING), ("g", "y", STARTING))


def result(group: str, name: str, status: int = 80, description: str = "OK") -> dict[str, object]:
    return {"group": group, "name": name, "status": status, "description": description}


# --- status and pid

def test_status_lists_everything_in_fixed_columns(daemon: FakeDaemon) -> None:
    lines, status = run(daemon, "status")
    assert lines == [
        "a".ljust(33) + "RUNNING   pid 7, uptime 0:00:01",
        "b".ljust(33) + "STOPPED   Not started",
        "g:x".ljust(33) + "RUNNING   pid 7, uptime 0:00:01",
        "g:y".ljust(33) + "STARTING  Not started",
    ]
    assert status == 3


def test_a_long_name_widens_the_column() -> None:
    name = "n" * 40
    lines, _ = run(FakeDaemon((name, name, RUNNING), ("a", "a", RUNNING)), "status")
    assert [line.index("RUNNING") for line in lines] == [43, 43]


@pytest.mark.parametrize(("words", "first", "status"), [
    ("a", "a", 0), ("g:*", "g:x", 0), ("g:", "g:x", 0), ("b", "b", 3), ("all nope", "a", 3), ("g:[x]", "g:x", 0),
    ("a nope", "nope: ERROR (no such process)", 4),
    ("b nope", "nope: ERROR (no such process)", 4),
    ("nope:*", "nope: ERROR (no such group)", 4),
    ("g", "g: ERROR (no such process)", 4),
    ("x", "x: ERROR (no such process)", 4),
    ("*", "*: ERROR (no such process)", 4),
    ("q*", "q*: ERROR (no such process)", 4),
])
def test_status_of_names(daemon: FakeDaemon, words: str, first: str, status: int) -> None:
    lines, exitstatus = run(daemon, f"status {words}")
    assert (lines[0] if "ERROR" in first else lines[0].split()[0]) == first
    assert exitstatus == status


def test_names_are_shown_as_often_as_they_are_given(daemon: FakeDaemon) -> None:
    assert [line.split()[0] for line in run(daemon, "status g:y a g:y")[0]] == ["g:y", "a", "g:y"]


def test_status_as_json_has_every_fact_and_the_unknown_names(daemon: FakeDaemon) -> None:
    lines, status = run(daemon, "status --json a nope")
    unknown, known = json.loads("\n".join(lines))
    assert unknown == {"name": "nope", "error": "no such process"}
    assert known == daemon.getProcessInfo("a")
    assert status == 4


def test_control_characters_never_break_a_line() -> None:
    lines, _ = run(FakeDaemon(("evil\n\x1b[2J", "evil\n\x1b[2J", RUNNING)), "status")
    assert len(lines) == 1 and "\\x0a\\x1b[2J" in lines[0]


@pytest.mark.parametrize("line", ["status", "status e:e", "pid", "pid all", "pid e:e", "wait e:e", "start e:e",
                                  "version", "avail", "reread", "plan"])
def test_what_a_server_says_never_acts_on_the_terminal(line: str) -> None:
    evil = "\x1b]0;title\x07\x9b2J"
    info = {"group": "e", "name": "e", "state": RUNNING, "statename": evil, "pid": evil, "description": evil,
            "status": 30, "spawnerr": evil, "inuse": True, "autostart": True, "group_prio": 1, "process_prio": 1}
    hostile = FakeDaemon()
    hostile.answers.update({
        ("getAllProcessInfo",): [info], ("getProcessInfo",): info, ("getAllConfigInfo",): [{**info, "name": evil}],
        ("getPID",): evil, ("getSupervisorVersion",): evil, ("startProcess",): CallFault(30, evil),
        ("reloadConfig",): [[[evil], [evil], [evil]]], ("planConfig",): [{"name": evil, "action": evil, "why": [evil]}],
    })
    lines, _ = run(hostile, line)
    assert lines and "\x1b" not in "".join(lines) and "\x9b" not in "".join(lines)


def test_fg_is_left_as_soon_as_something_is_shown(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Shown(foreground.fgthread):
        def start(self) -> None:
            raise KeyboardInterrupt

        def kill(self) -> None:
            done.append("kill")

    monkeypatch.setattr(foreground, "fgthread", Shown)
    lines, status = run(daemon, "fg a")
    assert (lines[-1], status, done) == ("Exiting foreground", 0, ["kill"])


def test_pids(daemon: FakeDaemon) -> None:
    daemon.answers["getPID",] = 1
    assert run(daemon, "pid") == (["1"], 0)
    assert run(daemon, "pid all") == (["7", "0", "7", "0"], 0)
    assert run(daemon, "pid b nope a") == (["0", "No such process nope", "7"], 7)
    assert run(daemon, "pid g:*") == (["No such process g:*"], 1)


# --- start, stop, signal, clear

START_RESULTS = [
    (Faults.BAD_NAME, "ERROR (no such process)", 1), (Faults.NO_FILE, "ERROR (no such file)", 1),
    (Faults.NOT_EXECUTABLE, "ERROR (file is not executable)", 1),
    (Faults.ALREADY_STARTED, "ERROR (already started)", 0), (Faults.SPAWN_ERROR, "ERROR (spawn error)", 7),
    (Faults.ABNORMAL_TERMINATION, "ERROR (abnormal termination)", 7),
    (Faults.SHUTDOWN_STATE, "ERROR (supervisor is shutting down)", 1), (12345, "ERROR (STRANGE)", 1),
]


@pytest.mark.parametrize(("code", "text", "status"), START_RESULTS)
def test_what_start_can_meet(daemon: FakeDaemon, code: int, text: str, status: int) -> None:
    daemon.answers["startProcess", "g:x"] = CallFault(code, "STRANGE")
    assert run(daemon, "start g:x") == ([f"g:x: {text}"], status)
    daemon.answers["startProcessGroup", "g"] = [result("g", "x", code, "STRANGE"), result("g", "y")]
    assert run(daemon, "start g:*") == ([f"g:x: {text}", "g:y: started"], status)


@pytest.mark.parametrize(("line", "method", "code", "text", "status"), [
    ("stop b", ("stopProcess", "b"), Faults.NOT_RUNNING, "b: ERROR (not running)", 0),
    ("stop b", ("stopProcess", "b"), Faults.FAILED, "FAILED: no way", 1),
    ("signal HUP b", ("signalProcess", "b", "HUP"), Faults.NOT_RUNNING, "b: ERROR (not running)", 7),
    ("signal HOP b", ("signalProcess", "b", "HOP"), Faults.BAD_SIGNAL, "b: ERROR (bad signal name)", 1),
    ("signal HUP b", ("signalProcess", "b", "HUP"), Faults.FAILED, "FAILED: no way", 1),
    ("clear b", ("clearProcessLogs", "b"), Faults.FAILED, "b: ERROR (failed)", 1),
    ("clear b", ("clearProcessLogs", "b"), Faults.BAD_NAME, "b: ERROR (no such process)", 1),
])
def test_what_the_others_can_meet(
    daemon: FakeDaemon, line: str, method: tuple[object, ...], code: int, text: str, status: int
) -> None:
    daemon.answers[method] = CallFault(code, "FAILED: no way")
    assert run(daemon, line) == ([text], status)


@pytest.mark.parametrize(("action", "status"), [("start", 2), ("stop", 1), ("signal 1", 1), ("clear", 1)])
def test_an_unknown_group(daemon: FakeDaemon, action: str, status: int) -> None:
    for method in ("startProcessGroup", "stopProcessGroup", "signalProcessGroup"):
        daemon.answers[method,] = CallFault(Faults.BAD_NAME, "BAD_NAME: q")
    assert run(daemon, f"{action} q:*") == (["q: ERROR (no such group)"], status)


@pytest.mark.parametrize(("line", "message", "status"), [
    ("start", "Error: start requires a process name", 2), ("stop", "Error: stop requires a process name", 1),
    ("restart", "Error: restart requires a process name", 1), ("clear", "Error: clear requires a process name", 1),
    ("signal", "Error: signal requires a signal name and a process name", 1),
    ("signal HUP", "Error: signal requires a signal name and a process name", 1),
    ("reread x", "Error: reread accepts no arguments", 1), ("version x", "Error: version accepts no arguments", 1),
    ("tail", "Error: too few arguments", 1), ("tail a b c d", "Error: too many arguments", 1),
    ("maintail 1 2", "Error: too many arguments", 1), ("fg", "ERROR: no process name supplied", 1),
    ("wait", "Error: wait requires a process name", 2), ("wait a --for joy", "Error: bad state 'joy'", 2),
])
def test_missing_words_are_answered_with_help(daemon: FakeDaemon, line: str, message: str, status: int) -> None:
    lines, exitstatus = run(daemon, line)
    assert lines[0] == message and lines[1].startswith(line.split()[0])
    assert exitstatus == status


def test_all_makes_one_call_whatever_else_is_named(daemon: FakeDaemon) -> None:
    daemon.answers["stopAllProcesses",] = [result("a", "a"), result("g", "x", Faults.FAILED, "FAILED: x")]
    assert run(daemon, "stop nope all") == (["a: stopped", "FAILED: x"], 1)
    assert daemon.asked == [("getVersion",), ("stopAllProcesses",)]


def test_the_worst_exit_status_wins(daemon: FakeDaemon) -> None:
    daemon.answers["startProcess", "b"] = CallFault(Faults.SPAWN_ERROR, "")
    daemon.answers["startProcess", "a"] = CallFault(Faults.NO_FILE, "")
    assert run(daemon, "start b a") == (["b: ERROR (spawn error)", "a: ERROR (no such file)"], 7)


def test_restart_stops_everything_first_and_forgives_what_did_not_run(daemon: FakeDaemon) -> None:
    daemon.answers["stopProcess", "b"] = CallFault(Faults.NOT_RUNNING, "")
    daemon.answers.update({("stopProcess", "a"): True, ("startProcess",): True})
    assert run(daemon, "restart a b") == (["a: stopped", "b: ERROR (not running)", "a: started", "b: started"], 0)


def test_without_waiting_the_stop_of_a_restart_still_waits(daemon: FakeDaemon) -> None:
    daemon.answers.update({("stopProcess",): True, ("startProcess",): True})
    run(daemon, "restart a --no-wait")
    assert daemon.asked[1:] == [("stopProcess", "a"), ("startProcess", "a", False)]


def test_clear_of_a_group_clears_each_member(daemon: FakeDaemon) -> None:
    daemon.answers["clearProcessLogs",] = True
    assert run(daemon, "clear g:* a") == (["g:x: cleared", "g:y: cleared", "a: cleared"], 0)


def test_a_group_of_that_very_name_is_no_pattern() -> None:
    daemon = FakeDaemon(("a*b", "x", RUNNING), ("axb", "axb", RUNNING))
    assert run(daemon, "status a*b:*")[0] == run(daemon, "status a*b:")[0] == run(daemon, "status a*b:x")[0]
    assert len(run(daemon, "status a*b:*")[0]) == 1 and len(run(daemon, "status a?b:*")[0]) == 2


def test_patterns_stand_for_the_names_they_match(daemon: FakeDaemon) -> None:
    daemon.answers["startProcess",] = True
    assert run(daemon, "start ?:y [ab] q*") == (["g:y: started", "a: started", "b: started", "q*: started"], 0)


# --- configuration

def test_reread_is_in_the_order_of_names(daemon: FakeDaemon) -> None:
    daemon.answers["reloadConfig",] = [[["z", "a2"], ["b"], ["a"]]]
    assert run(daemon, "reread") == (["a: disappeared", "a2: available", "b: changed", "z: available"], 0)
    daemon.answers["reloadConfig",] = [[[], [], []]]
    assert run(daemon, "reread") == (["No config updates to processes"], 0)


@pytest.mark.parametrize(("action", "code", "line"), [
    ("reread", Faults.SHUTDOWN_STATE, "ERROR: supervisor shutting down"),
    ("update", Faults.SHUTDOWN_STATE, "ERROR: already shutting down"),
    ("reread", Faults.CANT_REREAD, "ERROR: CANT_REREAD: bad"),
    ("update", Faults.CANT_REREAD, "ERROR: CANT_REREAD: bad"),
])
def test_a_configuration_that_cannot_be_read(daemon: FakeDaemon, action: str, code: int, line: str) -> None:
    daemon.answers["reloadConfig",] = CallFault(code, "CANT_REREAD: bad")
    assert run(daemon, action) == ([line], 1)


def test_update_removes_then_replaces_then_adds(daemon: FakeDaemon) -> None:
    daemon.answers.update({("reloadConfig",): [[["n"], ["g"], ["a", "b"]]], ("stopProcessGroup",): [],
                           ("removeProcessGroup",): True, ("addProcessGroup",): True})
    daemon.answers["stopProcessGroup", "b"] = [result("b", "b", Faults.FAILED)]
    assert run(daemon, "update") == (
        ["a: stopped", "a: removed process group", "b: stopped", "b: has problems; not removing", "g: stopped",
         "g: updated process group", "n: added process group"], 1)
    assert ("removeProcessGroup", "b") not in daemon.asked
    daemon.asked.clear()
    assert run(daemon, "update nope n a2") == (
        ["ERROR: no such group: nope", "ERROR: no such group: a2", "n: added process group"], 1)


def test_members_are_updated_if_that_can_be(daemon: FakeDaemon) -> None:
    daemon.answers["reloadConfig",] = [[[], ["g"], []]]
    daemon.answers["updateGroupMembers", "g"] = []
    assert run(daemon, "update --members") == (["g: updated process group"], 0)
    daemon.answers["updateGroupMembers", "g"] = ["g:x", "g:y", "g:z"]
    daemon.answers["stopProcess", "g:x"] = True
    daemon.answers["stopProcess", "g:y"] = CallFault(Faults.NOT_RUNNING, "NOT_RUNNING: g:y")
    daemon.answers["stopProcess", "g:z"] = CallFault(Faults.FAILED, "FAILED: no")
    assert run(daemon, "update --members g") == (
        ["g:x: stopped", "g:z: ERROR (FAILED: no)", "ERROR: process/group still running: g"], 1)
    for method in ("stopProcessGroup", "removeProcessGroup", "addProcessGroup"):
        daemon.answers[method, "g"] = True
    for code in (Faults.FAILED, Faults.UNKNOWN_METHOD):
        daemon.answers["updateGroupMembers", "g"] = CallFault(code, "no")
        assert run(daemon, "update --members all") == (["g: stopped", "g: updated process group"], 0)
    daemon.answers["updateGroupMembers", "g"] = CallFault(Faults.SHUTDOWN_STATE, "no")
    assert run(daemon, "update --members") == (["ERROR: already shutting down"], 1)


def test_add_and_remove(daemon: FakeDaemon) -> None:
    daemon.answers.update({("addProcessGroup", "n"): True, ("removeProcessGroup", "b"): True})
    daemon.answers["addProcessGroup", "a"] = CallFault(Faults.ALREADY_ADDED, "")
    daemon.answers["addProcessGroup", "q"] = CallFault(Faults.BAD_NAME, "")
    daemon.answers["removeProcessGroup", "a"] = CallFault(Faults.STILL_RUNNING, "")
    daemon.answers["removeProcessGroup", "q"] = CallFault(Faults.BAD_NAME, "")
    assert run(daemon, "add n a") == (["n: added process group", "ERROR: process group already active"], 0)
    assert run(daemon, "add q") == (["ERROR: no such process/group: q"], 1)
    assert run(daemon, "remove b") == (["b: removed process group"], 0)
    assert run(daemon, "remove a q") == (
        ["ERROR: process/group still running: a", "ERROR: no such process/group: q"], 1)


def test_avail(daemon: FakeDaemon) -> None:
    row = {"name": "x", "group": "g", "inuse": True, "autostart": False, "group_prio": 5, "process_prio": 999}
    daemon.answers["getAllConfigInfo",] = [row, {**row, "name": "n" * 40, "inuse": False, "autostart": True}]
    assert run(daemon, "avail")[0] == [
        f"g:{'n' * 40} avail     auto      5:999", f"{'g:x':<32} in use    manual    5:999"]


# --- the daemon, logs

def test_no_server(daemon: FakeDaemon) -> None:
    for problem, line, upcheck in ((ConnectionRefusedError(), "unix:///x.sock refused connection", 4),
                                   (FileNotFoundError(), "unix:///x.sock no such file", 7)):
        for method in ("getVersion", "reloadConfig", "shutdown", "restart"):
            daemon.answers[method,] = problem
        assert run(daemon, "status") == ([line], 4)
        assert run(daemon, "restart a") == ([line], upcheck)
        assert run(daemon, "update") == ([line], 1)
        assert run(daemon, "reload") == ([line], 1)
        assert run(daemon, "shutdown") == ([f"ERROR: {line} (already shut down?)"], 1)


@pytest.mark.parametrize("line", ["start a", "wait a", "status -w a", "pid a", "clear a", "logs a", "fg a", "plan"])
def test_a_server_that_goes_away_meanwhile(daemon: FakeDaemon, line: str) -> None:
    for method in ("startProcess", "getAllProcessInfo", "getProcessInfo", "clearProcessLogs", "planConfig"):
        daemon.answers[method,] = ConnectionRefusedError(111, "Connection refused")
    assert run(daemon, line) == (["unix:///x.sock refused connection"], 1)


@pytest.mark.parametrize(("answer", "begins", "status"), [
    (CallFault(Faults.UNKNOWN_METHOD, "UNKNOWN_METHOD"), "Sorry, supervisord responded but did not recognize", 3),
    ("2.0", "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, but the remote "
            "version is 2.0.", 5),
    (CallFault(6, "SHUTDOWN_STATE"), "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>", 1),
    (Refused("401"), "Server requires authentication", 1),
    (BadAnswer("<ProtocolError x>"), "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError x>", 1),
    (PermissionError(13, "Permission denied"), "error: <class 'PermissionError'>, [Errno 13] Permission denied", 1),
])
def test_a_server_that_is_none_of_ours(daemon: FakeDaemon, answer: object, begins: str, status: int) -> None:
    daemon.answers["getVersion",] = answer
    lines, exitstatus = run(daemon, "start a")
    assert len(lines) == 1 and lines[0].startswith(begins)
    assert exitstatus == status
    if status in (3, 5):
        assert run(daemon, "status")[1] == 4


def test_shutdown_twice(daemon: FakeDaemon) -> None:
    daemon.answers["shutdown",] = CallFault(Faults.SHUTDOWN_STATE, "")
    daemon.answers["restart",] = CallFault(Faults.SHUTDOWN_STATE, "")
    assert run(daemon, "shutdown") == (["ERROR: already shutting down"], 0)
    assert run(daemon, "reload") == (["ERROR: already shutting down"], 1)


@pytest.mark.parametrize(("words", "line"), [
    ("-f", "Error: tail requires process name"), ("a foo", "Error: bad channel 'foo'"),
    ("-x a", "Error: bad argument -x"), ("--5 a", "Error: bad argument --5"),
    ("a b stdout", "Error: bad argument a"), ("-x a foo", "Error: bad channel 'foo'"),
    ("a -n", "Error: -n requires a number of lines"),
])
def test_words_of_tail(daemon: FakeDaemon, words: str, line: str) -> None:
    assert run(daemon, f"tail {words}") == ([line], 1)


def test_tail_reads_bytes_or_lines(daemon: FakeDaemon) -> None:
    text = "".join(f"line {number}\n" for number in range(2000))

    def read(name: str, offset: int, length: int) -> str:
        return text[offset:]

    daemon.readProcessStdoutLog = daemon.readProcessStderrLog = read
    assert run(daemon, "tail -5 a") == (["1999", ""], 0)
    assert run(daemon, "tail -n 300 a STDERR") == (text.splitlines()[-300:], 0)
    assert run(daemon, "tail -n 9999 a")[0] == text.splitlines()
    assert daemon.asked[1] == ("readProcessStdoutLog", "a", -5, 0)


class Log:
    """A log as daemons read it; what is longer than ``most`` is cut."""

    def __init__(self, data: bytes, most: int, strict: bool) -> None:
        self.data = data
        self.most = most
        self.strict = strict

    def __call__(self, name: str, offset: int, length: int) -> str:
        begin = max(0, len(self.data) + offset, len(self.data) - self.most) if offset < 0 else offset
        part = self.data[begin : begin + min(length or self.most, self.most)]
        try:
            return part.decode("utf-8", "strict" if self.strict and offset >= 0 else "replace")
        except UnicodeDecodeError:
            raise BadAnswer("500") from None


@pytest.mark.parametrize("strict", [False, True], ids=["replaces", "refuses"])
@pytest.mark.parametrize("shift", range(3))
def test_a_whole_log_is_read_in_pieces_of_whole_characters(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, strict: bool, shift: int
) -> None:
    monkeypatch.setattr(logends, "PIECE", 64)
    text = "x" * shift + "\u20ac\U0001f600\n" * 200
    daemon.readProcessStdoutLog = Log(text.encode(), 256, strict)  # type: ignore[attr-defined]
    assert run(daemon, "tail -0 a") == ([*text.splitlines(), ""], 0)
    monkeypatch.setattr(logends, "MOST_BYTES", 64)
    assert run(daemon, "tail -n 30 a") == (text.splitlines()[-30:], 0)
    assert run(daemon, "tail -n 300 a") == (text.splitlines(), 0)
    # More than is given at once: 8 bytes a line, and the end of the whole.
    assert run(daemon, "tail -80 a") == ([*text.splitlines()[-10:], ""], 0)
    assert run(daemon, "tail -640 a") == ([*text.splitlines()[-80:], ""], 0)
    assert run(daemon, "tail -99999 a") == ([*text.splitlines(), ""], 0)


def test_raw_text_of_a_log_has_its_control_characters_again(daemon: FakeDaemon) -> None:
    daemon.answers["readProcessStdoutLog",] = "\u241b[1mx\u2400 \ufffd"
    assert run(daemon, "tail --raw a")[0] == ["\x1b[1mx\0 \ufffd"]
    assert run(daemon, "tail a")[0] == ["\u241b[1mx\u2400 \ufffd"]


def test_logs_that_cannot_be_read(daemon: FakeDaemon) -> None:
    daemon.answers["readProcessStdoutLog",] = CallFault(Faults.NO_FILE, "")
    daemon.answers["readLog",] = CallFault(Faults.FAILED, "")
    assert run(daemon, "tail a") == (["a: ERROR (no log file)"], 1)
    assert run(daemon, "maintail") == (["supervisord: ERROR (unknown error reading log)"], 1)
    assert run(daemon, "maintail -x") == (["Error: bad argument -x"], 1)
    assert run(daemon, "logs -100 a") == (["Error: bad argument -100"], 1)
    assert run(daemon, "logs -n 5 a -f") == (["Error: -n and -f do not go together"], 1)


def test_wait_ends_with_the_state_or_says_why_not(daemon: FakeDaemon) -> None:
    daemon.processes.append(("f", "f", FATAL))
    assert run(daemon, "wait a b nope --for stopped --timeout 0") == (
        ["a: ERROR (not stopped in time)", "b: stopped", "nope: ERROR (no such process)"], 6)
    for wrong in ("nan", "soon", ""):
        lines, exitstatus = run(daemon, f"wait a --timeout={wrong}")
        assert (lines[0], exitstatus) == (f"Error: bad number '{wrong}'", 2)
    assert run(daemon, "wait a g:* --for running --timeout 0")[0] == [
        "a: running", "g:x: running", "g:y: ERROR (not running in time)"]
    assert run(daemon, "wait f a") == (["f: ERROR (Not started)", "a: running"], 7)
    assert run(daemon, "wait a nope:* nope:x") == (
        ["a: running", "nope:*: ERROR (no such group)", "nope:x: ERROR (no such process)"], 1)


@pytest.mark.parametrize("terminal", [True, False])
def test_wait_keeps_the_order_of_the_words_but_on_a_terminal(terminal: bool) -> None:
    class Slow(FakeDaemon):
        """Tells first that a is up, the next time that b is up, too."""

        def call(self, method: str, *params: object) -> Any:
            self.processes = [("a", "a", RUNNING if len(self.asked) > 2 else STARTING),
                              ("b", "b", RUNNING if len(self.asked) > 3 else STARTING)]
            return super().call(method, *params)

    session = FakeSession(Slow())
    session.on_terminal = lambda: terminal
    session.onecmd("wait b a")
    lines = ["b: running", "a: running"]
    assert session.stdout.getvalue().splitlines() == (lines[::-1] if terminal else lines)


# --- dispatch and help

@pytest.mark.parametrize(("line", "lines", "status"), [
    ("nope x", ["*** Unknown syntax: nope x"], 1), ("!x", ["*** Unknown syntax: !x"], 1), ("", [], 0), (" \t ", [], 0),
    ("help nope", ["*** No help on nope"], 0), ("help EOF", ["*** No help on EOF"], 0), ("EOF", [""], 0),
    ("quit", [""], 0), ("exit", [""], 0), ("open", ["ERROR: url must be http:// or unix://"], 1),
    ("open ftp://x", ["ERROR: url must be http:// or unix://"], 1), ("Status", ["*** Unknown syntax: Status"], 1),
])
def test_lines_without_a_server(line: str, lines: list[str], status: int) -> None:
    assert run(FakeDaemon(), line) == (lines, status)


def test_help_lists_the_classic_actions_in_columns() -> None:
    lines, status = run(FakeDaemon(), "help")
    assert lines == [
        "", "default commands (type help <topic>):", "=====================================",
        "add    exit      open  reload  restart   start   tail   ",
        "avail  fg        pid   remove  shutdown  status  update ",
        "clear  maintail  quit  reread  signal    stop    version", "",
    ]
    assert run(FakeDaemon(), "?") == (lines, status)


def test_every_action_has_help_and_help_names_the_further_ones() -> None:
    from supervisor.supervisorctl.table import COMMANDS

    for name in COMMANDS:
        lines, status = run(FakeDaemon(), f"? {name}")
        assert lines[0].startswith(name) and status == 0
    assert "wait" in run(FakeDaemon(), "help help")[0][-1]


def test_open_keeps_the_exit_status() -> None:
    daemon = FakeDaemon()
    daemon.answers["getVersion",] = FileNotFoundError()
    session = FakeSession(daemon)
    session.onecmd("open unix:///other.sock")
    assert session.options.serverurl == "unix:///other.sock"
    assert session.stdout.getvalue() == "unix:///other.sock no such file\n"
    assert session.exitstatus == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_every_action(shell: str) -> None:
    from supervisor.supervisorctl.table import COMMANDS

    lines, status = run(FakeDaemon(), f"completion {shell}")
    assert all(name in "\n".join(lines) for name in COMMANDS)
    assert status == 0


def test_the_plan_says_what_and_why(daemon: FakeDaemon) -> None:
    def group(name: str, action: str, *changes: dict[str, str]) -> dict[str, object]:
        return {"group": name, "action": action, "processes": [name], "changes": list(changes)}

    answer = [
        group("z", "removed"),
        group("a", "changed", {"process": "", "option": "priority", "old": "1", "new": "2"},
              {"process": "a", "option": "command", "old": "old\x1b", "new": "new"}),
        group("n", "added"), group("b", "unchanged"), group("c", "unchanged")]
    daemon.answers["planConfig", False] = daemon.answers["planConfig", True] = answer
    assert run(daemon, "plan") == (
        ["z: removed", "a: changed", "    priority: '1' -> '2'", "    a command: 'old\\x1b' -> 'new'", "n: added",
         "unchanged: b, c"], 2)
    lines, status = run(daemon, "plan --json --values")
    assert (json.loads("\n".join(lines)), status) == (answer, 2)
    daemon.answers["planConfig", False] = answer[3:]
    assert run(daemon, "plan") == (["No config updates to processes"], 0)
    daemon.answers["planConfig", False] = CallFault(Faults.CANT_REREAD, "CANT_REREAD: bad")
    assert run(daemon, "plan") == (["ERROR: CANT_REREAD: bad"], 1)
    daemon.answers["planConfig", False] = CallFault(Faults.UNKNOWN_METHOD, "UNKNOWN_METHOD")
    assert run(daemon, "plan") == (["ERROR: the remote supervisord is too old to plan"], 1)
