"""Configurations and real daemons: what is broken changes nothing, what is absurd is refused, plans come true."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import subprocess

import pytest

from tests.config_mutations import GOOD, mutated
from tests.harness import DEADLINE, Daemon, eventually
from tests.sturdy.measure import loop_cpu

IDLE: dict[str, object] = {"command": "/bin/cat", "startsecs": 0}

# What to add to a configuration, what the refusal says, and whether a reread sees it too.
BROKEN = {
    "value": ("[program:b]\ncommand=/bin/cat\nstartsecs=soon\n", "invalid literal for int()", True),
    "user": ("[program:b]\ncommand=/bin/cat\nuser=no.such\n", "Invalid user name no.such", True),
    "own user": ("[supervisord]\nuser=no.such\n", "Invalid user name no.such", True),
    "header": ("[program:b\ncommand=/bin/cat\n", "Source contains parsing errors", True),
    "include": ("[include]\nfiles=%(here)s\n", "could not read config file", True),
    "log folder": ("[supervisord]\nlogfile=/no/such/log\n", "The directory named as part of the path", True),
    "plugin": ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=no.such:thing\n", "cannot be resolved within", True),
    "fcgi socket": ("[fcgi-program:f]\ncommand=/bin/cat\nsocket=unix:///no/such/s\n", "Could not create FastCGI", True),
    "taken port": ("[inet_http_server:x]\nport=127.0.0.1:@taken@\n", "Another program is already listening", False),
    "address": ("[inet_http_server:x]\nport=203.0.113.1:80\n", "EADDRNOTAVAIL", False),
    "socket folder": ("[unix_http_server:x]\nfile=/no/such/s\n", "ENOENT", False),
    "log": ("[supervisord]\nlogfile=@dir@\n", "Cannot open the log file", False),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_changes_nothing(daemon: Daemon, case: str) -> None:
    daemon.start(probe=None, a=IDLE)
    pid = daemon.wait_state("a", "RUNNING")["pid"]
    text, words, seen_by_reread = BROKEN[case]
    elsewhere = ("-c", os.devnull, "-s", f"unix://{daemon.socket}")      # supervisorctl has its own view of the file
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        with open(daemon.conf, "a") as f:
            f.write(daemon.fill(text.replace("@taken@", str(taken.getsockname()[1]))))
        for action in ("reread", "update", "plan") if seen_by_reread else ():
            done = daemon.ctl(*elsewhere, action, config=False)
            assert (done.returncode, done.stdout[:19]) == (1, "ERROR: CANT_REREAD:")
            assert words in done.stdout
        done = daemon.ctl(*elsewhere, "reload", config=False)
        assert (done.returncode, done.stdout[:19]) == (1, "ERROR: CANT_REREAD:")
        assert words in done.stdout
        refusals = daemon.log().count("configuration not reloaded, the old one stays in force: ")
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("configuration not reloaded, the old one stays in force: ", refusals + 1)
    assert daemon.info("a")["pid"] == pid
    assert daemon.call("getState")["statename"] == "RUNNING"


def test_a_plugin_that_fails_only_when_it_is_made_leaves_the_old_configuration(daemon: Daemon) -> None:
    daemon.tolerate("getcwd() takes no")
    daemon.start(probe=None, a=IDLE)
    pid = daemon.wait_state("a", "RUNNING")["pid"]
    with open(daemon.conf, "a") as f:
        f.write("[rpcinterface:x]\nsupervisor.rpcinterface_factory=os:getcwd\n[program:b]\ncommand=/bin/cat\n")
    assert daemon.ctl("reload").returncode == 0
    daemon.wait_log("configuration not reloaded, the old one stays in force: Could not make x rpc interface")
    eventually(lambda: os.path.exists(daemon.socket))
    assert daemon.wait_state("a", "RUNNING")["pid"] != pid
    assert [info["name"] for info in daemon.call("getAllProcessInfo")] == ["a"]


def test_a_missing_file(daemon: Daemon) -> None:
    daemon.start(probe=None, a=IDLE)
    pid = daemon.wait_state("a", "RUNNING")["pid"]
    daemon.conf.rename(daemon.dir / "elsewhere")
    for action in ("reread", "update", "plan", "reload"):
        done = daemon.ctl("-s", f"unix://{daemon.socket}", action, config=False)
        assert done.returncode == 1
        assert done.stdout == f"ERROR: CANT_REREAD: could not find config file {daemon.conf}\n"
    assert daemon.info("a")["pid"] == pid


def test_a_plan_is_what_an_update_does(daemon: Daemon) -> None:
    daemon.start(probe=None, a={**IDLE, "environment": "TOKEN=secret"}, b=IDLE, same=IDLE)
    last_read = daemon.call("getAllConfigInfo")
    daemon.configure(probe=None, a={**IDLE, "environment": "TOKEN=other"}, c=IDLE, same=IDLE)
    done = daemon.ctl("plan")
    assert (done.returncode, done.stdout.splitlines()) == (2, [
        "b: removed", "a: changed", "    a environment TOKEN: '(not shown)' -> '(not shown)'", "c: added",
        "unchanged: same"])
    assert daemon.call("getAllConfigInfo") == last_read
    planned = {each["group"]: each["action"] for each in json.loads(daemon.ctl("plan", "--json").stdout)}
    assert planned == {"a": "changed", "b": "removed", "c": "added", "same": "unchanged"}
    assert "supervisor.planConfig" not in daemon.call("system.listMethods")
    assert daemon.ctl("update").stdout.splitlines() == [
        "b: stopped", "b: removed process group", "a: stopped", "a: updated process group", "c: added process group"]
    done = daemon.ctl("plan")
    assert (done.returncode, done.stdout) == (0, "No config updates to processes\n")


@pytest.mark.parametrize("seed", range(6))
def test_slips_give_a_running_daemon_or_errors(daemon: Daemon, seed: int) -> None:
    base = GOOD.replace("[inet_http_server:two]\nport=127.0.0.1:19001\nallowed_hosts=example.org\n", "")
    # A stop ends the shell alone, and what that waits for would outlive it for a moment.
    base = base.replace("sleep 1; exit 0", "exec sleep 1")
    daemon.conf.write_text(mutated(base, random.Random(seed)))
    process = subprocess.Popen(
        [daemon.python, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=daemon.dir, env=daemon.environment())
    try:
        eventually(lambda: process.poll() is not None or (daemon.dir / "pid").exists())
    finally:
        process.terminate()
        said = process.communicate(timeout=DEADLINE)[1]
    assert "Traceback" not in said
    if process.returncode:
        assert (process.returncode, said[:7]) == (2, "Error: ")


# What the system says of an ended child counts the memory of the process that it was forked from.
MEASURED = """
import atexit, pathlib, re
from supervisor.supervisord import main
atexit.register(lambda: print(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]))
main()
"""


def refused(daemon: Daemon, text: str) -> tuple[str, int]:
    """What a file is refused with, and how many megabytes were in use at most."""
    daemon.conf.write_text("[supervisord]\n" + text)
    ended = subprocess.run([daemon.python, "-c", MEASURED, "-n", "-c", str(daemon.conf)], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, cwd=daemon.dir, env=daemon.environment(), timeout=DEADLINE)
    assert ended.returncode == 2, ended
    return ended.stderr, int(ended.stdout) // 1024


def test_absurd_numbers_are_refused_before_they_cost_anything(daemon: Daemon) -> None:
    many = "[program:a]\ncommand=x\nprocess_name=%(process_num)d\nnumprocs="
    for number in ("4000000", "99999999999", "1" * 4000):
        said, megabytes = refused(daemon, f"{many}{number}\n")
        assert "is not a number of processes" in said and "line 5" in said
        assert megabytes < 100


@pytest.mark.skipif(resource.getpagesize() != 4096, reason="limits of the usual page size")
def test_a_command_of_megabytes_is_a_failed_start_and_costs_nobody_time(daemon: Daemon) -> None:
    daemon.start(probe=None, a=IDLE, big={"command": "/bin/echo " + "x " * 2_500_000, "startretries": 0},
                 long={"command": "/bin/echo " + "x" * 1_000_000, "startretries": 0})
    for name in ("big", "long"):
        assert daemon.wait_state(name, "FATAL")["spawnerr"]
    before = loop_cpu(daemon.pid)
    assert daemon.state("a") == "RUNNING"
    assert loop_cpu(daemon.pid) - before < 1


def test_a_group_is_updated_member_by_member(daemon: Daemon) -> None:
    cat = {"command": "/bin/cat", "startsecs": 0}
    group = "[group:g]\nprograms="
    daemon.start(f"{group}same,other,gone", probe=None, same=cat, other=cat, alone=cat,
                 gone={**cat, "autostart": "false"})
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in ("g:same", "g:other", "alone")}
    log = daemon.info("g:same")["stdout_logfile"]
    daemon.configure(f"{group}new,other,same", probe=None, same=cat, other={**cat, "command": "/bin/cat -u"}, new=cat,
                     alone={**cat, "stopwaitsecs": 7})
    assert daemon.ctl("update", "--members").stdout.splitlines() == [
        "alone: stopped", "alone: updated process group", "g:other: stopped", "g: updated process group"]
    for name in ("g:new", "g:other", "alone"):
        daemon.wait_state(name, "RUNNING")
    assert daemon.info("g:same")["pid"] == pids["g:same"] and daemon.info("g:same")["stdout_logfile"] == log
    assert daemon.info("g:other")["pid"] != pids["g:other"]
    assert [info["name"] for info in daemon.call("getAllProcessInfo") if info["group"] == "g"] == [
        "new", "other", "same"]
    assert daemon.ctl("reread").stdout == "No config updates to processes\n"
    assert "supervisor.updateGroupMembers" not in daemon.call("system.listMethods")
    # What is in the way is told, and nothing is touched.
    daemon.configure(f"{group}same", probe=None, same=cat, alone={**cat, "stopwaitsecs": 7})
    daemon.call("reloadConfig")
    assert daemon.call("updateGroupMembers", "g") == ["g:new", "g:other"]
    assert daemon.state("g:new") == "RUNNING"
    # A shared socket is no member's own.
    daemon.configure("[fcgi-program:alone]\nsocket=unix://%(here)s/f.sock\ncommand=/bin/cat\nautostart=false\n",
                     probe=None)
    assert daemon.ctl("update", "--members", "alone").stdout.splitlines() == [
        "alone: stopped", "alone: updated process group"]
