from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from supervisor.way import way


def test_all_names_that_decide_in_their_order(tmp_path: Path) -> None:
    home = Path(os.path.realpath(tmp_path))
    (home / "real" / "deep").mkdir(parents=True)
    (home / "real" / "deep" / "file").touch()
    (home / "absolute").symlink_to(home / "real")
    (home / "real" / "relative").symlink_to("../absolute/./deep")
    names = [os.path.relpath(name, home) for _, name, _ in way(f"{home}/absolute//relative/file")]
    start = names.index("absolute")
    assert names[start:] == [
        "absolute", *names[:start],  # from the root again
        "real", "real/relative", "absolute", *names[:start], "real", "real/deep", "real/deep/file",
    ]
    folders = [folder for folder, name, _ in way(f"{home}/real/relative")]
    assert folders[-1] == str(home / "real")


def test_a_way_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as error:
        list(way(str(tmp_path / "a")))
    assert error.value.errno == errno.ELOOP


def test_a_way_that_breaks_off(tmp_path: Path) -> None:
    names = []
    with pytest.raises(FileNotFoundError):
        for _, name, _ in way(str(tmp_path / "no" / "file")):
            names.append(name)
    assert names[-1] == str(tmp_path)
