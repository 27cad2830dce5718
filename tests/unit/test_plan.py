"""The plan of an update: groups in force against the groups of a file."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.faults import Faults, RPCError
from supervisor.options import ServerOptions
from supervisor.rpcinterface import make_main_rpcinterface
from supervisor.rpcinterface.plan import plan
from supervisor.states import SupervisorStates

A = "[program:a]\ncommand=x\n"
LISTENER = "[eventlistener:l]\ncommand=x\nevents=TICK_5\n"
FCGI = "[fcgi-program:f]\ncommand=x\nsocket=tcp://localhost:1\n"

Planner = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def planned(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(tmp_path)

    def run(old: str, new: str, values: bool = False) -> list[dict[str, Any]]:
        options = []
        for body in (old, new):
            (tmp_path / "s.conf").write_text(f"[supervisord]\n{body}")
            options.append(ServerOptions())
            options[-1].realize(["-c", "s.conf"])
        return plan(options[0].process_group_configs, options[1].process_group_configs, values)

    return run


def changes(planned: Planner, old: str, new: str, values: bool = False) -> list[tuple[str, ...]]:
    [entry] = planned(old, new, values)
    assert entry["action"] == "changed"
    return [tuple(change[key] for key in ("process", "option", "old", "new")) for change in entry["changes"]]


def test_what_happens_to_each_group(planned: Planner) -> None:
    b, gone, new = (A.replace(":a", f":{name}") for name in ("b", "gone", "new"))
    before = A + b + gone + "numprocs=2\nprocess_name=%(process_num)d\n"
    after = A + b + "startsecs=5\n" + new
    assert [(entry["group"], entry["action"], entry["processes"]) for entry in planned(before, after)] == [
        ("gone", "removed", ["0", "1"]), ("b", "changed", ["b"]), ("new", "added", ["new"]), ("a", "unchanged", ["a"])]


@pytest.mark.parametrize(
    ("line", "option", "old", "new"),
    [("command=y", "command", "x", "y"), ("umask=7", "umask", "", "007"), ("user=0", "user", "", "0"),
     ("autorestart=true", "autorestart", "unexpected", "true"),
     ("autorestart=no", "autorestart", "unexpected", "false"),
     ("exitcodes=1,2", "exitcodes", "0", "1,2"), ("stopsignal=INT", "stopsignal", "TERM", "INT"),
     ("stdout_logfile=NONE", "stdout_logfile", "AUTO", "NONE"), ("autostart=0", "autostart", "true", "false"),
     ("serverurl=http://x", "serverurl", "", "http://x"), ("stopwaitsecs=9", "stopwaitsecs", "10", "9"),
     ("startretries=99999999999", "startretries", "3", "99999999999")])
def test_values_are_told_as_a_file_has_them(planned: Planner, line: str, option: str, old: str, new: str) -> None:
    assert ("a", option, old, new) in changes(planned, A, f"{A}{line}\n")


def test_environment_is_told_by_name_unless_asked(planned: Planner) -> None:
    old, new = A + "environment=SECRET=1,GONE=2,SAME=3\n", A + "environment=SAME=3,SECRET=4,NEW=5\n"
    assert changes(planned, old, new) == [
        ("a", "environment SECRET", "(not shown)", "(not shown)"), ("a", "environment GONE", "(not shown)", ""),
        ("a", "environment NEW", "", "(not shown)")]
    assert changes(planned, old, new, True) == [
        ("a", "environment SECRET", "1", "4"), ("a", "environment GONE", "2", ""), ("a", "environment NEW", "", "5")]


def test_processes_come_and_go(planned: Planner) -> None:
    two = A + "process_name=%(process_num)d\nnumprocs=2\n"
    assert changes(planned, two, two + "numprocs_start=1\n") == [
        ("a:0", "process", "there", ""), ("a:2", "process", "", "there")]
    group = A + A.replace(":a", ":b") + "[group:g]\npriority=1\nprograms="
    assert changes(planned, group + "a,b\n", group + "b,a\n") == [("", "order", "a,b", "b,a")]


@pytest.mark.parametrize(
    ("old", "line", "change"),
    [(LISTENER, "events=TICK_60,EVENT", ("", "events", "TICK_5", "EVENT,TICK_60")),
     (LISTENER, "buffer_size=3", ("", "buffer_size", "10", "3")),
     (LISTENER, "buffer_maxbytes=1KB", ("", "buffer_maxbytes", "67108864", "1024")),
     (LISTENER, "result_handler=os.path:join",
      ("", "result_handler", "supervisor.dispatchers.listener:default_handler", "posixpath:join")),
     (LISTENER, "restart_unknown=yes", ("", "restart_unknown", "false", "true")),
     (FCGI, "socket=tcp://localhost:2", ("f", "socket", "tcp://localhost:1", "tcp://localhost:2")),
     (FCGI, "socket_backlog=2", ("", "socket", "tcp://localhost:1", "tcp://localhost:1 backlog=2"))])
def test_options_of_other_kinds(planned: Planner, old: str, line: str, change: tuple[str, ...]) -> None:
    assert change in changes(planned, old, f"{old}{line}\n")


def test_another_kind_of_group(planned: Planner) -> None:
    assert changes(planned, A, FCGI.replace(":f", ":a"))[0] == ("", "kind", "program", "fcgi-program")


def test_the_daemon_keeps_what_it_read_last(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "s.conf"
    path.write_text(f"[supervisord]\n{A}")
    options = ServerOptions()
    options.realize(["-c", "s.conf"])
    options.mood = SupervisorStates.RUNNING
    groups = {group.name: SimpleNamespace(config=group) for group in options.process_group_configs}
    rpc = make_main_rpcinterface(SimpleNamespace(options=options, process_groups=groups))
    assert [entry["action"] for entry in rpc.planConfig()] == ["unchanged"]
    path.write_text("[supervisord]\n[program:b]\ncommand=x\n")
    before = dict(vars(options))
    assert [(entry["group"], entry["action"]) for entry in rpc.planConfig()] == [("a", "removed"), ("b", "added")]
    path.write_text("[supervisord]\nminfds=x\n[program:b]\n")
    with pytest.raises(RPCError) as refusal:
        rpc.planConfig()
    assert refusal.value.code == Faults.CANT_REREAD
    assert refusal.value.text.startswith("CANT_REREAD: invalid literal for int() with base 10: 'x'")
    assert vars(options) == before
