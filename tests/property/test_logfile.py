"""Whatever happens to the files of a log, what is in them joined oldest first is an unbroken end of the stream."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.engine.system import System
from supervisor.logfile import LogFile
from supervisor.logfile import backlog as backlogs
from tests.fakes import FakeClock

sizes = st.integers(0, 30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), sizes),
        st.tuples(st.sampled_from(["reopen", "clear", "delete", "rename", "close", "wait"]), st.just(0)),
        st.tuples(st.sampled_from(["write", "rename", "open"]).map(lambda name: f"fail {name}"), st.integers(1, 3)),
    ),
    max_size=40,
)


class Failing(System):
    """The next calls of a name fail as often as was asked for."""

    def __init__(self) -> None:
        self.failures = {"write": 0, "rename": 0, "open": 0}

    def _check(self, name: str) -> None:
        if self.failures[name]:
            self.failures[name] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def write(self, fd: int, data: Any) -> int:  # type: ignore[override]
        self._check("write")
        return os.write(fd, data)

    def rename(self, old: str, new: str) -> None:  # type: ignore[override]
        self._check("rename")
        os.rename(old, new)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]
        self._check("open")
        return os.open(path, flags, mode)


class Story:
    """A log, the stream written to it, and where the part begins that must still be there."""

    def __init__(self, folder: str, maxbytes: int, backups: int) -> None:
        self.path = os.path.join(folder, "x.log")
        self.system, self.clock = Failing(), FakeClock()
        self.backups = backups
        self.log = LogFile(
            self.path, maxbytes, backups, system=self.system, clock=self.clock, report=lambda text: None
        )
        self.log.open()
        self.stream = b""

    def files(self) -> list[bytes]:
        names = [*(f"{self.path}.{number}" for number in range(self.backups + 5, 0, -1)), self.path]
        return [Path(name).read_bytes() for name in names if os.path.exists(name)]

    def do(self, step: str, number: int) -> None:
        if step == "write":
            piece = b"".join(b"%d;" % (len(self.stream) + at) for at in range(number))
            self.stream += piece
            self.log.write(piece)
        elif step == "wait":
            self.clock.advance(2.0)
        elif step == "delete":
            if os.path.exists(self.path):
                os.unlink(self.path)
        elif step == "rename":
            if os.path.exists(self.path):
                os.rename(self.path, self.path + ".moved")
        elif step == "close":
            self.system.failures["open"] = 0
            self.log.close()
            self.log.open()
        elif step.startswith("fail "):
            self.system.failures[step[5:]] = number
        elif step == "clear":
            try:
                self.log.clear()
            except OSError:
                pass
        else:
            self.log.reopen()

    def settle(self) -> None:
        self.system.failures = dict.fromkeys(self.system.failures, 0)
        self.clock.advance(2.0)
        self.do("write", 1)
        self.log.close()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(steps, st.sampled_from([0, 1, 20, 60]), st.integers(0, 3))
def test_nothing_is_lost_unasked(happenings: list[tuple[str, int]], maxbytes: int, backups: int) -> None:
    backlogs._backlogs.clear()
    with tempfile.TemporaryDirectory() as folder:
        story = Story(folder, maxbytes, backups)
        for step, number in happenings:
            story.do(step, number)
        story.settle()
        files = story.files()
        harmless = {"write", "wait", "reopen", "close", "fail write", "fail rename", "fail open"}
        if {step for step, _ in happenings} <= harmless:
            assert story.stream.endswith(b"".join(files))
            if not maxbytes:
                assert b"".join(files) == story.stream
        # With less care, each file still is an unbroken piece of the stream.
        assert all(data in story.stream for data in files)
        assert b"\0" not in b"".join(files)
        assert len(files) <= max(backups, 0) + 1
        if "fail rename" not in dict(happenings) and "fail open" not in dict(happenings):
            assert all(len(data) < max(maxbytes, 1) + 30 * 8 for data in files[:-1])
