"""Following logs."""

from __future__ import annotations

import os
import pathlib
import socket
import types
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor.engine.system import System
from supervisor.http import channel as channel_module
from supervisor.http.handlers import logtail
from supervisor.http.handlers.logtail import logtail_handler, mainlogtail_handler
from supervisor.logfile import LogFile
from tests.http_site import Client, Site
from tests.http_site import site as make_site


class Logs:
    """A site that serves one program's log."""

    def __init__(self, site: Site, folder: pathlib.Path) -> None:
        self.site = site
        self.path = folder / "a.log"
        config = types.SimpleNamespace(stdout_logfile=str(self.path), stderr_logfile=None)
        process = types.SimpleNamespace(config=config)
        supervisord: Any = types.SimpleNamespace(
            process_groups={"a": types.SimpleNamespace(processes={"a": process}),
                            "g": types.SimpleNamespace(processes={"é x": process})},
            options=types.SimpleNamespace(logfile=str(self.path)))
        site.server.install_handler(mainlogtail_handler(supervisord))
        site.server.install_handler(logtail_handler(supervisord))

    def log(self, maxbytes: int = 0, backups: int = 0) -> LogFile:
        log = LogFile(str(self.path), maxbytes, backups, system=System(), clock=self.site.clock, report=print)
        log.open()
        return log

    def follow(self, path: str = "/logtail/a", window: int = 0) -> Client:
        client = self.site.connect(window)
        client.get(path, version="1.0")
        head, _, client.data = client.read(b"\r\n\r\n").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 OK"), head
        return client


@pytest.fixture
def logs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    monkeypatch.setattr(channel_module, "HALF_CLOSED", 0.02)
    with make_site() as site:
        yield Logs(site, tmp_path)
        for client in site.clients:
            client.close()
        site.until(lambda: not site.server.channels)
        assert not logtail._Watch._all


def test_headers_and_framing(logs: Logs) -> None:
    logs.path.write_bytes(b"x" * 2000 + b"<b>last")
    client = logs.site.connect()
    client.get("/logtail/a")
    data = client.read(b"last")
    head, _, body = data.partition(b"\r\n\r\n")
    for line in (b"Content-Type: text/plain;charset=utf-8", b"Transfer-Encoding: chunked", b"X-Accel-Buffering: no",
                 b"X-Content-Type-Options: nosniff"):
        assert line in head
    assert b"Last-Modified: " in head and b"Content-Length" not in head
    assert body == b"400\r\n" + b"x" * 1017 + b"<b>last\r\n" or body == b"400\r\n" + b"x" * 1017 + b"<b>last"


@pytest.mark.parametrize("path", ["/logtail/a", "/logtail/a/stdout", "/logtail/a:a", "/logtail/g:%C3%A9%20x",
                                  "/logtail/a?x=1", "/mainlogtail", "/mainlogtail/"])
def test_what_can_be_followed(logs: Logs, path: str) -> None:
    logs.path.write_bytes(b"here")
    assert logs.follow(path).read(b"here")


@pytest.mark.parametrize("path, status", [
    (path, 404) for path in ("/logtail", "/logtail/", "/logtail/b", "/logtail/A", "/logtail/g", "/logtail/g:*",
                             "/logtail/a/stderr", "/logtail/a/STDOUT", "/logtail/a/", "/logtail/a/stdout/x",
                             "/logtail/%00", "/logtail/:")
])
def test_what_cannot(logs: Logs, path: str, status: int) -> None:
    logs.path.write_bytes(b"here")
    client = logs.site.connect()
    client.get(path)
    assert client.read(b"</body>").startswith(b"HTTP/1.1 %d " % status)


