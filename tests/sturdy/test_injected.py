"""Every system call of a program's life fails once, with every error: the daemon goes on, and nothing is lost but
what that call was for."""

from __future__ import annotations

import errno
import os
import pathlib
import random
import socket
from typing import Any

import pytest

from supervisor.daemon import reaper
from supervisor.engine.loop import Loop
from supervisor.engine.pidfile import PidFile, PidFileHeld
from supervisor.engine.signals import SignalDoor
from supervisor.engine.system import System
from supervisor.http.unixserver import supervisor_af_unix_http_server
from supervisor.logfile import LogFile
from supervisor.process.world import World
from supervisor.states import ProcessStates
from tests.fakes import FakeClock, FakeLog, FakeSystem
from tests.faults import Faults, FaultyPoller, FaultySystem
from tests.unit.process_world import Scene

ERRORS = (errno.EAGAIN, errno.EINTR, errno.ENOSPC, errno.EIO, errno.EPIPE, errno.EMFILE, errno.EACCES, errno.ENOMEM,
          errno.ESRCH, errno.ENOENT, errno.EPERM)


class Children(FakeSystem):
    """Keeps the other ends of a child's pipes, as a child does."""

    process: Any

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[int, list[int]] = {}
        self.most = 0  # that lived at the same time

    def _born(self, pid: int) -> int:
        self.most = max(self.most, len(self.children) - len(self.deaths))
        self.ends[pid] = [os.dup(fd) for fd in self.process.child_descriptors()]
        return pid

    def fork_exec(self, *args: Any) -> int:
        return self._born(super().fork_exec(*args))

    def fork(self) -> int:
        return self._born(super().fork())

    def posix_spawn(self, *args: Any, **kw: Any) -> int:
        return self._born(super().posix_spawn(*args, **kw))

    def die(self, pid: int, status: int = 0) -> None:
        for fd in self.ends.pop(pid, ()):
            os.close(fd)
        super().die(pid, status)

    def say(self, pid: int, text: bytes, end: int = 1) -> None:
        """The child writes; a broken pipe is its own trouble."""
        if pid in self.ends:
            try:
                os.write(self.ends[pid][end], text)
            except BrokenPipeError:
                pass


class Life:
    """A program under a system that fails."""

    def __init__(self, folder: pathlib.Path, way: str) -> None:
        self.faults = Faults()
        self.scene = scene = Scene()
        self.children = Children()
        self.system = FaultySystem(self.children, self.faults)
        self.loop = Loop(FaultyPoller(self.faults), scene.clock, scene.log)
        scene.world = World(self.loop, self.system, scene.clock, scene.log, scene.settings)
        scene.world.vfork_is_clean = way == "vfork"
        self.out, self.err = folder / "out", folder / "err"
        self.process = scene.process(
            command="/bin/cat", autorestart=False, startretries=1000, stdout_logfile=str(self.out),
            stdout_logfile_maxbytes=100, stdout_logfile_backups=2, stderr_logfile=str(self.err),
            stderr_logfile_maxbytes=0,
            directory=None if way == "vfork" else str(folder))
        if way == "fork":  # as a plugin makes it
            self.process._spawn_as_child = lambda filename, argv: None
        self.children.process = self.process

    def turns(self) -> None:
        for _ in range(4):
            self.loop.turn(0)

    def reap(self) -> None:
        reaper.reap(self.system, self.scene.log, self.scene.world.pidhistory)
        self.turns()

    def wait(self, seconds: float) -> None:
        self.scene.clock.advance(seconds)
        self.turns()

    def live(self) -> None:
        """Start, output, input, logs, stop, start, crash."""
        process = self.process
        process.spawn()
        self.turns()
        pid = process.pid
        for number in range(3):
            self.children.say(pid, b"%d" % number * 60 + b"\n")
            self.turns()
        self.children.say(pid, b"error\n", 2)
        self.turns()
        self.attempt(process.write, b"hello\n")
        self.wait(1.5)
        process.reopenlogs()
        self.attempt(process.removelogs)
        self.children.say(pid, b"more\n")
        self.turns()
        if process.state in (ProcessStates.STARTING, ProcessStates.RUNNING, ProcessStates.BACKOFF):
            process.stop()
        if process.pid:
            self.children.die(process.pid)
        self.reap()
        self.wait(11)
        if process.state in (ProcessStates.STOPPED, ProcessStates.FATAL):
            process.spawn()
        self.turns()
        if process.pid:
            self.children.say(process.pid, b"last words\n")
            self.children.die(process.pid, 1 << 8)
        self.reap()
        self.wait(11)

    @staticmethod
    def attempt(call: Any, *args: Any) -> None:
        """What a client asks for; an OSError becomes its fault."""
        try:
            call(*args)
        except OSError:
            pass

    def recover(self) -> None:
        """Without any failure: whatever state it is in, it comes up and works."""
        process = self.process
        for pid in list(self.children.children):
            if pid not in [death[0] for death in self.children.deaths]:
                self.children.die(pid)
        self.reap()
        assert not process.pid and not self.children.children
        if process.state == ProcessStates.BACKOFF:
            process.stop()
        assert process.state in (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL), process
        assert process.spawn()
        self.children.say(process.pid, b"fine\n")
        self.wait(2)
        assert process.state == ProcessStates.RUNNING
        assert any(path.read_bytes().endswith(b"fine\n") for path in self.out.parent.glob("out*"))
        process.stop()
        self.children.die(process.pid)
        self.reap()
        assert process.state == ProcessStates.STOPPED
        assert self.children.most == 1, "two instances"

    def close(self) -> None:
        self.wait(11)  # what survivors' pipes are kept for
        self.scene.close()
        for ends in self.children.ends.values():
            for fd in ends:
                os.close(fd)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def calls_of_a_life(folder: pathlib.Path, way: str) -> list[str]:
    life = Life(folder, way)
    life.faults.count()
    life.live()
    calls = life.faults.calls
    life.close()
    return calls


