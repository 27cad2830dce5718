"""Commands, pipes, and children of the real system in each of the ways they are made."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.engine.system import System
from supervisor.process import spawning
from supervisor.process.commands import find_program, split_command
from supervisor.process.errors import BadCommand, NoPermission, NotExecutable, NotFound
from supervisor.process.forking import SET_DEFAULT
from supervisor.process.pipes import make_pipes, seal_descriptors
from supervisor.process.subprocess import Subprocess
from supervisor.process.waitstatus import decode_wait_status, signame
from tests.unit.process_world import Scene

system = System()


def executable(path, mode=0o755):
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return str(path)


class TestCommands:
    def test_quoting(self):
        assert split_command("a 'b c' \"d\" e\\ f") == ["a", "b c", "d", "e f"]
        assert split_command("x *.py ~ $HOME") == ["x", "*.py", "~", "$HOME"]
        with pytest.raises(BadCommand, match="NUL"):
            split_command("a\0b")

    def test_a_command_no_system_takes_is_refused_in_few_words(self):
        with pytest.raises(BadCommand, match="^command is longer than the [0-9]+ bytes the system takes$"):
            split_command("x " * 5_000_000)
        with pytest.raises(BadCommand) as refusal:
            split_command("x" * 5000 + "'")
        assert len(str(refusal.value)) < 1000

    def test_each_caller_has_words_of_its_own(self):
        split_command("a b").append("c")
        assert split_command("a b") == ["a", "b"]

    def test_a_file_that_cannot_be_run_hides_no_other(self, tmp_path):
        for name in ("one", "two", "three"):
            (tmp_path / name).mkdir()
        executable(tmp_path / "one" / "x", 0o644)
        (tmp_path / "two" / "x").mkdir()
        found = executable(tmp_path / "three" / "x")
        path = [str(tmp_path / name) for name in ("none", "one", "two", "three")]
        assert find_program(system, "x", lambda: path) == found
        with pytest.raises(NotExecutable, match="one/x' is not executable"):
            find_program(system, "x", lambda: path[:3])
        with pytest.raises(NotFound, match="can't find command 'y'"):
            find_program(system, "y", lambda: path)

    def test_what_we_may_not_run(self, tmp_path, monkeypatch):
        program = executable(tmp_path / "x")
        monkeypatch.setattr(os, "access", lambda *_: False)

        class Refusing(System):
            access = staticmethod(lambda *_: False)

        with pytest.raises(NoPermission, match="no permission to run command"):
            find_program(Refusing(), program, list)

    @pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000])
    def test_names_no_system_can_have(self, name):
        with pytest.raises(NotFound):
            find_program(system, name, lambda: ["/bin"])


class TestWords:
    def test_ends(self):
        assert decode_wait_status(0) == (0, "exit status 0")
        assert decode_wait_status(15) == (-1, "terminated by SIGTERM")
        assert decode_wait_status(11 | 128) == (-1, "terminated by SIGSEGV (core dumped)")
        assert decode_wait_status(0x137F)[1] == "unknown termination cause 0x137f"

    def test_signals(self):
        assert (signame(9), signame(123)) == ("SIGKILL", "signal 123")

    @pytest.mark.skipif(not hasattr(signal, "SIGPOLL"), reason="not known here")
    def test_the_name_of_polling_is_the_old_one(self):
        assert signame(signal.SIGPOLL) == "SIGPOLL"


class TestPipes:
    def test_ours_do_not_block_and_nothing_is_inherited(self):
        pipes = make_pipes(system, True, False)
        assert pipes["stderr"] is pipes["child_stderr"] is None
        for name, fd in pipes.items():
            if fd is not None:
                assert os.get_blocking(fd) == name.startswith("child_")
                assert not os.get_inheritable(fd) and stat.S_ISFIFO(os.fstat(fd).st_mode)
                os.close(fd)

    def test_low_numbers_are_not_used(self):
        class Low(System):
            """Hands out numbers as a process without standard descriptors gets them."""

            closed: list[int] = []

            def pipe(self):
                return 0, 1

            def fcntl(self, fd, command, least):
                assert command == fcntl.F_DUPFD_CLOEXEC and fd < 3 <= least
                return fd + 100

            def close(self, fd):
                self.closed.append(fd)

            def set_blocking(self, fd, blocking):
                assert fd > 99

        pipes = make_pipes(Low(), False, False)
        assert (pipes["stdout"], pipes["child_stdout"], Low.closed) == (100, 101, [0, 1])

    def test_inherited_descriptors_are_sealed(self):
        reader, writer = os.pipe()
        high = fcntl.fcntl(reader, fcntl.F_DUPFD, 900)
        try:
            seal_descriptors(system)
            assert not os.get_inheritable(high)
        finally:
            for fd in (reader, writer, high):
                os.close(fd)


REPORT = r"""
import os, sys
rows = dict(line.split(':', 1) for line in open('/proc/self/status'))
mask = os.umask(0)
fds = sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd))
print(os.getcwd(), oct(mask), rows['SigIgn'].strip(), rows['SigBlk'].strip(), os.getpgrp() == os.getpid(), fds,
      os.environ.get('SUPERVISOR_PROCESS_NAME'), os.environ.get('SUPERVISOR_ENABLED'), os.environ.get('OWN'))
