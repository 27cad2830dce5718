"""supervisord --check: each trouble with its file and line, nothing opened, made or changed."""

from __future__ import annotations

import fcntl
import os
import pathlib
import re
import socket
from collections.abc import Callable

import pytest

from supervisor.options import ServerOptions

Check = Callable[..., tuple[int, list[str]]]

A = "[program:a]\ncommand=/bin/cat\n"
FCGI = "[fcgi-program:f]\ncommand=/bin/cat\n"
LISTENER = "[eventlistener:l]\ncommand=/bin/cat\n"
INET = "[inet_http_server]\n"

# One trouble each: the line that begins with @ is the one to be named.
BROKEN = [
    "@minfds=many\n",
    "@loglevel=warning\n",
    "@umask=9\n",
    "@user=nobody.such\n",
    "@childlogdir=/no/such\n",
    "@directory=/no/such\n",
    "@logfile=/no/such/log\n",
    "@nodaemon=perhaps\n",
    "@environment=A=$HOME\n",
    "@identifier=%(nope)s\n",
    "@identifier=%(here\n",
    "@logfile_maxbytes=10k\n",
    "@no option\n",
    "@[program:x\ncommand=/bin/cat\n",
    "@[program:a]\n",
    A + "@startsecs=soon\n",
    A + "@startsecs=99999999999\n",
    A + "@stopwaitsecs=-1\n",
    A + "@stopsignal=0\n",
    A + "@exitcodes=0,256\n",
    A + "@autorestart=always\n",
    A + "@autostart=\n",
    A + "@priority=high\n",
    A + "@numprocs=3\n",
    A + "@numprocs=99999999\nprocess_name=%(process_num)d\n",
    A + "@process_name=a:b\n",
    A + "@process_name=%(ENV_HOME)s\n",
    A + "@user=65000123\n",
    A + "@umask=0x1\n",
    A + "stopasgroup=true\n@killasgroup=false\n",
    A + "@stdout_logfile=/no/such/log\n",
    A + "@stderr_logfile_maxbytes=1TB\n",
    A + "@environment=A='x\n",
    A + "@environment=A=1,\n B=2,\n C\n",
    "[program:a]\n\n; a remark\n@command=%(ENV_NO_SUCH)s\n",
    "@[program:a b]\ncommand=/bin/cat\n",
    "[group:g]\n@programs=a,b\n" + A,
    "[group:g]\nprograms=a\n@priority=x\n" + A,
    FCGI + "@socket=/tmp/s\n",
    FCGI + "@socket=unix://s\n",
    FCGI + "@socket=tcp://localhost:0\n",
    FCGI + "socket=tcp://localhost:1\n@socket_backlog=0\n",
    FCGI + "@socket=unix:///no/such/s\n",
    LISTENER + "@events=TICK_7\n",
    LISTENER + "events=TICK_5\n@buffer_size=0\n",
    LISTENER + "events=TICK_5\n@result_handler=no.such:thing\n",
    LISTENER + "events=TICK_5\n@redirect_stderr=true\n",
    INET + "@port=70000\n",
    INET + "@port=203.0.113.1:1\n",
    "@[inet_http_server]\nport=127.0.0.1:1\nusername=x\n",
    "[unix_http_server]\nfile=s\n@chmod=8\n",
    "[unix_http_server]\n@file=/no/such/s\n",
    f"[unix_http_server]\n@file=/tmp/{'x' * 200}\n",
    "[rpcinterface:x]\n@supervisor.rpcinterface_factory=no.such:thing\n",
    "@[rpcinterface:x]\n",
    "[include]\n@files=%(nope)s\n",
]
# The same for what is no error, but hardly meant.
DOUBTFUL = [
    "@logfil=x\n",
    "@[progam:x]\ncommand=/bin/cat\n",
    A + "@autorestrat=true\n",
    A + "startsecs=1\n@startsecs=2\n",
    A + "[group:g]\n@programs=a,a\n",
    "[program:a]\n@command=/no/such/program\n",
    "[program:a]\n@command=sh 'unfinished\n",
    "[program:a]\n@command=/bin\n",
    f"[program:a]\n@command=/bin/cat {'x' * 200000}\n",
    A + "@directory=/no/such\n",
    A + "@stdout_logfile=/\n",
    LISTENER + "events=TICK_5\n@stderr_capture_maxbytes=1\n",
    "[unix_http_server]\nfile=%(here)s/s\n@fiel=x\n",
    "[supervisorctl]\n@serverulr=x\n",
    "@pidfile=/\n",
    A + "@[program:a]\nstartsecs=1\n",
    "@" + A + "[group:a]\npriority=5\n",
    "@[program:]\ncommand=/bin/cat\n",
]


