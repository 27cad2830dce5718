"""Output and logs amid floods, rotation, full disks and odd files: each byte once, and nobody else is hurt."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import sys
import xmlrpc.client

import pytest

from tests.harness import DEADLINE, Child, Daemon, eventually
from tests.sturdy.kernel import can_trace, failing
from tests.sturdy.measure import MEGABYTE, fds, memory, only_root, remount, small_disk, unread

# Numbered lines in pieces that end anywhere, until SIGTERM, or SIGUSR1 for a crash; then the number of bytes written
# goes into a file, from where the next run carries on.
COUNTER = """
import os, signal, sys
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("end"))
signal.signal(signal.SIGUSR1, lambda *_: asked.append("crash"))
written = int(open(sys.argv[1]).read()) if os.path.exists(sys.argv[1]) else 0
number = written // 9 + 1
rest = (b"%08d\\n" % (number - 1))[written % 9:]
while not asked:
    rest += b"".join(b"%08d\\n" % n for n in range(number, number + 3000))
    number += 3000
    while len(rest) > 7001:
        count = os.write(1, rest[:7001])
        rest, written = rest[count:], written + count
with open(sys.argv[1], "w") as file:
    file.write(str(written))
if "crash" in asked:
    os.kill(os.getpid(), signal.SIGKILL)
"""
ODD = bytes(range(256)) + b"\r\n\0\xff\xfe\xc3\n\n\x1b[\x85 no end"


def numbered(size: int) -> bytes:
    """The beginning of what COUNTER writes."""
    return b"".join(b"%08d\n" % number for number in range(size // 9 + 1))[:size]


def joined(folder: pathlib.Path, pattern: str) -> bytes:
    """Pieces of COUNTER's stream, put together by the numbers in them."""
    pieces = [path.read_bytes() for path in folder.glob(pattern)]
    return b"".join(sorted((piece for piece in pieces if piece), key=_position))


def _position(piece: bytes) -> int:
    end = piece.index(b"\n")
    return int(piece[end + 1 : end + 9] or 0) * 9 - end if len(piece) > end + 9 else int(piece[:end]) * 9


def renamed(old: pathlib.Path, new: pathlib.Path) -> bool:
    """Rename; False when there is no such file, as there is none for a moment in a rotation."""
    try:
        old.rename(new)
    except FileNotFoundError:
        return False
    return True


def size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0


def counter(daemon: Daemon, **options: object) -> dict[str, object]:
    """The options of a program that floods."""
    (daemon.dir / "counter.py").write_text(COUNTER)
    return {"command": "@python@ -I -S @dir@/counter.py @dir@/written", "stdout_logfile": "@dir@/flood",
            "redirect_stderr": True, "startsecs": 0, **options}


def drained(daemon: Daemon, child: Child) -> None:
    """Wait until all that a puppet wrote is in its log."""
    eventually(lambda: not unread(child.pid), "an empty pipe")
    daemon.call("getState")


def holds(folder: pathlib.Path, text: bytes) -> bool:
    """Whether a file in there has this text; files may be renamed meanwhile."""
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if text in path.read_bytes():
                return True
    return False


def warnings(daemon: Daemon, about: str) -> list[str]:
    return [line for line in daemon.log().splitlines() if about in line and " WARN " in line]


@pytest.mark.parametrize("merged", [False, True])
def test_every_byte_as_it_came(daemon: Daemon, merged: bool) -> None:
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out", "stderr_logfile": "@dir@/p.err",
                    "redirect_stderr": merged}, probe=None)
    child = daemon.child("p")
    for number in range(3):
        child.tell("out", ODD + str(number).encode())
        child.tell("err", b"err" + ODD)
    child.tell("exit", 0)
    daemon.wait_log("exited: p")
    out, err = b"".join(ODD + b"%d" % number for number in range(3)), b"err" + ODD
    if merged:
        assert (daemon.dir / "p.out").read_bytes() == b"".join(ODD + b"%d" % n + err for n in range(3))
    else:
        assert (daemon.dir / "p.out").read_bytes() == out
        assert (daemon.dir / "p.err").read_bytes() == err * 3


