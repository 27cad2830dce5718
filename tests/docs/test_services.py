"""The files for service managers are well formed and call our programs with options that they have."""

from __future__ import annotations

import configparser
import plistlib
import re
import shlex
import shutil
import subprocess

import pytest

from supervisor.clientoptions import CLIENT_SWITCHES
from supervisor.config.cmdline import parse
from supervisor.config.switches import SERVER_SWITCHES
from supervisor.supervisorctl.table import COMMANDS
from tests.docs.pages import DOCS

FILES = DOCS / "share" / "supervisor"


def check(words: list[str]) -> list[str]:
    """The command line is right; the long names of the options it has."""
    program, switches = words[0].rpartition("/")[2], {"supervisord": SERVER_SWITCHES, "supervisorctl": CLIENT_SWITCHES}
    assert words[0].startswith("/")
    found, rest = parse(switches[program], words[1:])
    assert program == "supervisorctl" or not rest
    assert not rest or rest[0] in COMMANDS
    return [switch.long for switch, _, _ in found]


def test_systemd() -> None:
    unit = configparser.RawConfigParser(delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FILES / "supervisord.service")
    service = unit["Service"]
    assert (service["Type"], check(shlex.split(service["ExecStart"]))) == ("exec", ["nodaemon", "configuration"])
    check(shlex.split(service["ExecReload"]))
    if shutil.which("systemd-analyze"):
        told = subprocess.run(["systemd-analyze", "--man=no", "verify", FILES / "supervisord.service"],
                              capture_output=True, text=True, check=False).stderr
        # That the programs are not there is no fault of the file.
        assert [line for line in told.splitlines() if "supervisord.service" in line
                and "not executable" not in line] == []


def test_openrc() -> None:
    script = (FILES / "supervisord.openrc").read_text()
    values = dict(re.findall(r'^(\w+)="(.*)"$', script, flags=re.M))
    options = check([values["command"], *shlex.split(values["command_args"])])
    assert "nodaemon" not in options and f"-j {values['pidfile']}" in values["command_args"]
    for line in re.findall(r"^ +(/\S*supervisorctl .*)$", script, flags=re.M):
        check(shlex.split(line))
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_launchd() -> None:
    job = plistlib.loads((FILES / "org.supervisord.plist").read_bytes())
    assert check(job["ProgramArguments"]) == ["nodaemon", "configuration"]
    assert job["KeepAlive"] == {"SuccessfulExit": False} and job["RunAtLoad"] is True


@pytest.mark.parametrize("name", [path.name for path in FILES.iterdir()])
def test_the_page_shows_them(name: str) -> None:
    assert f"literalinclude:: share/supervisor/{name}\n" in (DOCS / "services.rst").read_text(encoding="utf-8")
