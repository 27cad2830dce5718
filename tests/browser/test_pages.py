"""The other pages, and what holds for all of them."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from tests.browser.browser import Browser, Keys
from tests.browser.test_status import GROUP, start
from tests.harness import Daemon

# Program names that a configuration can hold.
HOSTILE = """<script>hacked()<b>"onclick="hacked()"'&<!--"""
HOSTILE_LOG = (
    "<script>hacked()</script><img src=x onerror=hacked()>\n\x1b]0;title\x07\x1b[31mred\x1b[0m\x1b[2J"
    "\x00\x08\x7f\u202eright to left\n</pre></body><!-- \"'\n"
)
PAGES = ("", "process.html?processname=broken", "process.html?processname=a", "tail.html?processname=a",
         "tail.html?log=activity", "index.html?action=stopall")


def scenery(daemon: Daemon) -> None:
    """Processes in many states."""
    start(
        daemon,
        GROUP,
        a={"startsecs": 0},
        broken={"command": "/bin/sh -c 'echo why it failed >&2; exit 3'", "startretries": 0, "startsecs": 1},
        idle={"autostart": False},
        slow={"startsecs": 1000},
        **{"a-rather-long-name-of-a-program-that-does-not-want-to-end": {"startsecs": 0}},
    )
    daemon.wait_state("broken", "FATAL")
    daemon.child("a").tell("out", "\x1b[1;32mgood\x1b[0m \x1b[31mbad\x1b[0m \x1b[44m blue \x1b[90mgrey\x1b[0m\n" * 20)


def test_the_reason_of_a_failure_is_one_click_away(daemon: Daemon, browser: Browser) -> None:
    start(
        daemon,
        broken={"command": "/bin/sh -c 'echo why it failed >&2; exit 3'", "startretries": 0, "startsecs": 0},
        fatal={"command": "/bin/false", "startretries": 0, "startsecs": 1},
    )
    daemon.wait_state("fatal", "FATAL")
    daemon.wait_state("broken", "EXITED")
    browser.open()
    browser.press("Why is fatal fatal?")
    browser.wait_text("h2", "fatal")
    assert (browser.text(".trouble") or "").split("\n\n") == [
        "Exited too quickly (process log may have details)", "The last run ended with: exit status 1"]
    browser.open()
    browser.press("broken")
    browser.wait_text("h2", "broken")
    assert (browser.text(".trouble") or "").split("\n\n") == [
        "Bad exit code 3", "The last run ended with: exit status 3"]
    assert ", exit status 3" in (browser.text("dl") or "")
    browser.wait_text("pre", "why it failed")


def test_the_page_of_a_process_is_live(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0, "autorestart": True})
    daemon.wait_state("a", "RUNNING")
    browser.open("process.html?processname=a")
    browser.mark()
    browser.wait(lambda: "MB" in (browser.text(".charts") or ""), "charts")
    daemon.child("a").tell("die")
    again = daemon.child("a")
    browser.wait(lambda: f"pid {again.pid}," in (browser.text(".now") or ""), "the new pid")
    browser.wait(lambda: "1 restart in the last 24 hours" in (browser.text(".charts") or ""), "the restart")
    assert "terminated by SIGKILL" in (browser.text("dl") or "")
    browser.press("Stop a")
    browser.wait_message("Process a stopped")
    browser.wait(lambda: browser.text(".now span") == "stopped", "stopped")
    browser.press("Start a")
    browser.wait(lambda: browser.text(".now span") == "running", "running")
    assert browser.marked()


