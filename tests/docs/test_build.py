"""The documentation builds without a warning, and the manual pages in the repository are those it makes."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from tests.docs.pages import DOCS

pytestmark = pytest.mark.docs


def test_it_builds_without_a_warning(tmp_path: pathlib.Path) -> None:
    built = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-n", "-b", "html", "-d", str(tmp_path / "d"),
                            str(DOCS), str(tmp_path / "html")], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    page = (tmp_path / "html" / "subprocesses.html").read_text(encoding="utf-8")
    assert "<svg" in page


def words(path: pathlib.Path) -> list[str]:
    """A manual page without what one version of the tools does differently from another."""
    text = path.read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("'", ".\\\"", ".TH", ".ie", ".el")))
    return re.sub(r"^\.\S+ ?|\\f(?:\[\w*\]|\(\w\w|\w)|\\%|\\&|\\", "", text, flags=re.M).split()


def test_manual_pages_are_up_to_date(tmp_path: pathlib.Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "share.py"), str(tmp_path)], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert made
    for path in made:
        assert words(tmp_path / path) == words(DOCS / "share" / path), f"{path}: run python docs/share.py"
