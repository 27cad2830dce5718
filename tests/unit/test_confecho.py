"""The sample configuration: what scripts rely on, and that it is true."""

from __future__ import annotations

import io
import re

import pytest

from supervisor.confecho import main
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.sample import sample
from supervisor.config.tables import TABLES
from supervisor.options import ServerOptions

CHANNEL = ["logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled", "syslog"]
COMMON = [
    "directory", "umask", "priority", "autostart", "startsecs", "startretries", "autorestart", "exitcodes",
    "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "user", "redirect_stderr"]
STDOUT, STDERR = ([f"{channel}_{name}" for name in CHANNEL] for channel in ("stdout", "stderr"))
LISTENER_CHANNELS = [name for name in STDOUT + STDERR if "capture" not in name]
OFF = {
    ";[inet_http_server]": ["port", "username", "password"],
    ";[program:theprogramname]": ["command", "process_name", "numprocs", *COMMON, *STDOUT, *STDERR, "environment",
                                  "serverurl"],
    ";[eventlistener:theeventlistenername]": ["command", "process_name", "numprocs", "events", "buffer_size", *COMMON,
                                              *LISTENER_CHANNELS, "environment", "serverurl"],
    ";[group:thegroupname]": ["programs", "priority"],
    ";[include]": ["files"],
}
EXPECTED = {
    "[unix_http_server]": ["file", ";chmod", ";chown", ";username", ";password"],
    **{name: [";" + option for option in options] for name, options in OFF.items()},
    "[supervisord]": [
        "logfile", "logfile_maxbytes", "logfile_backups", "loglevel", "pidfile", "nodaemon",
        "silent", "minfds", "minprocs", ";umask", ";user", ";identifier", ";directory", ";nocleanup",
        ";childlogdir", ";environment", ";strip_ansi"],
    "[rpcinterface:supervisor]": ["supervisor.rpcinterface_factory"],
    "[supervisorctl]": ["serverurl", ";serverurl", ";username", ";password", ";prompt", ";history_file"],
}
ORDER = ["[unix_http_server]", ";[inet_http_server]", "[supervisord]", "[rpcinterface:supervisor]", "[supervisorctl]",
         *list(OFF)[1:]]


def test_sections_and_options_in_their_order() -> None:
    found: dict[str, list[str]] = {}
    for line in sample().splitlines():
        if match := re.match(r";?\[[^]]+\]", line):
            current = found.setdefault(match[0], [])
        elif match := re.match(r"(;?[a-z_.]+) ?=", line):
            current.append(match[1])
        else:
            assert line == "" or line == ";" or line.startswith("; ")
    assert list(found) == ORDER
    assert found == EXPECTED


def test_it_parses_with_nothing_to_complain_of(capsys: pytest.CaptureFixture[str]) -> None:
    options = ServerOptions()
    options.read_config(io.StringIO(sample()))
    assert (options.notes, options.minfds, options.logfile) == ([], 1024, "/tmp/supervisord.log")
    assert options.serverurl == "unix:///tmp/supervisor.sock"


def test_every_example_is_a_value_its_option_takes() -> None:
    parser = UnhosedConfigParser()
    parser.read_string(re.sub(r"(?m)^;(?! )", "", sample()))
    beyond = {"chown", "user", "stdout_logfile", "stderr_logfile"}      # name users and folders that may not exist
    for section in parser.sections():
        table = TABLES[section.partition(":")[0]]
        for option, text in parser.texts(section).items():
            if option not in beyond:
                table.by_name[option].convert(text)


def test_remarks_name_the_defaults() -> None:
    for line in sample().splitlines():
        if re.match(r";?[a-z_]+=", line) and "serverurl=http://" not in line:
            remark = line.partition(" ; ")[2]
            assert "Default " in remark or "Required" in remark


def test_the_program_prints_it() -> None:
    out = io.StringIO()
    main(out)
    assert out.getvalue() == sample()


def test_rows_are_complete() -> None:
    for table in TABLES.values():
        for row in table.rows:
            assert row.help.endswith(".")
            assert row.required or row.shown, f"{table.kind}.{row.name} does not say its default"
