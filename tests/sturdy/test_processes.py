"""Programs that resist, vanish, crash in dozens or cannot run at all, and clients that want everything at once."""

from __future__ import annotations

import os
import pwd
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from typing import Any

import pytest

from tests.harness import DEADLINE, Daemon, eventually
from tests.harness.daemon import alive
from tests.sturdy.measure import children, cpu, fds, loop_cpu, restless
from tests.sturdy.raw import Raw, call, post

SLEEP = {"command": "/bin/sleep 1000", "startsecs": 0}
# What a client may be told when its wish does not fit the state of the moment.
REFUSALS = (30, 40, 50, 60, 70)


def agrees_with_kernel(daemon: Daemon, infos: list[dict[str, Any]]) -> None:
    """Every pid that is told is a living child, and there are no others."""
    told = sorted(info["pid"] for info in infos if info["pid"])
    assert told == sorted(children(daemon.pid)) and set(children(daemon.pid).values()) <= {"S", "R", "D"}
    for info in infos:
        assert bool(info["pid"]) == (info["statename"] in ("STARTING", "RUNNING", "STOPPING")), info


def test_many_clients_at_once_leave_states_that_agree_with_the_kernel(daemon: Daemon) -> None:
    names = ["a", "b", "c", "d"]
    daemon.start(a={**SLEEP, "autorestart": True}, b={**SLEEP, "startsecs": 1}, probe=None, loglevel="info",
                 c={**SLEEP, "command": "/bin/sh -c 'trap : TERM; sleep 0.05'", "autorestart": True, "stopwaitsecs": 1},
                 d={**SLEEP, "command": "/bin/false", "autorestart": True})
    problems: list[object] = []

    def client(seed: int) -> None:
        dice, proxy = random.Random(seed), daemon.proxy().supervisor
        for _ in range(60):
            name = dice.choice([*names, "all"])
            wait = dice.random() < 0.4
            if name == "all":
                verb, *args = dice.choice([("startAllProcesses", wait), ("stopAllProcesses", wait),
                                           ("signalAllProcesses", "HUP"), ("getAllProcessInfo",)])
            else:
                verb, *args = dice.choice([("startProcess", name, wait), ("stopProcess", name, wait),
                                           ("signalProcess", name, dice.choice(["KILL", "HUP", "0"]))])
            try:
                getattr(proxy, verb)(*args)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode not in REFUSALS:
                    problems.append(fault)
            except Exception as exc:
                problems.append(exc)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    daemon.call("stopAllProcesses")
    assert {info["statename"] for info in daemon.call("getAllProcessInfo")} <= {"STOPPED", "EXITED", "FATAL"}
    assert not children(daemon.pid)
    daemon.call("startProcess", "a")
    daemon.call("startProcess", "b")
    agrees_with_kernel(daemon, daemon.call("getAllProcessInfo"))
    assert "UNKNOWN" not in daemon.log()


def test_after_everything_was_stopped_nothing_starts_by_itself(daemon: Daemon) -> None:
    daemon.start("".join(daemon.program(f"f{number}", command="/bin/false", startsecs=number % 2, startretries=999,
                                        autorestart=True) for number in range(12)), probe=None)
    daemon.wait_log("exited: f", 30)
    daemon.call("stopAllProcesses")
    spawned = daemon.log().count("spawned:")
    assert not children(daemon.pid)
    # Longer than the pause of any of them: another program comes through a whole backoff meanwhile.
    daemon.conf.write_text(daemon.conf.read_text() + daemon.program("probe", command="/bin/false", startretries=1))
    assert daemon.ctl("update").returncode == 0
    daemon.wait_state("probe", "FATAL")
    assert daemon.log().count("spawned:") == spawned + 2


def test_a_stop_right_behind_the_birth_of_a_group_is_final(daemon: Daemon) -> None:
    daemon.start(probe=None)
    daemon.conf.write_text(daemon.conf.read_text() + daemon.program("p", **SLEEP) + daemon.program("q", **SLEEP))
    daemon.call("reloadConfig")
    answers = daemon.call("system.multicall", [
        {"methodName": "supervisor.addProcessGroup", "params": ["p"]},
        {"methodName": "supervisor.stopProcess", "params": ["p"]},
        {"methodName": "supervisor.addProcessGroup", "params": ["q"]},
        {"methodName": "supervisor.stopAllProcesses", "params": []}])
    assert answers[:3] == [True, True, True] and [one["name"] for one in answers[3]] == ["q"]
    daemon.call("startProcess", "p")
    assert len(children(daemon.pid)) == 1 and daemon.state("q") == "STOPPED"


