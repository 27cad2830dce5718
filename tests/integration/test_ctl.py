"""supervisorctl against a real daemon: one action from the command line, streams, credentials, odd servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import Daemon, eventually
from tests.harness.daemon import CTL, DEADLINE

CAT = {"command": "/bin/cat", "startsecs": 0}


@contextmanager
def running(daemon: Daemon, *args: str) -> Iterator[subprocess.Popen[str]]:
    """supervisorctl that is still running."""
    with subprocess.Popen([sys.executable, "-u", "-c", CTL, "-c", str(daemon.conf), *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=daemon.environment()) as ctl:
        guard = threading.Timer(DEADLINE * 2, ctl.kill)
        guard.start()
        try:
            yield ctl
        finally:
            guard.cancel()
            ctl.kill()


def test_a_day_in_the_life_of_a_program(daemon: Daemon) -> None:
    daemon.start("[group:g]\nprograms=x,y", a={**CAT, "autostart": "false"}, x=CAT, y={**CAT, "autostart": "false"})
    daemon.wait_state("g:x", "RUNNING")
    for words, line, status in (
        ("start a", "a: started\n", 0), ("start a", "a: ERROR (already started)\n", 0),
        ("signal 0 a", "a: signalled\n", 0), ("clear a", "a: cleared\n", 0), ("stop a", "a: stopped\n", 0),
        ("stop a", "a: ERROR (not running)\n", 0), ("start g:*", "g:y: started\n", 0), ("start g:*", "", 0),
        ("restart g:y nope", "g:y: stopped\nnope: ERROR (no such process)\ng:y: started\n"
                             "nope: ERROR (no such process)\n", 1),
        ("clear g:*", "g:x: cleared\ng:y: cleared\n", 0), ("pid a", "0\n", 7), ("status nope a", None, 4),
        ("wait g:* nope:* --for running", "g:x: running\ng:y: running\nnope:*: ERROR (no such group)\n", 1),
        ("wait g:x --for running --timeout 5", "g:x: running\n", 0), ("reread", "No config updates to processes\n", 0),
        ("update", "", 0),
    ):
        ended = daemon.ctl(words)
        assert (ended.returncode, ended.stderr) == (status, ""), words
        assert line is None or ended.stdout == line, words
    facts = json.loads(daemon.ctl("status", "--json", "g:*").stdout)
    assert [(fact["name"], fact["statename"]) for fact in facts] == [("x", "RUNNING"), ("y", "RUNNING")]


def test_several_names_cost_the_time_of_the_slowest(daemon: Daemon) -> None:
    daemon.start(a={"autostart": "false", "startsecs": 1}, b={"autostart": "false", "startsecs": 1})
    with running(daemon, "start", "a", "b") as ctl:
        daemon.wait_event("PROCESS_STATE_STARTING", processname="b")
        assert daemon.info("a")["statename"] == "STARTING"  # nobody waited for a before b was started
        assert ctl.stdout is not None
        assert ctl.stdout.read() == "a: started\nb: started\n"


def test_tail_follows_a_log(daemon: Daemon) -> None:
    daemon.start(a={})
    child = daemon.child("a")
    child.tell("out", "one\n")
    with running(daemon, "tail", "-f", "a") as ctl:
        assert ctl.stdout is not None
        assert [ctl.stdout.readline() for _ in range(2)] == ["==> Press Ctrl-C to exit <==\n", "one\n"]
        child.tell("out", "two\n")
        assert ctl.stdout.readline() == "two\n"
        ctl.send_signal(signal.SIGINT)
        assert ctl.stdout.read() == "\n"
        assert ctl.wait(DEADLINE) == 0


def test_logs_follows_several_logs_behind_their_names(daemon: Daemon) -> None:
    daemon.start(a={}, long={})
    first, second = daemon.child("a"), daemon.child("long")
    first.tell("out", "one\n")
    second.tell("out", "two\n")
    assert daemon.ctl("logs", "a", "long").stdout == "a    | one\nlong | two\n"
    with running(daemon, "logs", "a", "long", "-f") as ctl:
        assert ctl.stdout is not None
        assert {ctl.stdout.readline() for _ in range(2)} == {"a    | one\n", "long | two\n"}
        first.tell("out", "three\n")
        assert ctl.stdout.readline() == "a    | three\n"


def test_a_stream_that_is_refused_says_so(daemon: Daemon) -> None:
    daemon.start(a=CAT)
    ended = daemon.ctl("tail", "-f", "nope")
    assert ended.stdout == (f"==> Press Ctrl-C to exit <==\nunix://{daemon.socket}/logtail/nope/stdout Cannot read, "
                            "status code 404\n")
    assert ended.returncode == 1


def test_fg_sends_lines_and_notices_the_death(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0})
    child = daemon.child("a")
    reader, writer = os.pipe()
    with subprocess.Popen([sys.executable, "-u", "-c", CTL, "-c", str(daemon.conf), "fg", "a"], stdin=reader,
                          stdout=subprocess.PIPE, text=True, env=daemon.environment()) as ctl:
        try:
            os.close(reader)
            assert ctl.stdout is not None
            assert ctl.stdout.readline() == "==> Press Ctrl-C to exit <==\n"
            child.ask("readline")
            os.write(writer, b"hello\n")
            assert child.answer() == "hello\n"
            child.tell("exit", 0)
            assert ctl.stdout.read() == "Process got killed\nExiting foreground\n"
            assert ctl.wait(DEADLINE) == 0
        finally:
            os.close(writer)
            ctl.kill()


def test_wrong_credentials_are_one_line(daemon: Daemon) -> None:
    daemon.start(inet="username=u\npassword=p", a=CAT)
    url = f"http://127.0.0.1:{daemon.port}"
    for words in (("status",), ("-u", "u", "-p", "x", "avail"), ("-u", "u", "pid")):
        ended = daemon.ctl("-s", url, *words)
        assert (ended.stdout, ended.stderr, ended.returncode) == ("Server requires authentication\n", "", 1)
    secret = daemon.dir / "secret"
    secret.write_text("p\n")
    ended = daemon.ctl("-s", url, "-u", "u", "--password-file", str(secret), "pid")
    assert ended.stdout == f"{daemon.pid}\n"


def test_a_reader_that_leaves_is_no_trouble(daemon: Daemon) -> None:
    daemon.start(a=CAT)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run([sys.executable, "-c", CTL, "-c", str(daemon.conf), "status"], stdout=writer,
                               stderr=subprocess.PIPE, text=True, env=daemon.environment(), timeout=DEADLINE * 2)
    finally:
        os.close(writer)
    assert (ended.stderr, ended.returncode) == ("", 1)


@pytest.mark.parametrize("words", [["tail", "-f", "a"], ["maintail", "-f"], ["logs", "-f", "a"], ["status", "-w"]])
def test_a_reader_that_leaves_is_noticed_though_nothing_comes(daemon: Daemon, words: list[str]) -> None:
    daemon.start(a={"startsecs": 0}, probe=None, loglevel="critical")
    daemon.child("a").tell("out", "word\n")
    eventually(lambda: daemon.call("readProcessStdoutLog", "a", 0, 0), "the word is in the log")
    with subprocess.Popen([sys.executable, "-c", CTL, "-c", str(daemon.conf), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=daemon.environment()) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.read(1)
        child.stdout.close()
        try:
            assert (child.wait(DEADLINE), child.stderr.read()) == (1, b"")
        finally:
            child.kill()


def test_a_shell_on_a_pipe(daemon: Daemon) -> None:
    daemon.start(a={**CAT, "autostart": "false"}, probe=None)
    ended = daemon.ctl(input="start a\n\nnope x\nstop a\nshutdown\nn\npid q")
    lines = ended.stdout.split("\n")
    assert lines[0].split()[:2] == ["a", "STOPPED"]
    assert lines[1:] == ["supervisor> a: started", "supervisor> supervisor> *** Unknown syntax: nope x",
                         "supervisor> a: stopped", "supervisor> Really shut the remote supervisord process down y/N? "
                         "supervisor> No such process q", "supervisor> ", ""]
    assert (ended.stderr, ended.returncode) == ("", 0)


def test_a_plugin_as_other_people_write_them(daemon: Daemon) -> None:
    daemon.start("[ctlplugin:friendly]\nsupervisor.ctl_factory = plugin_ctl:make\nkey.one = 1", probe=None, a=CAT)
    ended = daemon.ctl("greet", "a", "b")
    assert ended.stdout == "hello 'a b', RUNNING, [('key.one', '1')]\n"
    assert daemon.ctl("each_one a nope").stdout.splitlines()[1] == "nope: ERROR (no such process)"
    assert "each_one" in daemon.ctl("help").stdout


@pytest.mark.parametrize(("factory", "why"), [
    ("plugin_ctl:Plugin", "TypeError: "), ("json:dumps", "TypeError: "), ("plugin_ctl", "TypeError: 'module' object"),
])
def test_a_plugin_that_cannot_be_made_is_one_line(factory: str, why: str, daemon: Daemon) -> None:
    daemon.start(f"[ctlplugin:odd]\nsupervisor.ctl_factory = {factory}\nkey = 1", probe=None)
    for words in (["status"], []):
        ended = daemon.ctl(*words)
        assert (ended.returncode, ended.stdout) == (2, "")
        error, for_help = ended.stderr.splitlines()
        assert error.startswith(f"Error: supervisor.ctl_factory of [ctlplugin:odd] made no plugin: {why}")


NONSENSE = {
    "closes": b"", "banner": b"SSH-2.0-OpenSSH_9.6\r\n", "html": b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>",
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "cut": b"HTTP/1.1 200 OK\r\nContent-",
    "huge": b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "not found": b"HTTP/1.1 404 Not Found\r\n\r\n",
    "xml": b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<a><b></a>x",
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("action", ["status", "tail -f a", "reread"])
def test_a_server_that_talks_nonsense_is_told_in_a_line(answer: bytes, action: str) -> None:
    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        try:
            ended = subprocess.run([sys.executable, "-c", CTL, "-s", url, action], capture_output=True, text=True,
                                   stdin=subprocess.DEVNULL, timeout=DEADLINE)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE)
    assert ended.returncode == 1 and ended.stderr == ""
    assert ended.stdout.startswith("error: ") and ended.stdout.count("\n") == 1


def test_help_and_version_need_no_server() -> None:
    for words, first in ((["--help"], "supervisorctl -- "), (["--version"], ""), (["help"], "\n")):
        ended = subprocess.run([sys.executable, "-c", CTL, *words], capture_output=True, text=True, timeout=DEADLINE)
        assert ended.returncode == 0 and ended.stdout.startswith(first) and ended.stderr == ""


def test_a_full_disk_is_told_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", CTL, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                               timeout=DEADLINE)
    assert (ended.stderr, ended.returncode) == ("error: cannot write: No space left on device\n", 1)


SCRIPT = "from supervisor.supervisorctl.program import script; script()"


def test_the_installed_command_ends_as_main_does(daemon: Daemon) -> None:
    daemon.start(probe=None, a={**CAT, "autostart": "false"})
    for words in (["help"], ["status"], ["status", "nope"], ["pid"], ["--version"], ["-x"], [],
                  ["completion", "bash"]):
        ours, main = (subprocess.run([sys.executable, "-c", code, "-c", str(daemon.conf), *words], input="pid nope\n",
                                     capture_output=True, text=True, env=daemon.environment(), timeout=DEADLINE)
                      for code in (SCRIPT, CTL))
        assert (ours.returncode, ours.stdout, ours.stderr) == (main.returncode, main.stdout, main.stderr), words
        assert ours.stdout or ours.stderr
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", SCRIPT, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                               timeout=DEADLINE)
    assert (ended.stderr, ended.returncode) == ("error: cannot write: No space left on device\n", 1)


def test_a_closed_stdin_is_the_end_of_input(daemon: Daemon) -> None:
    daemon.start(probe=None, a=CAT)
    daemon.wait_state("a", "RUNNING")
    for words, last in (([], "supervisor> \n"), (["fg", "a"], "<==\nExiting foreground\n"),
                        (["-i", "pid"], "supervisor> \n")):
        ended = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", CTL, "-c",
                                str(daemon.conf), *words], capture_output=True, text=True, env=daemon.environment(),
                               timeout=DEADLINE)
        assert (ended.returncode, ended.stderr, ended.stdout.endswith(last)) == (0, "", True), ended
