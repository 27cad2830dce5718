from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.engine.housekeeping import clear_child_logs, make_child_log, temporary_folder


def test_child_logs_are_ours_alone_and_each_has_its_name(tmp_path: Path) -> None:
    paths = {make_child_log(str(tmp_path), "cat-stdout---id-", ".log") for _ in range(50)}
    assert len(paths) == 50
    for path in paths:
        assert re.fullmatch(r"cat-stdout---id-[a-z0-9_]{8}\.log", os.path.basename(path))
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert clear_child_logs(str(tmp_path), "id") == []
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        make_child_log(str(tmp_path / "none"), "a", "b")
    assert clear_child_logs(str(tmp_path / "none"), "id") == ["Could not clear childlog dir"]


def test_temporary_files_go_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert temporary_folder() == str(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.delenv("TEMP", raising=False)
    monkeypatch.delenv("TMP", raising=False)
    assert temporary_folder() == "/tmp"


@pytest.mark.parametrize("end", [-1, 0, 1, 64, 1 << 31, 1 << 40])
def test_what_is_below_the_first_descriptor_stays_open(end: int) -> None:
    script = (f"import os\nfrom supervisor.engine.housekeeping import close_inherited\n"
              f"ours = [os.dup2(1, fd) for fd in (3, 4)]\nos.dup2(1, 6)\nclose_inherited(5, {end})\n"
              "for fd in range(7):\n    try:\n        os.fstat(fd)\n        print(fd)\n    except OSError: pass\n")
    assert subprocess.check_output([sys.executable, "-c", script], stdin=subprocess.DEVNULL, text=True).split() == list(
        "01234")
