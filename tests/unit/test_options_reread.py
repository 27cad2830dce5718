"""Reading again: what changes, what does not, and what an unchanged file costs."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest

from supervisor.config.model import ProcessConfig
from supervisor.datatypes import Automatic
from supervisor.options import ServerOptions
from tests.fakes import FakeLog


class Site:
    """A configuration file and the options that were read from it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / "s.conf"
        self.options = ServerOptions()

    def write(self, body: str) -> None:
        self.path.write_text("[supervisord]\n" + body)

    def start(self, body: str) -> ServerOptions:
        self.write(body)
        self.options.realize(["-n", "-c", str(self.path)])
        self.options.logger = FakeLog()
        return self.options

    def reread(self, body: str) -> tuple[list[str], list[str], list[str]]:
        """(added, changed, removed) against what was in force."""
        active = {group.name: group for group in self.options.process_group_configs}
        self.write(body)
        self.options.process_config(do_usage=False)
        now = {group.name: group for group in self.options.process_group_configs}
        return (sorted(set(now) - set(active)), [name for name in now if name in active and now[name] != active[name]],
                sorted(set(active) - set(now)))


@pytest.fixture
def site(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    return Site(tmp_path)


A = "[program:a]\ncommand=x\n"


@pytest.mark.parametrize(
    "line",
    ["priority=5", "autostart=false", "autorestart=false", "startsecs=2", "startretries=4", "exitcodes=0,1",
     "stopsignal=INT", "stopwaitsecs=11", "stopasgroup=true", "killasgroup=true", "redirect_stderr=true", "umask=077",
     "directory=/", "environment=B=1", "serverurl=http://x", "user=root", "numprocs=0", "process_name=b",
     "stdout_logfile=NONE", "stdout_logfile=x", "stderr_logfile_backups=1", "stdout_logfile_maxbytes=1MB",
     "stdout_capture_maxbytes=1", "stderr_events_enabled=true", "stdout_syslog=true"])
def test_every_option_counts(site: Site, line: str) -> None:
    site.start(A)
    assert site.reread(f"{A}{line}\n") == ([], ["a"], [])
    assert site.reread(A) == ([], ["a"], [])


def test_comments_order_and_unknown_options_do_not_count(site: Site) -> None:
    site.start(A + "[program:b]\ncommand=y\n")
    assert site.reread("[program:b]\ncommand = y ; why\nunknown=1\n" + A) == ([], [], [])


def test_groups_come_and_go(site: Site) -> None:
    site.start(A)
    assert site.reread("[program:b]\ncommand=y\n") == (["b"], [], ["a"])


def test_listeners_and_sockets_count(site: Site) -> None:
    listener = "[eventlistener:l]\ncommand=x\nevents=TICK_5\n"
    fcgi = "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/s\n"
    site.start(listener + fcgi)
    for line in ("events=TICK_60", "buffer_size=11", "event_len=bytes", "restart_unknown=true", "result_maxbytes=9",
                 "buffer_maxbytes=1MB"):
        assert site.reread(f"{listener}{line}\n{fcgi}") == ([], ["l"], [])
        assert site.reread(listener + fcgi) == ([], ["l"], [])
    for line in ("socket=unix:///tmp/t", "socket_mode=0770", "socket_backlog=9"):
        assert site.reread(f"{listener}{fcgi}{line}\n") == ([], ["f"], [])
        assert site.reread(listener + fcgi) == ([], ["f"], [])


def test_automatic_logs_compare_as_configured(site: Site) -> None:
    options = site.start(f"childlogdir={site.path.parent}\n{A}")
    config = options.process_group_configs[0].process_configs[0]
    config.create_autochildlogs()
    path = config.stdout_logfile
    assert os.path.basename(path).startswith("a-stdout---supervisor-")
    assert os.stat(path).st_mode & 0o777 == 0o600
    config.create_autochildlogs()
    assert config.stdout_logfile == path
    assert site.reread(f"; more\n{A}") == ([], [], [])
    options.process_group_configs[0].process_configs[0].create_autochildlogs()
    assert site.reread(f"{A}stdout_logfile={path}\n") == ([], ["a"], [])
    assert site.reread(f"{A}") == ([], ["a"], [])


def test_a_broken_file_changes_nothing(site: Site) -> None:
    options = site.start(A)
    before = {name: value for name, value in vars(options).items() if name != "logger"}
    for text in ("minfds=x\n" + A, A + "startsecs=x\n", "foo\n", "user=nope\n", "[group:g]\nprograms=q\n"):
        site.write(text)
        with pytest.raises(ValueError):
            options.process_config(do_usage=False)
        assert {name: value for name, value in vars(options).items() if name != "logger"} == before
    site.path.unlink()
    with pytest.raises(ValueError, match="could not find config file"):
        options.process_config(do_usage=False)


def test_a_fault_has_no_names_of_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_NAME", "1")
    options = site.start(A)
    site.write("[program:a]\ncommand=%(nope)s\n[program:b]\ncommand=x\nstartsecs=x\n")
    with pytest.raises(ValueError) as refusal:
        options.process_config(do_usage=False)
    assert str(refusal.value) == (
        "Format string '%(nope)s' for 'program:a.command' contains names ('nope') which cannot be expanded. Available "
        f"names: group_name, here, host_node_name, numprocs, process_num, program_name in section 'program:a' "
        f"(file: '{site.path}')")


def test_a_reload_is_told_every_problem(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_NAME", "1")
    options = site.start(A)
    site.write("[program:a]\ncommand=%(nope)s\n[program:b]\nstartsecs=x\n")
    with pytest.raises(ValueError) as refusal:
        options.reread()
    lines = str(refusal.value).splitlines()
    assert "Available names: group_name, here" in lines[0]
    assert "SECRET_NAME" not in str(refusal.value)
    assert [line.split(" in section ")[0] for line in lines[1:]] == [
        "invalid literal for int() with base 10: 'x'", "program section program:b does not specify a command"]
    assert lines[1].endswith(", option startsecs, line 5")


def test_only_groups_change_and_the_rest_is_reported(site: Site) -> None:
    options = site.start("identifier=one\nlogfile=l1\n" + A)
    site.reread("identifier=two\nlogfile=l1\nstrange=1\n" + A)
    assert options.identifier == "one"
    assert options.logger.lines == [
        ("warn", f"{site.path}:4: [supervisord] strange: no such option"),
        ("warn", "[supervisord] identifier has changed; the new value needs a restart of supervisord")]
    site.options.process_config(do_usage=False)
    assert len(options.logger.lines) == 2
    site.reread("identifier=two\nlogfile=l1\nodd=1\n[include]\nfiles=*.ini\n[inet_http_server]\nport=1\n" + A)
    assert [line for _, line in options.logger.lines[2:]] == [
        f"{site.path}:4: [supervisord] odd: no such option",
        f'No file matches via include "{site.path.parent}/*.ini"',
        "[inet_http_server] has changed, which needs a restart of supervisord"]


def test_an_unchanged_file_is_not_read_again(site: Site) -> None:
    options = site.start(A)
    groups = options.process_group_configs
    options.process_config(do_usage=False)
    assert options.process_group_configs is groups


def test_what_counts_as_a_change_beside_the_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site.path.parent / "logs"
    folder.mkdir()
    options = site.start(f"[include]\nfiles=*.ini\n{A}stdout_logfile={folder}/x\n")

    def built() -> bool:
        before = options.process_group_configs
        options.process_config(do_usage=False)
        return options.process_group_configs is not before

    assert not built()
    (site.path.parent / "a.ini").write_text("")
    assert built()
    (site.path.parent / "a.ini").write_text("; more")
    assert built()
    monkeypatch.setenv("SOMETHING", "new")
    assert built()
    options.process_group_configs[0].process_configs[0].command = "other"
    assert built()
    options.process_group_configs[0].process_configs.append(
        ProcessConfig.made(options, {"name": "guest", "command": "x"}))
    assert built()
    assert not built()
    folder.rmdir()
    with pytest.raises(ValueError, match="does not exist"):
        options.process_config(do_usage=False)


def test_sections_pass_through_the_method_plugins_replace(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    options = site.start(A + "[eventlistener:l]\ncommand=x\nevents=TICK_5\n[group:g]\nprograms=b\n"
                         "[program:b]\ncommand=x\n[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/s\n")
    original = ServerOptions._processes_from_section
    seen = []

    def replaced(self: ServerOptions, parser: Any, section: str, group_name: str, klass: Any = None) -> Any:
        seen.append((section, group_name, klass.__name__, parser.saneget(section, "command")))
        return original(self, parser, section, group_name, klass)

    monkeypatch.setattr(ServerOptions, "_processes_from_section", replaced)
    options.process_config(do_usage=False)
    assert seen == [("program:b", "g", "ProcessConfig", "x"), ("program:a", "a", "ProcessConfig", "x"),
                    ("eventlistener:l", "l", "EventListenerConfig", "x"),
                    ("fcgi-program:f", "f", "FastCGIProcessConfig", "x")]


def test_plugins_read_sections_of_their_own(site: Site) -> None:
    from supervisor.options import UnhosedConfigParser
    options = site.start("environment=G=1\n")
    parser = UnhosedConfigParser()
    parser.add_section("program:new")
    parser.set("program:new", "command", "%(here)s %(ENV_G)s %(process_num)d")
    config = options.processes_from_section(parser, "program:new", "group")[0]
    assert config.command == f"{site.path.parent} 1 0"
    assert config.options is options
    parser.set("program:new", "startsecs", "x")
    with pytest.raises(ValueError, match="in section 'program:new'"):
        options.processes_from_section(parser, "program:new", "group")


def test_a_reload_starts_from_the_same_command_line(site: Site) -> None:
    options = site.start("identifier=one\nloglevel=info\nodd=1\n" + A)
    options.given["loglevel"] = 10
    site.write("identifier=two\nloglevel=error\nodd=1\n" + A)
    fresh = options.reread()
    assert (fresh.identifier, fresh.loglevel, fresh.first) == ("two", 10, False)
    assert fresh.parse_warnings == [f"{site.path}:4: [supervisord] odd: no such option"]
    assert options.identifier == "one"
    site.write("identifier=%(x\n")
    with pytest.raises(ValueError, match="badly formatted"):
        options.reread()


def test_configurations_made_by_hand() -> None:
    params: dict[str, Any] = dict.fromkeys(ProcessConfig.req_param_names)
    params.update(name="a", priority=1, exitcodes=[0], stdout_logfile=Automatic)
    config = ProcessConfig(None, **params)
    assert (config.startsecs, config.environment, config.autostart) == (None, None, None)
    with pytest.raises(KeyError, match="uid"):
        ProcessConfig(None, name="a")
    config.disabled = True  # type: ignore[attr-defined]
    assert not config.touched
    config.command = "more"
    assert config.touched
    assert "ProcessConfig" in repr(config) and "named a" in repr(config)


def test_child_logs_are_cleared_by_name(site: Site, tmp_path: pathlib.Path) -> None:
    options = site.start(f"childlogdir={tmp_path}\nidentifier=i.d\n")
    ours = ["a-stdout---i.d-abcd_123.log", "a b-stderr---i.d-abcd_123.log.2"]
    others = ["a-stdout---ixd-abcd_123.log", "notes---i.d-keep.log.bak.txt", "a-stdout---i.d-abcd_1234.log", "x.log"]
    for name in (*ours, *others):
        (tmp_path / name).touch()
    (tmp_path / "b-stdout---i.d-abcd_123.log").symlink_to(tmp_path / "x.log")
    options.clear_autochildlogdir()
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "b-stdout---i.d-abcd_123.log", "s.conf"])