def test_without_scripts(daemon: Daemon, browser: Browser) -> None:
    scenery(daemon)
    browser.scripts(False)
    browser.open(live=False)
    assert browser.text(".connection") is None
    browser.press("Stop a")
    browser.wait_text(".status_msg", "Process a stopped")
    browser.wait_state("a", "stopped")
    browser.press("Stop group g")
    browser.wait_text(".status_msg", "Group g stopped")
    browser.press("Stop all")
    browser.wait_text("h2", "Stop all programs?")
    browser.press("No, show the programs")
    browser.element("#filter-name").send_keys("g:")
    browser.press("Filter")
    browser.wait_names("g:m1", "g:m2")
    browser.press("Start g:m1")
    browser.wait_text(".status_msg", "Process g:m1 started")
    browser.wait_names("g:m1", "g:m2")
    browser.click("input.fold")
    browser.wait_names()
    browser.press("Show all")
    browser.press("Why is broken fatal?")
    browser.wait_text("pre", "why it failed")
    browser.press("Follow stderr")
    browser.wait_text("pre", "why it failed")
    browser.press("Details")
    browser.press("Clear log broken")
    browser.wait_text(".status_msg", "Log for broken cleared")
    browser.wait_text("h2", "broken")
    browser.open("index.html?action=stop&processname=slow", live=False)
    browser.wait_text("h2", "Stop slow?")
    assert daemon.state("slow") == "STARTING"
    browser.press("Yes, do it")
    browser.wait_text(".status_msg", "Process slow stopped")


@pytest.mark.parametrize("width", [320, 390, 700, 1000, 1110])
def test_narrow_windows_do_not_scroll_sideways(daemon: Daemon, browser: Browser, width: int) -> None:
    scenery(daemon)
    browser.size(width, 800)
    for page in PAGES:
        browser.open(page, live=False)
        assert browser.run("return document.documentElement.scrollWidth") <= width, page
    browser.open()
    boxes = browser.run(
        "return [...document.querySelectorAll('tr.process button')].map(one => one.getBoundingClientRect().right)")
    assert max(boxes) <= width


def luminance(browser: Browser, selector: str) -> float:
    colour = browser.run("return getComputedStyle(document.querySelector(arguments[0])).backgroundColor", selector)
    red, green, blue = (int(part) for part in colour.strip("rgba()").split(",")[:3])
    return (0.21 * red + 0.72 * green + 0.07 * blue) / 255


def test_light_and_dark(daemon: Daemon, browser: Browser) -> None:
    scenery(daemon)
    browser.open()
    assert luminance(browser, "body") > 0.9
    assert luminance(browser, "table") > 0.9
    browser.dark(True)
    assert luminance(browser, "body") < 0.1
    assert luminance(browser, "table") < 0.15
    assert luminance(browser, "button") < 0.2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_accessibility(daemon: Daemon, browser: Browser, axe: str, dark: bool, width: int) -> None:
    scenery(daemon)
    browser.dark(dark)
    browser.size(width, 900)
    found: list[Any] = []
    for page in PAGES:
        browser.open(page, live=False)
        if page.startswith("tail"):
            browser.wait(lambda: "good bad" in (browser.text(".lines") or ""))
        elif "action" not in page:
            browser.wait_live()
        browser.run(axe)
        found += [(page, *violation) for violation in violations(browser)]
        if not page:
            browser.press("CPU and memory")
            browser.wait(lambda: browser.row("a")["usage"].endswith(" MB"))
            browser.press("1 fatal")
            browser.press("Start broken")
            browser.wait_message("ERROR: Process broken: spawn error")
            found += [("usage, filter, message", *violation) for violation in violations(browser)]
            browser.press("Stop all")
            found += [("dialog", *violation) for violation in violations(browser)]
            browser.press_in("dialog", "Cancel")
            browser.press("CPU and memory")
    assert not found


def violations(browser: Browser) -> list[tuple[Any, ...]]:
    """What the checker, loaded before, has to say about the page as it is."""
    result = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run().then(result => done(JSON.stringify(result.violations)))")
    return [
        (violation["id"], violation["impact"], [node["html"][:150] for node in violation["nodes"][:3]],
         violation["nodes"][0]["failureSummary"])
        for violation in json.loads(result)
    ]


def test_states_differ_in_word_colour_and_shape(daemon: Daemon, browser: Browser) -> None:
    scenery(daemon)
    browser.open()
    looks = browser.run("""
        return ['running', 'fatal', 'stopped', 'starting'].map(state => {
          const mark = document.querySelector(`span.${state}`), before = getComputedStyle(mark, '::before');
          return [mark.innerText, getComputedStyle(mark).color, before.clipPath + before.borderRadius];
        })""")
    for aspect in zip(*looks, strict=True):
        assert len(set(aspect)) == 4, aspect


