from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from supervisor import logread
from supervisor.logread import readFile, tailFile


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789\n")
    return str(path)


@pytest.mark.parametrize(
    ("offset", "length", "data"),
    [
        (0, 0, b"0123456789\n"),
        (0, 3, b"012"),
        (5, 3, b"567"),
        (5, 0, b"56789\n"),
        (8, 100, b"89\n"),
        (11, 1, b""),
        (100, 0, b""),
        (10**30, 10**30, b""),
        (0, 10**30, b"0123456789\n"),
        (-3, 0, b"89\n"),
        (-100, 0, b"0123456789\n"),
        (-(10**30), 0, b"0123456789\n"),
    ],
)
def test_slices(log: str, offset: int, length: int, data: bytes) -> None:
    assert readFile(log, offset, length) == data


@pytest.mark.parametrize(("offset", "length"), [(-5, 5), (-5, -5), (0, -5), (5, -1)])
def test_arguments_that_contradict(log: str, offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="^BAD_ARGUMENTS$"):
        readFile(log, offset, length)


@pytest.mark.parametrize(
    ("offset", "length", "text", "overflow"),
    [
        (0, 5, "6789\n", True),
        (0, 11, "0123456789\n", False),
        (0, 12, "0123456789\n", False),
        (0, 100, "0123456789\n", False),
        (5, 6, "56789\n", False),
        (11, 5, "", False),
        (20, 5, "", False),
        (0, 0, "", True),
        (-3, 5, "6789\n", True),
        (3, -2, "", True),
        (10, 5, "6789\n", False),
        (-(10**30), 10**30, "0123456789\n", True),
        (10**30, 10**30, "", False),
    ],
)
def test_tails(log: str, offset: int, length: int, text: str, overflow: bool) -> None:
    assert tailFile(log, offset, length) == [text, 11, overflow]


def test_a_tail_begins_with_a_whole_character(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("ééé\n")
    assert [tailFile(str(path), 0, n)[0] for n in range(1, 8)] == ["\n", "\n", "é\n", "é\n", "éé\n", "éé\n", "ééé\n"]


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\xffb\xc3")
    assert tailFile(str(path), 0, 100)[0] == "a\ufffdb\ufffd"


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "zero"])
def test_odd_files_are_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / "x")
    if kind == "folder":
        os.mkdir(path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "zero":
        path = "/dev/zero"
    with pytest.raises(ValueError, match="^FAILED$"):
        readFile(path, 0, 0)
    assert tailFile(path, 3, 5) == ["", 3, False]


def test_the_null_device_is_empty() -> None:
    assert readFile("/dev/null", 0, 0) == b""


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda f: readFile(f, 0, 0), b"0123"),
        (lambda f: readFile(f, 2, 9), b"2345"),
        (lambda f: readFile(f, -9, 0), b"789\n"),
        (lambda f: tailFile(f, 0, 20), ["789\n", 11, True]),
        (lambda f: tailFile(f, 3, 3), ["89\n", 11, True]),
    ],
)
def test_answers_are_bounded(log: str, monkeypatch: pytest.MonkeyPatch, call: Any, answer: Any) -> None:
    monkeypatch.setattr(logread, "MAX_READ", 4)
    assert call(log) == answer
