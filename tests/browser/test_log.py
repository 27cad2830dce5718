"""The log view in a browser."""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser, Keys
from tests.browser.test_status import start
from tests.harness import Child, Daemon


def lines(browser: Browser) -> list[str]:
    """The lines of the log that the page holds."""
    found: list[str] = browser.run("return [...document.querySelectorAll('.lines .line')].map(one => one.textContent)")
    return found


def wait_last(browser: Browser, text: str) -> None:
    browser.wait(lambda: lines(browser)[-1:] == [text], f"{text!r} as the last line")


def open_log(daemon: Daemon, browser: Browser, query: str = "", **options: object) -> Child:
    start(daemon, a={"startsecs": 0, **options})
    child = daemon.child("a")
    child.tell("out", "first\n")
    browser.open(f"tail.html?processname=a{query}", live=False)
    wait_last(browser, "first" if not query else "")
    return child


def test_following_through_a_rotation(daemon: Daemon, browser: Browser) -> None:
    child = open_log(
        daemon, browser, stdout_logfile="@dir@/a.log", stdout_logfile_maxbytes=200, stdout_logfile_backups=3)
    # Each batch is larger than the log may grow, so it rotates however the daemon's reads divide the batch.
    written = [f"line no. {number}" for number in range(60)]
    for batch in (written[:20], written[20:40], written[40:]):
        child.tell("out", "".join(f"{line}\n" for line in batch))
        wait_last(browser, batch[-1])
    assert (daemon.dir / "a.log.3").exists()
    assert lines(browser) == ["first", *written]
    daemon.call("clearProcessLogs", "a")
    child.tell("out", "after it was cleared\n")
    wait_last(browser, "after it was cleared")


