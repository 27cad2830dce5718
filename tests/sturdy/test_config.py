"""Configurations of every kind of wrongness: at a start, a reread, an update and a reload; and very large ones."""

from __future__ import annotations

import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.harness import DEADLINE, Daemon, eventually
from tests.sturdy.measure import MEGABYTE, cpu, memory

SLEEP = {"command": "/bin/sleep 1000", "startsecs": 0}
HEAD = "[supervisord]\nlogfile=@dir@/main.log\npidfile=@dir@/main.pid\nchildlogdir=@dir@\nsilent=true\n"

# Text behind HEAD, and what the messages must name.
BROKEN: dict[str, tuple[str, list[str]]] = {
    "bad value": ("[program:x]\ncommand=/bin/cat\nstartsecs=soon\n", ["line 8", "startsecs", "soon"]),
    "two problems": ("[program:x]\ncommand=a\nstartsecs=soon\n[program:y]\ncommand=a\nautostart=perhaps\n",
                     ["startsecs", "autostart"]),
    "no command": ("[program:x]\nautostart=true\n", ["program:x", "command"]),
    "no bracket": ("[program:x\ncommand=/bin/cat\n", ["line  6", "[program:x"]),
    "neither section nor option": ("[program:x]\ncommand=/bin/cat\nwhatever\n", ["line  8", "whatever"]),
    "unknown user": ("[program:x]\ncommand=/bin/cat\nuser=no-such-user\n", ["no-such-user"]),
    "unknown program": ("[group:g]\nprograms=x,y\n", ["g", "x"]),
    "unknown event": ("[eventlistener:x]\ncommand=/bin/cat\nevents=NO_SUCH\n", ["NO_SUCH"]),
    "no process_num": ("[program:x]\ncommand=/bin/cat\nnumprocs=3\n", ["process_num"]),
    "bad expansion": ("[program:x]\ncommand=/bin/cat %(nothing)s\n", ["nothing"]),
    "millions": ("[program:x]\ncommand=/bin/cat\nnumprocs=50000000\nprocess_name=%(process_num)d\n", ["numprocs"]),
    "NUL": ("[program:x]\ncommand=/bin/c\0at\n", ["line 7"]),
    "long socket": ("[unix_http_server]\nfile=/tmp/" + "x" * 200 + "\n", ["x" * 50]),
    "socket in no folder": ("[unix_http_server]\nfile=/nowhere/at/all/s.sock\n", ["/nowhere/at/all"]),
    "no factory": ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=no.such:factory\n",
                   ["rpcinterface:x", "no.such"]),
    "no colon": ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=nosuch\n", ["rpcinterface:x", "nosuch"]),
    "factory exits": ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=sys:exit\n",
                      ["Could not make x rpc interface", "rpcinterface:x", "sys:exit"]),
    "factory raises": ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=os:kill\n",
                       ["Could not make x rpc interface: in [rpcinterface:x] os:kill raised TypeError"]),
}