def test_each_byte_once_through_rotation_reopening_clearing_crashes_and_shutdown(daemon: Daemon) -> None:
    flood = daemon.dir / "flood"
    options = {"stdout_logfile_maxbytes": "200KB", "stdout_logfile_backups": 5000, "autorestart": True}
    daemon.start(flood=counter(daemon, **options), loglevel="info", probe=None)
    pid = daemon.wait_state("flood", "RUNNING")["pid"]
    for turn in range(9):
        target = size(daemon.dir / "flood.1") and len(list(daemon.dir.glob("flood.*"))) + 3
        eventually(lambda target=target: len(list(daemon.dir.glob("flood.*"))) > target, "rotation")
        if turn % 3 == 2:
            os.kill(pid, signal.SIGUSR1)
            eventually(lambda pid=pid: daemon.info("flood")["pid"] not in (0, pid), "a new process")
            pid = daemon.info("flood")["pid"]
        elif turn % 3:
            # What is cleared keeps a second name, under which it can still be counted.
            os.kill(pid, signal.SIGSTOP)
            eventually(lambda pid=pid: not unread(pid), "an empty pipe")
            daemon.call("getState")
            os.link(flood, daemon.dir / f"flood.cleared{turn}")
            daemon.call("clearProcessLogs", "flood")
            os.kill(pid, signal.SIGCONT)
        else:
            eventually(lambda turn=turn: renamed(flood, daemon.dir / f"flood.moved{turn}"), "a log to rename")
            daemon.signal(signal.SIGUSR2)
    assert daemon.info("flood")["pid"] == pid
    assert daemon.log().count("exited: flood (terminated by SIGKILL; not expected)") == 3
    assert daemon.stop() == 0
    written = int(daemon.read("written"))
    assert joined(daemon.dir, "flood*") == numbered(written)


@pytest.mark.parametrize("how", ["clear", "USR2", "rotation"])
def test_a_deleted_log_is_there_again(daemon: Daemon, how: str) -> None:
    log = daemon.dir / "p.out"
    maxbytes = 1000 if how == "rotation" else 0
    daemon.start(p={"startsecs": 0, "stdout_logfile": log, "stdout_logfile_maxbytes": maxbytes}, probe=None)
    child = daemon.child("p")
    child.tell("out", "before\n")
    drained(daemon, child)
    log.unlink()
    child.tell("out", "unseen\n")
    drained(daemon, child)
    if how == "clear":
        assert daemon.call("clearProcessLogs", "p")
    elif how == "USR2":
        daemon.signal(signal.SIGUSR2)
        daemon.wait_log("supervisord logreopen")
        daemon.call("getState")
    else:
        child.tell("out", "x" * 1000)
        drained(daemon, child)
    child.tell("out", "after\n")
    eventually(lambda: daemon.read("p.out") == "after\n", f"the log, not {daemon.read('p.out')!r}")


@pytest.mark.parametrize("maxbytes", [0, 3000])
def test_truncation_from_outside_leaves_no_hole(daemon: Daemon, maxbytes: int) -> None:
    log = daemon.dir / "p.out"
    daemon.start(p={"startsecs": 0, "stdout_logfile": log, "stdout_logfile_maxbytes": maxbytes,
                    "stdout_logfile_backups": 2}, probe=None)
    child = daemon.child("p")
    child.tell("out", "a" * 4000)  # with maxbytes this is a rotation
    child.tell("out", "b" * 2000)
    drained(daemon, child)
    os.truncate(log, 0)
    for letter in "cde":
        child.tell("out", letter * 900)
    drained(daemon, child)
    assert log.read_bytes() == b"c" * 900 + b"d" * 900 + b"e" * 900
    assert b"\0" not in b"".join(path.read_bytes() for path in daemon.dir.glob("p.out*"))


def test_the_activity_log_rotates_and_clears_amid_load(daemon: Daemon) -> None:
    daemon.start("".join(daemon.program(f"q{n}", command="/bin/echo hello", startsecs=0, autorestart="true")
                         for n in range(5)),
                 supervisord="logfile_maxbytes=20KB\nlogfile_backups=3", probe=None)
    eventually(lambda: size(daemon.dir / "supervisord.log.3"), "three backups")
    assert daemon.call("clearLog")
    eventually(lambda: size(daemon.logfile) > 5000, "more lines")
    daemon.call("stopAllProcesses")
    names = sorted(path.name for path in daemon.dir.glob("supervisord.log*"))
    assert names == ["supervisord.log", *(f"supervisord.log.{number}" for number in (1, 2, 3))]
    for name in names:
        assert size(daemon.dir / name) < 21 * 1024
        text = daemon.read(name)
        assert text.endswith("\n") and "\0" not in text


# Logs that cannot be written


