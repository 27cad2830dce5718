"""ServerOptions: from command line and file to values, groups and servers; what is refused and how."""

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import socket
from collections.abc import Callable

import pytest

from supervisor.datatypes import Automatic, RestartWhenExitUnexpected
from supervisor.dispatchers import default_handler
from supervisor.events import ProcessStateEvent, Tick5Event
from supervisor.options import (
    EventListenerPoolConfig,
    FastCGIGroupConfig,
    FastCGIProcessConfig,
    ProcessConfig,
    ProcessGroupConfig,
    ServerOptions,
)

Reader = Callable[..., ServerOptions]


@pytest.fixture
def read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)

    def run(body: str, *args: str, **files: str) -> ServerOptions:
        (tmp_path / "s.conf").write_text("[supervisord]\n" + body)
        for name, text in files.items():
            (tmp_path / f"{name}.ini").write_text(text)
        options = ServerOptions()
        options.realize(["-n", "-c", "s.conf", *args], progname="supervisord")
        return options

    return run


@pytest.fixture
def refused(read: Reader, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """The errors of a file that ends the program."""

    def run(body: str, *args: str, **files: str) -> list[str]:
        with pytest.raises(SystemExit) as end:
            read(body, *args, **files)
        assert end.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert lines[-1] == "For help, use supervisord -h"
        return lines[:-1]

    return run


def names(options: ServerOptions) -> list[tuple[str, list[str]]]:
    return [(group.name, [config.name for config in group.process_configs]) for group in options.process_group_configs]


# -- [supervisord] and the command line


def test_defaults(read: Reader, tmp_path: pathlib.Path) -> None:
    options = read("")
    assert (options.nodaemon, options.silent, options.loglevel, options.identifier) == (True, False, 20, "supervisor")
    assert (options.logfile, options.pidfile) == (str(tmp_path / "supervisord.log"), str(tmp_path / "supervisord.pid"))
    assert (options.minfds, options.minprocs, options.umask, options.uid) == (1024, 200, 0o22, None)
    assert (options.logfile_maxbytes, options.logfile_backups) == (50 * 1024 * 1024, 10)
    assert (options.serverurl, options.server_configs, options.process_group_configs) == (None, [], [])
    assert options.here == str(tmp_path)
    assert os.path.isabs(options.configfile)


def test_command_line_over_file_over_default(read: Reader) -> None:
    options = read("loglevel=error\nidentifier=file\nminfds=7\n", "-e", "debug", "-a", "9")
    assert (options.loglevel, options.identifier, options.minfds) == (10, "file", 9)


def test_class_attributes_plugins_read() -> None:
    kind = ServerOptions
    assert (kind.loglevel, kind.configfile, kind.here, kind.nodaemon, kind.silent) == (None,) * 5
    assert (kind.mood, kind.httpservers) == (1, ())


def test_expansions_of_the_daemons_section(read: Reader, monkeypatch: pytest.MonkeyPatch,
                                           tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("WHO", "outer")
    options = read('environment=WHO="inner",P="100%%"\nidentifier=%(ENV_WHO)s-%(here)s\n'
                   "[program:a]\ncommand=%(ENV_WHO)s %(ENV_P)s\n")
    assert options.identifier == f"outer-{tmp_path}"
    config = options.process_group_configs[0].process_configs[0]
    assert config.command == "inner 100%"
    assert config.environment == {"WHO": "inner", "P": "100%"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("nodaemon=x", "not a valid boolean value: 'x'"),
        ("loglevel=warning", "bad logging level name 'warning'"),
        ("logfile=/nope/x", "The directory named as part of the path /nope/x does not exist"),
        ("childlogdir=/nope", "/nope is not an existing directory"),
        ("user=nope", "Invalid user name nope"),
        ("umask=9", "9 can not be converted to an octal type"),
        ("environment=A", "Unexpected end of key/value pairs in value 'A'"),
    ],
)
def test_errors_of_the_daemons_section(refused: Callable[..., list[str]], body: str, message: str) -> None:
    option = body.partition("=")[0]
    assert refused(body) == [
        f"Error: {message} in section 'supervisord' (file: 's.conf'), option {option}, line 2"]


def test_user_from_the_command_line(refused: Callable[..., list[str]]) -> None:
    assert refused("", "-u", "nope") == ["Error: Invalid user name nope"]


def test_a_file_that_is_not_there(refused: Callable[..., list[str]], tmp_path: pathlib.Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    for path, message in (("nope", "could not find config file nope"),
                          (str(tmp_path), f"could not read config file {tmp_path}: Is a directory")):
        with pytest.raises(SystemExit):
            ServerOptions().realize(["-c", path])
        assert capsys.readouterr().err.splitlines()[0] == f"Error: {message}"


def test_no_daemons_section(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.conf"
    path.write_text("[Supervisord]\n")
    with pytest.raises(SystemExit):
        ServerOptions().realize(["-c", str(path)])
    assert capsys.readouterr().err.startswith("Error: .ini file does not include supervisord section")


def test_an_open_file_can_be_read() -> None:
    options = ServerOptions()
    section = options.read_config(io.StringIO("[supervisord]\nidentifier=x\n[program:a]\ncommand=b\n"))
    assert section.identifier == "x"
    assert names(options) == [("a", ["a"])]


# -- programs


def test_defaults_of_a_program(read: Reader) -> None:
    config = read("[program:a]\ncommand=/bin/cat\n").process_group_configs[0].process_configs[0]
    assert type(config) is ProcessConfig
    facts = {name: getattr(config, name) for name in
             (*ProcessConfig.req_param_names, *ProcessConfig.optional_param_names)}
    assert facts == {
        "name": "a", "uid": None, "command": "/bin/cat", "directory": None, "umask": None, "priority": 999,
        "autostart": True, "autorestart": RestartWhenExitUnexpected, "startsecs": 1, "startretries": 3,
        "stdout_logfile": Automatic, "stdout_capture_maxbytes": 0, "stdout_events_enabled": False,
        "stdout_syslog": False, "stdout_logfile_backups": 10, "stdout_logfile_maxbytes": 52428800,
        "stderr_logfile": Automatic, "stderr_capture_maxbytes": 0, "stderr_events_enabled": False,
        "stderr_syslog": False, "stderr_logfile_backups": 10, "stderr_logfile_maxbytes": 52428800, "stopsignal": 15,
        "stopwaitsecs": 10, "stopasgroup": False, "killasgroup": False, "exitcodes": [0], "redirect_stderr": False,
        "environment": {}, "serverurl": None,
    }


def test_configurations_share_no_list_or_dictionary(read: Reader) -> None:
    one, two = (group.process_configs[0] for group in
                read("[program:a]\ncommand=x\nexitcodes=0\n[program:b]\ncommand=x\nexitcodes=0\n"
                     ).process_group_configs)
    one.exitcodes.append(9)
    assert one.environment is not None
    one.environment["X"] = "1"
    assert (two.exitcodes, two.environment) == ([0], {})


def test_numbered_processes(read: Reader) -> None:
    options = read("[program:a]\ncommand=x %(process_num)d of %(numprocs)s as %(ENV_N)s\nnumprocs=11\n"
                   "numprocs_start=1\nprocess_name=%(group_name)s_%(process_num)d\nenvironment=N=n%(process_num)d\n")
    group = options.process_group_configs[0]
    assert [config.name for config in group.process_configs][:4] == ["a_1", "a_10", "a_11", "a_2"]
    assert group.process_configs[1].command == "x 10 of 11 as n10"
    assert group.process_configs[1].environment == {"N": "n10"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("numprocs=2", "%(process_num) must be present within process_name when numprocs > 1"),
        ("numprocs=9000000", "9000000 is not a number of processes from 0 to 100000"),
        ("numprocs=-1", "-1 is not a number of processes from 0 to 100000"),
        ("stopwaitsecs=-1", "-1 is below lower bound (0)"),
        ("stopsignal=0", "value '0' is not a valid signal number"),
        ("stopasgroup=true\nkillasgroup=false", "Cannot set stopasgroup=true and killasgroup=false"),
        ("process_name=a b", "Invalid name: 'a b' because of character: ' '"),
        ("process_name=%(ENV_P)s", "Invalid name: '/x' because of character: '/'"),
        ("priority=x", "invalid literal for int() with base 10: 'x'"),
        ("environment=A=%(process_nun)d", "Format string 'A=%(process_nun)d' for 'environment' contains names "
                                          "('process_nun') which cannot be expanded. Available names: "),
        ("stdout_logfile=%(nope)s", "Format string '%(nope)s' for 'program:a.stdout_logfile' contains names ('nope')"),
    ],
)
def test_errors_of_a_program(refused: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, body: str,
                             message: str) -> None:
    monkeypatch.setenv("P", "/x")
    found = refused(f"[program:a]\ncommand=x\n{body}\n")
    assert len(found) == 1
    assert found[0].startswith(f"Error: {message}")
    assert " in section 'program:a' (file: 's.conf'), option " in found[0]


def test_every_problem_is_told_in_the_order_of_old(refused: Callable[..., list[str]]) -> None:
    found = refused(
        "minfds=x\n[inet_http_server]\nport=x\n[program:b c]\ncommand=x\nstartsecs=x\nautostart=x\n[program:d]\n"
        "[group:g]\nprograms=zz\n[rpcinterface:r]\nsupervisor.rpcinterface_factory=no.such:thing\n")
    starts = ["invalid literal", "no.such:thing cannot be resolved within [rpcinterface:r]: No module named",
              "[group:g] names unknown program or fcgi-program zz", "Invalid name: 'b c'", "not a valid boolean",
              "invalid literal", "program section program:d does not specify a command",
              "not a valid port number: 'x' "]
    assert [line.removeprefix("Error: ")[: len(start)] for line, start in zip(found, starts, strict=True)] == starts


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("loglevel=x\ndirectory=/none/d\n", "/none/d is not an existing directory"),
        ("nodaemon=x\nidentifier=%(no)s\n", "Format string '%(no)s' for 'supervisord.identifier'"),
        ("environment=A\nstrip_ansi=x\n", "not a valid boolean value: 'x'"),
        ("[program:a]\ncommand=x\nexitcodes=x\nkillasgroup=y\n", "not a valid boolean value: 'y'"),
        ("[program:a]\ncommand=x\nuser=none such\nstopasgroup=1\nkillasgroup=0\n", "Invalid user name none such"),
        ("[program:a]\ncommand=x\nstdout_logfile_maxbytes=x\nstdout_logfile_backups=y\n",
         "invalid literal for int() with base 10: 'y'"),
        ("[program:a]\ncommand=x\nstartsecs=y\n[group:g]\nprograms=zz,a\n", "[group:g] names unknown program or"),
        ("[program:a]\ncommand=x\nstartsecs=y\n[group:g]\nprograms=a,zz\n", "invalid literal for int() with base 10"),
        ("[group:g]\nprograms=zz\npriority=x\n", "invalid literal for int() with base 10: 'x'"),
        ("[fcgi-program:a]\ncommand=x\nsocket=foo\nstartsecs=x\n", "Bad socket format foo"),
        ("[fcgi-program:a]\ncommand=x\nsocket=foo\nuser=none\nstartsecs=x\n", "Invalid user name none"),
        ("[fcgi-program:a]\ncommand=x\nsocket=foo\nuser=none\nstartsecs=x\n[group:g]\nprograms=a\n",
         "invalid literal for int() with base 10: 'x'"),
        ("[unix_http_server]\nfile=/s\npassword=%(no)s\n", "Format string "),
    ],
)
def test_the_error_that_is_told_first(refused: Callable[..., list[str]], body: str, first: str) -> None:
    assert refused(body)[0].startswith(f"Error: {first}")