def limited() -> None:
    """So much memory would be far too much."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def run(daemon: Daemon, text: str | bytes) -> subprocess.CompletedProcess[str]:
    """A start with this configuration that has to end by itself, and soon."""
    daemon.conf.write_bytes(text if isinstance(text, bytes) else daemon.fill(text).encode())
    return subprocess.run([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="backslashreplace",
                          cwd=daemon.dir, env=daemon.environment(), timeout=DEADLINE, preexec_fn=limited)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_start_with_a_broken_file_ends_with_its_reason(daemon: Daemon, kind: str) -> None:
    text, words = BROKEN[kind]
    ended = run(daemon, HEAD + "[inet_http_server]\nport=127.0.0.1:@port@\n" * ("factory" in text) + text)
    assert ended.returncode not in (0, -9)
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr, ended.stderr
    assert not (daemon.dir / "main.pid").exists()


@pytest.mark.parametrize("content", [
    b"", b"\n\n\n", b"\0" * 1000, bytes(range(256)) * 20, b"\xff\xfe[\0s\0u\0p\0", b"\x7fELF" + bytes(4000),
    b"[supervisord]\n[include]\nfiles=supervisord.conf\n[program:x]\n", b"[[[[", b"]" * 100, b"=" * 100,
    b"[program:]\n",
    b"[supervisord]\n" + b"a" * 100_000, b"[supervisord]\nlogfile=/nowhere/x/y\n", b"[supervisord]\nloglevel=\n",
])
def test_any_file_is_a_start_or_a_message(daemon: Daemon, content: bytes) -> None:
    ended = run(daemon, content)
    assert ended.returncode not in (0, -9) and ended.stderr and "Traceback" not in ended.stderr
    assert len(ended.stderr) < 20_000


@pytest.mark.parametrize("included", [False, True])
def test_a_file_without_end_is_refused_before_memory_is_spent(daemon: Daemon, included: bool) -> None:
    path = "/dev/zero"
    if included:
        path = str(daemon.conf)
        daemon.conf.write_text(daemon.fill(HEAD + "[include]\nfiles=/dev/zero\n"))
    for command in ("supervisord", "supervisorctl"):
        if command == "supervisorctl" and included:
            continue  # which reads no includes
        ended = subprocess.run([sys.executable, "-m", f"supervisor.{command}", "-c", path], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, cwd=daemon.dir, env=daemon.environment(),
                               timeout=DEADLINE, preexec_fn=limited)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 2 and "could not read config file /dev/zero" in said and "Traceback" not in said


def test_a_socket_path_taken_by_something_else_is_left_alone(daemon: Daemon) -> None:
    path = daemon.dir / "s.sock"
    path.write_text("precious\n")
    begun = time.monotonic()
    ended = run(daemon, HEAD + "[unix_http_server]\nfile=@dir@/s.sock\n")
    assert ended.returncode != 0 and str(path) in ended.stderr and "Traceback" not in ended.stderr
    assert time.monotonic() - begun < DEADLINE and path.read_text() == "precious\n"


@pytest.mark.parametrize("twist", ["bom", "crlf", "tabs", "blank", "utf-8", "no end"])
def test_harmless_oddities_load(daemon: Daemon, twist: str) -> None:
    text = daemon.configure(probe=None, p={**SLEEP, "environment": 'KEY="value"'})
    data = text.encode()
    daemon.conf.write_bytes({
        "bom": b"\xef\xbb\xbf" + data,
        "crlf": data.replace(b"\n", b"\r\n"),
        "tabs": data.replace(b"startsecs=0", b"startsecs\t=\t0\t; a comment"),
        "blank": b"\n\n \n" + data,
        "utf-8": data + "; größer\n[program:größe]\ncommand=/bin/sleep 1000 ä\n".encode(),
        "no end": data.rstrip(b"\n"),
    }[twist])
    daemon.launch()
    daemon.wait_state("p", "RUNNING")
    if twist == "utf-8":
        assert daemon.info("größe")["name"] == "größe"


def test_includes_of_every_kind_end_in_a_clear_result(daemon: Daemon) -> None:
    text = daemon.configure(probe=None, p=SLEEP)
    folder = daemon.dir / "conf.d"
    folder.mkdir()
    (folder / "folder.conf").mkdir()
    (folder / "empty.conf").write_bytes(b"")
    for number in range(300):
        (folder / f"p{number}.conf").write_text(f"[program:i{number}]\ncommand=/bin/cat\nautostart=false\n")
    daemon.conf.write_text(text + "[include]\nfiles=conf.d/*.conf no/such/*.conf\n")
    begun = time.monotonic()
    ended = daemon.run("-n", "-c", str(daemon.conf), "--help")
    assert ended.returncode == 0
    (folder / "folder.conf").rmdir()
    daemon.launch()
    assert len(daemon.call("getAllProcessInfo")) == 301 and time.monotonic() - begun < DEADLINE
    assert "no/such" in daemon.read("err") + daemon.log()
    (folder / "self.conf").write_text("[include]\nfiles=*.conf ../supervisord.conf\n")
    begun = time.monotonic()
    daemon.ctl("reread")
    assert time.monotonic() - begun < DEADLINE and daemon.call("getState")["statename"] == "RUNNING"


def break_file(kind: str, path: pathlib.Path, text: str) -> None:
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "binary":
        path.write_bytes(random.Random(1).randbytes(5000))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_text(text + BROKEN[kind][0])


@pytest.mark.parametrize("kind", ["missing", "folder", "loop", "fifo", "binary", "empty", "bad value", "no bracket",
                                  "unknown user", "millions", "unknown program"])
def test_a_broken_file_changes_nothing_however_it_is_asked_for(daemon: Daemon, kind: str) -> None:
    daemon.start(p=SLEEP, q=SLEEP, probe=None)
    pids = [daemon.wait_state(name, "RUNNING")["pid"] for name in "pq"]
    text = daemon.conf.read_text()
    before = memory(daemon.pid)
    break_file(kind, daemon.conf, text)
    begun = time.monotonic()
    assert daemon.fault("reloadConfig").faultCode == 92
    assert daemon.fault("restart").faultCode == 92
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("configuration not reloaded")
    assert time.monotonic() - begun < DEADLINE
    # The shell with its own, good file.
    good = daemon.dir / "good.conf"
    good.write_text(text)
    for action in ("reread", "update", "reload"):
        ended = subprocess.run([sys.executable, "-c", "from supervisor.supervisorctl import main; main()", "-c",
                                str(good), action], input="", capture_output=True, text=True,
                               env=daemon.environment(), timeout=DEADLINE, cwd=daemon.dir)
        assert ended.returncode != 0 and "Traceback" not in ended.stdout + ended.stderr, ended
    assert [daemon.info(name)["pid"] for name in "pq"] == pids
    assert memory(daemon.pid) - before < 100 * MEGABYTE


def test_a_header_without_bracket_never_removes_a_program(daemon: Daemon) -> None:
    daemon.start(first=SLEEP, second=SLEEP, probe=None)
    pid = daemon.wait_state("second", "RUNNING")["pid"]
    daemon.conf.write_text(daemon.conf.read_text().replace("[program:second]", "[program:second"))
    ended = daemon.ctl("update")
    assert ended.returncode != 0
    assert daemon.info("second")["pid"] == pid


@pytest.mark.parametrize("header", ["\t[program:y]", "  [program:y"])
def test_a_header_that_is_indented_is_warned_about(daemon: Daemon, header: str) -> None:
    """It belongs to the option before, as it always did; nobody means that."""
    daemon.start(f"[program:x]\ncommand=/bin/sleep 1000\n{header}\n\tcommand=/bin/cat\n", probe=None)
    at = next(number for number, line in enumerate(daemon.conf.read_text().split("\n"), 1) if "program:y" in line)
    warning = f"{daemon.conf}:{at}: [program:x] command: what looks like a section header is indented"
    assert any(warning in line for line in daemon.read("err").splitlines() + daemon.log().splitlines())
    daemon.conf.write_text("[program:x]\ncommand=sh -c '\n  [ -f /x ] && y'\n" + daemon.conf.read_text().partition(
        "[program:x]")[0])
    assert "indented" not in daemon.run("--check", "-c", str(daemon.conf)).stdout


def test_what_is_unknown_or_double_is_warned_about(daemon: Daemon) -> None:
    text = daemon.configure(probe=None, p={**SLEEP, "strange_option": 1})
    text += "[supervisorctl]\nserverurl=unix://x\nodd_one=1\n[nothing]\nx=1\n[program:p]\ncommand=/bin/cat\n"
    text = text.replace("[rpcinterface:supervisor]\n", "[rpcinterface:supervisor]\nunknown_key=1\n")
    daemon.conf.write_text(text)
    daemon.launch()
    told = daemon.read("err") + daemon.log()
    for word in ("strange_option", "odd_one", "nothing", "unknown_key", "[program:p]"):
        assert any(word in line for line in told.splitlines() if "arning" in line or "WARN" in line), (word, told)


def test_five_thousand_programs(daemon: Daemon) -> None:
    count = 5000
    daemon.configure("".join(f"[program:p{number}]\ncommand=/bin/cat {number}\nautostart=false\n"
                             "stdout_logfile=NONE\nstderr_logfile=NONE\n" for number in range(count)),
                     probe=None, loglevel="info")
    daemon.launch()
    up = cpu(daemon.pid)
    assert daemon.call("reloadConfig") == [[[], [], []]]
    daemon.conf.write_text(daemon.conf.read_text() + "[program:more]\ncommand=/bin/cat\n")
    assert daemon.call("reloadConfig") == [[["more"], [], []]]
    reread = cpu(daemon.pid) - up
    assert daemon.ctl("status").stdout.count("\n") == count
    assert up < 10 and reread < 8, (up, reread)
    assert memory(daemon.pid) < 400 * MEGABYTE
    before, begun = cpu(daemon.pid), time.monotonic()
    eventually(lambda: time.monotonic() - begun > 1, "a second")
    assert cpu(daemon.pid) - before < 0.05


def test_a_file_of_five_megabytes_with_long_values(daemon: Daemon) -> None:
    text = daemon.configure(probe=None, p=SLEEP)
    long = ",".join(f'KEY{number}="{"v" * 90}"' for number in range(10_000))
    daemon.conf.write_text(text + "".join(
        f"[program:l{number}]\ncommand=/bin/cat\nautostart=false\nenvironment={long}\n" for number in range(5)))
    begun = time.monotonic()
    daemon.launch()
    assert time.monotonic() - begun < DEADLINE


def test_no_name_server_or_port_can_hang_the_start(daemon: Daemon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        begun = time.monotonic()
        ended = run(daemon, HEAD + f"[inet_http_server]\nport=127.0.0.1:{port}\n")
    assert ended.returncode != 0 and time.monotonic() - begun < DEADLINE
    assert "Traceback" not in ended.stderr and ended.stderr.count("\n") < 5


def test_reread_tells_its_problems_to_machines(daemon: Daemon) -> None:
    """The fault is one text that names file and line."""
    daemon.start(p=SLEEP, probe=None)
    daemon.conf.write_text(daemon.conf.read_text() + "[program:x]\ncommand=/bin/cat\nstartsecs=soon\n")
    text = daemon.fault("reloadConfig").faultString
    assert "soon" in json.dumps(text) and "supervisord.conf" in text
