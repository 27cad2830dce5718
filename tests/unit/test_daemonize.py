from __future__ import annotations

import os
from typing import Any, NoReturn

import pytest

from supervisor.engine.daemonize import Readiness, daemonize, detach
from supervisor.engine.system import System
from tests.fakes import FakeSystem


class Left(Exception):
    """The parent exits."""


class ForkingSystem(FakeSystem):
    """Is parent or child as the test wants; a script plays the other one."""

    def __init__(self, child: bool, word: bytes = b"", status: int = 0) -> None:
        super().__init__()
        self.is_child = child
        self.word = word
        self.status = status
        self.errors = b""

    def pipe(self) -> tuple[int, int]:
        reader, writer = os.pipe()
        os.write(writer, self.word)
        self.ends = (reader, writer)
        self.spare = os.dup(reader) if self.is_child else -1
        return self.ends

    def fork(self) -> int:
        return 0 if self.is_child else 4711

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        return pid, self.status

    def signal(self, *args: Any) -> None:
        self.record("signal", *args)

    def set_wakeup_fd(self, fd: int, **kw: Any) -> int:
        self.record("set_wakeup_fd", fd)
        return -1

    def write(self, fd: int, data: Any) -> int:
        if fd == 2:
            self.errors += bytes(data)
            return len(data)
        return os.write(fd, data)

    def _exit(self, status: int) -> NoReturn:
        os.close(self.ends[0])
        raise Left(status)


@pytest.mark.parametrize(
    ("word", "died", "status", "errors"),
    [
        (b"\0", 0, 0, b""),
        (b"\2Error: no\n", 0, 2, b"Error: no\n"),
        (b"", 0x0300, 3, b""),
        (b"", 9, 1, b""),
    ],
)
def test_the_parent_exits_with_what_became_of_the_child(word: bytes, died: int, status: int, errors: bytes) -> None:
    system = ForkingSystem(child=False, word=word, status=died)
    told: list[str] = []
    with pytest.raises(Left) as left:
        daemonize(system, lambda: told.append("parent"))
    assert left.value.args == (status,)
    assert system.errors == errors
    assert told == ["parent"]
    assert len(system.called("signal")) == 6


def test_the_child_goes_on_and_tells_once() -> None:
    system = ForkingSystem(child=True)
    readiness = daemonize(system, lambda: pytest.fail("not the parent"))
    readiness.ready()
    readiness.failed(2, "too late")
    assert [os.read(system.spare, 100), os.read(system.spare, 100)] == [b"\0", b""]
    os.close(system.spare)


def test_without_a_parent_nothing_is_told() -> None:
    Readiness(FakeSystem()).ready()


def test_a_parent_that_went_away_does_no_harm() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    Readiness(System(), writer).failed(2, "text")
    with pytest.raises(OSError):
        os.fstat(writer)


class DetachingSystem(FakeSystem):
    def open(self, *args: Any) -> int:
        return 9

    def dup2(self, fd: int, fd2: int, inheritable: bool = True) -> int:
        self.record("dup2", fd, fd2)
        return fd2

    def close(self, fd: int) -> None:
        self.record("close", fd)

    def setsid(self) -> None:
        self.record("setsid")


def test_detaching_leaves_terminal_and_streams() -> None:
    system = DetachingSystem()
    detach(system)
    assert system.calls == [("setsid",), ("dup2", 9, 0), ("dup2", 9, 1), ("dup2", 9, 2), ("close", 9)]
