from __future__ import annotations

import errno
import os
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor import events
from supervisor.faults import Faults, RPCError
from supervisor.loggers import FileHandler
from supervisor.process.errors import BadCommand, NotFound
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface, make_allfunc, make_main_rpcinterface
from supervisor.rpcinterface.facts import describe
from supervisor.states import STOPPED_STATES, ProcessStates, SupervisorStates
from supervisor.xmlrpc import codec
from supervisor.xmlrpc.bounds import MAX_ANSWER
from supervisor.xmlrpc.deferred import NOT_DONE_YET, adopt
from supervisor.xmlrpc.handler import supervisor_xmlrpc_handler
from tests.fakes import FakeLog, fake_loop

S = ProcessStates


class FakeProcess:
    """A process whose life the test writes."""

    def __init__(self, name: str, priority: int = 999, **config: Any) -> None:
        self.config = SimpleNamespace(name=name, priority=priority, stdout_logfile=None, stderr_logfile=None, **config)
        self.state = S.STOPPED
        self.pid = 0
        self.killing = False
        self.laststart: float = 0
        self.laststop: float = 0
        self.spawnerr: str | None = None
        self.exitstatus: int | None = None
        self.dispatchers: dict[int, Any] = {}
        self.command_error: Exception | None = None
        self.pending = False
        self.refusal: str | None = None
        self.on_spawn: Callable[[], None] = lambda: self.change_state(S.STARTING)
        self.calls: list[Any] = []
        self.watchers: list[Any] = []
        self.write_error: OSError | None = None

    def change_state(self, state: int) -> None:
        self.state = state
        self.pid = 0 if state in STOPPED_STATES or state == S.BACKOFF else 7
        for tell in list(self.watchers):
            tell(self, state)

    def watch(self, callback: Any) -> None:
        self.watchers.append(callback)

    def unwatch(self, callback: Any) -> None:
        self.watchers.remove(callback)

    def get_state(self) -> int:
        return self.state

    def get_execv_args(self) -> None:
        if self.command_error:
            raise self.command_error

    def spawn(self) -> None:
        self.calls.append("spawn")
        self.on_spawn()

    def transition(self) -> None:
        self.calls.append("transition")

    def restart_pending(self) -> bool:
        return self.pending

    def stop(self) -> str | None:
        self.calls.append("stop")
        if self.refusal is None:
            self.change_state(S.STOPPED if self.pending else S.STOPPING)
        return self.refusal

    def stop_report(self) -> None:
        self.calls.append("report")

    def signal(self, number: int) -> str | None:
        self.calls.append(number)
        return self.refusal

    def removelogs(self) -> None:
        self.calls.append("removelogs")

    def write(self, data: bytes) -> None:
        if self.write_error:
            raise self.write_error
        self.calls.append(data)


class Scene:
    def __init__(self) -> None:
        self.loop, _, self.clock, _ = fake_loop()
        self.log = FakeLog()
        self.log.handlers = []  # type: ignore[attr-defined]
        self.options = SimpleNamespace(
            mood=SupervisorStates.RUNNING,
            identifier="me /x",
            logfile=None,
            logger=self.log,
            process_group_configs=[],
            process_config=lambda do_usage: None,
        )
        self.supervisord = SimpleNamespace(
            options=self.options,
            loop=self.loop,
            process_groups={},
            reap=lambda: None,
            diff_to_active=lambda: ([], [], []),
            add_process_group=lambda config: True,
            remove_process_group=lambda name: True,
            request_restart=self.request_restart,
        )
        self.broken = ""
        self.rpc: Any = SupervisorNamespaceRPCInterface(self.supervisord)

    def request_restart(self) -> None:
        if self.broken:
            raise ValueError(self.broken)
        self.options.mood = SupervisorStates.RESTARTING

    def group(self, name: str, *processes: FakeProcess, priority: int = 999) -> None:
        config = SimpleNamespace(name=name, priority=priority)
        self.supervisord.process_groups[name] = SimpleNamespace(
            config=config, processes={process.config.name: process for process in processes}
        )

    def program(self, name: str, **config: Any) -> FakeProcess:
        process = FakeProcess(name, **config)
        self.group(name, process)
        return process

    def wait(self, value: Any) -> Any:
        answer = adopt(self.loop, value)
        turns = 0
        while not answer.settled:
            self.loop.turn(0.1)
            turns += 1
            assert turns < 100
        return answer()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("supervisor.rpcinterface.batch._SLICE", 60)  # a busy machine cuts no call short
    return Scene()


