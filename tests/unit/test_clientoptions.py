"""ClientOptions: command line, environment, file, default; and how little it loads."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from supervisor.clientoptions import ClientOptions

Start = Callable[..., ClientOptions]
CONF = "[supervisorctl]\nserverurl=unix://%(here)s/../s.sock\nusername=file\npassword=x\nprompt=p\nhistory_file=~/h\n"


@pytest.fixture
def start(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "supervisorctl")])
    for name in list(os.environ):
        if name.startswith("SUPERVISORCTL_"):
            monkeypatch.delenv(name)

    def run(*args: object, conf: str | None = CONF) -> ClientOptions:
        if conf is not None:
            (tmp_path / "c.conf").write_text(conf)
            args = ("-c", tmp_path / "c.conf", *args)
        options = ClientOptions()
        options.searchpaths = [path for path in options.searchpaths if not path.startswith("/etc")]
        options.realize(args, progname="supervisorctl")
        return options

    return run


def test_from_the_file(start: Start, tmp_path: pathlib.Path) -> None:
    options = start("status", "a", "-x")
    assert options.serverurl == f"unix://{tmp_path.parent}/s.sock"
    assert (options.username, options.password, options.prompt) == ("file", "x", "p")
    assert options.history_file == os.path.expanduser("~/h")
    assert (options.args, options.interactive) == (["status", "a", "-x"], 0)


def test_without_a_file(start: Start) -> None:
    options = start(conf=None)
    assert (options.serverurl, options.username, options.prompt, options.history_file, options.interactive) == (
        "http://localhost:9001", None, "supervisor", None, 1)


def test_command_line_over_environment_over_file(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISORCTL_USERNAME", "env")
    monkeypatch.setenv("SUPERVISORCTL_PASSWORD", "env")
    monkeypatch.setenv("SUPERVISORCTL_SERVERURL", "http://env:1")
    options = start("-u", "line", "-i", "version")
    assert (options.username, options.password, options.serverurl) == ("line", "env", "http://env:1")
    assert options.interactive == 1


def test_the_file_named_by_the_environment(start: Start, monkeypatch: pytest.MonkeyPatch,
                                           tmp_path: pathlib.Path) -> None:
    (tmp_path / "other.conf").write_text("[supervisorctl]\nprompt=other\n")
    monkeypatch.setenv("SUPERVISORCTL_CONFIG", str(tmp_path / "other.conf"))
    assert start("help", conf=None).prompt == "other"


def test_a_password_from_a_file(start: Start, tmp_path: pathlib.Path) -> None:
    (tmp_path / "pw").write_text("secret\nmore\n")
    assert start("--password-file", tmp_path / "pw", "help").password == "secret"


@pytest.mark.parametrize("switch", ["-r", "--history_file", "--history-file", "--hist"])
def test_the_history_file_is_spelled_either_way(start: Start, switch: str, tmp_path: pathlib.Path) -> None:
    assert start(switch, "hist", "help").history_file == str(tmp_path / "hist")


@pytest.mark.parametrize(
    ("args", "conf", "message"),
    [
        (["-x"], CONF, "option -x not recognized"),
        (["-v"], CONF, "option -v not recognized"),
        (["-s", "foo"], CONF, "invalid value for -s 'foo': value 'foo' is not a URL"),
        (["-u", "a", "--username=b"], CONF, "conflicting command line option '--username'"),
        ([], "[x]\n", ".ini file does not include supervisorctl section"),
        ([], "[supervisorctl]\nfoo\n", "Source contains parsing errors: "),
        ([], "foo\n", "File contains no section headers."),
        ([], "[supervisorctl]\nusername=%(nope)s\n", "Format string '%(nope)s' for 'supervisorctl.username'"),
        ([], CONF + "[ctlplugin:x]\n", "section [ctlplugin:x] does not specify a supervisor.ctl_factory"),
        ([], CONF + "[ctlplugin:x]\nsupervisor.ctl_factory=os:nope\n",
         "os:nope cannot be resolved within [ctlplugin:x]: module 'os' has no attribute 'nope'"),
        (["--password-file", "nope"], CONF, "could not read password file nope: No such file or directory"),
        (["-c", "nope"], None, "could not find config file nope"),
        (["-c", "."], None, "could not read config file ."),
    ],
)
def test_refusals(start: Start, capsys: pytest.CaptureFixture[str], args: list[str], conf: str | None,
                  message: str) -> None:
    with pytest.raises(SystemExit) as end:
        start(*args, conf=conf)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.startswith(f"Error: {message}")
    assert said.endswith("For help, use supervisorctl -h\n")


def test_the_section_may_be_missing_when_the_server_is_given(start: Start) -> None:
    assert start("-s", "http://h:1", "help", conf="[supervisord]\n").serverurl == "http://h:1"


def test_a_url_of_the_file_is_checked_when_it_is_used(start: Start) -> None:
    assert start("help", conf="[supervisorctl]\nserverurl=foo\n").serverurl == "foo"


def test_plugins(start: Start) -> None:
    options = start("help", conf=CONF + "[ctlplugin:x]\nsupervisor.ctl_factory=os:path.join\nKey=%%v\n")
    names = [(name, values) for name, _, values in options.plugin_factories]
    assert names == [("default", {}), ("x", {"key": "%v"})]
    options.plugin_factories.append(("more", None, {}))
    assert len(options.plugin_factories) == 3


def test_short_forms_are_as_short_as_they_were(start: Start) -> None:
    assert start("--pass", "x", "--user=u", "status").password == "x"
    assert start("--p=x", "status").password == "x"


@pytest.mark.parametrize("switch", ["-h", "-?", "--help", "--he"])
def test_help_layout(start: Start, capsys: pytest.CaptureFixture[str], switch: str) -> None:
    with pytest.raises(SystemExit) as end:
        start(switch)
    assert end.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[2] == "Usage: supervisorctl [options] [action [arguments]]"
    entries = [line.partition(" -- ")[0] for line in lines if line.startswith("-") and " -- " in line]
    assert entries == ["-c/--configuration FILENAME", "-h/--help", "-i/--interactive", "-s/--serverurl URL",
                       "-u/--username USERNAME", "-p/--password PASSWORD", "-r/--history-file"]
    assert len(lines) > 15


def test_version(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        start("--version")
    assert end.value.code == 0
    assert capsys.readouterr().out.count(".") == 2


def test_it_loads_next_to_nothing() -> None:
    program = ("import sys; before = set(sys.modules); import supervisor.clientoptions as c; "
               "o = c.ClientOptions(); o.realize(['-s', 'http://h', 'help']); print(*set(sys.modules) - before)")
    loaded = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True,
                            env={"PYTHONPATH": os.pathsep.join(sys.path)}, cwd="/").stdout.split()
    assert not {"re", "configparser", "getopt", "socket", "logging", "typing", "enum", "collections"} & set(loaded)
