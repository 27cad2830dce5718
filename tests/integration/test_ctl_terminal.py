"""What supervisorctl does on a terminal where an action asks, follows, waits or changes the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from tests.harness import Daemon
from tests.harness.terminal import PROMPT, Open, ask, terminals

CAT = {"command": "/bin/cat", "startsecs": 0}
IDLE = {**CAT, "autostart": "false"}


@pytest.fixture
def shell(daemon: Daemon) -> Iterator[Open]:
    """Opens supervisorctl on a terminal of its own; without an action back at the first prompt."""
    with terminals(daemon) as open_shell:
        def at_the_prompt(*args: str, **env: str) -> Any:
            child = open_shell(*args, **env)
            if not args:
                child.expect_exact(PROMPT)
            return child

        yield at_the_prompt


def ended(child: Any) -> int:
    """Wait for the end; the exit status."""
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus)


def test_a_configuration_that_changes(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a=IDLE, b=CAT)
    child = shell()
    assert ask(child, "avail").split()[::5] == ["a", "b"]
    daemon.configure(probe=None, a={**IDLE, "priority": 5}, c=IDLE)
    assert ask(child, "reread") == "a: changed\r\nb: disappeared\r\nc: available\r\n"
    assert [line[:2] for line in ask(child, "plan").splitlines() if line[0] != " "] == ["b:", "a:", "c:"]
    assert ask(child, "add c") == "c: added process group\r\n"
    assert ask(child, "update nope b") == (
        "ERROR: no such group: nope\r\nb: stopped\r\nb: removed process group\r\n")
    assert ask(child, "update") == "a: stopped\r\na: updated process group\r\n"
    assert ask(child, "remove c a") == "c: removed process group\r\na: removed process group\r\n"
    assert ask(child, "status") == ""
    with open(daemon.conf, "a") as f:
        f.write("\n[program:broken]\n")
    for action in ("reread", "update", "plan"):
        assert ask(child, action).startswith("ERROR: CANT_REREAD: ")


def test_reload_and_shutdown_ask_first(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a=IDLE)
    child = shell()
    pid = ask(child, "pid").strip()
    for action, question in (("reload", "Really restart the remote supervisord process y/N? "),
                             ("shutdown", "Really shut the remote supervisord process down y/N? ")):
        for answer in ("", "n", "no way"):
            child.sendline(action)
            child.expect_exact(question)
            assert ask(child, answer) == ""
    child.sendline("reload")
    child.expect_exact("y/N? ")
    assert ask(child, "yes") == "Restarted supervisord\r\n"
    daemon.wait_log("RPC interface 'supervisor' initialized", 2)
    assert ask(child, "pid").strip() == pid
    child.sendline("shutdown")
    child.expect_exact("y/N? ")
    assert ask(child, "Y") == "Shut down\r\n"
    assert daemon.wait() == 0
    for action in ("status", "start a", "avail", "tail -f a"):
        assert ask(child, action).startswith(f"unix://{daemon.socket} no such file\r\nhint: tried unix://")
    child.sendeof()
    assert ended(child) == 0


@pytest.mark.parametrize("action", ["tail -f a", "maintail -f", "logs -f", "status -w", "fg a", "wait a --for stopped"])
def test_what_lasts_ends_with_ctrl_c_and_the_shell_goes_on(daemon: Daemon, shell: Open, action: str) -> None:
    daemon.start(probe=None, a=CAT)
    daemon.wait_state("a", "RUNNING")
    daemon.call("sendProcessStdin", "a", "so much\n")
    daemon.wait_log("entered RUNNING state")
    child = shell()
    child.sendline(action)
    child.expect({"status": "RUNNING", "wait": f"{action}\r\n", "maintail": "RUNNING"}.get(action.split()[0],
                                                                                                "so much"))
    child.sendcontrol("c")
    child.expect_exact(PROMPT)
    assert "RUNNING" in ask(child, "status a")


@pytest.mark.parametrize("action", ["tail -f a", "maintail -f", "logs -f", "status -w", "fg a", "wait a --for stopped"])
def test_what_lasts_ends_with_ctrl_c_from_the_command_line(daemon: Daemon, shell: Open, action: str) -> None:
    daemon.start(probe=None, a=CAT)
    daemon.wait_state("a", "RUNNING")
    daemon.call("sendProcessStdin", "a", "so much\n")
    child = shell(*action.split())
    if action.startswith("wait"):
        child.expect([pexpect.TIMEOUT], timeout=0.5)
    else:
        child.expect(["so much", "RUNNING"])
    child.sendcontrol("c")
    child.expect(pexpect.EOF)
    assert "Traceback" not in child.before
    child.close()
    assert child.exitstatus == (130 if action.startswith("wait") else 0)


def test_lines_and_bytes_of_logs(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a={}, b={})
    for name in ("a", "b"):
        daemon.child(name).tell("out", f"1\n\x1b[1m2{name}\x1b]0;title\x07\n")
    child = shell()
    assert ask(child, "tail -n 1 a") == "\u241b[1m2a\u241b]0;title\u2407\r\n"
    assert ask(child, "tail --raw -n 1 a") == "\x1b[1m2a\x1b]0;title\x07\r\n"
    assert ask(child, "logs -n 1") == "a | \u241b[1m2a\u241b]0;title\u2407\r\nb | \u241b[1m2b\u241b]0;title\u2407\r\n"
    assert ask(child, "tail -2 a") == "\u2407\r\n\r\n"
    assert ask(child, "tail -0 a").count("\r\n") == 3


def test_lines_of_several_logs_are_coloured_by_name(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a={}, bb={})
    for name in ("a", "bb"):
        daemon.child(name).tell("out", "x\n")
    for words in (["logs"], ["logs", "-f"]):
        child = shell(*words, TERM="xterm")
        lines = ["\x1b[36ma  | \x1b[0mx\r\n", "\x1b[35mbb | \x1b[0mx\r\n"]
        assert {child.expect_exact(lines), child.expect_exact(lines)} == {0, 1}
        child = shell(*words, TERM="xterm", NO_COLOR="1")
        child.expect_exact("a  | x\r\n")


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_a_terminal_that_cannot_draw_gets_plain_text(terminal: str, daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a=IDLE)
    child = shell("status", "-w", TERM=terminal)
    child.expect_exact("STOPPED")
    daemon.call("startProcess", "a")
    child.expect_exact("RUNNING")
    assert "\x1b" not in child.before
    child = shell("status", "-w", TERM="xterm", NO_COLOR="1")
    child.expect_exact("\x1b[H\x1b[?7la ")
    assert "\x1b[3" not in child.before
    child.expect_exact("\x1b[K\r\n\x1b[J\x1b[?7h")


def test_a_table_that_is_higher_than_the_terminal_is_cut(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, many={**IDLE, "numprocs": 20, "process_name": "%(program_name)s_%(process_num)02d"})
    child = shell("status", "-w", TERM="xterm")
    child.setwinsize(8, 40)
    child.expect_exact("... and 14 more")
    drawn = child.before.rpartition("\x1b[H")[2]
    assert drawn.count("\r\n") == 6 and "many:many_05" in drawn and "many:many_06" not in drawn


def test_patterns_and_not_waiting(daemon: Daemon, shell: Open) -> None:
    daemon.start("[group:web]\nprograms=w", probe=None, slow={"autostart": "false", "startsecs": 60},
                 w={**IDLE, "numprocs": 3, "process_name": "%(program_name)s_%(process_num)d"})
    child = shell()
    assert sorted(ask(child, "start web:*_[12]").splitlines()) == ["web:w_1: started", "web:w_2: started"]
    assert ask(child, "start --no-wait slow") == "slow: started\r\n"
    assert [line.split()[1] for line in ask(child, "status w*:* slow").splitlines()] == [
        "STOPPED", "RUNNING", "RUNNING", "STARTING"]
    both = ["slow: stopped", "web:w_1: stopped"]
    assert sorted(ask(child, "stop --no-wait slow web:*_1").splitlines()) == both
    assert sorted(ask(child, "wait slow web:w_1 --for stopped --timeout 9").splitlines()) == both
    assert ask(child, "wait slow --for running --timeout 0.1") == "slow: ERROR (not running in time)\r\n"


def test_names_with_control_characters(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, a={"command": "/no/\x1b[31mred", "autostart": "false"})
    for words in (["start", "a"], ["status", "\x1b[2J", "a"]):
        child = shell(*words)
        child.expect(pexpect.EOF)
        assert child.before and "\x1b" not in child.before.replace("\x1b[31mFATAL\x1b[0m", "")
    said = daemon.ctl(input="".join(f"{line}\n" for line in (
        "start \x1b", "nope \x1b", "tail x\x1b", "tail a \x1b", "update x\x9b", "fg \x1b", "signal \x1b a", "pid \x1b",
        "add \x1b", "help \x1b", "wait \x1b", "logs \x1b", "open http://\x1b", "tail -f \x1b", "remove \x1b"))).stdout
    assert said.count("\\x1b") >= 9 and "\x1b" not in said and "\x9b" not in said