def test_a_group_in_backoff_can_be_removed(daemon: Daemon) -> None:
    text = daemon.configure(fails={"command": "/bin/false", "startretries": 999}, well=SLEEP, probe=None)
    daemon.launch()
    pid = daemon.wait_state("well", "RUNNING")["pid"]
    daemon.wait_state("fails", "BACKOFF")
    daemon.conf.write_text(text.replace("[program:fails]", "[program:other]"))
    assert daemon.ctl("update").returncode == 0
    infos = daemon.call("getAllProcessInfo")
    assert [info["name"] for info in infos] == ["other", "well"] and infos[1]["pid"] == pid


@pytest.mark.parametrize("wait", [False, True])
def test_a_start_during_a_stop_is_refused(daemon: Daemon, wait: bool) -> None:
    daemon.start(slow={"startsecs": 0}, probe=None)
    child = daemon.child("slow")
    child.tell("report", "SIGTERM")
    daemon.call("stopProcess", "slow", False)
    child.wait_signal("SIGTERM")
    for _ in range(5):
        assert daemon.fault("startProcess", "slow", wait).faultCode in REFUSALS
    assert list(children(daemon.pid)) == [child.pid]
    child.tell("exit", 0)
    daemon.wait_state("slow", "STOPPED")
    assert daemon.log().count("spawned:") == 1


def test_a_pid_that_vanished_before_its_signal_is_an_ordinary_end(daemon: Daemon) -> None:
    daemon.start(p={**SLEEP, "autorestart": False}, probe=None)
    for verb in [("stopProcess",), ("signalProcess", "HUP"), ("stopProcess", False)]:
        pid = daemon.wait_state("p", "RUNNING")["pid"]
        daemon.signal(signal.SIGSTOP)
        answers: list[object] = []

        def ask(verb: tuple[object, ...] = verb, answers: list[object] = answers) -> None:
            try:
                answers.append(getattr(daemon.proxy().supervisor, str(verb[0]))("p", *verb[1:]))
            except xmlrpc.client.Fault as fault:
                answers.append(fault.faultCode)

        client = threading.Thread(target=ask)
        client.start()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: not alive(pid), "its death")
        daemon.signal(signal.SIGCONT)
        client.join()
        assert answers[0] is True or answers[0] in REFUSALS
        eventually(lambda: daemon.state("p") in ("STOPPED", "EXITED"), "its end")
        daemon.call("startProcess", "p")
    assert "UNKNOWN" not in daemon.log() and "Traceback" not in daemon.log()


def test_a_stop_returns_with_the_death(daemon: Daemon) -> None:
    daemon.start("[group:g]\nprograms=a,b\n", a=SLEEP, b=SLEEP, probe=None)
    def quick() -> bool:
        daemon.call("startProcessGroup", "g")
        begun = time.monotonic()
        daemon.call("stopProcessGroup", "g")
        return time.monotonic() - begun < 0.2

    # Once is enough on a busy machine: who looks once a second is never quick after a start.
    daemon.call("stopProcessGroup", "g")
    assert any(quick() for _ in range(20))


def test_a_zombie_in_its_group_does_not_outlive_a_program(daemon: Daemon) -> None:
    """Nobody waits for the grandchild's child: it is dead, but still counts for the kernel as one of the group."""
    daemon.start(a={"startsecs": 0}, later={"command": "/bin/sleep 1000", "startsecs": 1, "autostart": False},
                 probe=None)
    daemon.expect_leftovers()
    child = daemon.child("a")
    script = ("import os, sys, time\nleader = os.getpgrp()\nos.setpgid(0, 0)\n"
              "pid = os.fork()\nif not pid:\n os.setpgid(0, leader)\n os._exit(0)\n"
              "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\nprint('ready', flush=True)\ntime.sleep(1000)\n")
    holder = child.tell("value", f"(lambda p: p.stdout.readline() and p.pid)(__import__('subprocess').Popen("
                                 f"[{sys.executable!r}, '-I', '-S', '-c', {script!r}], stdout=-1))")
    daemon.call("stopProcess", "a")
    daemon.call("startProcess", "later")  # by then it would have been told
    assert alive(holder) and "still running" not in daemon.log()


def test_signals_to_end_that_come_together_are_one_request(daemon: Daemon) -> None:
    daemon.start(slow={"startsecs": 0, "stopwaitsecs": 8, "stdout_logfile": "@dir@/slow.out"}, probe=None)
    child = daemon.child("slow")
    child.tell("report", "SIGTERM")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        daemon.signal(number)
    child.wait_signal("SIGTERM")
    daemon.wait_log("indicating exit request", 3)
    child.tell("out", "in peace\n")
    child.tell("exit", 0)
    assert daemon.wait() == 0
    assert daemon.read("slow.out") == "in peace\n" and "SIGKILL" not in daemon.log()
    assert not daemon.pidfile.exists() and not os.path.exists(daemon.socket)


