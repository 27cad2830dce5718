"""The status page in a browser."""

from __future__ import annotations

import os
import signal

from selenium.webdriver.support.ui import Select

from tests.browser.browser import Browser, Keys
from tests.harness import Daemon

GROUP = """
    [program:m1]
    command=@puppet@
    startsecs=0
    autorestart=false
    [program:m2]
    command=@puppet@
    startsecs=0
    autorestart=false
    [group:g]
    programs=m1,m2
"""


def start(daemon: Daemon, config: str = "", **puppets: dict[str, object]) -> None:
    """The puppets that are asked for, or else a group and one on each side of it."""
    if not puppets:
        config, puppets = GROUP, {"a": {"startsecs": 0}, "z": {"startsecs": 0, "autostart": False}}
    daemon.start(config, inet="", probe=None, **puppets)
    if config is GROUP:
        for name in ("a", "g:m1", "g:m2"):
            daemon.wait_state(name, "RUNNING")


def test_every_action_of_a_process(daemon: Daemon, browser: Browser) -> None:
    start(daemon)
    browser.open()
    browser.mark()
    browser.wait_state("a", "running")
    child = daemon.child("a")
    browser.press("Stop a")
    browser.wait_message("Process a stopped")
    browser.wait_state("a", "stopped")
    child.gone()
    browser.press("Start a")
    browser.wait_message("Process a started")
    browser.wait_state("a", "running")
    child = daemon.child("a")
    browser.press("Restart a")
    browser.wait_message("Process a restarted")
    child.gone()
    child = daemon.child("a")
    browser.wait(lambda: f"pid {child.pid}," in browser.row("a")["description"], "the new pid")
    child.tell("out", "something\n")
    log = daemon.info("a")["stdout_logfile"]
    browser.wait(lambda: os.path.getsize(log))
    browser.press("Clear log a")
    browser.wait_message("Log for a cleared")
    assert os.path.getsize(log) == 0
    assert daemon.state("a") == "RUNNING"
    assert browser.marked()


def test_every_action_of_a_group_and_of_all(daemon: Daemon, browser: Browser) -> None:
    start(daemon)
    browser.open()
    browser.mark()
    for action, done, state in (("Stop", "stopped", "stopped"), ("Start", "started", "running")):
        browser.press(f"{action} group g")
        browser.wait_message(f"Group g {done}")
        for name in ("g:m1", "g:m2"):
            browser.wait_state(name, state)
        browser.wait(lambda state=state: browser.text("tr.group .desc") == f"2 {state}")
    browser.press("Restart group g")
    browser.wait_message("Group g restarted")
    browser.press("Stop all")
    browser.wait_text("dialog h2", "Stop all?")
    assert browser.focused() == "Cancel"
    browser.keys(Keys.ENTER)
    browser.wait(lambda: browser.text("dialog") is None)
    assert browser.focused() == "Stop all"
    browser.press("Stop all")
    browser.press_in("dialog", "Stop all")
    browser.wait_message("All stopped at ")
    browser.wait(lambda: {row["state"] for row in browser.rows()} == {"stopped"})
    browser.wait_text("#counts", "4 stopped")
    browser.press("Restart all")
    browser.press_in("dialog", "Restart all")
    browser.wait_message("All restarted at ")
    browser.wait(lambda: {row["state"] for row in browser.rows()} == {"running"})
    browser.press("Refresh")
    browser.wait_message("Page refreshed")
    assert browser.marked()


def test_a_failure_is_told(daemon: Daemon, browser: Browser) -> None:
    start(daemon, broken={"command": "/nonexistent/program", "autostart": False})
    browser.open()
    browser.press("Start broken")
    browser.wait_message("ERROR: Process broken: no such file")


def test_a_kill_is_seen_at_once(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0, "autorestart": True}, b={"startsecs": 0})
    browser.open()
    browser.mark()
    before = browser.wait_state("a", "running")
    child = daemon.child("a")
    assert f"pid {child.pid}," in before["description"]
    os.kill(child.pid, signal.SIGKILL)
    again = daemon.child("a")
    browser.wait(lambda: f"pid {again.pid}," in browser.row("a")["description"])
    os.kill(daemon.child("b").pid, signal.SIGKILL)
    browser.wait_state("b", "exited")
    browser.wait(lambda: browser.text("#counts") == "1 running\n1 exited")
    browser.wait(lambda: browser.text("#restarts") == "1 restart in the last hour")
    assert browser.marked()


