"""Packages of others, installed once per run as their users would: beside our distribution, and beside Supervisor 4.3.

Each check runs against both, so that what fails with one alone shows whose fault it is.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.harness import Daemon, eventually

ROOT = pathlib.Path(__file__).parent.parent.parent
HERE = pathlib.Path(__file__).parent
PUBLISHED = "supervisor==4.3.0"

# Npm writes where its user's home is, and pip's checks of its own version cost a request each.
QUIET = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}


def run(*command: object, cwd: pathlib.Path | None = None) -> None:
    result = subprocess.run([str(word) for word in command], env=QUIET, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"


def environment(folder: pathlib.Path, *packages: object) -> None:
    """A virtual environment with packages."""
    run(sys.executable, "-m", "venv", folder)
    install(folder, *packages)


def install(folder: pathlib.Path, *packages: object) -> None:
    """Nothing is compiled ahead: most modules of the large packages are never imported."""
    run(folder / "bin" / "python", "-m", "pip", "install", "--no-compile", *packages)


def install_ours(folder: pathlib.Path) -> None:
    # A copy, because a build leaves files in the tree it is made from.
    source = folder.with_name("source")
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "tests", "_build", "build", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=unwanted)
    environment(folder, source, "-r", HERE / "packages.txt")


def install_published(folder: pathlib.Path) -> None:
    environment(folder, PUBLISHED, "-r", HERE / "packages.txt")


def install_clients(folder: pathlib.Path) -> None:
    """Programs that only run supervisorctl, or write what supervisord reads."""
    environment(folder, "ansible-core", "honcho[export]", "nagios-check-supervisord")


def install_collection(folder: pathlib.Path) -> None:
    """Ansible's community.general, out of the package that carries all collections."""
    download = folder.with_name("ansible")
    run(sys.executable, "-m", "pip", "download", "--no-deps", "--dest", download, "ansible")
    (wheel,) = download.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        wanted = "ansible_collections/community/general/"
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(wanted)])


def install_salt(folder: pathlib.Path) -> None:
    """Salt, with what its loader and its supervisord module import: the rest takes minutes, and a compiler."""
    environment(folder, "--no-deps", "salt")
    install(folder, "distro", "jinja2", "looseversion", "msgpack", "packaging", "pyyaml", "requests",
            "tornado")


def install_node(folder: pathlib.Path) -> None:
    folder.mkdir()
    run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *(HERE / "node.txt").read_text().split())


PIECES: dict[str, Callable[[pathlib.Path], None]] = {
    "salt": install_salt,  # the longest first
    "ours": install_ours,
    "published": install_published,
    "clients": install_clients,
    "collection": install_collection,
    "node": install_node,
}


@pytest.fixture(scope="session")
def pieces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of what the tests of this run ask for, all installed. Workers of one run share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    wanted = [name for name in PIECES if name in asked or name in ("ours", "published")]
    folder = shared / "ecosystem"
    folder.mkdir(exist_ok=True)
    with open(shared / "ecosystem.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = folder / "outcome"
        if not outcome.exists():
            try:
                with ThreadPoolExecutor(3) as pool:
                    list(pool.map(lambda name: PIECES[name](folder / name), wanted))
            except Exception as exc:
                outcome.write_text(f"{exc}")
                raise
            outcome.touch()
    assert not outcome.read_text(), outcome.read_text()
    return folder


@pytest.fixture
def clients(pieces: pathlib.Path) -> pathlib.Path:
    return pieces / "clients"


@pytest.fixture
def collection(pieces: pathlib.Path) -> pathlib.Path:
    return pieces / "collection"


@pytest.fixture
def salt(pieces: pathlib.Path) -> pathlib.Path:
    return pieces / "salt"


@pytest.fixture
def node(pieces: pathlib.Path) -> pathlib.Path:
    return pieces / "node"


@pytest.fixture(params=["ours", "published"])
def python(request: pytest.FixtureRequest, pieces: pathlib.Path) -> str:
    """The interpreter of one of the two environments."""
    return str(pieces / request.param / "bin" / "python")


class Installed(Daemon):
    """A daemon of an environment. Third-party code warns on its own account."""

    def __init__(self, python: str) -> None:
        super().__init__(python)
        self.tolerate("SHUTDOWN_STATE")  # theirs, when they act while the daemon goes down

    def configure(self, config: str = "", *, loglevel: str = "info", **rest: Any) -> str:
        """At debug the activity log would have what programs of others write, tracebacks included."""
        return super().configure(config, loglevel=loglevel, **rest)

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        return super().environment({"PYTHONWARNINGS": "ignore", **(extra or {})})

    def program_of(self, name: str) -> str:
        """A console script of the same environment."""
        return str(pathlib.Path(self.python).with_name(name))

    def wait_file(self, name: str, text: str) -> None:
        """Wait until a text stands in a file of the daemon's folder."""
        eventually(lambda: text in self.read(name), f"{text!r} in {name}")

    @property
    def ours(self) -> bool:
        return pathlib.Path(self.python).parts[-3] == "ours"


@pytest.fixture
def make(python: str) -> Iterator[Callable[[], Installed]]:
    """Makes daemons of one environment."""
    made: list[Installed] = []

    def one_more() -> Installed:
        made.append(Installed(python))
        return made[-1]

    try:
        yield one_more
    finally:
        for daemon in made:
            daemon.close()


@pytest.fixture
def daemon(make: Callable[[], Installed]) -> Installed:
    """A daemon of one environment."""
    return make()