def test_log_options_that_contradict(read: Reader) -> None:
    options = read("[program:a]\ncommand=x\nstdout_logfile=syslog\nredirect_stderr=true\nstderr_logfile=x\n"
                   "[program:b]\ncommand=x\nstdout_logfile_maxbytes=0\n")
    assert options.parse_warnings == [
        "For [program:a], stdout_logfile=syslog but this is deprecated and will be removed.  Use stdout_syslog=true "
        "to enable syslog instead.",
        "For [program:a], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has "
        "been ignored",
        "For [program:b], AUTO logging used for stdout_logfile without rollover, set maxbytes > 0 to avoid filling up "
        "filesystem unintentionally",
    ]
    config = options.process_group_configs[0].process_configs[0]
    assert (config.stdout_logfile, config.stdout_syslog, config.stderr_logfile) == (None, True, None)


# -- groups


def test_groups_and_their_order(read: Reader) -> None:
    options = read("[group:web]\nprograms=b, a\npriority=20\n[program:a]\ncommand=x\npriority=3\n"
                   "[program:b]\ncommand=x\n[program:alone]\ncommand=x\npriority=5\n[program:z]\ncommand=x\nnumprocs=0\n"
                   "[eventlistener:l]\ncommand=x\nevents=tick_5, PROCESS_STATE\n")
    assert names(options) == [("l", ["l"]), ("alone", ["alone"]), ("web", ["b", "a"]), ("z", [])]
    pool = options.process_group_configs[0]
    assert isinstance(pool, EventListenerPoolConfig)
    assert (pool.priority, pool.buffer_size, pool.event_len, pool.restart_unknown) == (-1, 10, "characters", False)
    assert pool.buffer_maxbytes == 64 * 1024 * 1024
    assert pool.pool_events == [ProcessStateEvent, Tick5Event]
    assert pool.result_handler is default_handler


