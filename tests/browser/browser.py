"""The browser as tests use it: what it shows of a daemon's pages, and the ways to press something."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.harness import DEADLINE, Daemon, eventually

__all__ = ["Browser", "Keys", "start_chromium"]

T = TypeVar("T")

_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-dev-shm-usage", "--force-color-profile=srgb",
)

_ROWS = """
return [...document.querySelectorAll('tr.process')].filter(row => row.getClientRects().length).map(row => ({
  name: row.dataset.name, state: row.querySelector('td.state').innerText.trim(),
  description: row.querySelector('td.desc').innerText,
  usage: [...row.querySelectorAll('td.usage')].filter(one => one.getClientRects().length)[0]?.innerText || '',
  actions: [...row.querySelectorAll('td.action a, td.action button')].map(one => one.innerText)}))
"""

_HEAR_CLICK = """
const [wanted] = arguments;
const called = (element) => element.getAttribute('aria-label') || element.textContent;
window.clickMissed = true;
document.addEventListener('click', ({ target }) => {
  // What has taken its place meanwhile will do: it acts likewise.
  for (let at = target; at; at = at.parentElement) {
    if (at === wanted || (at.tagName === wanted.tagName && called(at) === called(wanted))) window.clickMissed = false;
  }
}, { capture: true, once: true });
"""


def start_chromium(profile: pathlib.Path) -> Any:
    """A new browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(_program("chromedriver")))


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not installed: Debian has it in chromium and chromium-driver"
    return path


class Browser:
    """One tab, or several."""

    def __init__(self, driver: Any, daemon: Daemon) -> None:
        self.driver = driver
        self.daemon = daemon
        self.expected: list[str] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.daemon.port}/"

    # Settings

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def reset(self) -> None:
        """As if it were new."""
        first, *others = self.driver.window_handles
        for handle in others:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.cdp("Page.bringToFront")
        self.scripts(True)
        self.driver.get("about:blank")
        self.cdp("Network.clearBrowserCookies")
        self.size(1280, 800)
        self.dark(False)
        self.driver.get_log("browser")

    def scripts(self, on: bool) -> None:
        self.with_scripts = on
        self.cdp("Emulation.setScriptExecutionDisabled", value=not on)

    def size(self, width: int, height: int, scale: float = 1) -> None:
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                 mobile=False)

    def dark(self, on: bool) -> None:
        self.cdp("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"},
                           {"name": "prefers-reduced-motion", "value": "reduce"}])

    def expect(self, text: str) -> None:
        """A complaint of the browser with this text is what the test is about."""
        self.expected.append(text)

    def check_console(self) -> None:
        """The browser has complained of nothing: no refused style, no script error, no missing file."""
        complaints = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        unexpected = [one for one in complaints if not any(text in one for text in self.expected)]
        assert not unexpected, unexpected

    # Going and looking

    def open(self, path: str = "", live: bool = True) -> None:
        """Go to a page; back when it is live, if it is to be."""
        self.driver.get(self.base + path)
        # The driver may be back before: then styles are missing, and nothing has its size.
        self.wait(lambda: self.run("return document.readyState === 'complete' && location.protocol === 'http:'"),
                  "a page that is complete")
        if live:
            self.wait_live()

    def wait_live(self) -> None:
        self.wait(lambda: self.text(".connection") == "live", "a live page")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, check: Callable[[], T], what: object = "", seconds: float = DEADLINE) -> T:
        return eventually(check, what, seconds)

    def text(self, selector: str) -> str | None:
        """What is to be seen of the first such element, None when there is none."""
        found: str | None = self.run(
            "const one = document.querySelector(arguments[0]);"
            "return one && (one.getClientRects().length ? one.innerText.trim() : '')", selector)
        return found

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until exactly this is to be seen there: the page after a click may still be on its way."""
        self.wait(lambda: self.text(selector) == text, f"{text!r} in {selector}")

    def wait_names(self, *names: str) -> None:
        self.wait(lambda: self.names() == list(names), f"exactly {names}")

    def rows(self) -> list[dict[str, Any]]:
        """The processes that are to be seen."""
        found: list[dict[str, Any]] = self.run(_ROWS)
        return found

    def names(self) -> list[str]:
        return [row["name"] for row in self.rows()]

    def row(self, name: str) -> dict[str, Any]:
        """What is seen of one process."""
        return next((row for row in self.rows() if row["name"] == name), {"state": None})

    def wait_state(self, name: str, state: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            row = self.row(name)
            return row if row["state"] == state else None

        found = self.wait(look, f"{name} {state} on the page")
        assert found is not None
        return found

    def wait_message(self, text: str) -> None:
        self.wait(lambda: text in (self.text("#live") or ""), f"the message {text}")

    def title(self) -> str:
        return str(self.driver.title)

    def mark(self) -> None:
        """What a new page would not have."""
        self.run("window.stillHere = true")

    def marked(self) -> bool:
        return bool(self.run("return window.stillHere === true"))

    # Pressing

    def press(self, label: str) -> None:
        """Click what has this accessible name, or else this text."""
        self._click(lambda: self.find(label))

    def click(self, selector: str) -> None:
        self._click(lambda: self.element(selector))

    def press_in(self, selector: str, label: str) -> None:
        """Click the button of that text in there."""
        self._click(lambda: self.element(selector).find_element(
            By.XPATH, f'.//button[normalize-space()="{label}"]'))

    def _click(self, find: Callable[[], Any]) -> None:
        """Click until it was hit: rows are replaced, and the page moves, between looking and pressing too."""
        def attempt() -> bool:
            try:
                element = find()
                if self.with_scripts:
                    self.run(_HEAR_CLICK, element)
                element.click()
            except StaleElementReferenceException:
                return False
            return not self.with_scripts or bool(self.run("return !window.clickMissed"))  # a new page knows of none

        self.wait(attempt, "something to press")

    def find(self, label: str) -> Any:
        for selector in (f'[aria-label="{label}"]', f'//*[self::button or self::a][normalize-space()="{label}"]'):
            for element in self.driver.find_elements(By.XPATH if selector[0] == "/" else By.CSS_SELECTOR, selector):
                if element.is_displayed():
                    return element
        raise AssertionError(f"nothing to press is called {label}")

    def element(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """The accessible name or text of what has the focus."""
        return str(self.run(
            "const one = document.activeElement; return one.getAttribute('aria-label') || one.innerText || one.id"))

    def picture(self, path: pathlib.Path) -> None:
        assert self.driver.save_screenshot(str(path))
