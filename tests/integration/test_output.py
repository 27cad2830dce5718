"""Logs where they end up: full disks, FIFOs, devices, sockets, the daemon's own descriptors, planted links."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.engine.clock import Clock
from supervisor.engine.system import System
from supervisor.logfile import LogFile, silent

ROOT = os.geteuid() == 0


class Logs:
    """Makes logs and remembers what they said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.logs: list[LogFile] = []

    def __call__(self, path: object, maxbytes: int = 0, backups: int = 0) -> LogFile:
        log = LogFile(str(path), maxbytes, backups, system=System(), clock=Clock(), report=self.said.append)
        self.logs.append(log)
        log.open()
        return log


@pytest.fixture
def logs() -> Iterator[Logs]:
    logs = Logs()
    yield logs
    for log in logs.logs:
        log.close()


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """What a full disk is like, for everybody."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def lines(count: int) -> list[bytes]:
    return [f"line {number:07d}\n".encode() for number in range(count)]


def python(program: str, **kw: object) -> subprocess.Popen[bytes]:
    """A program of the daemon's kind, with standard descriptors of our choice."""
    head = """
        import os, sys
        from supervisor.engine.clock import Clock
        from supervisor.engine.system import System
        from supervisor.logfile import LogFile, settle
        said = []
        def log(path, *args):
            it = LogFile(path, *args, system=System(), clock=Clock(), report=said.append)
            it.open()
            return it
    """
    text = textwrap.dedent(head) + textwrap.dedent(program)
    return subprocess.Popen([sys.executable, "-c", text], **kw)  # type: ignore[call-overload,no-any-return]


# Disks


def check_full_disk(log: LogFile, path: Path, said: list[str], make_room: contextlib.ExitStack) -> None:
    written = lines(20_000)
    for at in range(0, len(written), 100):
        log.write(b"".join(written[at : at + 100]))
    make_room.close()
    log.write(b"after\n")
    found = path.read_bytes().splitlines(keepends=True)
    assert found[-1] == b"after\n"
    assert found[:-1] == written[: len(found) - 1]
    assert 100 < len(found) < len(written)
    assert len(said) == 2
    assert str(path) in said[0] and "can be written again" in said[1]


def test_file_size_limit(logs: Logs, tmp_path: Path) -> None:
    log = logs(tmp_path / "x.log")
    stack = contextlib.ExitStack()
    stack.enter_context(file_size_limit(4099))
    with stack:
        check_full_disk(log, tmp_path / "x.log", logs.said, stack)


def test_full_file_system(logs: Logs, tmp_path: Path) -> None:
    """As root on a file system of its own; for others the device that is always full."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(place)]
    if not ROOT or subprocess.run(options, capture_output=True).returncode != 0:
        log = logs("/dev/full")
        for line in lines(10_000):
            log.write(line)
        assert len(logs.said) == 1 and "No space left on device" in logs.said[0]
        return
    try:
        filler = place / "filler"
        filler.write_bytes(b"x" * 64 * 1024)
        stack = contextlib.ExitStack()
        stack.callback(filler.unlink)
        check_full_disk(logs(place / "x.log"), place / "x.log", logs.said, stack)
    finally:
        for log in logs.logs:
            log.close()
        subprocess.run(["umount", str(place)], check=True)


def test_folder_deleted_when_rotation_is_due(logs: Logs, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    log = logs(folder / "x.log", 10, 2)
    (folder / "x.log").unlink()
    folder.rmdir()
    log.write(b"0123456789\n")
    log.write(b"kept\n")
    assert "restore its folder" in logs.said[0]
    folder.mkdir()
    log.write(b"again\n")
    assert (folder / "x.log.1").read_bytes() == b"kept\nagain\n"


# FIFOs, terminals, sockets


def test_fifo_without_reader(logs: Logs, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    log = logs(fifo, 10, 1)
    log.write(b"one\n")
    assert "start its reader" in logs.said[0]
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log.write(b"two\n")
    assert os.read(reader, 100) == b"one\ntwo\n"
    os.close(reader)
    for line in lines(10_000):
        log.write(line)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log.write(b"after\n")
    got = os.read(reader, 1 << 20)
    os.close(reader)
    assert got.startswith(b"line 0000000\n")
    assert log.seekable is False and not (tmp_path / "fifo.1").exists()


def test_two_logs_of_one_fifo_do_not_interleave(logs: Logs, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    one, two = logs(fifo), logs(fifo)
    pieces = [bytes([65 + number]) * 30_000 + b"\n" for number in range(8)]
    for number, piece in enumerate(pieces):
        (one, two)[number % 2].write(piece)
    assert one.congested and two.congested
    got = b""
    while len(got) < 8 * 30_001:
        got += os.read(reader, 1 << 20)
        one.write(b"")
        one._target.flush()  # type: ignore[union-attr]
    os.close(reader)
    assert got == b"".join(pieces)
    assert logs.said == []


def test_terminal(logs: Logs) -> None:
    main, other = os.openpty()
    log = logs(os.ttyname(other))
    log.write(b"hello\n")
    assert os.read(main, 100) == b"hello\r\n"
    os.close(other)
    os.close(main)
    log.write(b"nobody\n")


def test_a_socket_file_is_an_error(logs: Logs, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(OSError) as error:
            logs(tmp_path / "s")
    assert error.value.errno == errno.ENXIO


def test_a_loop_of_links_is_an_error(logs: Logs, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as error:
        logs(tmp_path / "a")
    assert error.value.errno == errno.ELOOP


# Our own descriptors

ECHO = """
    out = log("/dev/stdout", 50_000_000, 10)
    for number in range(20000):
        out.write(b"line %07d\\n" % number)
    settle(20)
    print(said, file=sys.stderr)