def test_namesakes_are_warned_of_and_the_first_is_used(read: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    options = read("[group:a]\nprograms=b,b\npriority=1\n[program:a]\ncommand=x\n[program:b]\ncommand=y\n")
    assert names(options) == [("a", ["b", "b"])]
    said = capsys.readouterr().err
    assert "Warning: s.conf:5: [program:a]: two groups are called a: that of [group:a] is used" in said
    assert "Warning: s.conf:3: [group:a] programs: two processes of group a are called b" in said
    assert "Warning: s.conf:3: [group:a] programs: b is in a group already" in said


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[eventlistener:a]\ncommand=x\n", '[eventlistener:a] section requires an "events" line'),
        ("[eventlistener:a]\ncommand=x\nevents=FOO\n", "Unknown event type FOO in [eventlistener:a] events"),
        ("[eventlistener:a]\ncommand=x\nevents=TICK_5,\n", "Unknown event type  in [eventlistener:a] events"),
        ("[eventlistener:a]\ncommand=x\nevents=TICK_5\nbuffer_size=0\n",
         "[eventlistener:a] section sets invalid buffer_size (0)"),
        ("[eventlistener:a]\ncommand=x\nevents=TICK_5\nredirect_stderr=true\n",
         "[eventlistener:a] section sets redirect_stderr=true but this is not allowed because it will interfere with "
         "the eventlistener protocol"),
        ("[eventlistener:a]\ncommand=x\nevents=TICK_5\nresult_handler=os:nope\n",
         "os:nope cannot be resolved within [eventlistener:a]: module 'os' has no attribute 'nope'"),
        ("[fcgi-program:a]\ncommand=x\n", '[fcgi-program:a] section requires a "socket" line'),
        ("[fcgi-program:a]\ncommand=x\nsocket=foo\n", "Bad socket format foo in [fcgi-program:a] socket"),
        ("[fcgi-program:a]\ncommand=x\nsocket=tcp://h:0\n", "0 is below lower bound (1) in [fcgi-program:a] socket"),
        ("[fcgi-program:a]\ncommand=x\nsocket=unix://x\n",
         "Unix socket path x is not an absolute path in [fcgi-program:a] socket"),
        ("[fcgi-program:a]\ncommand=x\nsocket=unix:///s\nsocket_mode=9\n", "Invalid socket_mode value 9"),
        ("[fcgi-program:a]\ncommand=x\nsocket=unix:///s\nsocket_backlog=0\n", "Invalid socket_backlog value 0"),
        ("[fcgi-program:a]\ncommand=x\nsocket=unix:///s\nuser=nope\n", "Invalid user name nope"),
        ("[fcgi-program:a]\ncommand=x\nsocket=tcp://h:9\nsocket_mode=0700\n",
         "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:a] "
         "socket"),
        ("[group:g]\nprograms=a\n[program:a]\ncommand=x\n[fcgi-program:a]\ncommand=x\nsocket=unix:///s\n",
         "[group:g] name a is ambiguous (exists as program and fcgi-program)"),
    ],
)
def test_errors_of_groups(refused: Callable[..., list[str]], body: str, message: str) -> None:
    first = refused(body)[0]
    assert first.startswith(f"Error: {message}")
    assert "(file: 's.conf'), option " in first