def test_uptime_runs(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    browser.open()
    first = browser.wait_state("a", "running")["description"]
    browser.wait(lambda: browser.row("a")["description"] not in (first, ""))
    assert browser.row("a")["description"].startswith(first.split("uptime")[0] + "uptime 0:0")


def test_the_icon_and_the_title_tell_what_is_fatal(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startretries": 0, "autostart": False, "startsecs": 1, "command": "/bin/false"})
    browser.open()
    icon = "return document.querySelector('#icon').getAttribute('href').split('?')[0]"
    assert (browser.title(), browser.run(icon)) == ("Supervisor Status", "images/icon.svg")
    browser.press("Start a")
    browser.wait_state("a", "fatal")
    browser.wait(lambda: browser.title() == "(1 fatal) Supervisor Status")
    assert browser.run(icon) == "images/icon-fatal.svg"
    browser.driver.refresh()
    browser.wait_live()
    browser.wait(lambda: browser.title() == "(1 fatal) Supervisor Status")
    assert browser.run(icon) == "images/icon-fatal.svg"


def test_all_pages_tell_what_is_fatal(daemon: Daemon, browser: Browser) -> None:
    failing = {"startretries": 0, "autostart": False, "startsecs": 1, "command": "/bin/false"}
    start(daemon, a={"startsecs": 0}, b=failing)
    icon = "return document.querySelector('#icon').getAttribute('href').split('?')[0]"
    browser.open("process.html?processname=a")
    assert browser.run(icon) == "images/icon.svg"
    log = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open("process.html?processname=a")
    browser.mark()
    daemon.call("startProcess", "b", False)
    browser.wait(lambda: browser.run(icon) == "images/icon-fatal.svg")
    assert browser.marked()
    assert browser.title() == "Supervisor: a"
    browser.driver.switch_to.window(log)
    browser.wait(lambda: browser.run(icon) == "images/icon-fatal.svg")
    for page in ("tail.html?processname=a", "tail.html?log=activity"):
        browser.open(page, live=False)
        assert browser.run(icon) == "images/icon-fatal.svg"


def test_the_filter_works_while_typing_and_survives_a_reload(daemon: Daemon, browser: Browser) -> None:
    start(daemon)
    browser.open()
    browser.wait_names("a", "g:m1", "g:m2", "z")
    browser.element("#filter-name").send_keys("M")
    browser.wait_names("g:m1", "g:m2")
    Select(browser.element("#filter-state")).select_by_value("stopped")
    browser.wait_names()
    browser.wait_text("#nothing", "No program fits the filter")
    assert browser.text("tr.group") == ""
    browser.driver.refresh()
    browser.wait_live()
    browser.wait_names()
    Select(browser.element("#filter-state")).select_by_value("")
    browser.driver.refresh()
    browser.wait_live()
    browser.wait_names("g:m1", "g:m2")
    assert browser.element("#filter-name").get_attribute("value") == "M"
    browser.wait_text("#shown", "2 of 4")
    browser.press("Show all")
    assert len(browser.names()) == 4
    assert browser.focused() == "filter-name"
    browser.press("1 stopped")
    browser.wait_names("z")
    assert browser.run("return document.querySelector('#counts [aria-current]').innerText") == "1 stopped"
    browser.press("1 stopped")
    assert len(browser.names()) == 4


def test_what_no_longer_fits_the_filter_goes(daemon: Daemon, browser: Browser) -> None:
    start(daemon)
    browser.open("?state=running")
    browser.wait_names("a", "g:m1", "g:m2")
    daemon.call("stopProcess", "a")
    browser.wait_names("g:m1", "g:m2")
    daemon.call("startProcess", "z")
    browser.wait_names("g:m1", "g:m2", "z")


def test_groups_fold_and_stay_folded(daemon: Daemon, browser: Browser) -> None:
    start(daemon)
    browser.open()
    browser.click("input.fold")
    browser.wait_names("a", "z")
    browser.driver.refresh()
    browser.wait_live()
    browser.wait_names("a", "z")
    browser.click("input.fold")
    browser.wait_names("a", "g:m1", "g:m2", "z")


def test_a_new_run_of_the_daemon_is_taken_up(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    browser.open()
    browser.mark()
    browser.expect("ERR_CONNECTION_REFUSED")
    browser.expect("ERR_INCOMPLETE_CHUNKED_ENCODING")
    daemon.stop()
    browser.wait(lambda: browser.text(".connection") == "reconnecting")
    daemon.configure(a={"autostart": False}, b={"autostart": False}, inet="", probe=None)
    daemon.launch()
    browser.wait_names("a", "b")
    browser.wait_live()
    browser.press("Start b")
    browser.wait_state("b", "running")
    assert browser.marked()


def test_groups_that_come_and_go(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    browser.open()
    browser.mark()
    browser.wait_state("a", "running")
    daemon.configure(b={"autostart": False}, inet="", probe=None)
    daemon.ctl("update")
    browser.wait_names("b")
    assert browser.marked()


def test_a_form_of_an_older_run_asks_again(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    browser.scripts(False)
    browser.open(live=False)
    browser.expect("403")
    browser.expect("icon.svg")  # fetched when the browser likes, perhaps while there is no daemon
    daemon.stop()
    daemon.launch()
    daemon.wait_state("a", "RUNNING")
    browser.press("Stop a")
    browser.wait_text("h2", "Stop a?")
    assert daemon.state("a") == "RUNNING"
    browser.press("Yes, do it")
    browser.wait_text(".status_msg", "Process a stopped")


def test_several_tabs_share_one_stream_and_all_know_of_trouble(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startretries": 0, "autostart": False, "startsecs": 1, "command": "/bin/false"})
    browser.open()
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open()
    browser.press("Start a")
    browser.wait_state("a", "fatal")
    browser.driver.switch_to.window(first)
    browser.wait_live()
    browser.wait_state("a", "fatal")
    browser.wait(lambda: browser.title() == "(1 fatal) Supervisor Status")


def test_usage_is_shown_when_asked_for(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0}, b={"autostart": False})
    browser.open()
    assert browser.row("a")["usage"] == ""
    browser.press("CPU and memory")
    browser.wait(lambda: browser.row("a")["usage"].endswith(" MB"))
    assert browser.row("b")["usage"] == ""
    assert browser.run("return document.querySelectorAll('td.usage svg path').length") == 2
    browser.driver.refresh()
    browser.wait_live()
    browser.wait(lambda: browser.row("a")["usage"].endswith(" MB"))
    browser.press("CPU and memory")
    assert browser.row("a")["usage"] == ""


def test_keyboard_only(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0}, b={"startsecs": 0})
    browser.open()
    browser.keys(Keys.TAB)
    assert browser.focused() == "Skip to the content"
    assert browser.run("return document.activeElement.getBoundingClientRect().left >= 0")
    browser.keys(Keys.ENTER)
    assert browser.focused().startswith("CPU") or browser.run("return document.activeElement.id") == "main"
    for _ in range(40):
        browser.keys(Keys.TAB)
        outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", browser.focused()
        if browser.focused() == "Stop a":
            break
    assert browser.focused() == "Stop a"
    browser.keys(Keys.ENTER)
    browser.wait_message("Process a stopped")
    browser.wait_state("a", "stopped")
    # The button is gone; the focus stays with the process.
    assert browser.focused() == "Start a"
    browser.keys(Keys.ENTER)
    browser.wait_state("a", "running")
    browser.keys(Keys.TAB)
    assert browser.focused().endswith(" a")


def test_a_thousand_programs(daemon: Daemon, browser: Browser) -> None:
    programs = "".join(f"[program:p{number:04d}]\ncommand=@puppet@\nautostart=false\n" for number in range(1000))
    start(daemon, programs, x={"autostart": False})
    browser.open()
    assert len(browser.names()) == 1001
    browser.element("#filter-name").send_keys("p0777")
    browser.wait_names("p0777")
    browser.press("Start p0777")
    browser.wait(lambda: browser.row("p0777")["state"] in ("starting", "running"))
    assert browser.run("return performance.getEntriesByType('navigation')[0].domComplete") < 5000