def trouble(daemon: Daemon, log: pathlib.Path, **options: object) -> tuple[Child, Child]:
    """A program that writes to log, and one that has nothing to do with it."""
    daemon.start(p={"startsecs": 0, "stdout_logfile": log, "stdout_logfile_maxbytes": 0, **options},
                 well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None, loglevel="info")
    return daemon.child("p"), daemon.child("well")


def unharmed(daemon: Daemon, child: Child, well: Child) -> None:
    """Both live, the one without trouble has its output, and the trouble was told in one line."""
    well.tell("out", "fine\n")
    eventually(lambda: daemon.read("well").endswith("fine\n"), "the log of the other program")
    infos = {info["name"]: info["pid"] for info in daemon.call("getAllProcessInfo")}
    assert infos == {"p": child.pid, "well": well.pid}


@only_root
def test_a_full_file_system_is_told_once_and_recovered_from(daemon: Daemon) -> None:
    with small_disk(daemon.dir / "disk") as disk:
        log, ballast = disk / "p.out", disk / "ballast"
        child, well = trouble(daemon, log)
        ballast.write_bytes(b"x" * 40_000)
        for _ in range(20):
            child.tell("flood", 1, 100_000)
        unharmed(daemon, child, well)
        assert len(warnings(daemon, str(log))) == 1
        assert "No space left on device" in warnings(daemon, str(log))[0]
        ballast.unlink()
        os.truncate(log, 0)
        child.tell("out", "\n")
        child.tell("out", "here again\n")
        eventually(lambda: log.read_bytes().endswith(b"here again\n"), "the end of the trouble")
        daemon.wait_log("can be written again")  # told after the text is there
        assert b"\0" not in log.read_bytes()
        told = warnings(daemon, str(log))
        assert len(told) == 2 and "can be written again" in told[1]
        dropped = int(told[1].split("; ")[1].split()[0])
        assert 1_800_000 < dropped < 2_000_000
        unharmed(daemon, child, well)
        daemon.stop()


@can_trace
@pytest.mark.parametrize(("error", "reason"), [
    ("EDQUOT", "Disk quota exceeded; make room or raise the quota"), ("EIO", "Input/output error; check its device")])
def test_a_quota_and_a_broken_device_are_as_a_full_file_system(daemon: Daemon, error: str, reason: str) -> None:
    log = daemon.dir / "p.out"
    child, well = trouble(daemon, log)
    with failing(daemon.pid, "write", error, "1+", f"-P{log}"):
        for _ in range(20):
            child.tell("flood", 1, 100_000)
        unharmed(daemon, child, well)
        assert [reason in line for line in warnings(daemon, str(log))] == [True]
    child.tell("out", "\nhere again\n")
    eventually(lambda: daemon.read("p.out").endswith("here again\n"), "the end of the trouble")
    daemon.wait_log("can be written again")  # told after the text is there
    told = warnings(daemon, str(log))
    assert len(told) == 2 and "can be written again" in told[1]
    dropped = int(told[1].split("; ")[1].split()[0])
    assert size(log) + dropped == 2_000_012


def test_a_file_size_limit_of_the_daemon(daemon: Daemon) -> None:
    log = daemon.dir / "p.out"
    child, well = trouble(daemon, log)
    soft, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (100_000, hard))
    for _ in range(5):
        child.tell("flood", 1, 100_000)
    unharmed(daemon, child, well)
    assert size(log) <= 100_000
    assert len(warnings(daemon, str(log))) == 1 and "File too large" in warnings(daemon, str(log))[0]
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (soft, hard))
    child.tell("out", "\nhere again\n")
    eventually(lambda: daemon.read("p.out").endswith("here again\n"), "the end of the trouble")
    assert "\0" not in daemon.read("p.out")


def test_a_folder_that_is_gone_when_rotation_is_due(daemon: Daemon) -> None:
    folder = daemon.dir / "logs"
    folder.mkdir()
    log = folder / "p.out"
    child, well = trouble(daemon, log, stdout_logfile_maxbytes=1000)
    child.tell("out", "x" * 500)
    drained(daemon, child)
    log.unlink()
    folder.rmdir()
    for _ in range(10):
        child.tell("flood", 1, 50_000)
    drained(daemon, child)
    unharmed(daemon, child, well)
    assert len(warnings(daemon, str(log))) == 1
    folder.mkdir()
    daemon.signal(signal.SIGUSR2)
    child.tell("out", "\nhere again\n")
    eventually(lambda: holds(folder, b"here again\n"), "the log")
    unharmed(daemon, child, well)