def test_other_paths_and_methods(logs: Logs) -> None:
    client = logs.site.connect()
    client.get("/logtailx/a")
    assert client.read(b"\r\n\r\n/logtailx/a")
    client.send(b"POST /logtail/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    assert b"\r\nAllow: GET\r\n" in client.read(b"</body>")


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_logs_that_are_no_files(logs: Logs, kind: str) -> None:
    if kind == "folder":
        logs.path.mkdir()
    elif kind == "pipe":
        os.mkfifo(logs.path)
    client = logs.site.connect()
    client.get("/logtail/a")
    assert client.read(b"</body>").startswith(b"HTTP/1.1 404 ")


def test_nothing_is_in_dev_null_and_it_can_be_followed(logs: Logs) -> None:
    logs.path.symlink_to(os.devnull)
    client = logs.follow()
    logs.path.unlink()
    logs.path.write_bytes(b"a file now")
    assert client.read(b"now") == b"a file now"


def test_growth_by_us_wakes_at_once(logs: Logs) -> None:
    log = logs.log()
    client = logs.follow()
    log.write(b"one")
    logs.site.turns(2)
    client.receive()
    assert client.data == b"one"
    log.close()


def test_growth_by_others_is_seen_soon(logs: Logs) -> None:
    logs.path.write_bytes(b"")
    client = logs.follow()
    logs.path.write_bytes(b"one")
    logs.site.clock.ahead += 1
    assert client.read(b"one") == b"one"


@pytest.mark.parametrize("backups", [1, 3, 50])
def test_rotation_loses_and_repeats_nothing(logs: Logs, backups: int) -> None:
    """As long as the client keeps up."""
    log = logs.log(1000, backups)
    client = logs.follow()
    lines = [b"%06d\n" % n for n in range(2000)]
    for n, line in enumerate(lines):
        log.write(line)
        if n % 7 == 0:
            logs.site.turns(1)
    assert client.read(lines[-1]) == b"".join(lines)
    log.close()


@pytest.mark.parametrize("every", [1, 7, 200])
def test_without_backups_a_client_that_keeps_up_misses_nothing(logs: Logs, every: int) -> None:
    """The file is truncated when it is full: what was in it was read before that."""
    log = logs.log(1000, 0)
    client = logs.follow()
    lines = [b"%06d\n" % n for n in range(1000)]
    for n, line in enumerate(lines):
        log.write(line)
        if n % every == 0:
            logs.site.turns(1)
    log.write(b"end\n")
    assert client.read(b"end\n").replace(b"==> File truncated <==\n", b"") == b"".join(lines) + b"end\n"
    log.close()


def test_many_rotations_in_one_turn(logs: Logs) -> None:
    """The rotated files are still there: they are read in order."""
    log = logs.log(1000, 50)
    client = logs.follow()
    lines = [b"%06d\n" % n for n in range(5000)]
    for line in lines:
        log.write(line)
    assert client.read(lines[-1]) == b"".join(lines)
    log.close()


def test_clearing(logs: Logs) -> None:
    log = logs.log()
    log.write(b"before\n")
    client = logs.follow()
    assert client.read(b"before\n")
    log.write(b"drained\n")
    log.clear()
    log.write(b"after\n")
    assert client.read(b"after\n") == b"drained\nafter\n"
    log.close()


def test_truncation_is_told(logs: Logs) -> None:
    logs.path.write_bytes(b"before\n")
    client = logs.follow()
    assert client.read(b"before\n")
    os.truncate(logs.path, 0)
    with logs.path.open("ab") as file:
        file.write(b"new\n")
    logs.site.clock.ahead += 1
    assert client.read(b"new\n") == b"==> File truncated <==\nnew\n"


def test_truncation_that_is_outgrown_at_once_is_told_too(logs: Logs) -> None:
    log = logs.log()
    log.write(b"before\n")
    client = logs.follow()
    assert client.read(b"before\n")
    os.truncate(logs.path, 0)
    log.write(b"")
    logs.site.turns(2)
    log.write(b"longer than before\n")
    assert client.read(b"than before\n") == b"==> File truncated <==\nlonger than before\n"
    log.close()


def test_deleted_and_made_again(logs: Logs) -> None:
    logs.path.write_bytes(b"before\n")
    client = logs.follow()
    assert client.read(b"before\n")
    logs.path.unlink()
    logs.site.clock.ahead += 1
    logs.site.turns(3)
    logs.path.write_bytes(b"again\n")
    logs.site.clock.ahead += 1
    assert client.read(b"again\n") == b"again\n"


def test_a_stalled_client_holds_nothing_and_catches_up(logs: Logs) -> None:
    log = logs.log()
    client = logs.follow(window=65536)
    piece = bytes(range(256)) * 256
    for _ in range(150):
        log.write(piece)
        logs.site.turns(1)
    (channel,) = logs.site.server.channels
    assert not channel.keeps_up
    assert channel._outbox.size < 300_000
    assert client.read_size(len(piece) * 150) == piece * 150
    log.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system holds what it wants")
def test_the_kernel_holds_little_for_a_client_that_does_not_read(logs: Logs) -> None:
    log = logs.log()
    client = logs.follow(window=65536)
    for _ in range(150):
        log.write(b"x" * 65536)
        logs.site.turns(1)
    client.receive()  # while the server does nothing
    assert len(client.data) < 600_000
    log.close()


def test_one_look_a_second_for_all_who_follow(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.path.write_bytes(b"x")
    clients = [logs.follow() for _ in range(5)]
    for client in clients:
        client.read_size(1)
    logs.site.turns()
    looks, stat = [], os.stat

    def look(path: str) -> os.stat_result:
        looks.append(path)
        return stat(path)

    with monkeypatch.context() as patch:
        patch.setattr(logtail.os, "stat", look)
        logs.site.clock.ahead += 1
        logs.site.turns()
    assert looks == [str(logs.path)]


def test_following_costs_no_descriptor_afterwards(logs: Logs) -> None:
    log = logs.log(1000, 2)
    client = logs.follow()
    for n in range(500):
        log.write(b"%06d\n" % n)
        logs.site.turns(1)
    client.read(b"000499\n")
    client.sock.close()
    logs.site.until(lambda: not logs.site.server.channels)
    log.close()
