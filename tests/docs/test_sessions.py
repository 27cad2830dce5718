"""The sessions of the documentation are typed into a shell, in a folder with the page's files, and give what is shown.

``...`` stands for anything, a number for any number. What only looks is repeated until it shows what it should.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.docs.pages import DOCS, Block, blocks

LOOKS = ("cat ", "grep ", "curl -s ", "supervisorctl status", "supervisorctl tail", "supervisorctl maintail",
         "supervisorctl logs", "docker ")
DEADLINE = 30.0

PAGES = [path for path in sorted(DOCS.glob("*.rst")) if any(block.language == "console" for block in blocks(path))]
NEEDED = {"node": "watch.js", "curl": "curl "}


class Session:
    """One shell's folder and environment."""

    def __init__(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sv"))       # a socket's path must be short
        self.bin = self.folder / ".bin"
        self.bin.mkdir()
        for name, call in (("supervisord", "supervisor.supervisord import main"),
                           ("supervisorctl", "supervisor.supervisorctl import main"),
                           ("echo_supervisord_conf", "supervisor.confecho import main"),
                           ("pidproxy", "supervisor.pidproxy import main")):
            program = self.bin / name
            program.write_text(f"#!{sys.executable}\nimport sys\nfrom {call}\nsys.exit(main())\n")
            program.chmod(0o755)
        (self.bin / "python3").symlink_to(sys.executable)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        root = str(pathlib.Path(__file__).parent.parent.parent)
        self.environment = {"PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder),
                            "TMPDIR": str(self.folder),     # where logs without a name go
                            "LANG": "C.UTF-8", "TERM": "dumb", "PYTHONPATH": os.pathsep.join([root, *site_paths()]),
                            "PYTHONDONTWRITEBYTECODE": "1"}

    def ported(self, text: str) -> str:
        return text.replace("9001", self.port)

    def write(self, block: Block) -> None:
        """Make the file that a block shows."""
        assert block.file is not None
        (self.folder / block.file).write_text(self.ported(block.text), encoding="utf-8")

    def type(self, command: str) -> str:
        """What a command shows."""
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=DEADLINE * 2, check=False)
        return done.stdout

    def expect(self, block: Block, command: str, shown: str) -> None:
        """Type a command and compare; one that only looks is given time."""
        deadline = time.monotonic() + DEADLINE
        while True:
            came = self.type(self.ported(command))
            if re.fullmatch(pattern(shown), came.strip()):
                return
            if not command.startswith(LOOKS) or time.monotonic() > deadline:
                raise AssertionError(f"{block!r}: $ {command}\nshows\n{came}\ninstead of\n{shown}{self.logs()}")
            time.sleep(0.05)

    def logs(self) -> str:
        return "".join(f"\n-- {path.name}\n{path.read_text(errors='replace')}" for path in self.folder.glob("*.log"))

    def close(self) -> None:
        """Take down what the page left running."""
        for pidfile in self.folder.glob("*.pid"):
            try:
                pid = int(pidfile.read_text())
                os.kill(pid, signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError):
                continue    # it ended by itself, as the last line of most pages asks it to
            deadline = time.monotonic() + DEADLINE
            while pidfile.exists():
                assert time.monotonic() < deadline, f"supervisord {pid} does not end"
                time.sleep(0.02)
        shutil.rmtree(self.folder)


def site_paths() -> list[str]:
    """Where this interpreter finds the distributions that ours needs."""
    return [path for path in sys.path if path.endswith("site-packages")]


def pattern(shown: str) -> str:
    """What is shown as a pattern."""
    text = re.escape(shown.strip())
    text = re.sub(r"(?:\\\.){3}", r"(?:.|\\n)*", text)
    text = re.sub(r"(?<!\w)\d+", r"\\d+", text)
    text = re.sub(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?=\\ \\d)", "[A-Z][a-z]{2}", text)
    text = re.sub(r"\b[AP]M\b", "[AP]M", text)
    return re.sub(r"(?:\\ )+", r" +", text)


def session(block: Block) -> Iterator[tuple[str, str]]:
    """(command, what it shows) one after the other."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(shown)
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, "\n".join(shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_sessions_show_what_is_written(page: pathlib.Path) -> None:
    text = page.read_text(encoding="utf-8")
    for tool, sign in NEEDED.items():
        if sign in text and shutil.which(tool) is None and not os.environ.get("CI"):
            pytest.skip(f"the page uses {tool}")
    shell = Session()
    try:
        for block in blocks(page):
            if block.skipped:
                continue
            if block.file is not None:
                shell.write(block)
            elif block.language == "console":
                for command, shown in session(block):
                    shell.expect(block, command, shown)
    finally:
        shell.close()


def test_patterns_let_only_numbers_and_dots_differ() -> None:
    assert re.fullmatch(pattern("a pid 1, ... end"), "a pid 22, what\never end")
    assert not re.fullmatch(pattern("a RUNNING"), "a STOPPED")