@only_root
def test_a_folder_that_is_read_only_when_rotation_is_due(daemon: Daemon) -> None:
    with small_disk(daemon.dir / "disk", "1m") as disk:
        log = disk / "p.out"
        child, well = trouble(daemon, log, stdout_logfile_maxbytes=10_000)
        # Writing to what is open goes on, renaming does not.
        subprocess.run(["mount", "--bind", str(disk), str(disk)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
            for _ in range(10):
                child.tell("flood", 1, 5_000)
            drained(daemon, child)
            unharmed(daemon, child, well)
            assert len(warnings(daemon, str(log))) == 1 and "cannot rotate" in warnings(daemon, str(log))[0]
            assert size(log) == 50_000
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
        daemon.signal(signal.SIGUSR2)
        daemon.wait_log("supervisord logreopen")
        eventually(lambda: child.tell("flood", 1, 1000) or size(disk / "p.out.1") > 0, "a rotation")
        daemon.stop()


@only_root
def test_a_file_system_that_is_read_only(daemon: Daemon) -> None:
    with small_disk(daemon.dir / "disk", "1m") as disk:
        log = disk / "p.out"
        child, well = trouble(daemon, log, startretries=0)
        log.unlink()  # so that nothing keeps it from becoming read-only but its open descriptor
        daemon.call("stopProcess", "p")
        remount(disk, "ro")
        daemon.fault("startProcess", "p")
        assert "EROFS" in daemon.info("p")["spawnerr"]
        remount(disk, "rw")
        assert daemon.call("startProcess", "p")
        child = daemon.child("p")
        child.tell("out", "fine\n")
        unharmed(daemon, child, well)
        daemon.stop()


def make_odd(kind: str, path: pathlib.Path) -> None:
    """Something at path that is no file."""
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to(path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "loop"])
def test_something_else_takes_the_place_of_a_log(daemon: Daemon, kind: str) -> None:
    log = daemon.dir / "p.out"
    child, well = trouble(daemon, log)
    child.tell("out", "before\n")
    drained(daemon, child)
    log.unlink()
    make_odd(kind, log)
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log("supervisord logreopen")
    for _ in range(5):
        child.tell("flood", 1, 100_000)
    drained(daemon, child)
    unharmed(daemon, child, well)
    assert len(warnings(daemon, str(log))) == 1
    log.rmdir() if kind == "folder" else log.unlink()
    child.tell("out", "nowhere\n")
    drained(daemon, child)
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log("supervisord logreopen", 2)
    daemon.call("getState")
    assert log.stat().st_mode & 0o777 == 0o644
    child.tell("out", "\nhere again\n")
    eventually(lambda: daemon.read("p.out").endswith("here again\n"), "the log")
    daemon.wait_log("can be written again")  # told after the text is there
    assert len(warnings(daemon, str(log))) == 2


@pytest.mark.parametrize("kind", ["folder", "socket", "loop"])
def test_a_log_that_cannot_be_opened_fails_the_start_of_its_program_alone(daemon: Daemon, kind: str) -> None:
    make_odd(kind, daemon.dir / "p.out")
    daemon.start(p={"stdout_logfile": "@dir@/p.out", "startretries": 0},
                 well={"startsecs": 0, "stdout_logfile": "@dir@/well"}, probe=None)
    reasons = {"folder": "EISDIR", "socket": "ENXIO", "loop": "ELOOP"}
    daemon.wait_state("well", "RUNNING")
    level = fds(daemon.pid)
    assert daemon.wait_state("p", "FATAL")["spawnerr"].endswith(f"'p': {reasons[kind]}")
    assert fds(daemon.pid) <= level


def test_a_fifo_that_nobody_reads_delays_nothing(daemon: Daemon) -> None:
    log = daemon.dir / "p.out"
    os.mkfifo(log)
    child, well = trouble(daemon, log)
    for _ in range(5):
        child.tell("flood", 1, 100_000)
    unharmed(daemon, child, well)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    try:
        got = b""
        child.tell("out", "\nhello\n")
        while not got.endswith(b"\nhello\n"):
            assert select.select([reader], [], [], DEADLINE)[0], "nothing comes"
            got += os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    for _ in range(5):
        child.tell("flood", 1, 100_000)
    unharmed(daemon, child, well)


@only_root
def test_the_file_system_of_the_activity_log_is_full(daemon: Daemon) -> None:
    with small_disk(daemon.dir / "disk") as disk:
        log, ballast = disk / "main.log", disk / "ballast"
        text = daemon.configure("".join(daemon.program(f"q{n}", command="/bin/true", startsecs=0, autostart=False)
                                        for n in range(20)), supervisord="logfile_maxbytes=0", probe=None)
        daemon.conf.write_text(text.replace(str(daemon.logfile), str(log)))
        daemon.launch()
        ballast.write_bytes(b"x" * 57_000)
        names = [f"q{n}" for n in range(20)]
        while os.statvfs(disk).f_bavail or size(log) % 4096:
            assert daemon.call("startProcess", "q0")
            eventually(lambda: daemon.state("q0") == "EXITED", "its end")
        for name in names:
            assert daemon.call("startProcess", name)
            eventually(lambda name=name: daemon.state(name) == "EXITED", "its end")
        assert daemon.call("getState")["statename"] == "RUNNING"
        assert daemon.read("err") == ""
        ballast.unlink()
        daemon.call("startProcess", "q0")
        eventually(lambda: "can be written again" in log.read_text(), "logging resumed")
        assert log.read_text().count("cannot write to log") <= 1
        assert "\0" not in log.read_text()
        assert daemon.read("err") == ""
        daemon.stop()


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/dev/stderr"])
def test_the_reader_of_standard_output_goes_away(daemon: Daemon, path: str) -> None:
    daemon.configure(p={"startsecs": 0, "stdout_logfile": path}, well={"startsecs": 0, "stdout_logfile": "@dir@/well"},
                     probe=None, loglevel="info")
    ours, theirs = os.pipe()
    process = subprocess.Popen([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
                               stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=daemon.dir,
                               env=daemon.environment(), start_new_session=True)
    os.close(theirs)
    try:
        child, well = daemon.child("p"), daemon.child("well")
        child.tell("out", "a line with default options\n")
        got = b""
        while b"a line with default options\n" not in got:
            assert select.select([ours], [], [], DEADLINE)[0]
            got += os.read(ours, 1 << 16)
        assert b"seek" not in got and "seek" not in daemon.log()
        os.close(ours)
        for _ in range(5):
            child.tell("flood", 1, 100_000)
        unharmed(daemon, child, well)
        # One place, however many write to it: the copy of this log on stdout is not worth a line, the program's is.
        eventually(lambda: warnings(daemon, "/dev/std"), "a line about the trouble")
        assert len(warnings(daemon, "/dev/")) == 1
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0


# Stages


def test_pieces_of_markers_are_ordinary_output(daemon: Daemon) -> None:
    begin, end = b"<!--XSUPERVISOR:BEGIN-->", b"<!--XSUPERVISOR:END-->"
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out", "stdout_capture_maxbytes": 1000},
                 probe="PROCESS_COMMUNICATION")
    child = daemon.child("p")
    ordinary = end + b"stray " + begin[:10] + b" piece " + begin[:-1] + b"\n" + end
    for byte in ordinary:
        child.ask("out", bytes([byte]))
    for _ in ordinary:
        child.answer()
    drained(daemon, child)
    assert (daemon.dir / "p.out").read_bytes() == ordinary
    child.tell("out", begin + b"x" * 500_000)  # never closed
    drained(daemon, child)
    before = memory(daemon.pid)
    child.tell("flood", 1, 20 * MEGABYTE)
    drained(daemon, child)
    assert memory(daemon.pid) - before < MEGABYTE
    child.tell("out", "y" * 1001 + "z")
    child.tell("out", end + b"behind" + begin[:7])
    assert daemon.wait_event("PROCESS_COMMUNICATION_STDOUT").data == "y" * 999 + "z"
    child.tell("exit", 0)
    daemon.wait_log("exited: p")
    assert (daemon.dir / "p.out").read_bytes() == ordinary + b"behind" + begin[:7]


def test_strip_ansi_takes_sequences_split_anywhere_and_eats_no_text(daemon: Daemon) -> None:
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out"}, supervisord="strip_ansi=true", probe=None)
    child = daemon.child("p")
    text = b"\x1b[1;31mred\x1b[0m [1m plain \x1b[2Kline\x1b[5n\x1b[3Gcolumn\n"
    for byte in text:
        child.tell("out", bytes([byte]))
        drained(daemon, child)
    child.tell("out", text)
    child.tell("exit", 0)
    daemon.wait_log("exited: p")
    assert (daemon.dir / "p.out").read_bytes() == b"red [1m plain linecolumn\n" * 2


@pytest.mark.parametrize("stage", [{}, {"stdout_capture_maxbytes": "1MB"}, {"stdout_events_enabled": True}])
def test_a_line_of_many_megabytes(daemon: Daemon, stage: dict[str, object]) -> None:
    daemon.start(p={"startsecs": 0, "stdout_logfile": "@dir@/p.out", "stdout_logfile_maxbytes": 0, **stage},
                 probe=None, loglevel="info")
    child = daemon.child("p")
    daemon.call("getAllProcessInfo")
    before = memory(daemon.pid)
    child.tell("flood", 1, 60 * MEGABYTE, "x" * 1000)
    drained(daemon, child)
    assert size(daemon.dir / "p.out") == 60 * MEGABYTE
    assert memory(daemon.pid) - before < 20 * MEGABYTE


# Reading back


def test_any_offset_and_length_gives_data_or_a_fault(daemon: Daemon) -> None:
    (daemon.dir / "p.out").write_bytes(ODD * 50 + "äöü€".encode() * 20)
    daemon.start(p={"autostart": False, "stdout_logfile": "@dir@/p.out"}, probe=None, inet=None)
    numbers = [0, 1, -1, 7, -7, 100_000, -100_000, 2**31 - 1, -(2**31)]
    multicall = [{"methodName": f"supervisor.{method}", "params": ["p", offset, length]}
                 for method in ("readProcessStdoutLog", "tailProcessStdoutLog") for offset in numbers
                 for length in numbers]
    answers = daemon.call("system.multicall", multicall)
    for call, answer in zip(multicall, answers, strict=True):
        if isinstance(answer, dict):
            assert answer["faultCode"] in (2, 3, 10, 30), (call, answer)
        else:
            text = answer if isinstance(answer, str) else answer[0]
            assert isinstance(text, str), (call, answer)
    assert daemon.ctl("tail", "-100", "p").returncode == 0
    assert "\x1b" not in daemon.ctl("tail", "-100000", "p").stdout


def test_a_log_of_any_size_costs_little_to_read(daemon: Daemon) -> None:
    log = daemon.dir / "p.out"
    log.touch()
    os.truncate(log, 3 << 30)
    with open(log, "ab") as file:
        file.write(b"the end\n")
    daemon.start(p={"autostart": False, "stdout_logfile": log, "stdout_logfile_maxbytes": 0}, probe=None)
    daemon.call("getAllProcessInfo")
    before = memory(daemon.pid)
    for method, offset, length in [("readProcessStdoutLog", 0, 0), ("tailProcessStdoutLog", 0, 2**31 - 1),
                                   ("readProcessStdoutLog", -(2**31 - 1), 0), ("readProcessStdoutLog", 5, 2**31 - 1)]:
        try:
            answer = daemon.call(method, "p", offset, length)
        except xmlrpc.client.Fault as fault:
            assert method != "tailProcessStdoutLog" and fault.faultCode == 30, fault
            continue
        if method == "tailProcessStdoutLog":
            assert answer[0].endswith("the end\n") and answer[1] == 2**31 - 1 and answer[2] is True
    assert memory(daemon.pid) - before < 100 * MEGABYTE


def test_followers_hear_of_everything_and_keep_nothing_open(daemon: Daemon) -> None:
    log = daemon.dir / "p.out"
    daemon.start(p={"startsecs": 0, "stdout_logfile": log, "stdout_logfile_maxbytes": 1000,
                    "stdout_logfile_backups": 2}, probe=None, inet="")
    child = daemon.child("p")
    daemon.call("getState")
    level = fds(daemon.pid)
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE) as client:
        client.sendall(b"GET /logtail/p HTTP/1.0\r\nHost: localhost\r\n\r\n")
        got = b""

        def until(what: bytes) -> None:
            nonlocal got
            while what not in got:
                piece = client.recv(1 << 16)
                assert piece, got[-200:]
                got += piece

        def rotated() -> None:
            child.tell("out", b"r" * 1000)
            eventually(lambda: size(log) < 1000, "rotation")

        def cleared() -> None:
            daemon.call("clearProcessLogs", "p")

        def truncated() -> None:
            os.truncate(log, 0)

        def deleted() -> None:
            log.unlink()
            daemon.signal(signal.SIGUSR2)
            eventually(log.exists, "a new log")

        for number, step in enumerate((rotated, cleared, truncated, deleted)):
            step()
            word = f"word{'.' * (9 - number)}\n"
            child.tell("out", word)
            until(word.encode())
        assert b"text/plain" in got
        opened = [os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{daemon.pid}/fd")]
        assert not [name for name in opened if "deleted" in name or name.endswith((".1", ".2"))]
    eventually(lambda: fds(daemon.pid) == level, "descriptors as before")