def test_a_line_in_pieces(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("out", "10 %")
    wait_last(browser, "10 %")
    child.tell("out", "\r20 %")
    wait_last(browser, "20 %")
    child.tell("out", " done\r\nnext é".encode())
    wait_last(browser, "next é")
    assert lines(browser) == ["first", "20 % done", "next é"]


def test_colours(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("out", "plain \x1b[1;31mred and bold\n still \x1b[0mnot ")
    child.tell("out", "\x1b[38;5;196mx\x1b[38;2;1;2;3;4my\x1b[48;5;3mz\n")
    wait_last(browser, " still not xyz")
    pieces = browser.run("""
        return [...document.querySelectorAll('.lines .line span')].map(
          one => [one.textContent, one.className, one.style.color])""")
    assert pieces == [
        ["red and bold", "b f1", ""],
        [" still ", "b f1", ""],
        ["x", "", "rgb(255, 0, 0)"],
        ["y", "u", "rgb(1, 2, 3)"],
        ["z", "u g3", ""],
    ]


def test_search(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("out", "".join(f"{'needle' if number % 100 == 50 else 'hay'} {number}\n" for number in range(1000)))
    wait_last(browser, "hay 999")
    box = browser.element('input[aria-label="Search in the log"]')
    box.send_keys("NEEDLE")
    browser.wait(lambda: browser.text(".found") == "10 lines found")
    box.send_keys(Keys.ENTER)
    browser.wait_text(".here", "needle 50")
    box.send_keys(Keys.SHIFT, Keys.ENTER)
    browser.wait_text(".here", "needle 950")
    browser.press("Next")
    browser.wait_text(".found", "1 of 10 lines found")
    browser.click('.logtools label:first-of-type')
    seen = """
        return [...document.querySelectorAll('.lines .line')].filter(one => getComputedStyle(one).display !== 'none')
          .map(one => one.textContent)"""
    assert browser.run(seen) == [f"needle {number}" for number in range(50, 1000, 100)]
    child.tell("out", "needle new\nhay\n")
    browser.wait(lambda: browser.run(seen)[-1] == "needle new")


def test_pause_and_scrolling_back(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("out", "x\n" * 500)
    wait_last(browser, "x")
    browser.wait(lambda: len(lines(browser)) == 501)
    browser.press("Pause")
    child.tell("out", "while paused\n")
    browser.wait(lambda: "Resume, there is more" in (browser.text(".logtools") or ""))
    assert "while paused" not in lines(browser)
    browser.press("Resume, there is more")
    wait_last(browser, "while paused")
    at_end = """
        const box = document.querySelector('.lines');
        return box.scrollTop + box.clientHeight > box.scrollHeight - 5"""
    browser.wait(lambda: browser.run(at_end))
    browser.element(".lines").send_keys(Keys.HOME)
    browser.wait(lambda: browser.run("return document.querySelector('.lines').scrollTop") == 0)
    child.tell("out", "not to be scrolled to\n")
    wait_last(browser, "not to be scrolled to")
    assert browser.run("return document.querySelector('.lines').scrollTop") == 0
    browser.press("To the end")
    child.tell("out", "to be scrolled to\n")
    wait_last(browser, "to be scrolled to")
    browser.wait(lambda: browser.run(at_end))


def test_the_other_channel(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("err", "an error\n")
    browser.press("stderr")
    wait_last(browser, "an error")
    child.tell("err", "another\n")
    wait_last(browser, "another")
    browser.press("stdout")
    wait_last(browser, "first")


def test_the_activity_log(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    browser.open()
    browser.press("Activity log")
    browser.wait(lambda: any("INFO success: a entered RUNNING state" in line for line in lines(browser)))
    browser.wait_text("h2", "Activity log")
    assert browser.text(".links") == ""
    daemon.call("stopProcess", "a")
    browser.wait(lambda: any("stopped: a (" in line for line in lines(browser)))


@pytest.mark.parametrize("name", ["a;b", "a?b", "a#b", "100%41"])
def test_names_that_look_like_parts_of_an_address(daemon: Daemon, browser: Browser, name: str) -> None:
    start(daemon, **{name: {"startsecs": 0}})
    browser.open()
    browser.wait_state(name, "running")
    child = daemon.child(name)
    child.tell("out", "hello\n")
    browser.press("stdout")
    wait_last(browser, "hello")
    browser.press("stderr")
    child.tell("err", "trouble\n")
    wait_last(browser, "trouble")


def test_earlier_lines_come_before_the_one_that_is_read(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    child = daemon.child("a")
    child.tell("out", "".join(f"line {number}: {'x' * 80}\n" for number in range(5000)))
    top = """
        const { left, top } = document.querySelector('.lines').getBoundingClientRect();
        return document.elementFromPoint(left + 20, top + 16).closest('.line')?.textContent.split(':')[0]"""
    browser.open("tail.html?processname=a", live=False)
    browser.wait(lambda: lines(browser)[-1:] and lines(browser)[-1].startswith("line 4999:"))
    browser.element(".lines").send_keys(Keys.HOME)
    browser.wait(lambda: browser.run("return document.querySelector('.lines').scrollTop") == 0)
    read = int(browser.run("return document.querySelectorAll('.lines .line')[1].textContent").split()[1][:-1])
    assert 4000 < read < 4500
    browser.press("Load earlier")
    browser.wait(lambda: lines(browser)[:1] == [f"line 0: {'x' * 80}"], "the first line")
    browser.wait(lambda: browser.run(top) == f"line {read}", "the line that was read")
    assert len(lines(browser)) == 5000
    assert not browser.find("Load earlier").is_enabled()
    assert browser.find("To the end").is_displayed()


def test_long_lines(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("out", "word " * 500 + "\n")
    wait_last(browser, "word " * 500)
    wide = "const box = document.querySelector('.lines'); return box.scrollWidth > box.clientWidth"
    assert not browser.run(wide)
    browser.click(".logtools label:nth-of-type(2)")
    assert browser.run(wide)
    browser.driver.refresh()
    wait_last(browser, "word " * 500)
    assert browser.run(wide)


def test_megabytes(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser, stdout_logfile_maxbytes=0)
    child.tell("flood", 1, 20_000_000, "a line of some length, as logs have them: 0123456789abcdef\n")
    child.tell("out", "\nthe end\n")
    wait_last(browser, "the end")
    assert 5_000 < len(lines(browser)) <= 30_250
    child.tell("out", "still alive\n")
    wait_last(browser, "still alive")
    browser.driver.refresh()
    wait_last(browser, "still alive")
    browser.press("Load earlier")
    browser.wait(lambda: len(lines(browser)) > 5_000, "earlier lines")
    wait_last(browser, "still alive")


def test_colours_do_not_count_as_text(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser, stdout_logfile_maxbytes=0)
    child.tell("flood", 1, 9_000_000, "\x1b[32m" * 20 + "short\x1b[0m\n")
    child.tell("out", "\x1b[0m\n\x1b[?1;31mthe end\n")
    wait_last(browser, "the end")
    assert len(lines(browser)) > 29_000
    assert browser.run("return [...document.querySelectorAll('.lines .line')].pop().children.length") == 0


def test_a_line_without_end(daemon: Daemon, browser: Browser) -> None:
    child = open_log(daemon, browser)
    child.tell("flood", 1, 300_000, "0123456789")
    child.tell("out", "\nthe end\n")
    wait_last(browser, "the end")
    assert max(map(len, lines(browser))) <= 8000
    assert len("".join(lines(browser))) >= 300_000


def test_a_log_that_is_not_there_yet(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"autostart": False, "startsecs": 0, "stdout_logfile": "@dir@/a.log"})
    browser.expect("404")
    (daemon.dir / "a.log").unlink(missing_ok=True)
    browser.open("tail.html?processname=a", live=False)
    browser.wait(lambda: browser.text(".connection") == "there is no log yet")
    daemon.call("startProcess", "a")
    daemon.child("a").tell("out", "hello\n")
    wait_last(browser, "hello")
