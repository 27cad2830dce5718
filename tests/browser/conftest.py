"""A real browser: Chromium without a window, driven through chromedriver.

One browser for each pytest process; each test gets it without cookies, and with the settings it asks for. Nothing
waits for time to pass: what is waited for is what the page shows.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Daemon

if importlib.util.find_spec("selenium"):
    from tests.browser.browser import Browser, start_chromium
else:
    # Only those who run the tests marked browser have to have it.
    collect_ignore_glob = ["test_*.py"]

# The accessibility checker comes in a package that also wants another driver; only the script in it is used.
AXE = "axe-playwright-python==0.1.8"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The driver of the one browser."""
    driver = start_chromium(tmp_path_factory.mktemp("chromium"))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser(chromium: Any, daemon: Daemon) -> Iterator[Browser]:
    """The browser for the pages of the test's daemon."""
    with_browser = Browser(chromium, daemon)
    with_browser.reset()
    yield with_browser
    try:
        with_browser.check_console()
    finally:
        with_browser.reset()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the accessibility checker."""
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest",
         str(folder), AXE],
        check=True, capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("axe_playwright_python/axe.min.js").decode("utf-8")


@pytest.fixture
def pictures(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where pictures of the pages go: SCREENSHOTS=docs/images, for those of the documentation."""
    path = pathlib.Path(os.environ.get("SCREENSHOTS", tmp_path))
    path.mkdir(parents=True, exist_ok=True)
    return path