def test_closed_descriptors_and_daemonizing_programs_do_not_spin(daemon: Daemon) -> None:
    daemonizing = "/bin/sh -c 'setsid sleep 1000 & exit 0'"
    daemon.start(closes={"startsecs": 0}, forks={"command": daemonizing, "startsecs": 0, "autorestart": False},
                 probe=None)
    daemon.expect_leftovers()
    child = daemon.child("closes")
    daemon.wait_state("forks", "EXITED")
    child.tell("close", 0, 1, 2)
    daemon.wait_log("stopped monitoring", 2)
    assert restless(daemon.pid) < 0.5
    assert daemon.state("closes") == "RUNNING"


def test_children_get_three_descriptors_whatever_we_were_given(daemon: Daemon) -> None:
    daemon.configure(p={"startsecs": 0, "autorestart": True}, probe=None, inet="")
    given = [os.open("/dev/null", os.O_RDWR)]
    for number in (7, 40, 333, 900):
        given.append(os.dup2(given[0], number + 1000))
    process = subprocess.Popen([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=daemon.dir, env=daemon.environment(), pass_fds=given)
    clients = []
    try:
        first = daemon.child("p")
        assert first.tell("fds") == [0, 1, 2] and first.tell("signals")["SigBlk"] == 0
        for _ in range(200):
            client = socket.create_connection(("127.0.0.1", daemon.port), DEADLINE)
            client.sendall(b"GET / HT")
            clients.append(client)
        first.tell("die")
        second = daemon.child("p")
        assert second.tell("value", "sorted(map(int, os.listdir('/proc/self/fd')))")[:3] == [0, 1, 2]
        assert second.tell("fds") == [0, 1, 2] and second.tell("signals")["SigBlk"] == 0
    finally:
        for client in clients:
            client.close()
        for fd in given:
            os.close(fd)
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_a_crash_storm_leaves_answers_quick_and_no_heap_of_zombies(daemon: Daemon) -> None:
    daemon.start("".join(daemon.program(f"q{number}", command="/bin/false", startsecs=0, autorestart=True)
                         for number in range(60)), probe=None, loglevel="warn")
    slowest, most = 0.0, 0
    for _ in range(15):
        before = loop_cpu(daemon.pid)
        infos = daemon.call("getAllProcessInfo")
        slowest = max(slowest, loop_cpu(daemon.pid) - before)
        most = max(most, list(children(daemon.pid).values()).count("Z"))
        pids = [info["pid"] for info in infos if info["pid"]]
        assert len(set(pids)) == len(pids)
    assert slowest < 1 and most < 30
    daemon.call("stopAllProcesses")
    assert not children(daemon.pid)


def test_hopeless_programs_cost_next_to_nothing(daemon: Daemon) -> None:
    daemon.start("".join(daemon.program(f"h{number}", command="/nowhere/at/all", startretries=10**30)
                         for number in range(30)), probe=None)
    daemon.wait_log("spawnerr", 60)
    before, lines, begun = cpu(daemon.pid), len(daemon.log()), time.monotonic()
    eventually(lambda: time.monotonic() - begun > 2, "two seconds")
    assert cpu(daemon.pid) - before < 0.2 and len(daemon.log()) - lines < 20_000


def test_without_descriptors_the_daemon_waits_and_recovers(daemon: Daemon) -> None:
    daemon.start(dies={"startsecs": 1, "autorestart": True, "startretries": 50},
                 well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None, inet="")
    dies, well = daemon.child("dies"), daemon.child("well")
    daemon.wait_state("dies", "RUNNING")
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    level = fds(daemon.pid)
    clients = []
    try:
        # So few that nothing can be opened; connections wait in the backlog.
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (level, limits[1]))
        dies.tell("die")
        daemon.wait_log("spawnerr")
        for _ in range(5):
            clients.append(socket.create_connection(("127.0.0.1", daemon.port), DEADLINE))
        assert restless(daemon.pid) < 0.5
        well.tell("out", "fine\n")
        eventually(lambda: daemon.read("well") == "fine\n", "output")
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
        for client in clients:
            client.close()
    daemon.child("dies")
    daemon.wait_state("dies", "RUNNING")
    assert daemon.info("well")["pid"] == well.pid
    eventually(lambda: fds(daemon.pid) <= level + 1, "descriptors as before")


