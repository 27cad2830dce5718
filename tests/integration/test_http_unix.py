"""Local sockets: how their names appear, are kept and go."""

from __future__ import annotations

import os
import pathlib
import socket
import stat
from collections.abc import Iterator

import pytest

from supervisor.http import unixserver
from supervisor.http.listener import CannotListen, supervisor_af_inet_http_server
from supervisor.http.unixserver import supervisor_af_unix_http_server
from tests.fakes import FakeLog
from tests.http_site import MakeServer, Site, site

NOBODY = (-1, -1)


@pytest.fixture
def path(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A name in the working directory, so that long temporary folders do not matter."""
    monkeypatch.chdir(tmp_path)
    yield "s.sock"
    assert os.listdir(tmp_path) in ([], ["s.sock"])


def unix(path: str, mode: int = 0o700, owner: tuple[int, int] = NOBODY) -> MakeServer:
    return lambda loop, log: supervisor_af_unix_http_server(path, mode, owner, loop, log)


@pytest.mark.parametrize("mode", [0o700, 0o770, 0o666, 0o600])
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_it_has_its_mode_from_the_first_moment(
    path: str, mode: int, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    bind = socket.socket.bind

    class Watched(socket.socket):
        def bind(self, name: str) -> None:  # type: ignore[override]
            bind(self, name)
            seen.append(stat.S_IMODE(os.lstat(name).st_mode))

    monkeypatch.setattr(unixserver.socket, "socket", Watched)
    before = os.umask(umask)
    try:
        with site(unix(path, mode)):
            seen.append(stat.S_IMODE(os.lstat(path).st_mode))
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert seen == [mode, mode]
    assert not os.path.exists(path)


def test_it_answers_and_nothing_else_is_left_in_the_folder(path: str) -> None:
    with site(unix(path)) as made:
        assert os.listdir(".") == [path]
        client = made.connect()
        client.get("/a")
        client.read(b"/a")
        started, access = [text for _, text in made.log.lines]
        assert access.startswith("localhost:0 - - [")
        assert started.endswith(f"\n\tHostname: <unix domain socket>\n\tPort:{path}")


def test_a_dead_socket_gives_way(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(path)
    dead.close()
    with site(unix(path)) as made:
        assert capsys.readouterr().err == f"Unlinking stale socket {path}\n"
        client = made.connect()
        client.get("/a")
        client.read(b"/a")


def test_a_living_one_does_not(path: str) -> None:
    with site(unix(path)) as made:
        with pytest.raises(CannotListen, match="^Another program is already listening on a port that one of our"):
            Site(unix(path))
        client = made.connect()
        client.get("/a")
        client.read(b"/a")


def test_nor_one_that_lives_and_never_answers(path: str) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(0)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    waiting.connect(path)
    with pytest.raises(CannotListen, match="Another program"):
        Site(unix(path))
    waiting.close()
    listener.close()
    os.unlink(path)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_stays(path: str, kind: str) -> None:
    if kind == "file":
        pathlib.Path(path).write_text("precious")
    elif kind == "folder":
        os.mkdir(path)
    else:
        os.symlink("nowhere", path)
    with pytest.raises(CannotListen, match=rf"^Cannot open an HTTP server: .* errno.EEXIST \(17\): {path}$"):
        Site(unix(path))
    assert os.path.lexists(path)
    if kind == "file":
        assert pathlib.Path(path).read_text() == "precious"


def test_paths_that_cannot_be(path: str) -> None:
    with pytest.raises(CannotListen, match=r"errno.ENOENT \(2\): nowhere/x$"):
        Site(unix("nowhere/x"))
    with pytest.raises(CannotListen, match="socket.error reported AF_UNIX path too long: xxx"):
        Site(unix("x" * 108))


@pytest.mark.parametrize("length", [100, 107])
def test_the_longest_paths(path: str, length: int) -> None:
    name = "x" * length
    with site(unix(name)):
        assert os.listdir(".") == [name]
    assert os.listdir(".") == []


def test_at_the_end_a_name_that_is_another_ones_stays(path: str) -> None:
    with site(unix(path)):
        os.unlink(path)
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        other.bind(path)
        other.close()
    assert os.path.exists(path)


def test_failures_name_the_server(path: str) -> None:
    with site(unix(path)) as made:
        made.server.log_failure(ValueError("why"))
        assert made.server.where == path
        assert made.log.lines[-1] == ("error", f"{path}:Server Error: <class 'ValueError'>, why: file: ? line: 0")


def test_a_name_that_was_swept_away_is_made_anew(path: str) -> None:
    with site(unix(path, 0o770)) as made:
        kept, waiting = made.connect(), made.connect()
        os.unlink(path)
        made.until(lambda: os.path.exists(path))
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o770
        for client in (kept, waiting, made.connect()):
            client.get("/a")
            client.read(b"/a")
        assert [text for level, text in made.log.lines if level == "warn"] == [
            f"unix socket {path} was removed by somebody; made anew"]
        os.unlink(path)
        made.until(lambda: os.path.exists(path))
    assert not os.path.exists(path)


def test_chown_that_is_refused_names_all(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **kw: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(unixserver.os, "chown", refused)
    log = FakeLog()
    with pytest.raises(CannotListen) as info:
        supervisor_af_unix_http_server(path, 0o700, (12, 34), None, log)  # type: ignore[arg-type]
    assert str(info.value).startswith(
        f'Not permitted to chown {path} to uid/gid (12, 34); adjust "sockchown" value in config file or on command '
        "line to values that the current user (")
    assert not os.path.exists(path)


def test_chown(path: str) -> None:
    owner = (os.geteuid(), os.getegid())
    with site(unix(path, owner=owner)):
        assert (os.lstat(path).st_uid, os.lstat(path).st_gid) == owner


def test_tcp_in_use() -> None:
    with site() as made, pytest.raises(CannotListen, match="^Another program is already listening"):
        supervisor_af_inet_http_server("127.0.0.1", int(made.server.port), made.loop, made.log)


@pytest.mark.parametrize("host, family", [
    ("", socket.AF_INET), ("localhost", socket.AF_INET), ("::1", socket.AF_INET6), ("[::1]", socket.AF_INET6),
])
def test_tcp_addresses(host: str, family: int) -> None:
    with site(lambda loop, log: supervisor_af_inet_http_server(host, 0, loop, log)) as made:
        assert made.server.socket.family == family
        client = made.connect()
        client.get("/a")
        client.read(b"/a")


def test_tcp_address_of_somebody_else() -> None:
    with pytest.raises(CannotListen, match=r"reported errno.EADDRNOTAVAIL \(99\): 192.0.2.1:1$"):
        Site(lambda loop, log: supervisor_af_inet_http_server("192.0.2.1", 1, loop, log))
