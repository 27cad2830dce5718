"""Any system call of a daemon fails, at its start and amid its work: it says so or goes on, and recovers."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
from collections import Counter

import pytest

from tests.harness import DEADLINE, Child, Daemon, eventually
from tests.harness.daemon import alive
from tests.sturdy.kernel import can_trace, counting, failing, wait_stopped
from tests.sturdy.measure import fds
from tests.sturdy.raw import Answer, Raw, call, get, post

pytestmark = [can_trace, pytest.mark.soak]

# What the kernel may answer to each call that a daemon makes when it works.
FAILURES: dict[str, tuple[str, ...]] = {
    "access": ("EACCES",),
    "accept4": ("EMFILE", "ECONNABORTED", "ENOMEM"),
    "clone": ("EAGAIN", "ENOMEM"),
    "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "fcntl": ("EMFILE",),
    "fstat": ("EIO",),
    "ftruncate": ("EIO",),
    "getdents64": ("EIO",),
    "getsockname": ("ENOBUFS",),
    "ioctl": ("ENOMEM",),
    "kill": ("EPERM",),
    "lseek": ("EIO",),
    "newfstatat": ("EIO", "ENOMEM"),
    "openat": ("EMFILE", "EIO", "ENOSPC"),
    "pipe2": ("EMFILE", "ENFILE"),
    "pread64": ("EIO",),
    "read": ("EIO",),
    "readlink": ("EIO",),
    "readv": ("EIO",),
    "recvfrom": ("ECONNRESET", "ENOMEM"),
    "rename": ("EIO", "EROFS"),
    "sendto": ("EPIPE", "ENOBUFS"),
    "shutdown": ("ENOTCONN",),
    "socket": ("EMFILE", "ENOMEM"),
    "unlink": ("EROFS",),
    "vfork": ("EAGAIN", "ENOMEM"),
    "write": ("ENOSPC", "EDQUOT", "EIO", "EPIPE"),
}

# What cannot fail, or where only EINTR could come, which Python answers itself. Memory is another matter. close() gives
# the descriptor back even where it fails, which strace cannot do.
NEVER = {
    "brk", "close", "epoll_pwait", "epoll_wait", "futex", "geteuid", "getpid", "getrandom", "gettid", "getuid",
    "madvise", "mmap", "mprotect", "mremap", "munmap", "poll", "ppoll", "restart_syscall", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "umask", "wait4",
    "prlimit64", "getrlimit"}

PROGRAM = {"command": "/bin/sleep 1000", "startsecs": 0, "stopwaitsecs": 1}


def attempt(daemon: Daemon, data: bytes) -> Answer | None:
    """What somebody asks for. Whatever the answer is, or none: it does not take for ever."""
    try:
        with Raw(daemon.socket) as client:
            client.send(data)
            return client.answer()
    except TimeoutError:
        raise
    except OSError:
        return None


def a_day(daemon: Daemon) -> None:
    """Something of everything that a daemon does."""
    def ask(method: str, *args: object) -> None:
        attempt(daemon, post(call(f"supervisor.{method}", *args)))

    ask("getState")
    ask("getAllProcessInfo")
    for name in ("quick", "other", "elsewhere"):
        ask("stopProcess", name)
        ask("startProcess", name)
    ask("sendProcessStdin", "talker", "say something\n")
    ask("readProcessStdoutLog", "talker", 0, 100)
    ask("tailProcessStdoutLog", "talker", 0, 100)
    ask("clearProcessLogs", "talker")
    ask("signalProcess", "quick", "CONT")
    ask("sendRemoteCommEvent", "type", "data")
    ask("readLog", -100, 0)
    attempt(daemon, get("/", "Connection: close"))
    attempt(daemon, get("/stylesheets/supervisor.css"))
    for data in (get("/logtail/talker"), post(b"x" * 1000, length=100000)):
        with contextlib.suppress(OSError), Raw(daemon.socket) as client:
            client.send(data)  # and goes
    daemon.signal(signal.SIGUSR2)
    ask("reloadConfig")
    ask("stopProcess", "spare")
    ask("removeProcessGroup", "spare")
    ask("addProcessGroup", "spare")
    ask("clearLog")


@pytest.fixture
def working(daemon: Daemon) -> tuple[Daemon, Child]:
    user = {"user": "nobody"} if os.getuid() == 0 else {}
    daemon.start(
        well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, quick=PROGRAM, spare=PROGRAM, other={**PROGRAM, **user},
        elsewhere={**PROGRAM, "directory": "/", "umask": "027"}, loglevel="info",
        talker={"command": "/bin/cat", "startsecs": 0, "stdout_logfile": "@dir@/talker", "stdout_logfile_maxbytes": 10,
                "stdout_logfile_backups": 2})
    well = daemon.child("well")
    for name in ("quick", "spare", "other", "elsewhere", "talker"):
        daemon.wait_state(name, "RUNNING")
    return daemon, well


def test_the_table_names_every_call(working: tuple[Daemon, Child]) -> None:
    daemon, _ = working
    with counting(daemon.pid) as calls:
        a_day(daemon)
    assert calls and not sorted(calls.keys() - FAILURES.keys() - NEVER)



def opened(daemon: Daemon) -> Counter[str]:
    """What the daemon has open, as the kernel calls it."""
    folder = pathlib.Path(f"/proc/{daemon.pid}/fd")
    return Counter(os.readlink(entry) for entry in folder.iterdir())


def files(daemon: Daemon) -> list[str]:
    """All but the pipe by which signals come: a write to that is made by Python, and cannot fail while we live."""
    return [name for name, count in opened(daemon).items()
            if name.startswith("/") or (name.startswith("pipe:") and count < 2)]


def lives_well(daemon: Daemon, well: Child) -> None:
    """It lives, knows what it did, and can do again all that it could."""
    assert alive(daemon.pid), daemon.read("err")
    eventually(lambda: attempt(daemon, post(call("supervisor.getState"))) is not None, "an answer")
    assert daemon.call("getState")["statename"] == "RUNNING"
    page = attempt(daemon, get("/"))
    assert page is not None and page.status == 200 and b"talker" in page.body
    well.tell("out", "fine\n")
    eventually(lambda: daemon.read("well").endswith("fine\n"), "output")
    assert daemon.info("well")["pid"] == well.pid
    log = daemon.log()
    assert "uncaptured" not in log, log[log.index("uncaptured") - 100:][:2000]
    for info in daemon.call("getAllProcessInfo"):
        if info["name"] not in ("well", "probe"):
            can_be_restarted(daemon, info["name"], info["pid"])


def can_be_restarted(daemon: Daemon, name: str, pid: int) -> None:
    if daemon.state(name) == "UNKNOWN":  # a signal could not be sent
        os.kill(pid, signal.SIGKILL)
    state = eventually(lambda: (state := daemon.state(name)) not in ("UNKNOWN", "STOPPING", "BACKOFF") and state, name)
    if state in ("RUNNING", "STARTING"):
        assert daemon.call("stopProcess", name)
    assert daemon.call("startProcess", name)
    assert daemon.state(name) == "RUNNING"


@pytest.mark.parametrize("failure, when", [
    (f"{name} {error}", when) for name, errors in FAILURES.items() for error in errors for when in ("1+2", "1+1")
    if when == "1+2" or name != "accept4"])  # without it nobody is ever answered
def test_a_call_fails_again_and_again(working: tuple[Daemon, Child], failure: str, when: str) -> None:
    daemon, well = working
    name, error = failure.split()
    if name == "kill":
        daemon.expect_leftovers()  # of a group that was removed
    level = fds(daemon.pid)
    with failing(daemon.pid, name, error, when, *(f"-P{file}" for file in files(daemon) if name == "write")):
        a_day(daemon)
    lives_well(daemon, well)
    if name != "kill":
        eventually(lambda: fds(daemon.pid) <= level, f"{level} descriptors: {opened(daemon)}")


# Loads what a start loads, so that it is not Python that fails, and waits until the kernel fails.
START = """
import os, signal, sys
from supervisor import supervisord
sys.argv[0] = "supervisord"
supervisord.main(["-n", "-s", "-c", sys.argv[1]], test=True)
os.kill(os.getpid(), signal.SIGSTOP)
supervisord.main(sys.argv[2:])
"""


# What can be told of the first of them is told; the rest is what a start can do without.
START_FAILURES = {
    "bind": "EACCES", "chdir": "EACCES", "clone": "EAGAIN", "dup2": "EMFILE", "epoll_create1": "EMFILE",
    "epoll_ctl": "ENOSPC", "flock": "EIO", "fstat": "EIO", "ftruncate": "EIO", "getdents64": "EIO",
    "inotify_add_watch": "ENOSPC", "inotify_init1": "EMFILE", "ioctl": "ENOMEM", "link": "EIO", "linkat": "EIO",
    "listen": "EADDRINUSE", "lseek": "EIO", "newfstatat": "EIO", "openat": "EIO", "pipe2": "EMFILE",
    "prlimit64": "EPERM", "read": "EIO", "readlink": "EIO", "setsid": "EPERM", "socket": "EMFILE", "unlink": "EIO",
    "write": "ENOSPC",
}


def start_with(daemon: Daemon, name: str, error: str, number: int) -> tuple[int, str, bool]:
    """A start in the background during which a call fails: its status, its words, and whether there was that call."""
    rehearsal = daemon.dir / "rehearsal.conf"
    rehearsal.write_text(daemon.conf.read_text().partition("[program:")[0].replace("supervisord.", "rehearsal.")
                         .replace("s.sock", "rehearsal.sock"))
    with open(daemon.dir / "err", "wb") as err:
        process = subprocess.Popen(
            [daemon.python, "-c", START, str(rehearsal), "-c", str(daemon.conf)], stdin=subprocess.DEVNULL,
            stdout=err, stderr=err, cwd=daemon.dir, env=daemon.environment())
    wait_stopped(process.pid)
    # Not of the pipe by which the parent learns how it went.
    files = [f"-P{path}" for path in (daemon.conf, daemon.logfile, daemon.pidfile) if name in ("read", "write")]
    with failing(process.pid, name, error, str(number), "-f", *files) as tracer:
        process.send_signal(signal.SIGCONT)
        status = process.wait(DEADLINE)
        if not status:
            eventually(lambda: attempt(daemon, post(call("supervisor.getState"))), "an answer")
    return status, daemon.read("err"), "INJECTED" in tracer.text


def ended(daemon: Daemon, status: int, said: str, unknown: set[str]) -> str:
    """What is wrong with a start and what it left; '' for nothing. unknown: files that nobody knows to be ours."""
    if "Traceback" in said or (status and (status != 2 or "Error: " not in said)):
        return f"status {status}: {said}"
    if not status:
        assert daemon.proxy().supervisor.shutdown()
    eventually(lambda: not daemon.descendants(), "the end of all")
    left = {path.name for path in daemon.dir.iterdir()} & {"supervisord.pid", "s.sock"}
    left -= unknown
    return f"left {left}" if left else ""


@pytest.mark.parametrize("name", START_FAILURES)
def test_a_call_fails_during_the_start(daemon: Daemon, name: str) -> None:
    daemon.configure(probe=None, supervisord="directory=/\numask=027")
    problems = []
    number = 1
    while True:
        status, said, was_called = start_with(daemon, name, START_FAILURES[name], number)
        problem = ended(daemon, status, said, {"supervisord.pid"} if name in ("fstat", "newfstatat") else set())
        if problem:
            problems.append(f"{number}: {problem}")
        if not was_called:
            break
        number += 1
    assert not problems, "\n".join(problems)
