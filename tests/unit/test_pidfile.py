from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.engine.files import open_ours
from supervisor.engine.pidfile import PidFile, PidFileHeld
from supervisor.engine.system import System


def make(path: Path) -> PidFile:
    return PidFile(System(), str(path))


def test_written_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    file = make(path)
    file.write(4711)
    assert path.read_bytes() == b"4711\n"
    assert path.stat().st_mode & 0o022 == 0
    file.remove()
    file.remove()
    assert os.listdir(tmp_path) == []


def test_a_stale_one_is_told_about_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text("123456789 and more\n")
    file = make(path)
    assert file.look() == "123456789"
    file.write(5)
    assert path.read_text() == "5\n"
    file.remove()


def test_looking_makes_no_file(tmp_path: Path) -> None:
    assert make(tmp_path / "pid").look() is None
    assert make(tmp_path / "no" / "pid").look() is None
    assert os.listdir(tmp_path) == []


def test_held_by_another(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    first, second = make(path), make(path)
    first.write(111)
    for attempt in (second.look, lambda: second.write(222)):
        with pytest.raises(PidFileHeld, match="supervisord with pid 111 holds the pid file"):
            attempt()
    second.remove()
    assert path.read_text() == "111\n"
    first.remove()
    second.write(222)
    second.remove()


def test_a_lock_survives_others_reading_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    first = make(path)
    first.write(111)
    assert path.read_text() == "111\n"
    with pytest.raises(PidFileHeld):
        make(path).look()
    first.remove()


def test_somebody_elses_file_of_the_same_name_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    file = make(path)
    file.write(111)
    path.unlink()
    path.write_text("222\n")
    file.remove()
    assert path.read_text() == "222\n"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        make(tmp_path / "no" / "pid").write(1)
    with pytest.raises(OSError):
        make(tmp_path).write(1)


def test_a_device_takes_the_pid_and_stays() -> None:
    file = PidFile(System(), "/dev/null")
    assert file.look() is None
    file.write(1)
    file.remove()
    assert os.path.exists("/dev/null")


class Foreign(System):
    """We are another user than the one who owns the files."""

    def geteuid(self) -> int:
        return os.geteuid() + 1000


@pytest.mark.skipif(os.geteuid() == 0, reason="root's own links are trusted by everybody")
def test_a_planted_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="not following a link that user id"):
        open_ours(Foreign(), str(link), os.O_WRONLY | os.O_CREAT)
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a link away")
def test_a_link_planted_by_another_user_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    os.lchown(link, 12345, 12345)
    tmp_path.chmod(0o1777)
    with pytest.raises(OSError, match="not following a link that user id 12345 put there"):
        open_ours(System(), str(link), os.O_WRONLY | os.O_CREAT)
    assert not (tmp_path / "target").exists()
    tmp_path.chmod(0o755)
    os.close(open_ours(System(), str(link), os.O_WRONLY | os.O_CREAT))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a link away")
def test_a_link_that_appears_between_looking_and_opening_is_not_followed(tmp_path: Path) -> None:
    """Whoever looks first and opens then is led astray by it."""
    tmp_path.chmod(0o777)
    link = tmp_path / "pid"

    class Raced(System):
        def open(self, path: str, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]
            if not link.is_symlink():
                link.symlink_to(tmp_path / "target")
                os.lchown(link, 12345, 12345)
            return os.open(path, flags, mode)

    with pytest.raises(OSError, match="not following a link"):
        open_ours(Raced(), str(link), os.O_WRONLY | os.O_CREAT)
    assert not (tmp_path / "target").exists()


def test_links_of_the_kernel_are_followed(tmp_path: Path) -> None:
    with open(tmp_path / "file", "wb") as file:
        fd = open_ours(System(), f"/dev/fd/{file.fileno()}", os.O_WRONLY)
        os.write(fd, b"x")
        os.close(fd)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        open_ours(System(), str(tmp_path / "a"), os.O_RDONLY)


def test_our_own_link_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    make(link).write(1)
    assert (tmp_path / "target").read_text() == "1\n"


def test_a_fifo_without_reader_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError):
        open_ours(System(), str(tmp_path / "fifo"), os.O_WRONLY)
