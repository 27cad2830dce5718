"""What is built from this tree: complete, the same each time, installs on every Python there is, takes 4.x' place.

Needs an index that pip reaches, and the distribution ``build``.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import signal
import sys
import tarfile
import textwrap
import zipfile

import pytest

from tests.harness.daemon import eventually
from tests.packaging.conftest import ROOT, build, environment, interpreter, run

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

PUBLISHED = "4.3.0"


def test_the_wheel_is_complete(wheel: pathlib.Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "supervisor").rglob("*")
               if path.is_file() and "__pycache__" not in path.parts
               and path.suffix in (".py", ".typed", ".html", ".css", ".png", ".gif", ".js", ".conf")}
    assert package <= names
    data = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    shared = (path for path in (ROOT / "docs" / "share").rglob("*") if path.is_file())
    assert data == {str(path.relative_to(ROOT / "docs")) for path in shared}
    assert any(name.endswith("licenses/LICENSES.txt") for name in names)
    unwanted = [name for name in names if name.endswith((".pyc", ".log", ".sock", ".pid")) or name.startswith("tests")]
    assert not unwanted


def test_the_source_distribution_is_complete(sdist: pathlib.Path) -> None:
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for part in ("docs/index.rst", "tests/conftest.py", "docs/share/man/man1/supervisord.1", "tox.ini", "CHANGES.rst",
                 "LICENSES.txt", "README.rst", "supervisor/py.typed", "supervisor/demo/supervisord.conf"):
        assert part in names, part


def test_two_builds_are_equal(built: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def sums(folder: pathlib.Path) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("supervisor-*")}

    assert sums(build(tmp_path, umask=0o077)) == sums(built)


CONFIG = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s

[unix_http_server]
file=%(here)s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock

[program:sleeper]
command=sleep 1000
startsecs=0
environment=A="one, two",B='three'

[eventlistener:listener]
command=python3 %(here)s/listener.py
events=PROCESS_STATE
"""
EVERYTHING = """\
import importlib, pkgutil
import supervisor
for module in pkgutil.walk_packages(supervisor.__path__, "supervisor."):
    if not module.name.startswith("supervisor.demo."):
        importlib.import_module(module.name)
"""
LISTENER = """\
from supervisor.childutils import listener

while True:
    listener.wait()
    listener.ok()
"""


class Site:
    """A configuration and the programs of an environment."""

    def __init__(self, folder: pathlib.Path, bin: pathlib.Path) -> None:
        self.folder, self.bin = folder, bin
        self.conf = folder / "supervisord.conf"
        self.conf.write_text(CONFIG)
        (folder / "listener.py").write_text(LISTENER)
        self.env = {"PATH": f"{bin}:{os.environ['PATH']}"}

    def start(self) -> None:
        run(self.bin / "supervisord", "-c", self.conf, env=self.env)
        eventually((self.folder / "s.sock").exists, "the socket")

    def ctl(self, *words: str) -> str:
        return run(self.bin / "supervisorctl", "-c", self.conf, *words, env=self.env)

    def works(self) -> None:
        """Everything runs and obeys."""
        eventually(lambda: self.ctl("status", "sleeper", "listener").count("RUNNING") == 2, "two that run")
        assert self.ctl("restart", "sleeper") == "sleeper: stopped\nsleeper: started\n"

    def stop(self) -> None:
        pid = int((self.folder / "supervisord.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not (self.folder / "supervisord.pid").exists(), "the end")

    def clean(self) -> None:
        if (self.folder / "supervisord.pid").exists():
            self.stop()


PYTHONS = [f"python3.{minor}" for minor in range(10, 15)]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_wheel_installs_and_works(python: str, wheel: pathlib.Path, folder: pathlib.Path) -> None:
    bin = environment(folder, interpreter(python))
    run(bin / "pip", "install", "--quiet", wheel)
    run(bin / "python", "-W", "error", "-c", EVERYTHING, cwd=folder)
    assert "[program:theprogramname]" in run(bin / "echo_supervisord_conf")
    assert (bin.parent / "share/man/man1/supervisord.1").exists()
    assert run(bin / "pip", "check")
    site = Site(folder, bin)
    site.env["PYTHONWARNINGS"] = "error"
    try:
        site.start()
        site.works()
    finally:
        site.clean()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_source_distribution_installs(python: str, sdist: pathlib.Path, folder: pathlib.Path) -> None:
    bin = environment(folder, interpreter(python))
    run(bin / "pip", "install", "--quiet", sdist)
    run(bin / "python", "-W", "error", "-c", EVERYTHING, cwd=folder)
    assert run(bin / "supervisord", "--version").strip() in sdist.name


def test_types_are_seen_by_others(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    bin = environment(folder, sys.executable)
    run(bin / "pip", "install", "--quiet", wheel, "mypy")
    (folder / "plugin.py").write_text(textwrap.dedent("""
        from supervisor.faults import Faults, RPCError
        from supervisor.states import ProcessStates

        def first(state: int) -> bool:
            if state == ProcessStates.FATAL:
                raise RPCError(Faults.FAILED)
            return True
    """))
    run(bin / "mypy", "--strict", "plugin.py", cwd=folder)


def test_it_takes_the_place_of_the_published_one(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    bin = environment(folder, sys.executable)
    run(bin / "pip", "install", "--quiet", f"supervisor=={PUBLISHED}", "setuptools<81")
    site = Site(folder, bin)
    try:
        site.start()
        site.works()
        run(bin / "pip", "install", "--quiet", "--upgrade", wheel)
        # The new client commands the old daemon, which goes on until it is told to end.
        assert site.ctl("version").strip() == PUBLISHED
        site.works()
        site.stop()
        site.start()
        assert site.ctl("version").strip() in wheel.name
        site.works()
        site.stop()
        # And back.
        run(bin / "pip", "install", "--quiet", f"supervisor=={PUBLISHED}")
        site.start()
        site.works()
    finally:
        site.clean()