def test_fastcgi_programs_keep_their_socket_in_a_group(read: Reader) -> None:
    options = read("[group:g]\nprograms=a\n[fcgi-program:a]\ncommand=x\nsocket=unix:///tmp/%(program_name)s\n"
                   "[fcgi-program:b]\ncommand=x\nsocket=tcp://h:9\nsocket_backlog=7\n")
    own, grouped = options.process_group_configs
    assert type(own) is FastCGIGroupConfig
    assert own.socket_config.url == "tcp://h:9"
    assert own.process_configs[0].socket_config is own.socket_config
    assert type(grouped) is ProcessGroupConfig
    member = grouped.process_configs[0]
    assert type(member) is FastCGIProcessConfig
    assert member.socket_config is not None
    assert member.socket_config.url == "unix:///tmp/a"
    assert member.socket_config.get_mode() == 0o700


# -- servers, plugins, includes


def test_servers(read: Reader, tmp_path: pathlib.Path) -> None:
    options = read("[unix_http_server]\nfile=s.sock\nchmod=0770\nmax_body_bytes=1KB\n"
                   "[inet_http_server:two]\nport=*:9\nusername=u\npassword=p\nallowed_hosts=a,b\n")
    inet, unix = options.server_configs
    assert (inet["family"], inet["host"], inet["port"], inet["section"]) == (
        socket.AF_INET, "", 9, "inet_http_server:two")
    assert (inet["username"], inet["password"], inet["allowed_hosts"]) == ("u", "p", ["a", "b"])
    assert (unix["family"], unix["file"], unix["chmod"], unix["chown"]) == (
        socket.AF_UNIX, str(tmp_path / "s.sock"), 0o770, (-1, -1))
    assert (unix["max_body_bytes"], unix["get_actions"]) == (1024, False)
    assert options.serverurl == f"unix://{tmp_path}/s.sock"


