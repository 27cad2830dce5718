"""A daemon that is given no peace: everything that the other tests do once, at random, all the time.

    SOAK_MINUTES=30 pytest -m soak tests/soak            # SOAK_SEED=... repeats a run, as far as timing lets it

After each step: the daemon answers in time, its states agree with the kernel, nothing in its log speaks of a mistake
of its own, and descriptors, memory and numbered lines add up.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import sys
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from supervisor.process.channels import GRACE
from tests.harness import Daemon, eventually
from tests.sturdy import faketime
from tests.sturdy.measure import MEGABYTE, children, fds, memory, small_disk

# Seconds in which any answer has to come.
BOUND = 5.0
# What all programs, clients and survivors' pipes may need together, and what a life may cost.
MOST_FDS = 250
SPARE_MEMORY = 12 * MEGABYTE

# Numbered lines, a few at a time; after SIGTERM it ends with a whole line and goes on from there when it is started
# again, so that all logs of all its lives are one stream.
COUNTER = """
import os, signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
try:
    number = int(open(sys.argv[1]).read())
except (OSError, ValueError):
    number = 0
while not asked:
    data = b"".join(b"%012d\\n" % n for n in range(number, number + 800))
    number += 800
    while data:
        data = data[os.write(1, data[:7001]):]
    time.sleep(0.03)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(number))
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
PROGRAMS = {
    "sleeps": "exec sleep 1000",
    "crashes": "exit 3",
    "deaf": "trap '' TERM; while :; do sleep 0.3; done",
    "forks": "sleep 15 & sleep 0.2; exit 0",
    "daemonizes": "setsid sleep 15 >/dev/null 2>&1 </dev/null & exec sleep 0.5",
    "closes": "exec 0<&- 1>&- 2>&-; exec sleep 1000",
    "talks": "while echo a few words of a program that likes to talk; do sleep 0.01; done",
    "babbles": "head -c 3000000 /dev/urandom; exec sleep 1",
    "markers": "while echo '<!--XSUPERVISOR:BEGIN-->captured<!--XSUPERVISOR:END-->'; do sleep 0.1; done",
    "full": "while echo into a file system without room; do sleep 0.01; done",
}
OPTIONS: dict[str, dict[str, object]] = {
    "sleeps": {"startsecs": 0, "numprocs": 3, "process_name": "%(program_name)s_%(process_num)d"},
    "crashes": {"startsecs": 0, "autorestart": True},
    "deaf": {"startsecs": 0, "stopwaitsecs": 1, "killasgroup": True},
    "forks": {"startsecs": 0, "autorestart": True},
    "daemonizes": {"startsecs": 1, "startretries": 1000},
    "closes": {"startsecs": 0},
    "talks": {"startsecs": 0, "stopasgroup": True, "stdout_logfile_maxbytes": "50KB", "stdout_logfile_backups": 3},
    "babbles": {"startsecs": 1, "autorestart": True, "stdout_logfile_maxbytes": "1MB", "stdout_logfile_backups": 2},
    "markers": {"startsecs": 0, "stopasgroup": True, "stdout_capture_maxbytes": "1KB"},
    "full": {"startsecs": 0, "stopasgroup": True, "stdout_logfile": "@dir@/disk/full.log",
             "stdout_logfile_maxbytes": 0},
}
LISTENER = """
import sys
while True:
    sys.stdout.write("READY\\n")
    sys.stdout.flush()
    head = dict(token.split(":") for token in sys.stdin.readline().split())
    sys.stdin.read(int(head["len"]))
    sys.stdout.write("RESULT 2\\nOK" if int(head["serial"]) % 50 else "RESULT 4\\nFAIL")
"""
GARBAGE = [
    b"\0" * 100, b"GET / HTTP/1.1\r\n", b"\r\n" * 50, b"A" * 70_000, b"GET /../../etc HTTP/1.0\r\n\r\n",
    b"POST /RPC2 HTTP/1.1\r\nContent-Length: 999999\r\n\r\n<x>",
    b"POST /RPC2 HTTP/1.1\r\nContent-Length: 9\r\n\r\n<nothing>",
]
OWN_MISTAKES = re.compile(r"Traceback|uncaptured|UNKNOWN|unknown problem|waitpid error|exited unexpectedly")