"""
WAYS = ["vfork", "posix_spawn", "fork"]


def read_all(fd: int) -> str:
    """What comes from a pipe until its end."""
    data = b""
    while True:
        select.select([fd], [], [], 10)
        piece = os.read(fd, 65536)
        if not piece:
            return data.decode()
        data += piece


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    made.world.system = System()
    yield made
    made.close()


def run(scene: Scene, way: str, monkeypatch, command: list[str], **changes) -> tuple[str, str, int]:
    """(stdout, stderr, wait status) of a child made this way."""
    if way == "vfork" and not spawning._KNOWN_FORK_EXEC:
        pytest.skip("fork_exec of this Python knows no process groups")
    scene.world.vfork_is_clean = way == "vfork"
    if way == "fork":
        own = Subprocess._spawn_as_child
        monkeypatch.setattr(Subprocess, "_spawn_as_child", lambda self, filename, argv: own(self, filename, argv))
    process = scene.process(**changes)
    monkeypatch.setattr(process, "get_execv_args", lambda: (command[0], command))
    pid = process.spawn()
    assert pid
    out, err = (read_all(process.pipes[name]) for name in ("stdout", "stderr"))
    status = os.waitpid(pid, 0)[1]
    scene.reap(process, status)
    return out, err, status


@pytest.mark.parametrize("way", WAYS)
def test_what_a_child_finds(scene, way, monkeypatch, tmp_path):
    here, mask = os.getcwd(), os.umask(0o22)
    inherited = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 200)
    signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        out, err, status = run(scene, way, monkeypatch, [sys.executable, "-S", "-c", REPORT], directory=str(tmp_path),
                               umask=0o27, environment={"OWN": "value", "SUPERVISOR_ENABLED": "mine"})
        assert os.getcwd() == here and os.umask(0o22) == 0o22
    finally:
        os.umask(mask)
        os.close(inherited)
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    assert (err, status) == ("", 0)
    directory, umask, ignored, blocked, leader, *fds, name, enabled, own = out.split()
    assert (directory, umask, leader, name, enabled, own) == (str(tmp_path), "0o27", "True", "cat", "mine", "value")
    # glibc's posix_spawn leaves its internal signals 32 and 33 ignored; so it may have been with us.
    assert int(ignored, 16) & ~(3 << 31) == 1 << 12 | 1 << 24 and int(blocked, 16) == 0
    if way != "posix_spawn":
        rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        assert int(ignored, 16) == 0x1001000 | int(rows["SigIgn"], 16) & 3 << 31
    assert "".join(fds) == "[0,1,2]"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("changes, content, reason", [
    ({"directory": "/no/such"}, "#!/bin/sh\n", "couldn't chdir to /no/such: ENOENT"),
    ({}, "no program", "couldn't exec {file}: ENOEXEC"),
    ({}, "#!/no/such/interpreter\n", "couldn't exec {file}: ENOENT"),
    ({"environment": {"A": "\0"}}, "#!/bin/sh\n", "couldn't exec {file}: <class 'ValueError'>, "),
])
def test_a_program_that_cannot_be_run_says_so(scene, way, monkeypatch, tmp_path, changes, content, reason):
    file = tmp_path / "x"
    executable(file)
    file.write_text(content)
    out, err, status = run(scene, way, monkeypatch, [str(file)], startsecs=0, autorestart=False, **changes)
    first, last = err.splitlines()
    reason = reason.format(file=file)
    assert out == "" and os.WEXITSTATUS(status) == 127
    assert first.startswith(f"supervisor: {reason}") and last == "supervisor: child process was not spawned"
    process = scene.processes[-1]
    assert process.state == 100 and process.exitstatus == 127
    assert process.spawnerr.startswith(f"Bad exit code 127: {reason}")
    assert process.exec_report is None


def test_what_a_plugin_does_in_the_child_takes_effect(scene, monkeypatch):
    own = Subprocess._spawn_as_child

    def wrapped(self, filename, argv):
        os.environ["FROM_PLUGIN"] = "yes"
        self.config.environment = {"OWN": "changed"}
        return own(self, filename, argv)

    monkeypatch.setattr(Subprocess, "_spawn_as_child", wrapped)
    out, _, _ = run(scene, "posix_spawn", monkeypatch, ["/usr/bin/env"])
    assert "FROM_PLUGIN=yes" in out and "OWN=changed" in out
    assert "FROM_PLUGIN" not in os.environ


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user(scene, monkeypatch):
    out, err, status = run(scene, "vfork", monkeypatch, ["/usr/bin/id", "-un"], uid=65534)
    assert (out, err, status) == ("nobody\n", "", 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root is told so")
def test_a_user_that_is_not_there(scene, monkeypatch):
    _, err, status = run(scene, "vfork", monkeypatch, ["/usr/bin/id"], uid=54321)
    assert err == ("supervisor: couldn't setuid to 54321: Can't find uid 54321\n"
                   "supervisor: child process was not spawned\n")
    assert os.WEXITSTATUS(status) == 127


def test_nothing_but_kill_and_stop_and_the_two_is_left_out():
    assert set(signal.valid_signals()) - SET_DEFAULT == {
        signal.SIGPIPE, signal.SIGXFSZ, signal.SIGKILL, signal.SIGSTOP}