@pytest.mark.parametrize(
    ("port", "url"), [("9", "http://localhost:9"), ("h:9", "http://h:9"), ("[::1]:9", "http://[::1]:9")])
def test_the_url_of_the_first_inet_server(read: Reader, port: str, url: str) -> None:
    assert read(f"[inet_http_server]\nport={port}\n[inet_http_server:b]\nport=10\n").serverurl == url


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[unix_http_server]\n", "section [unix_http_server] has no file value"),
        ("[unix_http_server]\nfile=x\nchmod=9\n", "Invalid chmod value 9"),
        ("[unix_http_server]\nfile=x\nchown=q:r\n", "Invalid sockchown value q:r"),
        ("[unix_http_server]\nfile=x\nusername=a\n",
         "Section [unix_http_server] contains incomplete authentication: If a username or a password is specified, "
         "both the username and password must be specified"),
        ("[inet_http_server]\n", "section [inet_http_server] has no port value"),
        ("[rpcinterface:x]\n", "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory"),
        ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=os\na=%(here)s\n",
         "Format string '%(here)s' for 'rpcinterface:x.a' contains names ('here') which cannot be expanded"),
    ],
)
def test_errors_of_servers_and_plugins(refused: Callable[..., list[str]], body: str, message: str) -> None:
    assert refused(body)[0].startswith(f"Error: {message}")