class Soak:
    """One daemon, and all that is done to it."""

    def __init__(self, daemon: Daemon, dice: random.Random) -> None:
        self.daemon = daemon
        self.dice = dice
        self.done: Counter[str] = Counter()
        self.extra: set[str] = set()
        self.open: list[socket.socket] = []
        self._idle_fds = 0  # of this daemon, when nothing runs
        self._memory = 0  # after it has settled
        self._settling = 0  # checks until then
        self.slowest = 0.0
        self.largest = (0, 0)
        self._log_at = 0
        self._last_number = -1
        self._lines = 0
        self._differences: list[dict[str, Any]] = []  # of the last comparisons

    # The world

    def configure(self) -> None:
        folder = self.daemon.dir
        (folder / "counter.py").write_text(COUNTER)
        (folder / "listener.py").write_text(LISTENER)
        rows = [self.daemon.program("counter", command="@python@ -I -S @dir@/counter.py @dir@/number", startsecs=0,
                                    stdout_logfile="@dir@/counter.log", stdout_logfile_maxbytes="300KB",
                                    stdout_logfile_backups=12, stderr_logfile="@dir@/counter.err", stopwaitsecs=20,
                                    priority=5)]
        rows.append(self.daemon.program("ears", "eventlistener", command="@python@ -I -S @dir@/listener.py",
                                        events="PROCESS_STATE,TICK_5,PROCESS_COMMUNICATION", startsecs=0,
                                        autorestart=True, buffer_size=100))
        rows += [self._program(name) for name in PROGRAMS]
        rows += [self.daemon.program(name, command="/bin/sleep 1000", startsecs=0) for name in sorted(self.extra)]
        self.daemon.configure("".join(rows), probe=None, loglevel="info", inet="",
                              supervisord='logfile_maxbytes=0\nenvironment=LD_PRELOAD=""')

    def _program(self, name: str) -> str:
        (self.daemon.dir / f"{name}.sh").write_text(PROGRAMS[name] + "\n")
        options = {"stdout_logfile": f"@dir@/{name}.log", "redirect_stderr": True, "stopwaitsecs": 3, **OPTIONS[name]}
        return self.daemon.program(name, command=f"/bin/sh @dir@/{name}.sh", **options)

    def launch(self) -> None:
        self.daemon.launch(env=None if faketime.LIBRARY is None else faketime.environment(self.daemon.dir))
        self._idle_fds, self._memory, self._settling = 0, 0, 200

    def names(self) -> list[str]:
        return [f"{info['group']}:{info['name']}" for info in self.call("getAllProcessInfo")
                if info["group"] != "counter"]

    def call(self, method: str, *args: Any, slow: bool = False) -> Any:
        """A call that is answered in time; a fault is an answer, and gives None."""
        begun = time.monotonic()
        try:
            with self.daemon.proxy() as proxy:
                return getattr(proxy, method if "." in method else f"supervisor.{method}")(*args)
        except xmlrpc.client.Fault as fault:
            assert 1 <= fault.faultCode <= 100, fault
            return None
        finally:
            self.daemon._closers.clear()
            took = time.monotonic() - begun
            if not slow:
                self.slowest = max(self.slowest, took)
                assert took < BOUND, f"{method} took {took} s"

    # Steps

    def step_start(self) -> None:
        self.call("startProcess", self.dice.choice(self.names()), self.dice.random() < 0.2, slow=True)

    def step_stop(self) -> None:
        self.call("stopProcess", self.dice.choice(self.names()), self.dice.random() < 0.3, slow=True)

    def step_all(self) -> None:
        wait = self.dice.random() < 0.3
        self.call(self.dice.choice(["startAllProcesses", "stopAllProcesses"]), wait, slow=True)

    def step_signal(self) -> None:
        self.call("signalProcess", self.dice.choice(self.names()), self.dice.choice(["KILL", "STOP", "CONT", "HUP"]))

    def step_counter(self) -> None:
        self.call(self.dice.choice(["startProcess", "startProcess", "stopProcess"]), "counter", slow=True)

    def step_kill_from_outside(self) -> None:
        told = {info["pid"] for info in self.call("getAllProcessInfo") if info["group"] != "counter"}
        for pid in self.dice.sample(sorted(told - {0}), min(2, len(told - {0}))):
            self.strike(pid, self.dice.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP, signal.SIGCONT]))

    def strike(self, pid: int, sig: int) -> None:
        """Signal a process of this daemon, and nobody else who has its number by now: numbers come round in minutes."""
        if pid in self.daemon.descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)

    def step_update(self) -> None:
        self.extra ^= {self.dice.choice(["extra1", "extra2", "extra3"])}
        self.configure()
        assert self.daemon.ctl("update").returncode == 0

    def step_broken_configuration(self) -> None:
        kept = self.daemon.conf.read_bytes()
        self.daemon.conf.write_bytes(self.dice.choice([b"", b"[program:x\n", b"\0\xff" * 50, b"[supervisord]\nlogfile",
                                                       kept + b"\n[program:y]\ncommand=%(nothing)s\n"]))
        assert self.call("reloadConfig") is None
        self.daemon.signal(signal.SIGHUP)
        eventually(lambda: "configuration not reloaded" in self.new_log(keep=True), "the refusal")
        self.daemon.conf.write_bytes(kept)

    def step_reload(self) -> None:
        if self.dice.random() < 0.7:
            return
        before = self.daemon.log().count("supervisord started with")
        self.daemon.signal(signal.SIGHUP)
        eventually(lambda: self.daemon.log().count("supervisord started with") > before, "the next run")

    def step_reopen(self) -> None:
        for _ in range(self.dice.randint(1, 50)):
            self.daemon.signal(signal.SIGUSR2)

    def step_signals(self) -> None:
        for _ in range(200):
            self.daemon.signal(self.dice.choice([signal.SIGCHLD, signal.SIGPIPE, signal.SIGWINCH, signal.SIGCONT]))

    def step_clear(self) -> None:
        self.call("clearProcessLogs", "talks")
        self.call("clearProcessLogs", "babbles")

    def step_remove_logs(self) -> None:
        for name in ("talks.log", "markers.log"):
            (self.daemon.dir / name).unlink(missing_ok=True)

    def step_truncate(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.daemon.dir / "babbles.log", 0)

    def step_disk(self) -> None:
        """The file system of one log becomes full, or gets room again."""
        ballast = self.daemon.dir / "disk" / "ballast"
        if ballast.exists():
            ballast.unlink()
            with contextlib.suppress(OSError):
                os.truncate(self.daemon.dir / "disk" / "full.log", 0)
        else:
            with contextlib.suppress(OSError), open(ballast, "wb") as file:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()

    def step_suspend(self) -> None:
        self.daemon.signal(signal.SIGSTOP)
        time.sleep(self.dice.random())
        self.daemon.signal(signal.SIGCONT)

    def step_jump(self) -> None:
        if faketime.LIBRARY is not None:
            faketime.jump(self.daemon.dir, self.dice.randint(-3, 3))

    def step_few_descriptors(self) -> None:
        limits = resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE)
        few = max(fds(self.daemon.pid) - self.dice.randint(0, 3), 10)
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, (few, limits[1]))
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.daemon.socket)
                with contextlib.suppress(OSError):  # whoever is idle is let go of
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                for pid in children(self.daemon.pid):
                    if self.dice.random() < 0.3 and pid != self._counter_pid():
                        self.strike(pid, signal.SIGKILL)
                time.sleep(self.dice.random())
        finally:
            resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, limits)

    def _counter_pid(self) -> int:
        for pid in children(self.daemon.pid):
            with contextlib.suppress(OSError):
                if b"counter.py" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return 0

    def step_rude_clients(self) -> None:
        for _ in range(self.dice.randint(1, 20)):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(BOUND)
            client.connect(self.daemon.socket)
            with contextlib.suppress(OSError):
                client.sendall(self.dice.choice(GARBAGE))
            if self.dice.random() < 0.3 and len(self.open) < 15:
                self.open.append(client)
            else:
                client.close()

    def step_follow(self) -> None:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(BOUND)
        client.connect(self.daemon.socket)
        client.sendall(b"GET /logtail/" + self.dice.choice([b"talks", b"babbles", b"counter"]) + b" HTTP/1.0\r\n\r\n")
        self.open.append(client)  # read or not

    def step_let_go(self) -> None:
        while self.open:
            self.open.pop().close()

    def step_read(self) -> None:
        for name in ("babbles", "talks", "counter"):
            self.call("tailProcessStdoutLog", name, 0, self.dice.choice([10, 5000, 10**6]))
            self.call("readProcessStdoutLog", name, self.dice.randint(-10**6, 10**6), self.dice.choice([0, 100]))
        self.call("readLog", -5000, 0)

    def step_send(self) -> None:
        for name in ("deaf", "closes", "talks"):
            self.call("sendProcessStdin", name, "x" * self.dice.choice([1, 10**5]))
        self.call("sendRemoteCommEvent", "kind", "data é\n" * 10)

    def step_page(self) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(BOUND)
            client.connect(self.daemon.socket)
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := client.recv(1 << 16):
                answer += piece
            assert answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")), answer[:200]

    def step_second_instance(self) -> None:
        assert self.daemon.run("-n", "-c", str(self.daemon.conf)).returncode != 0

    def step_kill_daemon(self) -> None:
        """kill -9, and a new start that copes."""
        if self.dice.random() < 0.8:
            return
        self.check_log()
        before = list(children(self.daemon.pid))
        self.daemon.kill()
        self.step_let_go()

        def left() -> list[int]:
            found = []
            for pid in self.daemon.descendants():
                with contextlib.suppress(ProcessLookupError):
                    if os.getpgid(pid) in before:
                        found.append(pid)
            return found

        for pid in left():
            self.strike(pid, signal.SIGKILL)
        eventually(lambda: not left(), "the end of what was left")
        # What was in the pipes is lost, so the stream begins anew.
        for path in (*self.daemon.dir.glob("counter.log*"), self.daemon.dir / "number"):
            path.unlink(missing_ok=True)
        self._last_number = -1
        self.launch()
        self.step_rest()

    def step_rest(self) -> None:
        """Nothing runs and nobody is connected: the descriptors are those of an idle daemon."""
        self.step_let_go()
        self.call("stopAllProcesses", slow=True)
        if not self._idle_fds:
            eventually(lambda: not children(self.daemon.pid), "no child")
            time.sleep(GRACE + 1)
            assert not children(self.daemon.pid), "something started after everything was stopped"
            self._idle_fds = fds(self.daemon.pid)
            assert self._idle_fds < 20, self.opened()
        eventually(lambda: fds(self.daemon.pid) <= self._idle_fds,
                   f"{self._idle_fds} descriptors at rest")
        self.call("startAllProcesses", False)

    def opened(self) -> dict[str, str]:
        """What the daemon has open."""
        folder = f"/proc/{self.daemon.pid}/fd"
        return {fd: os.readlink(f"{folder}/{fd}") for fd in sorted(os.listdir(folder), key=int)}

    # Checks

    def check(self) -> None:
        assert self.call("getState")["statename"] == "RUNNING"
        self._differences.clear()
        try:
            eventually(self.states_agree, "states that agree with the kernel")
        except AssertionError as exc:
            raise AssertionError(f"{exc}: {len(self._differences)} comparisons: {self._differences[-5:]}; "
                                 f"{self.new_log(keep=True)[-1500:]}")
        self.check_log()
        self.check_lines()
        self.check_level()

    def states_agree(self) -> bool:
        infos = self.call("getAllProcessInfo")
        if infos is None:
            return False
        kids = children(self.daemon.pid)
        told = {info["pid"] for info in infos if info["pid"]}
        living = {pid for pid, state in kids.items() if state not in "ZX"}
        odd = [info for info in infos
               if bool(info["pid"]) != (info["statename"] in ("STARTING", "RUNNING", "STOPPING"))]
        differences = {"not told": living - told, "odd": odd,
                       "gone": [info for info in infos if info["pid"] and info["pid"] not in kids]}
        self._differences.append(differences)
        return not any(differences.values())

    def new_log(self, keep: bool = False) -> str:
        with open(self.daemon.logfile, "rb") as file:
            file.seek(self._log_at)
            data = file.read()
        if not keep:
            self._log_at += len(data)
        return data.decode("utf-8", "replace")

    def check_log(self) -> None:
        for line in self.new_log().splitlines():
            assert not OWN_MISTAKES.search(line), line
        assert "Traceback" not in self.daemon.read("err")
        assert not self.daemon.read("counter.err"), self.daemon.read("counter.err")

    def check_lines(self) -> None:
        """The counter's files, oldest first, hold all numbers of a stretch that goes on from the last one seen."""
        for _ in range(50):
            names = [f"counter.log.{number}" for number in range(12, 0, -1)] + ["counter.log"]
            before = self._inodes(names)
            with contextlib.suppress(FileNotFoundError):  # rotated under our hands: once more
                data = b"".join((self.daemon.dir / name).read_bytes() for name in names if name in before)
                if self._inodes(names) == before:
                    break
        else:
            return
        lines = data.split(b"\n")[1:-1]
        numbers = [int(line) for line in lines]
        if not numbers:
            return
        assert all(len(line) == 12 for line in lines)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "lines are missing or come twice"
        assert self._last_number < 0 or numbers[0] <= self._last_number + 1 or len(names) == len(before), "a gap"
        assert numbers[-1] >= self._last_number
        self._lines += numbers[-1] - max(self._last_number, numbers[0] - 1)
        self._last_number = numbers[-1]

    def _inodes(self, names: list[str]) -> dict[str, int]:
        found = {}
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found[name] = (self.daemon.dir / name).stat().st_ino
        return found

    def check_level(self) -> None:
        level = fds(self.daemon.pid), memory(self.daemon.pid)
        self.largest = max(self.largest[0], level[0]), max(self.largest[1], level[1])
        assert level[0] <= MOST_FDS, f"{level[0]} descriptors"
        if self._settling > 0:
            self._settling -= 1
            self._memory = max(self._memory, level[1])
        assert level[1] <= self._memory + SPARE_MEMORY, f"{level[1] >> 10} kB after {self._memory >> 10} kB"

    # The whole

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [(name, getattr(self, name)) for name in sorted(dir(self)) if name.startswith("step_")]

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        steps = self.steps()
        while time.monotonic() < end:
            name, step = self.dice.choice(steps)
            self.done[name] += 1
            try:
                step()
                self.check()
            except Exception as exc:
                raise AssertionError(f"after {sum(self.done.values())} steps, at {name}: {exc!r}") from exc

    def finish(self) -> None:
        """Everything stops, and everything is accounted for."""
        self.step_let_go()
        self.call("stopAllProcesses", slow=True)
        eventually(lambda: not children(self.daemon.pid), "no child")
        self.check_lines()
        if (self.daemon.dir / "number").exists() and self._last_number >= 0:
            assert int(self.daemon.read("number")) == self._last_number + 1, "the last lines"
        assert self.daemon.stop() == 0

    def report(self) -> str:
        return json.dumps({"steps": sum(self.done.values()), "lines": self._lines, "slowest": round(self.slowest, 3),
                           "descriptors": self.largest[0], "at rest": self._idle_fds, "kB": self.largest[1] >> 10,
                           "settled kB": self._memory >> 10, "done": dict(self.done)})


@contextlib.contextmanager
def disk(path: pathlib.Path) -> Iterator[None]:
    """A small file system where that is possible."""
    if os.getuid() == 0 and sys.platform == "linux":
        with small_disk(path, "256k"):
            yield
    else:
        path.mkdir()
        yield


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_soak(daemon: Daemon) -> None:
    seconds = float(os.environ.get("SOAK_MINUTES", "2")) * 60
    seed = int(os.environ.get("SOAK_SEED") or time.time_ns() % 10**9)
    print(f"seed {seed}", flush=True)
    daemon.expect_leftovers()
    soak = Soak(daemon, random.Random(seed))
    with disk(daemon.dir / "disk"):
        soak.configure()
        soak.launch()
        soak.step_rest()
        try:
            soak.run(seconds)
            soak.finish()
        finally:
            print(f"seed {seed}: {soak.report()}", flush=True)
            soak.step_let_go()
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.signal(signal.SIGCONT)