@pytest.fixture(autouse=True)
def _no_subscribers() -> Iterator[None]:
    events.clear()
    yield
    events.clear()


def fault_of(function: Callable[..., Any], *args: Any) -> tuple[int, str]:
    with pytest.raises(RPCError) as caught:
        function(*args)
    return caught.value.code, caught.value.text


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", ":", "*", "nope", "g", "m", "g:x", " p", "p ", "P", "g::m", "g:m:x", "nope:*"])
def test_unknown_names_come_back_as_given(scene: Scene, name: str) -> None:
    scene.program("p")
    scene.group("g", FakeProcess("m"))
    assert fault_of(scene.rpc.getProcessInfo, name) == (Faults.BAD_NAME, f"BAD_NAME: {name}")


@pytest.mark.parametrize("name", ["g:*", "g:"])
def test_methods_for_one_process_take_no_group(scene: Scene, name: str) -> None:
    scene.group("g", FakeProcess("m"))
    for method, *args in (
        ("getProcessInfo",),
        ("clearProcessLogs",),
        ("readProcessStdoutLog", 0, 0),
        ("tailProcessStderrLog", 0, 0),
        ("sendProcessStdin", "x"),
    ):
        assert fault_of(getattr(scene.rpc, method), name, *args) == (Faults.BAD_NAME, f"BAD_NAME: {name}")


