"""The distributions of this tree, built once for a run, and fresh environments to put them into."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
PARTS = ("supervisor", "docs", "tests", "benchmarks")
EPOCH = "1700000000"


def run(*words: object, env: dict[str, str] | None = None, cwd: pathlib.Path | None = None, umask: int = -1) -> str:
    """What a command prints; a failure shows all of it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(word) for word in words], env={**clean, **(env or {})}, cwd=cwd, umask=umask, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(into: pathlib.Path, umask: int = -1) -> pathlib.Path:
    """Both distributions of a copy of this tree."""
    tree = into / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "_build", "*.log*", "*.sock", "*.pid", ".*")
    for part in PARTS:
        if (ROOT / part).exists():
            shutil.copytree(ROOT / part, tree / part, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, tree)
    said = run(sys.executable, "-m", "build", "--outdir", into, tree, env={"SOURCE_DATE_EPOCH": EPOCH}, umask=umask)
    complaints = [line for line in said.splitlines() if "warning" in line.lower() or "deprecat" in line.lower()]
    assert not [line for line in complaints if not line.startswith("warning: no previously-included files")], said
    return into


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of the distributions, built once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "distributions"
    with open(shared / "distributions.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = shared / "unfinished"
            unfinished.mkdir()
            build(unfinished).rename(folder)
    return folder


@pytest.fixture
def wheel(built: pathlib.Path) -> pathlib.Path:
    return next(built.glob("*.whl"))


@pytest.fixture
def sdist(built: pathlib.Path) -> pathlib.Path:
    return next(built.glob("*.tar.gz"))


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """One with a short path, as sockets need it."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="sv"))
    yield made
    shutil.rmtree(made)


def environment(folder: pathlib.Path, python: str) -> pathlib.Path:
    """A fresh virtual environment's bin."""
    run(python, "-m", "venv", folder / "env")
    return folder / "env" / "bin"


def interpreter(name: str) -> str:
    """One of that name that makes environments, on PATH or among those that pyenv keeps; without one the test skips."""
    kept = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"), "versions")
    for folder in [*os.environ["PATH"].split(os.pathsep), *sorted(kept.glob("*/bin"))]:
        found = shutil.which(name, path=folder)
        if found and subprocess.run([found, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return found
    pytest.skip(f"there is no {name} that makes environments")