def test_hostile_names_and_lines(daemon: Daemon, browser: Browser) -> None:
    start(daemon, **{HOSTILE: {"startsecs": 0}})
    daemon.wait_state(HOSTILE, "RUNNING")
    browser.open()
    assert browser.names() == [HOSTILE]
    assert browser.run("return document.querySelector('td.name').innerText") == HOSTILE
    daemon.child(HOSTILE).tell("err", HOSTILE_LOG.encode("utf-8"))
    browser.press("Restart")
    browser.wait_message(f"Process {HOSTILE} restarted")
    daemon.child(HOSTILE).tell("err", HOSTILE_LOG.encode("utf-8"))
    browser.click("td.name a")
    browser.wait_text("h2", HOSTILE)
    assert "<script>hacked()</script>" in (browser.text("pre") or "")
    browser.press("Follow stderr")
    browser.wait(lambda: "</pre></body>" in (browser.text(".lines") or ""))
    assert "<img src=x onerror=hacked()>" in (browser.text(".lines") or "")
    assert browser.run("return document.querySelectorAll('img[src=x], .lines script, body b, .lines img').length") == 0
    browser.open("?message=" + "%3Cimg%20src%3Dx%20onerror%3Dhacked()%3E")
    browser.wait_message("<img src=x onerror=hacked()>")


def test_pictures(daemon: Daemon, browser: Browser, pictures: pathlib.Path) -> None:
    """The pictures of the documentation, when SCREENSHOTS=docs/images says so."""
    programs = """
        [program:worker]
        command=@puppet@
        process_name=worker-%(process_num)d
        numprocs=4
        startsecs=0
        [program:mailer]
        command=/bin/sh -c "echo 'mailer: cannot reach smtp.example.org: no route to host' >&2; exit 3"
        startretries=1
    """
    log = "".join(
        f"09:41:{number:02d} \x1b[32mINFO\x1b[0m GET /orders/{4000 + number} \x1b[1m200\x1b[0m"
        f" in {number * 37 % 91} ms\n"
        + (f"09:41:{number:02d} \x1b[33mWARNING\x1b[0m slow query: 1.4 s\n" if number % 9 == 5 else "")
        + (f"09:41:{number:02d} \x1b[31mERROR\x1b[0m connection reset by peer\n" if number % 23 == 11 else "")
        for number in range(60)
    )
    busy = "i=0; while :; do i=$((i + 1)); [ $((i & 32767)) = 0 ] && sleep 0.2; done"
    start(daemon, programs, api={"startsecs": 0}, cache={"startsecs": 0, "command": f"/bin/sh -c '{busy}'"},
          report={"autostart": False}, importer={"startsecs": 600}, cleanup={"command": "/bin/true", "startsecs": 0})
    daemon.wait_state("mailer", "FATAL")
    daemon.child("api").tell("out", log)
    browser.open()
    browser.press("CPU and memory")
    # A line has a point for each look; a picture is nicer with many of them.
    length = 400 if "SCREENSHOTS" in os.environ else 40
    browser.wait(lambda: browser.run("""
        return [...document.querySelectorAll('svg.line path')].some(
          one => one.getAttribute('d').length > arguments[0])""", length), seconds=120)
    picture(browser, pictures / "web-status.png")
    browser.dark(True)
    picture(browser, pictures / "web-status-dark.png")
    browser.press("CPU and memory")
    browser.dark(False)
    browser.size(390, 844, 2)
    picture(browser, pictures / "web-status-narrow.png")
    browser.size(1280, 800)
    browser.open("process.html?processname=mailer")
    picture(browser, pictures / "web-process.png")
    browser.open("tail.html?processname=api", live=False)
    browser.wait(lambda: "4059" in (browser.text(".lines") or ""))
    browser.element('input[type="search"]').send_keys("error", Keys.ENTER)
    browser.wait(lambda: browser.text(".found") == "1 of 3 lines found")
    picture(browser, pictures / "web-log.png")


def picture(browser: Browser, path: pathlib.Path) -> None:
    browser.picture(path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert path.stat().st_size > 20_000
