"""The shell of supervisorctl on a terminal: prompts, completion, history, Ctrl-C, colours, credentials, fg."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from supervisor.clientoptions import ClientOptions
from supervisor.supervisorctl import Controller
from tests.harness import Daemon
from tests.harness.daemon import CTL, DEADLINE
from tests.harness.terminal import PROMPT, Open, ask, terminals

CAT = {"command": "/bin/cat", "startsecs": 0}


@pytest.fixture
def shell(daemon: Daemon) -> Iterator[Open]:
    """Opens supervisorctl on a terminal of its own."""
    with terminals(daemon) as open_shell:
        yield open_shell


def test_every_action_typed(daemon: Daemon, shell: Open) -> None:
    daemon.start("[group:g]\nprograms=x,y", a={**CAT, "autostart": "false"}, x=CAT, y=CAT, probe=None)
    for name in ("g:x", "g:y"):
        daemon.wait_state(name, "RUNNING")
    child = shell()
    child.expect_exact(PROMPT)
    assert [line.split()[1] for line in child.before.splitlines()] == ["STOPPED", "RUNNING", "RUNNING"]
    for line, answer in (
        ("start a", "a: started\r\n"), ("restart a", "a: stopped\r\na: started\r\n"), ("", ""), ("nope", None),
        ("signal HUP nope", "nope: ERROR (no such process)\r\n"), ("clear a g:*", "a: cleared\r\ng:x: cleared\r\n"
         "g:y: cleared\r\n"), ("pid nope", "No such process nope\r\n"), ("stop a", "a: stopped\r\n"),
        ("reread", "No config updates to processes\r\n"), ("update", ""), ("remove a", "a: removed process group\r\n"),
        ("add a", "a: added process group\r\n"), ("fg a", "ERROR: process not running\r\n"), ("avail", None),
        ("maintail -5", None), ("tail g:x", "\r\n"), ("version", None), ("help pid", None), ("open x",
         "ERROR: url must be http:// or unix://\r\n"), (f"open unix://{daemon.socket}", None),
        ("wait a --for stopped", "a: stopped\r\n"), ("logs", ""), ("completion tcsh", None),
    ):
        shown = ask(child, line)
        assert answer is None or shown == answer, line
    child.sendline("quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_ctrl_c_and_ctrl_d_at_the_prompt_leave(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None)
    for key in ("c", "d"):
        child = shell()
        child.expect_exact(PROMPT)
        child.sendcontrol(key)
        # readline forgets a signal that comes while it sets the terminal up; people press the key again then.
        for _ in range(int(DEADLINE)):
            if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=1) == 0:
                break
            child.sendcontrol(key)
        child.close()
        assert child.exitstatus == 0


def test_ctrl_c_while_the_shell_takes_itself_down_changes_nothing(daemon: Daemon) -> None:
    daemon.start(probe=None)
    # Module globals go after the handlers of signals.
    late = ("import os\nclass Late:\n def __del__(self, kill=os.kill, pid=os.getpid(), write=os.write):\n"
            "  kill(pid, 2)\n  write(1, b'late')\nlate = Late()\n")
    ended = subprocess.run([sys.executable, "-c", late + CTL, "-c", str(daemon.conf)], input="exit\n", text=True,
                           capture_output=True, env=daemon.environment(), timeout=DEADLINE)
    assert (ended.returncode, ended.stdout[-4:]) == (0, "late"), ended


def test_ctrl_c_ends_an_action_not_the_shell(daemon: Daemon, shell: Open) -> None:
    daemon.start(a={"autostart": "false", "startsecs": 60})
    child = shell()
    child.expect_exact(PROMPT)
    child.sendline("start a")
    daemon.wait_event("PROCESS_STATE_STARTING", processname="a")
    child.sendcontrol("c")
    child.expect_exact(PROMPT)
    assert "STARTING" in ask(child, "status a")


def test_tab_completes_actions_names_and_groups(daemon: Daemon, shell: Open) -> None:
    daemon.start("[group:grp]\nprograms=x,y", single={**CAT, "autostart": "false"}, x=CAT, y=CAT, probe=None)
    child = shell()
    child.expect_exact(PROMPT)
    child.send("stat\tsi\t")
    child.expect_exact("status single ")
    child.sendline("")
    child.expect_exact(PROMPT)
    child.send("update g\t\n")
    child.expect_exact("update grp ")
    child.expect_exact(PROMPT)
    child.send("start g\t\t\t")
    child.expect_exact("grp:*")
    child.sendcontrol("u")
    child.sendline("quit")
    child.expect(pexpect.EOF)


def test_history_is_kept_private_and_without_answers(daemon: Daemon, shell: Open) -> None:
    kept = daemon.dir / "history"
    daemon.start(probe=None)
    for _ in range(2):
        child = shell("-r", str(kept))
        child.expect_exact(PROMPT)
        child.sendline("shutdown")
        child.expect_exact("y/N? ")
        child.sendline("not now")
        child.expect_exact(PROMPT)
        child.sendline("quit")
        child.expect(pexpect.EOF)
        child.close()
    assert kept.read_text() == "shutdown\nquit\nshutdown\nquit\n"
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600


def test_credentials_are_asked_for_until_they_are_right(daemon: Daemon, shell: Open) -> None:
    daemon.start(inet="username=u\npassword=p", a={**CAT, "autostart": "false"}, probe=None)
    child = shell("-s", f"http://127.0.0.1:{daemon.port}")
    for password in ("wrong", "p"):
        child.expect_exact("Server requires authentication\r\n")
        child.expect_exact("Username:")
        child.sendline("u")
        child.expect_exact("Password:")
        child.waitnoecho()
        child.sendline(password)
    child.expect_exact(PROMPT)
    assert "STOPPED" in child.before and "wrong" not in child.before


def test_colours_on_terminals_that_want_them(daemon: Daemon, shell: Open) -> None:
    daemon.start(a=CAT, probe=None)
    daemon.wait_state("a", "RUNNING")
    for env, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({}, False)):
        child = shell("status", **env)
        child.expect(pexpect.EOF)
        assert ("\x1b[32mRUNNING\x1b[0m   pid" in child.before) is coloured
        assert ("RUNNING   pid" in child.before) is not coloured


def test_logs_reach_a_terminal_without_control_characters(daemon: Daemon, shell: Open) -> None:
    daemon.start(a={}, probe=None)
    daemon.child("a").tell("out", "x\x1b[31my\n")
    for words in (["tail", "a"], ["tail", "-f", "a"]):
        child = shell(*words)
        child.expect_exact("[31my")
        assert "x" in child.before and "\x1b" not in child.before
    child = shell("tail", "-f", "--raw", "a")
    child.expect_exact("x\x1b[31my")


def test_fg_on_a_terminal(daemon: Daemon, shell: Open) -> None:
    daemon.start(a=CAT, probe=None)
    daemon.wait_state("a", "RUNNING")
    child = shell()
    child.expect_exact(PROMPT)
    child.sendline("fg a")
    child.expect_exact("==> Press Ctrl-C to exit <==\r\n")
    child.sendline("hello there")
    child.expect_exact("hello there\r\n")
    child.expect_exact("hello there\r\n")
    child.sendcontrol("c")
    child.expect_exact("Exiting foreground\r\n")
    child.expect_exact(PROMPT)
    assert "RUNNING" in ask(child, "status a")


def test_interactive_after_an_action(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None)
    child = shell("-i", "pid")
    child.expect_exact(f"{daemon.pid}\r\n")
    child.expect_exact(PROMPT)
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_a_person_is_told_where_the_server_was_looked_for(daemon: Daemon, shell: Open) -> None:
    daemon.configure(probe=None)
    child = shell("status")
    child.expect_exact(f"unix://{daemon.socket} no such file\r\n")
    child.expect_exact(f"hint: tried unix://{daemon.socket} (configuration file {daemon.conf})")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 4


def test_the_hint_says_who_named_the_server_and_what_is_there(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None)
    conf = f"unix://{daemon.conf}"
    for args, env, hint in (
        (["-s", conf, "version"], {}, f"hint: tried {conf} (given with -s); that is no socket\r\n"),
        (["version"], {"SUPERVISORCTL_SERVERURL": "unix:///nowhere"}, "unix:///nowhere (SUPERVISORCTL_SERVERURL); "),
        (["open", "unix:///nowhere"], {}, "hint: tried unix:///nowhere (named by open); "),
        (["-s", "foo://x", "version"], {}, "hint: a server URL is unix:///path/to/socket, http://host:port or "),
    ):
        child = shell(*args, **env)
        child.expect_exact(hint)


def test_status_is_shown_again_until_ctrl_c(daemon: Daemon, shell: Open) -> None:
    daemon.start(a={**CAT, "autostart": "false"}, probe=None)
    child = shell("status", "-w", "a")
    child.expect_exact("STOPPED")
    daemon.call("startProcess", "a")
    child.expect_exact("RUNNING")
    child.sendcontrol("c")
    child.expect(pexpect.EOF)


def test_how_far_a_start_of_many_is(daemon: Daemon, shell: Open) -> None:
    slow = {"autostart": "false", "startsecs": 60}
    daemon.start("[group:g]\nprograms=x,y", probe=None, x=slow, y=slow)
    child = shell("start", "g:*", TERM="xterm")
    child.expect_exact("\r\x1b[Kstart: waiting for 2 of 2 processes")
    daemon.call("stopProcessGroup", "g")
    child.expect(pexpect.EOF)
    said = re.sub("(start: waiting for [12] of 2 processes)?\r\x1b\\[K", "", child.before)
    assert sorted(said.splitlines()) == [f"g:{name}: ERROR (abnormal termination)" for name in "xy"]


def test_how_far_it_is_stays_on_one_line_of_a_narrow_terminal(daemon: Daemon, shell: Open) -> None:
    slow = {"autostart": "false", "startsecs": 60}
    daemon.start("[group:g]\nprograms=x,y", probe=None, x=slow, y=slow)
    child = shell("start", "g:*", TERM="xterm", columns=20)
    child.expect_exact("\r\x1b[Kstart: waiting for \r\x1b[K")
    child.setwinsize(40, 26)
    child.expect_exact("\r\x1b[Kstart: waiting for 2 of 2\r\x1b[K")
    daemon.call("stopProcessGroup", "g")
    child.expect(pexpect.EOF)


def test_what_has_arrived_of_many_is_told_before_the_others(daemon: Daemon, shell: Open) -> None:
    daemon.start("[group:g]\nprograms=slow,quick,up", probe=None, slow={"autostart": "false", "startsecs": 60},
                 quick={**CAT, "autostart": "false"}, up=CAT)
    daemon.wait_state("g:up", "RUNNING")
    for words in (["start", "g:*"], ["start", "all"]):
        child = shell(*words, TERM="xterm")
        child.expect_exact("\r\x1b[Kg:quick: started\r\nstart: waiting for 1 of 2 processes")
        daemon.call("stopProcess", "g:slow")
        child.expect_exact("\r\x1b[Kg:slow: ERROR (")
        child.expect(pexpect.EOF)
        assert "quick" not in child.before and "up" not in child.before
        daemon.call("stopProcess", "g:quick")
    child = shell("start", "g:*", TERM="xterm")
    child.expect_exact("1 of 2 processes")
    child.sendcontrol("c")
    child.expect_exact("\r\x1b[K")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_results_of_several_names_are_shown_as_they_come(daemon: Daemon, shell: Open) -> None:
    daemon.start(probe=None, slow={"autostart": "false", "startsecs": 60}, quick={**CAT, "autostart": "false"})
    child = shell("start", "slow", "quick", "nope", TERM="xterm")
    child.expect_exact("quick: started\r\nnope: ERROR (no such process)\r\n")
    daemon.call("stopProcess", "slow")
    child.expect_exact("slow: ERROR (")
    child.expect(pexpect.EOF)


def test_several_threads_may_run_lines_at_once(daemon: Daemon) -> None:
    daemon.start(probe=None, **{f"p{number}": {**CAT, "autostart": "false"} for number in range(8)})
    options = ClientOptions()
    options.realize(["-c", str(daemon.conf), "status"], progname="supervisorctl")
    ctl: Any = Controller(options, stdout=io.StringIO())
    threads = [threading.Thread(target=ctl.onecmd, args=(f"start p{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    ctl.close()
    assert sorted(ctl.stdout.getvalue().splitlines()) == [f"p{number}: started" for number in range(8)]
    assert ctl.exitstatus == 0
