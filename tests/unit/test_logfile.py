"""Logs: appending, rotation, clearing, troubles and those who follow, on real files of a test's folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.engine.system import System
from supervisor.logfile import LogFile, follow
from supervisor.logfile import backlog as backlogs
from supervisor.logfile.opening import open_place
from tests.fakes import FakeClock


class FailingSystem(System):
    """Calls fail while a test says so: name of the call -> errno, or how many bytes a write takes before it fails."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        self.room: int | None = None
        self.calls: list[str] = []

    def _check(self, name: str, path: object = None) -> None:
        self.calls.append(name)
        if name in self.errors:
            raise OSError(self.errors[name], os.strerror(self.errors[name]), path)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]
        self._check("open", path)
        return os.open(path, flags, mode)

    def rename(self, old: str, new: str) -> None:  # type: ignore[override]
        self._check("rename", old)
        os.rename(old, new)

    def fstat(self, fd: int) -> os.stat_result:  # type: ignore[override]
        self._check("fstat")
        return os.fstat(fd)

    def write(self, fd: int, data: Any) -> int:  # type: ignore[override]
        self._check("write")
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = bytes(data)[: self.room]
            self.room -= len(data)
        return os.write(fd, data)


class Stage:
    """What a log is made with, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.system = FailingSystem()
        self.clock = FakeClock()
        self.said: list[str] = []
        self.folder = folder
        self.path = str(folder / "x.log")
        self.logs: list[LogFile] = []

    def log(self, maxbytes: int = 0, backups: int = 0, path: str | None = None, opened: bool = True) -> LogFile:
        log = LogFile(
            path or self.path, maxbytes, backups, system=self.system, clock=self.clock, report=self.said.append
        )
        self.logs.append(log)
        if opened:
            log.open()
        return log

    def read(self, name: str = "x.log") -> bytes:
        return (self.folder / name).read_bytes()

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.system.errors.clear()
    stage.system.room = None
    for log in stage.logs:
        log.close()
    backlogs._backlogs.clear()
    backlogs._recently.clear()


# Appending


def test_appends_raw_bytes(stage: Stage) -> None:
    (stage.folder / "x.log").write_bytes(b"old\n")
    log = stage.log()
    log.write(b"\x00\xff\r\nno end")
    log.write(memoryview(b" of line"))
    log.write(b"")
    assert stage.read() == b"old\n\x00\xff\r\nno end of line"
    assert log.seekable


def test_a_folder_cannot_be_opened(stage: Stage) -> None:
    log = stage.log(path=str(stage.folder), opened=False)
    with pytest.raises(IsADirectoryError):
        log.open()
    log.write(b"to nobody")
    log.close()


def test_mode_is_the_umasks(stage: Stage) -> None:
    before = os.umask(0o027)
    try:
        stage.log()
    finally:
        os.umask(before)
    assert os.stat(stage.path).st_mode & 0o777 == 0o640


def test_truncation_from_outside_leaves_no_hole(stage: Stage) -> None:
    log = stage.log(maxbytes=20, backups=1)
    log.write(b"0123456789")
    os.truncate(stage.path, 0)
    log.write(b"abc")
    log.write(b"0123456789")
    assert stage.read() == b"abc0123456789"
    assert stage.names() == ["x.log"]  # 23 bytes were written, but 13 are there


def test_any_number_of_backups_costs_what_is_there(stage: Stage) -> None:
    log = stage.log(maxbytes=1, backups=10**30)
    for name in ("x.log.x", "x.log.07", "x.log.9.gz", "y.log.1"):
        (stage.folder / name).write_text("not ours")
    (stage.folder / "x.log.41").write_text("old")
    for number in range(3):
        log.write(b"%d" % number)
    assert [stage.read(name) for name in ("x.log.1", "x.log.2", "x.log.3", "x.log.44")] == [b"2", b"1", b"0", b"old"]
    assert [name for name in stage.names() if name not in ("x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.44")] == [
        "x.log.07", "x.log.9.gz", "x.log.x", "y.log.1"]


def test_renamed_then_reopened(stage: Stage) -> None:
    log = stage.log()
    log.write(b"one\n")
    os.rename(stage.path, stage.path + ".old")
    log.write(b"two\n")
    log.reopen()
    log.write(b"three\n")
    assert stage.read("x.log.old") == b"one\ntwo\n"
    assert stage.read() == b"three\n"


def test_reopen_that_fails_goes_on_with_the_renamed_file(stage: Stage) -> None:
    log = stage.log()
    os.rename(stage.path, stage.path + ".old")
    os.mkdir(stage.path)
    log.reopen()
    log.write(b"one\n")
    assert stage.read("x.log.old") == b"one\n"
    os.rmdir(stage.path)
    log.write(b"two\n")  # tried again at most once a second
    stage.clock.advance(1.0)
    log.write(b"three\n")
    assert stage.read("x.log.old") == b"one\ntwo\n"
    assert stage.read() == b"three\n"


def test_reopen_that_fails_does_not_fill_a_deleted_file(stage: Stage) -> None:
    log = stage.log()
    os.unlink(stage.path)
    os.mkdir(stage.path)
    log.reopen()
    log.write(b"one\n")
    assert "Is a directory" in stage.said[0]
    os.rmdir(stage.path)
    log.write(b"two\n")
    assert stage.read() == b"one\ntwo\n"
    assert len(stage.said) == 2 and "can be written again; 0 bytes were dropped" in stage.said[1]


# Rotation


def test_rotation_keeps_the_stream(stage: Stage) -> None:
    log = stage.log(maxbytes=10, backups=3)
    pieces = [f"line {number}\n".encode() for number in range(12)]
    for piece in pieces:
        log.write(piece)
    assert stage.names() == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    kept = stage.read("x.log.3") + stage.read("x.log.2") + stage.read("x.log.1") + stage.read()
    assert b"".join(pieces).endswith(kept)
    assert [len(stage.read(f"x.log.{number}")) for number in (1, 2, 3)] == [14 + 2, 14, 14]


def test_a_write_is_never_split(stage: Stage) -> None:
    log = stage.log(maxbytes=5, backups=1)
    log.write(b"0123456789\n")
    assert stage.read("x.log.1") == b"0123456789\n"
    assert stage.read() == b""


def test_without_backups_the_file_begins_again(stage: Stage) -> None:
    log = stage.log(maxbytes=5)
    log.write(b"0123456789\n")
    log.write(b"new\n")
    assert stage.read() == b"new\n"
    assert stage.names() == ["x.log"]


def test_a_file_over_its_limit_is_not_rotated_before_a_write(stage: Stage) -> None:
    (stage.folder / "x.log").write_bytes(b"0123456789\n")
    log = stage.log(maxbytes=5, backups=1)
    assert stage.names() == ["x.log"]
    log.write(b"x")
    assert stage.read("x.log.1") == b"0123456789\nx"


def test_missing_backups_are_no_trouble(stage: Stage) -> None:
    log = stage.log(maxbytes=2, backups=3)
    for piece in (b"one", b"two", b"three", b"four"):
        log.write(piece)
    os.unlink(stage.path + ".2")
    log.write(b"five")
    assert stage.read("x.log.1") == b"five"
    assert stage.said == []


def test_the_oldest_backup_stays_while_nothing_takes_its_place(stage: Stage) -> None:
    log = stage.log(10, 3)
    (stage.folder / "x.log.3").write_bytes(b"oldest")
    log.write(b"first line\n")
    assert (stage.folder / "x.log.1").read_bytes() == b"first line\n"
    assert (stage.folder / "x.log.3").read_bytes() == b"oldest"
    (stage.folder / "x.log.2").write_bytes(b"younger")
    log.write(b"other line\n")
    assert (stage.folder / "x.log.3").read_bytes() == b"younger"
    log.close()


def test_a_deleted_log_is_back_at_the_next_rotation(stage: Stage) -> None:
    log = stage.log(maxbytes=5, backups=2)
    os.unlink(stage.path)
    log.write(b"012345\n")
    log.write(b"x")
    assert stage.read() == b"x"
    assert stage.names() == ["x.log"]


def test_rotation_that_fails_goes_on_in_the_same_file(stage: Stage) -> None:
    log = stage.log(maxbytes=4, backups=2)
    log.write(b"first\n")
    stage.system.errors["rename"] = errno.EACCES
    for _ in range(100):
        log.write(b"piece\n")
    assert stage.read() == b"piece\n" * 100
    assert len(stage.said) == 1 and "cannot rotate" in stage.said[0] and stage.path in stage.said[0]
    assert stage.system.calls.count("rename") < 10
    del stage.system.errors["rename"]
    stage.clock.advance(1.0)
    log.write(b"last\n")
    assert stage.read("x.log.1") == b"piece\n" * 100 + b"last\n"
    assert stage.read("x.log.2") == b"first\n"
    assert stage.read() == b""


def test_rotation_without_a_new_file_loses_nothing(stage: Stage) -> None:
    log = stage.log(maxbytes=4, backups=2)
    stage.system.errors["open"] = errno.EMFILE
    log.write(b"one\n")
    log.write(b"two\n")
    assert stage.read("x.log.1") == b"one\ntwo\n"
    del stage.system.errors["open"]
    stage.clock.advance(1.0)
    log.write(b"three\n")
    assert [stage.read(name) for name in ("x.log.2", "x.log.1")] == [b"one\ntwo\n", b"three\n"]


def test_a_new_file_is_no_more_open_than_the_old_one(stage: Stage) -> None:
    log = stage.log(maxbytes=4, backups=1)
    os.chmod(stage.path, 0o600)
    log.write(b"12345")
    assert os.stat(stage.path).st_mode & 0o777 == 0o600
    log.clear()
    assert os.stat(stage.path).st_mode & 0o777 == 0o600


def test_two_logs_of_one_name_rotate_together(stage: Stage) -> None:
    one, two = stage.log(maxbytes=12, backups=5), stage.log(maxbytes=12, backups=5)
    for number in range(10):
        one.write(f"one {number}\n".encode())
        two.write(f"two {number}\n".encode())
    assert stage.names() == ["x.log", *(f"x.log.{number}" for number in range(1, 6))]
    assert {len(stage.read(f"x.log.{number}")) for number in range(1, 6)} == {12}
    assert stage.read("x.log.1") == b"one 9\ntwo 9\n"


# Clearing


def test_clear(stage: Stage) -> None:
    log = stage.log(maxbytes=4, backups=1)
    log.write(b"rotated")
    log.write(b"abc")
    inode = os.stat(stage.path).st_ino
    other = os.open(stage.path, os.O_RDONLY)  # so that the inode is not used again at once
    log.clear()
    log.write(b"new")
    os.close(other)
    assert stage.read() == b"new"
    assert os.stat(stage.path).st_ino != inode
    assert stage.read("x.log.1") == b"rotated"


def test_clear_brings_a_deleted_log_back(stage: Stage) -> None:
    log = stage.log()
    os.unlink(stage.path)
    log.clear()
    log.write(b"x")
    assert stage.read() == b"x"


@pytest.mark.parametrize("there", [True, False])
def test_clear_says_when_no_new_log_can_be_begun(stage: Stage, there: bool) -> None:
    log = stage.log()
    log.write(b"old")
    if not there:
        os.unlink(stage.path)
    stage.system.errors["open"] = errno.EACCES
    with pytest.raises(PermissionError):
        log.clear()
    del stage.system.errors["open"]
    log.write(b"new")
    assert stage.read() == b"new"


def test_clear_of_a_log_that_is_a_folder_now(stage: Stage) -> None:
    log = stage.log()
    os.unlink(stage.path)
    os.mkdir(stage.path)
    with pytest.raises(IsADirectoryError):
        log.clear()
    assert os.path.isdir(stage.path)


def test_a_name_that_may_not_be_made_is_refused_for_that_reason(stage: Stage) -> None:
    stage.system.errors["open"] = errno.EACCES
    with pytest.raises(PermissionError):
        open_place(stage.path, 0o644, stage.system)


def test_clear_of_a_link_keeps_the_link(stage: Stage) -> None:
    os.symlink("real", stage.path)
    log = stage.log()
    log.write(b"old")
    log.clear()
    log.write(b"new")
    assert os.readlink(stage.path) == "real"
    assert stage.read("real") == b"new"


def test_devices_are_neither_rotated_nor_cleared(stage: Stage) -> None:
    log = stage.log(maxbytes=1, backups=1, path="/dev/null")
    log.write(b"more than one byte")
    log.clear()
    log.reopen()
    assert not log.seekable
    assert os.path.exists("/dev/null") and not os.path.exists("/dev/null.1")
    assert stage.said == []


# Troubles


def test_full_disk_keeps_then_drops_and_goes_on_without_a_hole(stage: Stage) -> None:
    log = stage.log()
    log.write(b"before\n")
    stage.system.room = 5
    lines = [f"line {number:06d}\n".encode() for number in range(20000)]
    for line in lines:
        log.write(line)
    assert stage.read() == b"before\nline "
    stage.system.room = None
    log.write(b"after\n")
    head, _, tail = stage.read().partition(b"before\n")
    assert head == b"" and tail.endswith(b"\nafter\n")
    kept = tail.splitlines(keepends=True)[:-1]
    assert kept == lines[: len(kept)]
    assert 60_000 < len(tail) < 70_000
    assert len(stage.said) == 2
    assert stage.said[0].startswith(f"cannot write to log {stage.path!r}: No space left on device; make room")
    dropped = sum(map(len, lines)) - sum(map(len, kept))
    assert stage.said[1] == f"log {stage.path!r} can be written again; {dropped} bytes were dropped"


def test_what_is_dropped_is_whole_lines_wherever_reads_end(stage: Stage) -> None:
    log = stage.log()
    stage.system.room = 0
    lines = [f"line {number:06d}\n".encode() for number in range(20000)]
    data = b"".join(lines) + b"the beginning of a line"
    for at in range(0, len(data), 4099):
        log.write(data[at : at + 4099])
    stage.system.room = None
    log.write(b" and its end\nwhole\n")
    assert set(stage.read().splitlines(keepends=True)) < {*lines, b"whole\n"}


def test_a_trouble_that_lasts_is_told_once_a_minute(stage: Stage) -> None:
    log = stage.log()
    stage.system.room = 0
    for _ in range(600):
        log.write(b"x" * 1000 + b"\n")
        stage.clock.advance(1.0)
    assert len(stage.said) == 10
    assert stage.said[-1].startswith("still cannot write to log")
    assert "bytes were dropped so far" in stage.said[-1]


def test_a_trouble_that_comes_and_goes_is_told_once_a_minute(stage: Stage) -> None:
    log = stage.log()
    for _ in range(100):
        stage.system.room = 0
        log.write(b"x")
        stage.system.room = None
        log.write(b"y")
        stage.clock.advance(1.0)
    assert stage.read() == b"xy" * 100
    assert len(stage.said) <= 4


def test_a_log_opened_again_goes_on_with_what_waits(stage: Stage) -> None:
    log = stage.log()
    stage.system.room = 0
    log.write(b"one\n")
    log.close()
    again = stage.log()
    again.write(b"two\n")
    stage.system.room = None
    again.write(b"three\n")
    assert stage.read() == b"one\ntwo\nthree\n"
    assert len(stage.said) == 2


def test_all_logs_together_keep_a_bounded_amount(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlogs, "KEPT_BY_ALL", backlogs.Backlog.kept_by_all + 100_000)
    logs = [stage.log(path=f"{stage.path}-{number}") for number in range(5)]
    stage.system.room = 0
    for log in logs:
        log.write(b"x" * 60_000)
    stage.system.room = None
    for log in logs:
        log.write(b"y")
    assert sum(os.path.getsize(f"{stage.path}-{number}") for number in range(5)) == 100_000 + 5


def test_a_trouble_of_many_logs_is_not_told_for_each_of_them(stage: Stage) -> None:
    logs = [stage.log(path=f"{stage.path}-{number}") for number in range(100)]
    stage.system.room = 0
    for _ in range(60):
        for log in logs:
            log.write(b"x\n")
        stage.clock.advance(0.9)
    assert sum(map(len, stage.said)) < 10_000
    stage.system.room = None
    for log in logs:
        log.write(b"y\n")
    assert len(stage.said) == 2 * backlogs.MOST_TOLD
    assert all(Path(log.path).read_bytes() == b"x\n" * 60 + b"y\n" for log in logs)


def test_an_error_when_opening_is_the_callers(stage: Stage) -> None:
    stage.system.errors["open"] = errno.EIO
    with pytest.raises(OSError, match="Input/output error"):
        stage.log()


# Followers


def test_followers_hear_of_every_change(stage: Stage) -> None:
    heard: list[str] = []
    cancel = follow(stage.path, lambda: heard.append("x"))
    log = stage.log(maxbytes=100, backups=1)

    def told(action: Callable[[], None]) -> bool:
        heard.clear()
        action()
        return bool(heard)

    assert told(lambda: log.write(b"x"))
    assert told(log.reopen)
    assert told(log.clear)
    assert told(lambda: log.write(b"x" * 200))
    assert not told(lambda: stage.log(path=stage.path + "2").write(b"x"))
    cancel()
    cancel()
    assert not told(lambda: log.write(b"x"))
