"""A kernel that fails: system calls of a real process are answered with an error and not carried out, by strace."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from tests.harness import eventually

STRACE = shutil.which("strace") or ""


def _may_trace() -> bool:
    """Containers often forbid it."""
    return bool(STRACE) and subprocess.run([STRACE, "-e", "trace=none", "true"], capture_output=True).returncode == 0


can_trace = pytest.mark.skipif("CI" not in os.environ and not _may_trace(), reason="strace is missing or not permitted")


class Tracer:
    """strace at work on a process, and what it wrote down."""

    def __init__(self, pid: int, options: list[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="strace")
        self._path = pathlib.Path(self._folder.name, "calls")
        self.process = subprocess.Popen([STRACE, *options, "-o", str(self._path), "-p", str(pid)],
                                        stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        assert "attached" in first, first + self.process.stderr.read()
        self.text = ""

    def stop(self) -> None:
        """Let go of the process, if it still lives."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        with self.process, self.process.stderr:
            self.process.stderr.read()
        self.text = self._path.read_text(errors="replace")
        self._folder.cleanup()


@contextlib.contextmanager
def failing(pid: int, call: str, error: str, when: str, *options: str) -> Iterator[Tracer]:
    """Meanwhile a system call fails. when: 3 is the third time, 1+2 every second time from the first on.

    -f for forked children too: nothing may be spawned when it ends, for strace and a vfork would wait for each other.
    """
    tracer = Tracer(pid, [*options, "-e", "signal=none", "-e", f"trace={call}",
                          "-e", f"inject={call}:error={error}:when={when}"])
    try:
        yield tracer
    finally:
        tracer.stop()


@contextlib.contextmanager
def counting(pid: int) -> Iterator[dict[str, int]]:
    """How often a process makes which system calls; complete when it is over."""
    calls: dict[str, int] = {}
    tracer = Tracer(pid, ["-c", "-U", "calls,name"])
    try:
        yield calls
    finally:
        tracer.stop()
        calls |= {name: int(count) for count, name in re.findall(r"^\s*(\d+)\s+(\w+)$", tracer.text, re.MULTILINE)
                  if name != "total"}


def wait_stopped(pid: int) -> None:
    """Until a process has stopped itself."""
    eventually(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T",
               f"the stop of {pid}")