def test_plugins_get_what_stands_in_their_section(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Z", "1")
    options = read("[rpcinterface:x]\nsupervisor.rpcinterface_factory=os:path.join\nFoo.Bar=%(ENV_Z)s\n")
    assert options.rpcinterface_factories == [("x", os.path.join, {"foo.bar": "1"})]


def test_includes(read: Reader, tmp_path: pathlib.Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.ini").write_text("[program:b]\ncommand=%(here)s\n[include]\nfiles=deeper.ini\n")
    options = read("[include]\nfiles=sub/*.ini nope*.ini\n  a.ini\n[program:main]\ncommand=%(here)s/x\n",
                   a="[program:main]\npriority=5\n")
    assert options.parse_infos == [f'Included extra file "{tmp_path}/{name}" during parsing'
                                   for name in ("sub/b.ini", "a.ini")]
    assert options.parse_warnings == [f'No file matches via include "{tmp_path}/nope*.ini"']
    commands = {group.name: group.process_configs[0].command for group in options.process_group_configs}
    assert commands == {"main": f"{tmp_path}/x", "b": f"{tmp_path}/sub"}
    assert options.process_group_configs[0].priority == 5


def test_errors_of_includes(refused: Callable[..., list[str]], tmp_path: pathlib.Path) -> None:
    assert refused("[include]\n") == [
        "Error: .ini file has [include] section, but no files setting (file: 's.conf'), line 2"]
    assert refused("[include]\nfiles=a.ini\n", a="foo\n") == [
        "Error: File contains no section headers.", f"file: '{tmp_path}/a.ini', line: 1", "'foo\\n'"]
    assert refused("[include]\nfiles=b.ini\n", b="[program:x]\ncommand=y\nstartsecs=z\n") == [
        f"Error: invalid literal for int() with base 10: 'z' in section 'program:x' (file: '{tmp_path}/b.ini'), "
        "option startsecs, line 3"]
    (tmp_path / "folder.ini").mkdir()
    assert refused("[include]\nfiles=folder.ini\n") == [
        f"Error: could not read config file {tmp_path}/folder.ini: Is a directory"]


def test_what_nobody_reads_is_warned_of(read: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    options = read("logfile-backups=3\n[program:a]\ncommand=x\nstopwaitsec=3\nstopwaitsec2=%(nope)s\n[progam:b]\n"
                   "[inet_http_serverx]\n[supervisorctl]\nserverul=x\n[program:]\ncommand=y\n[supervisord:x]\n")
    said = capsys.readouterr().err.splitlines()
    assert said == [f"Warning: {note}" for note in options.notes]
    assert [note.removeprefix("s.conf:") for note in options.notes] == [
        "7: [progam:b]: no such section; did you mean program:b?",
        "8: [inet_http_serverx]: no such section; did you mean inet_http_server?",
        "11: [program:]: the section has no name after the colon",
        "13: [supervisord:x]: no such section; did you mean supervisord?",
        "2: [supervisord] logfile-backups: no such option; did you mean logfile_backups?",
        "5: [program:a] stopwaitsec: no such option; did you mean stopwaitsecs?",
        "6: [program:a] stopwaitsec2: no such option; did you mean stopwaitsecs?",
        "10: [supervisorctl] serverul: no such option; did you mean serverurl?",
    ]


SHA = hashlib.sha1(b"secret").hexdigest()
SHA256 = hashlib.sha256(b"secret").hexdigest()


@pytest.mark.parametrize(("line", "told"), [
    ("password={SHA}" + SHA, ""),
    ("password={SHA256}" + SHA256, ""),
    ("password={PBKDF2-SHA512}200000$c2FsdA$c2FsdHNhbHQ", ""),
    ("password={sha}x", ""),
    ("password={SHA}" + SHA.upper(), "{SHA} is followed by 40 hexadecimal digits in lower case"),
    ("password={SHA}" + SHA256, "{SHA} is followed by 40 hexadecimal digits in lower case"),
    ("password={SHA256}" + SHA, "{SHA256} is followed by 64 hexadecimal digits in lower case"),
    ("password={PBKDF2-SHA-256}1$c2FsdA$c2FsdA", "of {PBKDF2-...} there are {PBKDF2-SHA256} and {PBKDF2-SHA512}"),
    ("password={PBKDF2-SHA256", "of {PBKDF2-...} there are {PBKDF2-SHA256} and {PBKDF2-SHA512}"),
    ("password={PBKDF2-SHA256}secret", "{PBKDF2-...} is followed by ITERATIONS$SALT$HASH"),
    ("password={PBKDF2-SHA256}2e5$c2FsdA$c2FsdA", "ITERATIONS of {PBKDF2-...} is a number from 1 to 10000000"),
    ("password={PBKDF2-SHA256}20000000$c2FsdA$c2FsdA", "ITERATIONS of {PBKDF2-...} is a number from 1 to 10000000"),
    ("password={PBKDF2-SHA256}9$c2FsdA$secret!", "SALT and HASH of {PBKDF2-...} are base64"),
    ("password={PBKDF2-SHA256}9$c2FsdA$", "HASH of {PBKDF2-...} is empty"),
])
def test_a_password_that_nobody_can_know_is_warned_of(read: Reader, line: str, told: str) -> None:
    notes = read(f"[inet_http_server]\nport=9001\nusername=u\n{line}\n").notes
    assert notes == ([f"s.conf:5: [inet_http_server] password: nobody can log in with this: {told}"] if told else [])
    assert read(f"[unix_http_server]\nfile=s\nusername=\n{line}\n").notes == []


def test_allowed_hosts_that_are_none_are_warned_of(read: Reader) -> None:
    notes = read("[inet_http_server]\nport=9001\nallowed_hosts=a.example:80, *,[::1]:9, *.b.example, http://c/\n").notes
    assert notes == ["s.conf:4: [inet_http_server] allowed_hosts: '*.b.example' is no host name",
                     "s.conf:4: [inet_http_server] allowed_hosts: 'http://c/' is no host name"]


def test_our_own_rpc_section_takes_no_further_options(read: Reader) -> None:
    options = read("[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
                   "supervisor.rpcinterface:make_main_rpcinterface\nretries=3\n")
    assert options.rpcinterface_factories[0][2] == {}
    assert options.notes == ["s.conf:4: [rpcinterface:supervisor] retries: no such option"]


def test_a_file_that_others_may_write(read: Reader, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "s.conf").touch()
    (tmp_path / "s.conf").chmod(0o666)
    assert read("").notes == ["s.conf: others than root may write this configuration file"]


def test_options_of_plugins_are_told_once(read: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    mine = "startsec=1\ndependent_startup=yes\nsome.thing=1\nmine_too=1\n"
    read("[rpcinterface:mine]\nsupervisor.rpcinterface_factory=os:getcwd\n"
         f"[program:a]\ncommand=x\n{mine}[program:b]\ncommand=x\n{mine}")
    assert capsys.readouterr().err.splitlines() == [
        "Warning: s.conf:6: [program:a] startsec: no such option; did you mean startsecs?",
        "Warning: s.conf:7: [program:a] dependent_startup: no such option",
        "Warning: s.conf:8: [program:a] some.thing: no such option",
        "Warning: s.conf:9: [program:a] mine_too: no such option",
        "Warning: s.conf:12: [program:b] startsec: no such option; did you mean startsecs?"]


def test_an_identifier_that_breaks_the_header_of_events_is_warned_of(read: Reader) -> None:
    told = "has blanks or colons, on which event listeners split the header of an event"
    options = read("identifier=a b\n")
    assert options.notes == [f"s.conf:2: [supervisord] identifier: 'a b' {told}"]
    assert options.identifier == "a b"
    assert read("", "-i", "a:b").notes == [f"identifier: 'a:b' {told}"]
    assert read("identifier=a-b.c_d\n").notes == []


# -- --check


def test_check_tells_everything_and_starts_nothing(read: Reader, capsys: pytest.CaptureFixture[str],
                                                   tmp_path: pathlib.Path) -> None:
    body = "[program:a]\ncommand=/no/such/thing\ndirectory=/nope\nodd=1\n"
    for args, status in ((["--check"], 0), (["--check", "--strict"], 1)):
        with pytest.raises(SystemExit) as end:
            read(body, *args)
        assert end.value.code == status
        said = capsys.readouterr()
        assert "no errors; warnings: 3, processes: 1, groups: 1" in said.out
        assert said.err.splitlines() == [
            "Warning: s.conf:5: [program:a] odd: no such option",
            "Warning: s.conf:3: [program:a] command: can't find command '/no/such/thing'",
            "Warning: s.conf:4: [program:a] directory: the working directory does not exist: /nope"]
    assert sorted(os.listdir(tmp_path)) == ["s.conf"]


def test_check_of_a_broken_file(read: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read("minfds=x\n", "--check")
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("Error: invalid literal for int()")


def test_a_bad_list_of_exit_codes_does_not_hide_the_rest(refused: Callable[..., list[str]]) -> None:
    found = refused("[program:a]\nexitcodes=q\nstopsignal=x\ncommand=%(nope)s\nstdout_logfile=/nope/x\n")
    assert [line.split(" in section ")[0].partition(" Available")[0] for line in found] == [
        "Error: value 'x' is not a valid signal name", "Error: not a valid list of exit codes: 'q'",
        "Error: The directory named as part of the path /nope/x does not exist",
        "Error: Format string '%(nope)s' for 'program:a.command' contains names ('nope') which cannot be expanded."]