def test_names_of_other_types(scene: Scene) -> None:
    for method in (scene.rpc.getProcessInfo, scene.rpc.startProcess, scene.rpc.startProcessGroup):
        assert fault_of(method, 7) == (Faults.BAD_NAME, "BAD_NAME: 7")
        assert fault_of(method, True) == (Faults.BAD_NAME, "BAD_NAME: True")
        assert fault_of(method, None) == (Faults.BAD_NAME, "BAD_NAME")
        assert fault_of(method, [1]) == (Faults.INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS")
        assert fault_of(method, {}) == (Faults.INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS")
    assert fault_of(scene.rpc.addProcessGroup, [1]) == (Faults.BAD_NAME, "BAD_NAME: [1]")
    assert fault_of(scene.rpc.removeProcessGroup, "g:*") == (Faults.BAD_NAME, "BAD_NAME: g:*")


def test_orders(scene: Scene) -> None:
    scene.group("b", FakeProcess("z", 5), FakeProcess("y", 1), FakeProcess("x", 5), priority=1)
    scene.group("a", FakeProcess("q"), priority=2)
    scene.group("c", FakeProcess("r"), priority=1)
    names = lambda lexical: [p.config.name for _, p in scene.rpc._getAllProcesses(lexical=lexical)]
    assert names(False) == ["y", "z", "x", "r", "q"]
    assert names(True) == ["q", "x", "y", "z", "r"]


# --- the daemon ---------------------------------------------------------------------------------------------------


def test_about_the_daemon(scene: Scene) -> None:
    rpc = make_main_rpcinterface(scene.supervisord)
    assert rpc.getAPIVersion() == rpc.getVersion() == "3.0"
    assert rpc.getSupervisorVersion()
    assert rpc.getIdentification() == "me /x"
    assert rpc.getPID() == os.getpid()
    assert rpc.getState() == {"statecode": 1, "statename": "RUNNING"}


@pytest.mark.parametrize(
    ("method", "mood"), [("shutdown", SupervisorStates.SHUTDOWN), ("restart", SupervisorStates.RESTARTING)]
)
def test_going_down(scene: Scene, method: str, mood: int) -> None:
    assert getattr(scene.rpc, method)() is True
    assert scene.options.mood == mood
    for refused, *args in (
        ("getState",),
        ("shutdown",),
        ("getProcessInfo", "nope"),
        ("startAllProcesses",),
        ("clearLog",),
    ):
        assert fault_of(getattr(scene.rpc, refused), *args) == (Faults.SHUTDOWN_STATE, "SHUTDOWN_STATE")
    assert scene.rpc.sendRemoteCommEvent("a", "b") is True


def test_a_restart_with_a_broken_configuration_changes_nothing(scene: Scene) -> None:
    scene.broken = "bad"
    assert fault_of(scene.rpc.restart) == (Faults.CANT_REREAD, "CANT_REREAD: bad")
    assert scene.options.mood == SupervisorStates.RUNNING


def test_a_group_that_cannot_be_made_is_a_fault(scene: Scene) -> None:
    def add(config: object) -> bool:
        raise ValueError("no socket")

    scene.supervisord.add_process_group = add
    scene.options.process_group_configs.append(SimpleNamespace(name="g"))
    assert fault_of(scene.rpc.addProcessGroup, "g") == (Faults.FAILED, "FAILED: no socket")


def test_activity_log(scene: Scene, tmp_path: Path) -> None:
    assert fault_of(scene.rpc.readLog, 0, 0) == (Faults.NO_FILE, "NO_FILE")
    path = tmp_path / "log"
    scene.options.logfile = str(path)
    assert fault_of(scene.rpc.readLog, 0, 0) == (Faults.NO_FILE, f"NO_FILE: {path}")
    assert fault_of(scene.rpc.clearLog) == (Faults.NO_FILE, "NO_FILE")
    path.write_bytes(b"0123\xff")
    assert scene.rpc.readLog("1", 2.9) == "12"
    assert scene.rpc.readMainLog(True, 0) == "123\ufffd"
    assert fault_of(scene.rpc.readLog, "a", 0) == (Faults.INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS")
    assert fault_of(scene.rpc.readLog, [], float("inf"))[0] == Faults.INCORRECT_PARAMETERS
    assert fault_of(scene.rpc.readLog, -1, 1) == (Faults.BAD_ARGUMENTS, "BAD_ARGUMENTS")
    reopened: list[bool] = []
    scene.log.handlers = [  # type: ignore[attr-defined]
        SimpleNamespace(reopen=lambda: reopened.append(path.exists())),
        SimpleNamespace(),
    ]
    assert scene.rpc.clearLog() is True
    assert reopened == [False]
    assert scene.log.lines == [("info", "reopening log file")]
    scene.options.logfile = "/dev/null"
    assert scene.rpc.readLog(0, 0) == ""
    assert scene.rpc.clearLog() is True
    assert os.path.exists("/dev/null")
    scene.options.logfile = object
    assert fault_of(scene.rpc.readLog, 0, 0) == (Faults.NO_FILE, "NO_FILE: syslog")


@pytest.mark.parametrize("behind", ["file", "descriptor"])
def test_a_link_to_the_activity_log_stays(scene: Scene, tmp_path: Path, behind: str) -> None:
    """As /dev/stdout is one, also where standard output goes to a file."""
    place, link = tmp_path / "place", tmp_path / "link"
    with open(place, "wb") as out:
        target = str(place) if behind == "file" else f"/proc/self/fd/{out.fileno()}"
        link.symlink_to(target)
        handler = FileHandler(str(link))
        scene.log.handlers = [handler]  # type: ignore[attr-defined]
        scene.options.logfile = str(link)
        handler.stream.write(b"old\n")
        assert scene.rpc.clearLog() is True
        handler.stream.write(b"new\n")
        handler.close()
    assert os.readlink(link) == target
    assert place.read_bytes() == (b"new\n" if behind == "file" else b"old\nnew\n")


def test_reload_config(scene: Scene) -> None:
    named = lambda *names: [SimpleNamespace(name=name) for name in names]
    scene.supervisord.diff_to_active = lambda: (named("a", "b"), named("c"), [])
    assert scene.rpc.reloadConfig() == [[["a", "b"], ["c"], []]]

    def broken(do_usage: bool) -> None:
        raise ValueError("line 3: no")

    scene.options.process_config = broken
    assert fault_of(scene.rpc.reloadConfig) == (Faults.CANT_REREAD, "CANT_REREAD: line 3: no")


def test_groups_are_added_and_removed(scene: Scene) -> None:
    scene.options.process_group_configs = [SimpleNamespace(name="new")]
    assert scene.rpc.addProcessGroup("new") is True
    scene.supervisord.add_process_group = lambda config: False
    assert fault_of(scene.rpc.addProcessGroup, "new") == (Faults.ALREADY_ADDED, "ALREADY_ADDED: new")
    scene.program("p")
    assert scene.rpc.removeProcessGroup("p") is True
    scene.supervisord.remove_process_group = lambda name: False
    assert fault_of(scene.rpc.removeProcessGroup, "p") == (Faults.STILL_RUNNING, "STILL_RUNNING: p")


def test_remote_events(scene: Scene) -> None:
    seen: list[Any] = []
    events.subscribe(events.RemoteCommunicationEvent, seen.append)
    scene.rpc.sendRemoteCommEvent("kind", {"a": 2})
    scene.rpc.sendRemoteCommEvent(True, [1, "a"])
    assert [event.payload() for event in seen] == ["type:kind\n{'a': 2}", "type:True\n[1, 'a']"]


# --- starting -----------------------------------------------------------------------------------------------------


def test_start_waits_until_it_runs(scene: Scene) -> None:
    p = scene.program("p")
    answer = scene.rpc.startProcess("p")
    assert p.calls == ["spawn", "transition"]
    assert answer() is NOT_DONE_YET
    p.change_state(S.RUNNING)
    assert answer() is True
    assert p.watchers == []


def test_start_without_waiting(scene: Scene) -> None:
    p = scene.program("p")
    assert scene.rpc.startProcess("p", False) is True
    assert fault_of(scene.rpc.startProcess, "p", 0) == (Faults.ALREADY_STARTED, "ALREADY_STARTED: p")
    assert p.watchers == []


def test_start_that_is_done_at_once(scene: Scene) -> None:
    p = scene.program("p")
    p.on_spawn = lambda: p.change_state(S.RUNNING)
    assert scene.rpc.startProcess("p:p", "no") is True


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (NotFound("can't find command 'x'"), (Faults.NO_FILE, "NO_FILE: can't find command 'x'")),
        (BadCommand("command is empty"), (Faults.NOT_EXECUTABLE, "NOT_EXECUTABLE: command is empty")),
    ],
)
def test_commands_that_cannot_run_are_refused_before_anything_changes(
    scene: Scene, error: Exception, fault: Any
) -> None:
    p = scene.program("p")
    p.command_error = error
    assert fault_of(scene.rpc.startProcess, "p") == fault
    assert p.calls == []


def test_start_in_states_that_know_no_start(scene: Scene) -> None:
    p = scene.program("p")
    p.state = S.UNKNOWN
    assert fault_of(scene.rpc.startProcess, "p") == (Faults.FAILED, "FAILED: p is in an unknown process state")
    p.state = S.STOPPING
    p.on_spawn = lambda: None
    for wait in (True, False):
        assert fault_of(scene.rpc.startProcess, "p", wait) == (Faults.ABNORMAL_TERMINATION, "ABNORMAL_TERMINATION: p")
    assert p.calls.count("spawn") == 2


def test_start_that_fails_at_once(scene: Scene) -> None:
    p = scene.program("p")

    def fail() -> None:
        p.spawnerr = "no"
        p.change_state(S.BACKOFF)

    p.on_spawn = fail
    assert fault_of(scene.rpc.startProcess, "p", False) == (Faults.SPAWN_ERROR, "SPAWN_ERROR: p")


@pytest.mark.parametrize(
    ("spawnerr", "state", "code"),
    [
        ("Exited too quickly", S.BACKOFF, Faults.SPAWN_ERROR),
        (None, S.STOPPING, Faults.ABNORMAL_TERMINATION),
        (None, S.STOPPED, Faults.ABNORMAL_TERMINATION),
    ],
)
def test_start_that_fails_later(scene: Scene, spawnerr: str | None, state: int, code: int) -> None:
    p = scene.program("p")
    answer = scene.rpc.startProcess("p")
    p.spawnerr = spawnerr
    p.change_state(state)
    assert fault_of(answer)[0] == code
    assert p.watchers == []


def test_a_spawn_that_a_plugin_put_off(scene: Scene) -> None:
    p = scene.program("p")
    p.on_spawn = lambda: None
    assert scene.rpc.startProcess("p", False) is True
    assert fault_of(scene.rpc.startProcess("p"))[0] == Faults.ABNORMAL_TERMINATION


# --- stopping and signals -----------------------------------------------------------------------------------------


def test_stop_waits_and_tells_the_log_now_and_then(scene: Scene) -> None:
    p = scene.program("p")
    p.change_state(S.RUNNING)
    answer = adopt(scene.loop, scene.rpc.stopProcess("p"))
    assert p.calls == ["stop", "report"]
    scene.loop.turn()
    scene.loop.turn()
    assert p.calls == ["stop", "report", "report", "report"]
    p.change_state(S.STOPPED)
    assert answer() is True
    assert p.watchers == []
    scene.loop.turn(10)
    assert len(p.calls) == 4


def test_stop_that_is_polled(scene: Scene) -> None:
    p = scene.program("p")
    p.change_state(S.RUNNING)
    answer = scene.rpc.stopProcess("p")
    assert answer() is NOT_DONE_YET
    assert p.calls == ["stop", "report"]
    p.change_state(S.STOPPED)
    assert answer() is True


def test_stop_without_waiting(scene: Scene) -> None:
    p = scene.program("p")
    p.change_state(S.STARTING)
    assert scene.rpc.stopProcess("p", False) is True
    assert fault_of(scene.rpc.stopProcess, "p") == (Faults.NOT_RUNNING, "NOT_RUNNING: p")


def test_stop_of_what_is_about_to_be_restarted(scene: Scene) -> None:
    p = scene.program("p")
    p.state = S.EXITED
    assert fault_of(scene.rpc.stopProcess, "p")[0] == Faults.NOT_RUNNING
    p.pending = True
    assert scene.rpc.stopProcess("p") is True


def test_stop_that_fails(scene: Scene) -> None:
    p = scene.program("p")
    p.change_state(S.RUNNING)
    p.refusal = "no permission"
    assert fault_of(scene.rpc.stopProcess, "p") == (Faults.FAILED, "FAILED: no permission")


@pytest.mark.parametrize("signal", ["HUP", "sighup", " Hup ", 1, "1", 1.0, True])
def test_signals(scene: Scene, signal: Any) -> None:
    p = scene.program("p")
    p.change_state(S.STOPPING)
    assert scene.rpc.signalProcess("p", signal) is True
    assert p.calls == [1]


def test_signal_faults_in_order(scene: Scene) -> None:
    p = scene.program("p")
    assert fault_of(scene.rpc.signalProcess, "nope", "nope") == (Faults.BAD_NAME, "BAD_NAME: nope")
    for bad in ("nope", "", "SIG", -1, 4711, "1.5"):
        assert fault_of(scene.rpc.signalProcess, "p", bad) == (Faults.BAD_SIGNAL, f"BAD_SIGNAL: {bad}")
    for wrong in (None, [], {}):
        assert fault_of(scene.rpc.signalProcess, "p", wrong)[0] == Faults.INCORRECT_PARAMETERS
    assert fault_of(scene.rpc.signalProcess, "p", "HUP") == (Faults.NOT_RUNNING, "NOT_RUNNING: p")
    p.change_state(S.RUNNING)
    p.refusal = "x"
    assert fault_of(scene.rpc.signalProcess, "p", 0) == (Faults.FAILED, "FAILED: x")


# --- groups and all -----------------------------------------------------------------------------------------------


def result(name: str, group: str, status: int = 80, description: str = "OK") -> dict[str, Any]:
    return {"name": name, "group": group, "status": status, "description": description}


def test_a_group_is_started_by_priority_and_answers_as_it_comes_up(scene: Scene) -> None:
    a, b, c, d = FakeProcess("a", 3), FakeProcess("b", 2), FakeProcess("c", 1), FakeProcess("d", 0)
    c.command_error = NotFound("gone")
    d.state = S.RUNNING
    scene.group("g", a, b, c, d)
    for start in (lambda: scene.rpc.startProcessGroup("g"), lambda: scene.rpc.startProcess("g:*", True)):
        answer = adopt(scene.loop, start())
        assert [a.calls, b.calls, d.calls] == [["spawn", "transition"], ["spawn", "transition"], []]
        a.change_state(S.RUNNING)
        assert answer() is NOT_DONE_YET
        scene.loop.turn(0)
        b.spawnerr = "x"
        b.change_state(S.BACKOFF)
        scene.loop.turn(0)
        assert answer() == [
            result("c", "g", Faults.NO_FILE, "NO_FILE: gone"),
            result("a", "g"),
            result("b", "g", Faults.SPAWN_ERROR, "SPAWN_ERROR: g:b"),
        ]
        for process in (a, b):
            process.spawnerr = None
            process.change_state(S.STOPPED)
            process.calls.clear()


def test_nothing_to_do_is_an_empty_array(scene: Scene) -> None:
    scene.program("p")
    assert scene.wait(scene.rpc.stopAllProcesses()) == []
    assert scene.rpc.stopProcessGroup("p")() == []
    assert scene.rpc.signalAllProcesses("HUP") == []


def test_all_without_waiting(scene: Scene) -> None:
    scene.program("q")
    scene.program("p")
    assert scene.wait(scene.rpc.startAllProcesses(False)) == [result("q", "q"), result("p", "p")]
    assert scene.wait(scene.rpc.stopAllProcesses(False)) == [result("q", "q"), result("p", "p")]


def test_start_process_of_a_plugin_is_used_for_groups_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.program("p")
    polls: list[str] = []

    def start(self: Any, name: str, wait: bool = True) -> Any:
        def function() -> Any:
            polls.append(name)
            return "whatever" if len(polls) == 3 else NOT_DONE_YET

        return function

    monkeypatch.setattr(SupervisorNamespaceRPCInterface, "startProcess", start)
    assert scene.wait(scene.rpc.startAllProcesses()) == [result("p", "p")]
    assert polls == ["p", "p", "p"]


def test_signals_to_many(scene: Scene) -> None:
    a, b = FakeProcess("a"), FakeProcess("b")
    a.change_state(S.RUNNING)
    scene.group("g", a, b)
    assert scene.rpc.signalProcessGroup("g", "HUP") == [result("a", "g")]
    assert scene.rpc.signalProcess("g:*", "HUP") == [result("a", "g")]
    assert scene.rpc.signalAllProcesses("nope") == [result("a", "g", Faults.BAD_SIGNAL, "BAD_SIGNAL: nope")]
    assert a.calls == [1, 1]


def test_a_wrong_signal_is_told_for_each_and_found_out_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [FakeProcess(name) for name in "abc"]
    for process in processes[:2]:
        process.change_state(S.RUNNING)
    scene.group("g", *processes)
    monkeypatch.setattr(scene.rpc, "signalProcess", None)  # no process is touched
    wrong = "x" * 100_000
    told = [result(name, "g", Faults.BAD_SIGNAL, f"BAD_SIGNAL: {wrong}") for name in "ab"]
    assert scene.rpc.signalProcessGroup("g", wrong) == scene.rpc.signalAllProcesses(wrong) == told
    assert [one["status"] for one in scene.rpc.signalAllProcesses([])] == [Faults.INCORRECT_PARAMETERS] * 2
    for one in scene.rpc.signalAllProcesses("&" * MAX_ANSWER):
        text = one["description"]
        assert text.startswith("BAD_SIGNAL: &&") and text.endswith("&...")
        assert MAX_ANSWER // 11 < len(text) < MAX_ANSWER // 10 + 20  # two of them, five bytes a character


def test_a_signal_amid_megabytes_of_blanks_is_read_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    p = scene.program("p")
    p.change_state(S.RUNNING)
    told: list[object] = []
    monkeypatch.setattr(scene.rpc, "signalProcess", lambda name, signal: told.append((name, signal)))
    assert scene.rpc.signalAllProcesses(" " * 1000 + "hup ") == [result("p", "p")]
    assert told == [("p", "hup")]


def test_many_processes_are_gone_through_in_slices(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.rpcinterface.batch._SLICE", -1)
    scene.group("g", *[FakeProcess(f"p{n}") for n in range(5)])
    answer = adopt(scene.loop, scene.rpc.startProcessGroup("g", False))
    assert not answer.settled
    assert [item["name"] for item in scene.wait(answer)] == [f"p{n}" for n in range(5)]


def test_ends_of_one_turn_stand_in_the_order_in_which_they_were_asked_for(scene: Scene) -> None:
    members = [FakeProcess(name, number) for number, name in enumerate("dcba")]
    for each in members:
        each.state = S.RUNNING
    scene.group("g", *members)
    answer = adopt(scene.loop, scene.rpc.stopProcessGroup("g"))
    members[2].change_state(S.STOPPED)
    scene.loop.turn(0)
    for each in (members[3], members[1], members[0]):
        each.change_state(S.STOPPED)
    assert answer() is NOT_DONE_YET
    scene.loop.turn(0)
    assert [outcome["name"] for outcome in answer()] == ["b", "d", "c", "a"]


def test_all_members_are_told_before_the_first_is_waited_for(scene: Scene) -> None:
    members = [FakeProcess(name) for name in "ab"]
    for each in members:
        each.state = S.RUNNING
        each.stop = lambda name=each.config.name: scene.log.debug(f"killing {name}")  # type: ignore[method-assign]
        each.stop_report = lambda name=each.config.name: scene.log.info(f"waiting for {name} to stop")
    scene.group("g", *members)
    adopt(scene.loop, scene.rpc.stopProcessGroup("g"))
    assert scene.log.texts == ["killing a", "killing b", "waiting for a to stop", "waiting for b to stop"]


def test_make_allfunc_can_be_polled_by_plugins(scene: Scene) -> None:
    p = scene.program("p")
    done: list[int] = []
    group = scene.supervisord.process_groups["p"]

    def work(name: str, extra: int) -> Any:
        assert (name, extra) == ("p", 5)
        return lambda: 1 if done else NOT_DONE_YET

    function = make_allfunc([(group, p)], lambda process: True, work, extra=5)
    assert [function(), function()] == [NOT_DONE_YET, NOT_DONE_YET]
    done.append(1)
    assert function() == [result("p", "p")]


def test_an_exception_of_a_plugin_fails_the_whole_call(scene: Scene) -> None:
    p = scene.program("p")
    group = scene.supervisord.process_groups["p"]

    def boom(name: str) -> Any:
        raise KeyError(name)

    answer = adopt(scene.loop, make_allfunc([(group, p)], lambda process: True, boom))
    with pytest.raises(KeyError):
        answer()


# --- information --------------------------------------------------------------------------------------------------


def test_process_info(scene: Scene) -> None:
    p = scene.program("p")
    p.config.stdout_logfile = "/o"
    p.config.stderr_logfile = object
    p.change_state(S.RUNNING)
    p.laststart = scene.clock.wall() - 3661.5
    p.laststop = 2.0**40
    now = int(scene.clock.wall())
    assert scene.rpc.getProcessInfo("p") == {
        "name": "p",
        "group": "p",
        "start": now - 3662,
        "stop": 2**31 - 1,
        "now": now,
        "state": 20,
        "statename": "RUNNING",
        "spawnerr": "",
        "exitstatus": 0,
        "logfile": "/o",
        "stdout_logfile": "/o",
        "stderr_logfile": "",
        "pid": 7,
        "description": "pid 7, uptime 1:01:02",
    }
    assert scene.rpc.getAllProcessInfo() == [scene.rpc.getProcessInfo("p")]


def test_process_info_written_at_once_is_the_same_struct(scene: Scene) -> None:
    handler = supervisor_xmlrpc_handler(scene.supervisord, [("supervisor", scene.rpc)])

    def read(method: str, *params: Any) -> Any:
        value = handler.call(f"supervisor.{method}", params)
        assert isinstance(value, codec.Marshalled)  # else this test compares a struct with itself
        return xmlrpc.client.loads(codec.dumps_response(value))[0][0]

    first, second = FakeProcess("a&b"), FakeProcess("<c>")
    first.spawnerr, first.exitstatus, first.laststop = "no such file: \u20ac", 3, 2.0**40
    second.config.stdout_logfile, second.config.stderr_logfile = "/o", object
    scene.group("g", first, second)
    many = [FakeProcess(f"p{number:04d}") for number in range(600)]  # several pieces
    many[300].change_state(S.RUNNING)
    scene.group("many", *many)
    for name in ("g:a&b", "g:<c>", "many:p0300"):
        assert read("getProcessInfo", name) == scene.rpc.getProcessInfo(name)
    assert read("getAllProcessInfo") == scene.rpc.getAllProcessInfo()
    # What a plugin puts there is carried all the same.
    first.exitstatus, second.spawnerr = 2.5, 7  # type: ignore[assignment]
    infos = read("getAllProcessInfo")
    assert [info["exitstatus"] for info in infos[:2]] == [0, 2.5] and infos[0]["spawnerr"] == 7
    with pytest.raises(RPCError, match="BAD_NAME: x"):
        read("getProcessInfo", "x")


def test_a_replaced_method_is_asked(scene: Scene) -> None:
    class Other(SupervisorNamespaceRPCInterface):
        def getAllProcessInfo(self) -> Any:
            return super().getAllProcessInfo()[:1]

    scene.group("g", FakeProcess("a"), FakeProcess("b"))
    handler = supervisor_xmlrpc_handler(scene.supervisord, [("supervisor", Other(scene.supervisord))])
    assert [info["name"] for info in handler.call("supervisor.getAllProcessInfo", ())] == ["a"]


def test_all_process_info_is_in_lexical_order(scene: Scene) -> None:
    scene.group("b", FakeProcess("x"), FakeProcess("a"), priority=1)
    scene.group("a", FakeProcess("z"), priority=2)
    infos = scene.rpc.getAllProcessInfo()
    assert [(info["group"], info["name"]) for info in infos] == [("a", "z"), ("b", "a"), ("b", "x")]


@pytest.mark.parametrize(
    ("state", "start", "spawnerr", "text"),
    [
        (S.RUNNING, 100, "", "pid 5, uptime 1 day, 0:00:01"),
        (S.RUNNING, -90000, "", "pid 5, uptime 2 days, 1:01:41"),
        (S.RUNNING, 10**6, "", "pid 5, uptime 0:00:00"),
        (S.FATAL, 1, "why", "why"),
        (S.BACKOFF, 1, "", 'unknown error (try "tail p")'),
        (S.STOPPED, 0, "why", "Not started"),
        (S.EXITED, 1, "", time.strftime("%b %d %I:%M %p", time.localtime(3))),
        (S.STARTING, 1, "why", ""),
        (S.STOPPING, 1, "", ""),
        (S.UNKNOWN, 1, "", ""),
    ],
)
def test_descriptions(state: int, start: int, spawnerr: str, text: str) -> None:
    assert describe("p", state, 5, start, 3, 86501, spawnerr) == text


# --- logs and standard input --------------------------------------------------------------------------------------


def test_reading_logs(scene: Scene, tmp_path: Path) -> None:
    p = scene.program("p")
    assert fault_of(scene.rpc.readProcessStdoutLog, "p", 0, 0) == (Faults.NO_FILE, "NO_FILE")
    assert scene.rpc.tailProcessStdoutLog("p", 3, 5) == ["", 0, False]
    p.config.stdout_logfile = ""  # an option without a value
    assert fault_of(scene.rpc.readProcessStdoutLog, "p", 0, 0) == (Faults.NO_FILE, "NO_FILE: ")
    assert scene.rpc.tailProcessStdoutLog("p", 3, 5) == ["", 0, False] and scene.rpc.clearProcessLogs("p") is True
    path = tmp_path / "out"
    p.config.stdout_logfile = p.config.stderr_logfile = str(path)
    assert fault_of(scene.rpc.readProcessStderrLog, "p", 0, 0) == (Faults.NO_FILE, f"NO_FILE: {path}")
    assert scene.rpc.tailProcessStderrLog("p", 3, 5) == ["", 0, False]
    path.write_text("0123456789")
    assert scene.rpc.readProcessLog("p", "2", 3) == "234"
    assert scene.rpc.tailProcessLog("p", 0, 4) == ["6789", 10, True]
    assert fault_of(scene.rpc.tailProcessLog, "p", "x", 4)[0] == Faults.INCORRECT_PARAMETERS
    assert fault_of(scene.rpc.readProcessLog, "p", 0, -1) == (Faults.BAD_ARGUMENTS, "BAD_ARGUMENTS")
    p.config.stdout_logfile = str(tmp_path)
    assert fault_of(scene.rpc.readProcessLog, "p", 0, 0) == (Faults.FAILED, "FAILED")


def test_clearing_logs(scene: Scene, tmp_path: Path) -> None:
    p = scene.program("p")
    path, link, backup = tmp_path / "out", tmp_path / "err", tmp_path / "out.1"
    path.write_text("x")
    backup.write_text("x")
    path.chmod(0o600)
    link.symlink_to(backup)
    p.config.stdout_logfile, p.config.stderr_logfile = str(path), str(link)
    assert scene.rpc.clearProcessLogs("p") is True
    assert (path.read_text(), path.stat().st_mode & 0o777, backup.read_text()) == ("", 0o600, "x")
    path.unlink()
    assert scene.rpc.clearProcessLog("p") is True
    assert not path.exists()
    assert p.calls == []
    p.dispatchers = {1: object()}
    assert scene.wait(scene.rpc.clearAllProcessLogs()) == [result("p", "p")]
    assert p.calls == ["removelogs"]

    def fail() -> None:
        raise OSError("disk")

    p.removelogs = fail  # type: ignore[method-assign]
    assert fault_of(scene.rpc.clearProcessLogs, "p") == (Faults.FAILED, "FAILED: p")


def test_standard_input(scene: Scene) -> None:
    p = scene.program("p")
    p.change_state(S.RUNNING)
    assert scene.rpc.sendProcessStdin("p", "é\n") is True
    assert p.calls == ["é\n".encode()]
    assert fault_of(scene.rpc.sendProcessStdin, "nope", 5) == (
        Faults.INCORRECT_PARAMETERS,
        "INCORRECT_PARAMETERS: 5",
    )
    assert fault_of(scene.rpc.sendProcessStdin, "p", None) == (Faults.INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS")
    p.write_error = OSError(errno.EPIPE, "closed")
    assert fault_of(scene.rpc.sendProcessStdin, "p", "x") == (Faults.NO_FILE, "NO_FILE: p")
    p.write_error = OSError(errno.ENOBUFS, "too much")
    assert fault_of(scene.rpc.sendProcessStdin, "p", "x") == (Faults.FAILED, "FAILED: p: too much")
    p.killing = True
    assert fault_of(scene.rpc.sendProcessStdin, "p", "x") == (Faults.NOT_RUNNING, "NOT_RUNNING: p")