"""


def test_stdout_is_a_pipe_with_a_slow_reader() -> None:
    with python(ECHO, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        got = process.stdout.read()
        assert process.stderr.read() == b"[]\n"
    assert got == b"".join(lines(20_000))


def test_stdout_is_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, python(ECHO, stdout=theirs, stderr=subprocess.PIPE) as process:
        theirs.close()
        with ours.makefile("rb") as stream:
            got = stream.read()
        assert process.stderr is not None and process.stderr.read() == b"[]\n"
    assert got == b"".join(lines(20_000))


def test_stdout_is_a_file_shared_with_others(tmp_path: Path) -> None:
    program = """
        out = log("/dev/stdout", 5, 1)
        out.write(b"one\\n")
        os.write(1, b"two\\n")
        out.write(b"three\\n")
        out.clear()
    """
    with open(tmp_path / "out", "wb") as out, python(program, stdout=out) as process:
        process.wait()
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\nthree\n"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("path", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2", "link"])
def test_names_of_our_own_descriptors(path: str, tmp_path: Path) -> None:
    if path == "link":
        (tmp_path / "link").symlink_to("/dev/stderr")
        path = str(tmp_path / "link")
    program = f"""
        log({path!r}, 1, 1).write(b"hello\\n")
        print(os.get_blocking(2), said)
    """
    with python(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert err == b"hello\n"
    assert out == b"True []\n"


@pytest.mark.parametrize("kind", ["pipe", "pipe behind a link", "FIFO without a reader", "file that was removed"])
def test_a_descriptor_of_another_process(logs: Logs, tmp_path: Path, kind: str) -> None:
    """As /proc/1/fd/1 in a container whose first process is not the daemon."""
    place = tmp_path / "place"
    if kind.startswith("pipe"):
        reader, writer = os.pipe()
    else:
        os.mkfifo(place) if kind.startswith("FIFO") else place.touch()
        reader, writer = os.open(place, os.O_RDONLY | os.O_NONBLOCK), os.open(place, os.O_WRONLY)
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=writer) as other:
        os.close(writer)
        path = f"/proc/{other.pid}/fd/1"
        if kind == "pipe behind a link":
            (tmp_path / "link").symlink_to(path)
            path = str(tmp_path / "link")
        if kind == "FIFO without a reader":
            os.close(reader)
        if kind == "file that was removed":
            place.unlink()
        before = sorted(tmp_path.iterdir())
        log = logs(path, 100, 2)
        for line in lines(20):
            log.write(line)
        if kind == "FIFO without a reader":
            assert len(logs.said) == 1 and "start its reader" in logs.said[0]
            reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
            log.write(b"")
        log.clear()
        assert os.read(reader, 1 << 16) == b"".join(lines(20))
        os.close(reader)
        log.close()
    assert sorted(tmp_path.iterdir()) == before


def test_a_descriptor_that_is_not_open(logs: Logs) -> None:
    with pytest.raises(FileNotFoundError):
        logs("/dev/fd/987654")


def test_a_reader_that_leaves_is_told_once() -> None:
    program = """
        out = log("/dev/stdout")
        out.write(b"hello\\n")
        sys.stdin.readline()
        for number in range(20000):
            out.write(b"line %07d\\n" % number)
        print(len(said), *said, file=sys.stderr)
    """
    pipe = subprocess.PIPE
    with python(program, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"hello\n"
        process.stdout.close()
        process.stdin.write(b"go\n")
        process.stdin.flush()
        told = process.stderr.read().decode()
        process.wait()
    assert process.returncode == 0
    assert told.startswith("1 cannot write to log '/dev/stdout': Broken pipe")


def test_a_place_is_silent_only_while_nobody_cares(logs: Logs) -> None:
    reader, writer = os.pipe()
    console = LogFile(f"/dev/fd/{writer}", system=System(), clock=Clock(), report=silent)
    try:
        console.open()
        os.close(reader)
        console.write(b"a line that nobody misses\n")
        program = logs(f"/proc/self/fd/{writer}")
        program.write(b"a line of a program\n")
        program.write(b"another\n")
        assert [text.partition(":")[2].strip() for text in logs.said] == [
            "Broken pipe; start its reader. Output without place is dropped."]
        program.close()
        console.write(b"nobody cares any more\n")
        assert len(logs.said) == 1
    finally:
        console.close()
        os.close(writer)


def test_a_description_shared_with_others_is_not_blocked_on_nor_changed(tmp_path: Path) -> None:
    """As for a daemon that has become another user and may not open its own stdout again."""
    program = """
        import supervisor.logfile.opening as opening
        class NoReopening(System):
            @staticmethod
            def open(path, *args):
                raise PermissionError(13, "Permission denied")
        opening.own = opening.open_place("/dev/stdout", 0, NoReopening())
        out = LogFile("/dev/stdout", system=NoReopening(), clock=Clock(), report=said.append)
        out.open()
        for number in range(20000):
            out.write(b"line %07d\\n" % number)
        print(os.get_blocking(1), file=sys.stderr, flush=True)
        settle(20)
    """
    pipe = subprocess.PIPE
    with python(program, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stderr.readline() == b"True\n"  # although nobody has read anything
        got = process.stdout.read()
    assert got == b"".join(lines(20_000))


# Planted links


@pytest.mark.skipif(not ROOT, reason="only root can act as somebody else")
def test_a_planted_link_is_not_followed(logs: Logs, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    target = tmp_path / "target"
    target.write_bytes(b"precious\n")
    (shared / "x.log").symlink_to(target)
    os.lchown(shared / "x.log", 12345, 12345)
    with pytest.raises(OSError, match="user id 12345"):
        logs(shared / "x.log")
    os.lchown(shared / "x.log", 0, 0)
    logs(shared / "x.log").write(b"ours\n")
    assert target.read_bytes() == b"precious\nours\n"


@pytest.mark.skipif(not ROOT, reason="only root can act as somebody else")
def test_a_link_planted_as_a_folder_is_not_followed(logs: Logs, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (tmp_path / "private").mkdir()
    (shared / "logs").symlink_to(tmp_path / "private")
    os.lchown(shared / "logs", 12345, 12345)
    with pytest.raises(OSError, match="user id 12345"):
        logs(shared / "logs" / "x.log")
    assert os.listdir(tmp_path / "private") == []


def test_a_second_name_in_a_shared_folder_is_not_written_to(logs: Logs, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (tmp_path / "target").write_bytes(b"precious\n")
    os.link(tmp_path / "target", shared / "x.log")
    with pytest.raises(OSError, match="several names"):
        logs(shared / "x.log")
    shared.chmod(0o755)
    logs(shared / "x.log").write(b"ours\n")
    assert (tmp_path / "target").read_bytes() == b"precious\nours\n"


def test_links_of_our_own_are_followed(logs: Logs, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "current").symlink_to("real")
    (tmp_path / "x.log").symlink_to("current/y.log")
    logs(tmp_path / "x.log").write(b"hello\n")
    assert (tmp_path / "real" / "y.log").read_bytes() == b"hello\n"


def test_nothing_waits(logs: Logs, tmp_path: Path) -> None:
    """Opening and writing to a FIFO nobody reads ends; its descriptor would be reported by poll otherwise."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log = logs(fifo)
    while not log.congested:
        log.write(b"x" * 65536)
    assert select.select([reader], [], [], 0)[0]
    os.close(reader)
