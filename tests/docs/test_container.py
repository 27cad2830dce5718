"""The example of the container page, in name spaces instead of a container: supervisord is process 1 there."""

from __future__ import annotations

import getpass
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from tests.docs.pages import DOCS, blocks
from tests.docs.test_sessions import Session
from tests.harness.daemon import eventually

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def may_unshare() -> bool:
    """Whether this user may make name spaces."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or not may_unshare(), reason="name spaces cannot be made here")
def test_process_1_runs_logs_and_ends_with_its_program() -> None:
    shell = Session()
    try:
        listener = ""
        for block in blocks(DOCS / "containers.rst"):
            if block.file is not None and block.language != "docker":
                shell.write(block)
            elif block.language == "ini":
                listener = block.text
        conf = shell.folder / "supervisord.conf"
        text = conf.read_text() + listener
        text = text.replace("/home/app", str(shell.folder)).replace("/opt/supervisor/bin/python", "python3")
        text = text.replace("user=app", f"user={getpass.getuser()}").replace("user=root", f"user={getpass.getuser()}")
        conf.write_text(text + "\n[program:hello]\nautorestart=false\nstartsecs=0\n")
        run(shell, conf)
    finally:
        shutil.rmtree(shell.folder)


def run(shell: Session, conf: pathlib.Path) -> None:
    """Start it, look at it, have its program end."""
    out = shell.folder / "out"
    with open(out, "wb") as stream:
        first = subprocess.Popen([*UNSHARE, shell.bin / "supervisord", "-n", "-c", conf], env=shell.environment,
                                 cwd=shell.folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        eventually(lambda: "\nhello\n" in out.read_text(), "output of the program")
        assert "supervisord started with pid 1\n" in out.read_text()
        assert shell.type("supervisorctl -c supervisord.conf status hello").split()[:2] == ["hello", "RUNNING"]
        eventually(lambda: "RUNNING" in shell.type("supervisorctl -c supervisord.conf status end"), "the listener")
        assert "signalled" in shell.type("supervisorctl -c supervisord.conf signal KILL hello")
        assert first.wait(10) == 0, out.read_text()
    finally:
        if first.poll() is None:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
