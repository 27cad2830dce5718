"""The completion scripts in the command shells they are for: what is typed, with Tab, is what is run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from supervisor.supervisorctl.completion import SCRIPTS
from tests.harness import Daemon
from tests.harness.daemon import DEADLINE, eventually

CAT = {"command": "/bin/cat", "autostart": "false"}
SHELLS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
HOSTILE = "evil$(touch${IFS}ran)`touch${IFS}ran`;'&"
LOADS = {
    "bash": "source {script}",
    "zsh": "autoload -Uz compinit; compinit -u -D; source {script}",
    "fish": "source {script}",
}
COMMAND = """\
#!{python}
import sys
if "completion" not in sys.argv:
    with open({trail!r}, "a") as f:
        f.write(" ".join(sys.argv[1:]) + "\\n")
    sys.exit()
from supervisor.supervisorctl import main
main()
"""


class CommandShell:
    """A command shell that has the completion, and a supervisorctl that writes down what it is asked to do."""

    def __init__(self, name: str, daemon: Daemon, config: object) -> None:
        self.trail = daemon.dir / "trail"
        self.trail.touch()
        bin_dir = daemon.dir / "bin"
        bin_dir.mkdir()
        command = bin_dir / "supervisorctl"
        command.write_text(COMMAND.format(python=sys.executable, trail=str(self.trail)))
        command.chmod(0o755)
        script = daemon.dir / f"completion.{name}"
        script.write_text(daemon.ctl("completion", name).stdout)
        environ = daemon.environment({
            "PATH": f"{bin_dir}:{os.environ['PATH']}", "HOME": str(daemon.dir), "TERM": "vt100", "PS1": "$ ",
            "SUPERVISORCTL_CONFIG": str(config), "XDG_CONFIG_HOME": str(daemon.dir),
            "XDG_DATA_HOME": str(daemon.dir),
        })
        environ.pop("INPUTRC", None)
        self.child: Any = pexpect.spawn(shutil.which(name) or name, SHELLS[name], env=environ, encoding="utf-8",
                                        timeout=DEADLINE, dimensions=(50, 150), cwd=str(daemon.dir))
        self.child.delaybeforesend = None
        self.child.sendline(f"{LOADS[name].format(script=script)}; touch ready")
        eventually((daemon.dir / "ready").exists, f"{name} has read the script")

    def types(self, text: str) -> str:
        """Type a line; what supervisorctl was asked to do then."""
        before = len(self._lines())
        self.child.send(f"{text}\r")

        def ran() -> bool:
            self.child.expect([".+", pexpect.TIMEOUT], timeout=0.01)  # what is shown has to be read
            return len(self._lines()) > before

        eventually(ran, f"the command typed as {text!r}")
        return self._lines()[before]

    def _lines(self) -> list[str]:
        return self.trail.read_text().splitlines()


@pytest.fixture(params=list(SCRIPTS))
def shell_name(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
def config(request: pytest.FixtureRequest, daemon: Daemon) -> object:
    """The file that the command finds by itself; with a parameter, one of that text."""
    if not hasattr(request, "param"):
        return daemon.conf
    path = daemon.dir / "found.conf"
    path.write_text(request.param)
    return path


@pytest.fixture
def shell(shell_name: str, daemon: Daemon, config: object) -> Iterator[CommandShell]:
    daemon.start("[group:grp]\nprograms=x,yes", probe=None, single=CAT, x=CAT, yes=CAT, **{HOSTILE: CAT})
    opened = CommandShell(shell_name, daemon, config)
    yield opened
    opened.child.close(force=True)


def test_what_is_completed(shell: CommandShell, daemon: Daemon) -> None:
    elsewhere = daemon.dir / "elsewhere.conf"
    shutil.copy(daemon.conf, elsewhere)
    for typed, run in (
        ("supervisorctl mainta\t", "maintail"), ("supervisorctl status sin\t", "status single"),
        ("supervisorctl stop grp:y\t", "stop grp:yes"), ("supervisorctl start single gr\tx\t", "start single grp:x"),
        ("supervisorctl signal HU\t sin\t", "signal HUP single"), ("supervisorctl update gr\t", "update grp"),
        ("supervisorctl -c elsewh\t restar\t sin\t", "-c elsewhere.conf restart single"),
        ("supervisorctl -s unix:///nope status sin\t", "-s unix:///nope status sin"),
        ("supervisorctl help relo\t", "help reload"), ("bin/supervisorctl pid sin\t", "pid single"),
    ):
        assert " ".join(shell.types(typed).split()) == run, typed


@pytest.mark.parametrize("config", ["[supervisorctl]\nserverurl=unix:///nope\n"], indirect=True, ids=["elsewhere"])
def test_names_come_from_the_server_that_is_named_however_it_is(shell: CommandShell, daemon: Daemon) -> None:
    shutil.copy(daemon.conf, daemon.dir / "elsewhere")
    for options, run in (
        ("-c ~/elsewhere", f"-c {daemon.dir}/elsewhere"), ("-celsewhere", "-celsewhere"),
        ("-i --configuration=elsewhere", "-i --configuration=elsewhere"),
        (f"--serverurl=unix://{daemon.socket}", f"--serverurl=unix://{daemon.socket}"),
    ):
        assert " ".join(shell.types(f"supervisorctl {options} pid sin\t").split()) == f"{run} pid single"


def test_a_name_is_never_run(shell: CommandShell, daemon: Daemon) -> None:
    for typed, run in ((f"supervisorctl {action} ev\t", f"{action} {HOSTILE}") for action in ("pid", "add")):
        assert " ".join(shell.types(typed).split()) == run
    assert not (daemon.dir / "ran").exists()