@pytest.fixture
def check(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    monkeypatch.chdir(tmp_path)

    def run(text: str, *args: str) -> tuple[int, list[str]]:
        (tmp_path / "s.conf").write_text(text)
        with pytest.raises(SystemExit) as end:
            ServerOptions().realize(["--check", *args, "-c", "s.conf"])
        assert isinstance(end.value.code, int)
        return end.value.code, capsys.readouterr().err.splitlines()

    return run


def marked(text: str) -> tuple[str, int]:
    """The text without its marker, and the line it marked."""
    lines = text.split("\n")
    number = next(number for number, line in enumerate(lines) if line.startswith("@"))
    lines[number] = lines[number][1:]
    return "\n".join(lines), number + 1


@pytest.mark.parametrize("text", BROKEN)
def test_an_error_names_file_and_line(check: Check, tmp_path: pathlib.Path, text: str) -> None:
    body, line = marked(f"[supervisord]\n{text}")
    status, told = check(body)
    assert status == 1
    errors = [each for each in told if not each.startswith("Warning: ")]
    assert errors[0].startswith("Error: ")
    named = re.search(r"\(file: 's\.conf'.*, line (\d+)", errors[0]) or re.search(r"\[line +(\d+)\]", errors[-1])
    assert named and int(named[1]) == line and "s.conf" in errors[0]
    assert len([each for each in errors if each.startswith("Error: ")]) == 1
    assert os.listdir(tmp_path) == ["s.conf"]


@pytest.mark.parametrize("text", BROKEN)
def test_an_included_file_is_named(check: Check, tmp_path: pathlib.Path, text: str) -> None:
    if "[include]" in text:
        text = text.replace("[include]", "[includes]").replace("@files", "@fil\nes")
    body, line = marked(text if text.startswith(("[", "@[")) else f"[supervisord]\n{text}")
    (tmp_path / "more.ini").write_text(body)
    status, told = check("[supervisord]\n\n[include]\nfiles=*.ini\n")
    assert status == 1
    errors = [each for each in told if not each.startswith("Warning: ")]
    said = " ".join(errors)
    assert f"{tmp_path}/more.ini" in said
    assert any(words in said for words in (f", line {line}", f", line: {line}", f"[line {line:2d}]",
                                           f"{tmp_path}/more.ini:{line}"))


@pytest.mark.parametrize("text", DOUBTFUL)
def test_a_warning_names_file_and_line(check: Check, tmp_path: pathlib.Path, text: str) -> None:
    body, line = marked(f"[supervisord]\n{text}")
    status, told = check(body)
    assert status == 0
    assert told and all(each.startswith("Warning: ") for each in told)
    assert any(each.startswith(f"Warning: s.conf:{line}: [") for each in told)
    assert check(body, "--strict")[0] == 1
    assert os.listdir(tmp_path) == ["s.conf"]


def test_errors_and_warnings_are_all_told(check: Check) -> None:
    status, told = check("[supervisord]\nminfds=x\nodd=1\n[program:a]\nstartsecs=y\n")
    assert status == 1
    assert [each.split(" in section ")[0] for each in told] == [
        "Error: invalid literal for int() with base 10: 'x'",
        "Error: invalid literal for int() with base 10: 'y'",
        "Error: program section program:a does not specify a command",
        "Warning: s.conf:3: [supervisord] odd: no such option"]


def test_addresses_of_others(check: Check, tmp_path: pathlib.Path) -> None:
    with socket.socket() as inet, socket.socket(socket.AF_UNIX) as unix:
        inet.bind(("127.0.0.1", 0))
        inet.listen(1)
        unix.bind(str(tmp_path / "s"))
        unix.listen(1)
        text = (f"[supervisord]\npidfile=%(here)s/pid\n[inet_http_server]\nport=127.0.0.1:{inet.getsockname()[1]}\n"
                "[unix_http_server]\nfile=s\n")
        status, told = check(text)
        assert status == 1
        assert [(each[:57], each.rpartition(", ")[2]) for each in told] == [
            ("Error: Another program is already listening on a port tha", "line 4"),
            ("Error: Another program is already listening on a port tha", "line 6")]
        with open(tmp_path / "pid", "w") as pidfile:       # of a daemon that runs with this very file
            fcntl.flock(pidfile, fcntl.LOCK_EX)
            assert check(text) == (0, [])


def test_limits_and_log(check: Check, tmp_path: pathlib.Path) -> None:
    status, told = check(f"[supervisord]\nlogfile={tmp_path}\nminfds=999999999\n")
    assert status == 1
    assert told[0].startswith("Error: The minimum number of file descriptors required")
    assert told[0].endswith(", option minfds, line 3")
    assert told[1] == (f"Error: Cannot open the log file {tmp_path}: Is a directory in section 'supervisord' "
                       "(file: 's.conf'), option logfile, line 2")


@pytest.mark.skipif(os.getuid() == 0, reason="root may do anything")
def test_what_only_root_can_do(check: Check) -> None:
    status, told = check("[supervisord]\nuser=root\n[program:a]\ncommand=/bin/cat\nuser=root\n")
    assert (status, len(told)) == (1, 2)
    assert "Can't drop privilege as nonroot user in section 'supervisord'" in told[0]
