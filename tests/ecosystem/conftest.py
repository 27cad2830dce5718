"""Packages of others, installed once per run beside our distribution, as their users would."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness import Daemon

ROOT = pathlib.Path(__file__).parent.parent.parent
PACKAGES = pathlib.Path(__file__).with_name("packages.txt")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A virtual environment with all of them; its directory. Workers of one run share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "ecosystem"
    with open(shared / "ecosystem.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            install(folder, shared / "ecosystem-source")
            (folder / "complete").touch()
    return folder


def install(folder: pathlib.Path, source: pathlib.Path) -> None:
    # A copy, because a build leaves files in the tree it is made from.
    shutil.copytree(ROOT / "supervisor", source / "supervisor", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.rst", "LICENSES.txt", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(source)], check=True)
    subprocess.run([*pip, "-r", str(PACKAGES)], check=True)


@pytest.fixture
def daemon(environment: pathlib.Path) -> Iterator[Daemon]:
    """A daemon of that environment; ``@bin@`` is not replaced, programs are named by ``daemon.python``'s folder."""
    with_daemon = Daemon(str(environment / "bin" / "python"))
    try:
        yield with_daemon
    finally:
        with_daemon.close()