def problems_of(life: Life, label: str, times: int = 1) -> list[str]:
    """What goes wrong when it is lived while calls fail, and has to recover when they do not any more."""
    problems = []
    try:
        for _ in range(times):
            life.live()
        life.faults.off()
        life.recover()
    except (AssertionError, OSError) as exc:
        problems.append(f"{label}: {exc!r}")
    finally:
        life.faults.off()
        life.close()
    return problems + [f"{label}: {text}" for text in life.scene.log.texts
                       if "uncaptured" in text or ("Traceback" in text and "unknown problem" not in text)]


@pytest.mark.parametrize("way", ["vfork", "posix_spawn", "fork"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
def test_each_call_of_a_life_fails_once(tmp_path: pathlib.Path, error: int, way: str) -> None:
    (tmp_path / "measure").mkdir()
    calls = calls_of_a_life(tmp_path / "measure", way)
    assert {"pipe", "open", "read", "readv", "write", "close", "rename", "fstat", "unlink", "kill", "waitpid",
            "fork_exec" if way == "vfork" else way, "register", "set_blocking"} - set(calls) <= {"read"}
    problems = []
    before = open_files()
    for number in range(1, len(calls) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        life = Life(folder, way)
        life.faults.at(number, error)
        problems += problems_of(life, f"{number} {calls[number - 1]}")
        if open_files() != before:
            problems.append(f"{number} {calls[number - 1]}: {open_files() - before} descriptors")
            before = open_files()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("seed", range(8))
def test_calls_fail_at_random(tmp_path: pathlib.Path, seed: int) -> None:
    dice = random.Random(seed)
    problems = []
    before = open_files()
    for number in range(25):
        folder = tmp_path / str(number)
        folder.mkdir()
        life = Life(folder, dice.choice(["vfork", "posix_spawn", "fork"]))
        life.faults.randomly(dice, dice.choice([0.02, 0.1, 0.4]), ERRORS)
        problems += problems_of(life, str(number), times=2)
        assert open_files() == before, number
    assert not problems, "\n".join(problems)


def write_log(folder: pathlib.Path, faults: Faults) -> tuple[bytes, list[str]]:
    """Forty lines into a log of three lines each; the stream that is in the files at the end, and what was told."""
    folder.mkdir()
    clock, told = FakeClock(), []
    log = LogFile(str(folder / "log"), 100, 15, system=FaultySystem(System(), faults), clock=clock, report=told.append)
    try:
        log.open()
    except OSError:
        faults.off()
        log.open()
    for number in range(40):
        log.write(b"%039d\n" % number)
        clock.advance(0.3)
        if number % 13 == 12:
            log.reopen()
    faults.off()
    log.write(b"the end\n")
    log.close()
    names = sorted(folder.iterdir(), key=lambda path: -int(path.suffix[1:] or 0))
    return b"".join(path.read_bytes() for path in names), told


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
def test_each_call_of_a_log_fails_once_and_each_byte_is_there_once(tmp_path: pathlib.Path, error: int) -> None:
    faults = Faults()
    faults.count()
    before = open_files()
    calls: list[str] = []
    faults.off = lambda: calls.extend(faults.calls)  # type: ignore[method-assign]
    wanted, told = write_log(tmp_path / "measure", faults)
    assert wanted.endswith(b"the end\n") and len(wanted) == 1608 and not told
    for number in range(1, len(calls) + 1):
        if (calls[number - 1], error) == ("rename", errno.ENOENT):
            continue  # a file that is not there, while it is
        faults = Faults()
        faults.at(number, error)
        got, told = write_log(tmp_path / str(number), faults)
        assert got == wanted, (number, calls[number - 1], told)
        assert len(told) <= 2
    assert open_files() == before


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
def test_each_call_for_a_pid_file_fails_once(tmp_path: pathlib.Path, error: int) -> None:
    path = tmp_path / "pid"
    before = open_files()
    for number in range(1, 40):
        faults = Faults()
        file = PidFile(FaultySystem(System(), faults), str(path))
        faults.at(number, error)
        try:
            file.look()
            file.write(os.getpid())
            assert path.read_text() == f"{os.getpid()}\n"
        except (OSError, PidFileHeld):
            pass  # which is told
        file.remove()
        path.unlink(missing_ok=True)
        assert open_files() == before, number


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
def test_signals_are_heard_after_a_failed_read(error: int) -> None:
    faults, log = Faults(), FakeLog()
    system = FaultySystem(System(), faults)
    loop = Loop(FaultyPoller(faults), FakeClock(), log)
    heard: list[int] = []
    door = SignalDoor(loop, system, lambda: heard.append(1))
    try:
        faults.at(1, error)
        os.write(door._writer, b"x")
        loop.turn(0)
        os.write(door._writer, b"x")
        loop.turn(0)
        assert len(heard) >= 2 and not log.lines
    finally:
        door.close()


class Watched:
    """A server on a local socket, in a loop that may be refused more descriptors."""

    def __init__(self, path: pathlib.Path) -> None:
        self.faults, self.clock, self.log = Faults(), FakeClock(), FakeLog()
        self.loop = Loop(FaultyPoller(self.faults), self.clock, self.log)
        self.path = path

    def server(self) -> supervisor_af_unix_http_server:
        return supervisor_af_unix_http_server(str(self.path), 0o700, (-1, -1), self.loop, self.log)

    def pass_time(self) -> None:
        self.clock.advance(1)
        self.loop.turn(0)


@pytest.mark.parametrize("error", [errno.ENOMEM, errno.ENOSPC], ids=lambda error: errno.errorcode[error])
def test_a_server_that_cannot_be_watched_leaves_no_name(tmp_path: pathlib.Path, error: int) -> None:
    stage = Watched(tmp_path / "s")
    before = open_files()
    stage.faults.at(1, error)
    with pytest.raises(OSError):
        stage.server()
    assert not stage.path.exists() and open_files() == before


@pytest.mark.parametrize("error", [errno.ENOMEM, errno.ENOSPC], ids=lambda error: errno.errorcode[error])
def test_a_server_is_not_deaf_for_ever(tmp_path: pathlib.Path, error: int) -> None:
    stage = Watched(tmp_path / "s")
    server = stage.server()
    server._rest()
    for _ in range(3):
        stage.faults.at(1, error)
        stage.pass_time()
    stage.faults.off()
    stage.pass_time()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(stage.path))
        stage.loop.turn(0)
        assert server.channels
        server.close()
    assert not stage.log.texts or "uncaptured" not in "".join(stage.log.texts)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
def test_output_goes_on_when_its_pipe_could_not_be_watched(tmp_path: pathlib.Path, error: int) -> None:
    """After its log's reader had been slow."""
    life = Life(tmp_path, "vfork")
    life.process.spawn()
    life.turns()
    output = next(one for one in life.process.dispatchers.values() if one.channel == "stdout")
    output._paused = True
    life.loop.remove_reader(output.fd)
    life.faults.at(1, error)
    output._resume()
    life.faults.off()
    life.children.say(life.process.pid, b"here\n")
    life.wait(1.5)
    assert life.out.read_bytes() == b"here\n"
    life.process.stop()
    life.children.die(life.process.pid)
    life.reap()
    life.close()