def test_without_descriptors_and_idle_clients_accepting_pauses(daemon: Daemon) -> None:
    daemon.start(well=SLEEP, probe=None)
    daemon.wait_log("success: well")  # asking would leave a connection that can give way
    level = fds(daemon.pid)
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    first_free = min(set(range(1000)) - {int(name) for name in os.listdir(f"/proc/{daemon.pid}/fd")})
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (first_free, limits[1]))
    try:
        with Raw(daemon.socket) as client:
            client.send(post(call("supervisor.getPID")))
            assert restless(daemon.pid) < 0.5
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
            answer = client.answer()
            assert answer is not None and answer.value == daemon.pid
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
    eventually(lambda: fds(daemon.pid) <= level, "descriptors as before")


@pytest.mark.skipif(os.getuid() != 0, reason="root is under no such limit, and only root can become another user")
def test_without_processes_the_reason_is_told_and_the_daemon_recovers(daemon: Daemon) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(daemon.dir, nobody.pw_uid, nobody.pw_gid)
    daemon.start(p={**SLEEP, "startsecs": 1, "startretries": 100, "autorestart": True}, well=SLEEP, probe=None,
                 supervisord="user=nobody")
    well = daemon.wait_state("well", "RUNNING")["pid"]
    daemon.wait_state("p", "RUNNING")
    level = fds(daemon.pid)

    def limit(processes: str) -> None:
        subprocess.run(["prlimit", "--pid", str(daemon.pid), f"--nproc={processes}:"], check=True,
                       user=nobody.pw_uid, group=nobody.pw_gid)

    limit("1")
    daemon.call("signalProcess", "p", "KILL")
    daemon.wait_log("spawnerr: Too many processes in process table to spawn 'p'")
    assert daemon.wait_state("p", "BACKOFF")["spawnerr"] == "Too many processes in process table to spawn 'p'"
    assert fds(daemon.pid) <= level
    limit("4000")
    daemon.wait_state("p", "RUNNING")
    assert daemon.info("well")["pid"] == well


def test_every_way_a_command_cannot_run_has_a_reason(daemon: Daemon) -> None:
    def make(name: str, content: bytes, mode: int = 0o755) -> str:
        path = daemon.dir / name
        path.write_bytes(content)
        path.chmod(mode)
        return str(path)

    fails = {
        "missing": ("/nowhere/at/all", "can't find command '/nowhere/at/all'"),
        "missing_name": ("no-such-command-anywhere", "can't find command"),
        "folder": (str(daemon.dir), "is a directory"),
        "no_x": (make("no_x", b"#!/bin/sh\n", 0o644), "is not executable"),
        "long_name": ("/" + "x" * 5000, "can't find command"),
        "quoting": ("/bin/echo 'open", "can't parse command"),
        "interpreter": (make("bad", b"#!/no/such/interpreter\n"), "couldn't exec"),
        "binary": (make("binary", bytes(range(256)) * 10), "couldn't exec"),
        "empty": (make("empty", b""), "couldn't exec"),
        "workdir": ("/bin/true", "couldn't chdir"),
    }
    text = "".join(
        daemon.program(name, command=command.replace("%", "%%"), startretries=0, stderr_logfile=f"@dir@/{name}.err",
                       **({"directory": "/nowhere"} if name == "workdir" else {}))
        for name, (command, _) in fails.items())
    daemon.start(text, well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None)
    for name, (_, reason) in fails.items():
        told = daemon.wait_state(name, "FATAL")["spawnerr"] + daemon.read(f"{name}.err")
        assert reason in told, (name, told)
    assert len(children(daemon.pid)) == 1


def test_a_failed_exec_without_startsecs_is_an_exit(daemon: Daemon) -> None:
    (daemon.dir / "bad").write_text("#!/no/such/interpreter\n")
    (daemon.dir / "bad").chmod(0o755)
    daemon.start(p={"command": "@dir@/bad", "startsecs": 0, "stderr_logfile": "@dir@/err.log"}, probe=None)
    info = daemon.wait_state("p", "EXITED")
    assert info["exitstatus"] == 127
    first, second = daemon.read("err.log").splitlines()
    assert first.startswith("supervisor: couldn't exec") and second == "supervisor: child process was not spawned"


@pytest.mark.parametrize("ignores", [False, True])
def test_who_leaves_its_process_group_does_not_escape_a_stop(daemon: Daemon, ignores: bool) -> None:
    """A program may join the group of another one, or leave its own to others."""
    groups = {"startsecs": 0, "stopasgroup": True, "stopwaitsecs": 1}
    daemon.start(stays={"startsecs": 0}, leaves=groups, probe=None)
    stays, leaves = daemon.child("stays"), daemon.child("leaves")
    if ignores:
        leaves.tell("value", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
        leaves.tell("value", "__import__('subprocess').Popen(['/bin/sleep', '1000']).pid")
    leaves.tell("value", f"os.setpgid(0, {stays.pid})")
    assert daemon.call("stopProcess", "leaves")
    leaves.gone()
    assert daemon.info("stays")["pid"] == stays.pid
