"""What pages say about installing, typed into a shell in a copy of this tree, in a home of its own.

Left out is what changes the machine: packages and users of the system. Folders beside the home lie in it here.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import sys
from collections.abc import Iterator

import pytest

from supervisor.version import VERSION
from tests.docs.pages import DOCS, ROOT, Block, blocks
from tests.packaging.conftest import run

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

OF_THE_SYSTEM = ("apt-get ", "useradd ", "rm -rf /var/lib/")


class Home:
    """A home with a checkout in it, and a shell there."""

    def __init__(self, folder: pathlib.Path, tree: pathlib.Path) -> None:
        self.folder, self.checkout = folder, folder / "checkout"
        shutil.copytree(tree, self.checkout)
        self.bin = folder / "bin"
        self.bin.mkdir()
        python = self.bin / "python3"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)

    def type(self, text: str, cwd: pathlib.Path | None = None) -> str:
        """What the lines of a page print; none of them may fail."""
        lines = [line for line in text.splitlines() if not line.startswith(OF_THE_SYSTEM)]
        script = re.sub(r"(?<!\S)/(?=(?:opt|tmp)/)", f"{self.folder}/", "\n".join(lines))
        return run("bash", "-ec", script, cwd=cwd or self.checkout,
                   env={"HOME": str(self.folder), "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin"})


@pytest.fixture
def home(folder: pathlib.Path, built: pathlib.Path) -> Iterator[Home]:
    made = Home(folder, built / "tree")
    yield made
    for pidfile in folder.rglob("supervisord.pid"):
        os.kill(int(pidfile.read_text()), signal.SIGTERM)


def shell(page: str, sign: str) -> Block:
    """The first block of shell lines in a page that has this in it."""
    return next(block for block in blocks(DOCS / page) if block.language == "sh" and sign in block.text)


def test_the_tutorial(home: Home) -> None:
    install = shell("tutorial.rst", "pip install .")
    (version,) = (block for block in blocks(DOCS / "tutorial.rst") if "--version" in block.text)
    command, shown = version.text.removeprefix("$ ").splitlines()
    assert shown == VERSION
    assert home.type(f"{install.text}{command}\npwd").splitlines()[-2:] == [shown, str(home.folder / "sv")]


def test_the_readme(home: Home) -> None:
    """Its sample lies in /tmp, here in the home."""
    (block,) = (block for block in blocks(ROOT / "README.rst") if "echo_supervisord_conf" in block.text)
    (home.folder / "tmp").mkdir()
    sample = "echo_supervisord_conf > supervisord.conf\n"
    assert sample in block.text
    moved = block.text.replace(sample, f"{sample}sed -i s:/tmp/:$HOME/tmp/: supervisord.conf\n")
    home.type(f"{moved}supervisorctl shutdown")
    assert "supervisord started" in (home.folder / "tmp" / "supervisord.log").read_text()


def test_installing_from_a_checkout_and_without_a_network(home: Home) -> None:
    checkout, wheels = shell("installing.rst", "pip install ."), shell("installing.rst", "pip wheel")
    version = "/opt/supervisor/bin/supervisord --version"
    assert home.type(f"{checkout.text}{version}").splitlines()[-1] == VERSION
    make, install = wheels.text.splitlines()
    home.type(make)
    home.type("rm -r /opt/supervisor\npython3 -m venv /opt/supervisor")
    assert home.type(f"{install}\n{version}").splitlines()[-1] == VERSION


def test_the_dockerfile(home: Home) -> None:
    """The lines of its RUN, after the COPY of the wheel that the page makes."""
    home.type(shell("containers.rst", "pip wheel").text)
    (docker,) = (block.text for block in blocks(DOCS / "containers.rst") if block.file == "Dockerfile")
    instructions = [line.partition(" ") for line in docker.replace("\\\n", "").splitlines()]
    context = home.folder / "hello"
    (home.folder / "tmp").mkdir()
    for word, _, rest in instructions:
        if word == "COPY" and rest.startswith("supervisor-"):
            home.type(f"cp {rest}", cwd=context)
        elif word == "RUN":
            home.type("\n".join(command.strip() for command in rest.split("&&")), cwd=context)
    (last,) = (rest for word, _, rest in instructions if word == "CMD")
    program = last.split('"')[1]
    assert home.type(f"{program} --version").splitlines()[-1] == VERSION
