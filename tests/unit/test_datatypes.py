"""Converters: what they take, what they refuse and in which words."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import stat
from typing import Any

import pytest

from supervisor import datatypes as d


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("integer", " 1_0 ", 10),
        ("boolean", "YES", True),
        ("boolean", False, False),
        ("byte_size", "1KB", 1024),
        ("byte_size", "-2 mb", -2 * 1024 * 1024),
        ("octal_type", "0o22", 0o22),
        ("list_of_strings", "a, b,,", ["a", "b", "", ""]),
        ("list_of_strings", None, []),
        ("list_of_ints", "1, 2", [1, 2]),
        ("list_of_exitcodes", "", []),
        ("list_of_exitcodes", " 0, 255", [0, 255]),
        ("auto_restart", "TRUE", d.RestartUnconditionally),
        ("auto_restart", "unexpected", d.RestartWhenExitUnexpected),
        ("auto_restart", "no", False),
        ("logging_level", "WARN", 30),
        ("signal_number", " term ", signal.SIGTERM),
        ("signal_number", "SIGRTMIN+1", signal.SIGRTMIN + 1),
        ("signal_number", "rtmax-1", signal.SIGRTMAX - 1),
        ("signal_number", "35", 35),
        ("signal_number", 2.0, 2),
        ("signal_number", 0, 0),
        ("process_or_group_name", " a ", "a"),
        ("process_or_group_name", "", ""),
        ("profile_options", "calls,callers", (["calls"], True)),
        ("logfile_name", "OFF", None),
        ("logfile_name", "Auto", d.Automatic),
        ("logfile_name", "syslog", d.Syslog),
        ("logfile_name", "", ""),
        ("existing_dirpath", "./x", "./x"),
        ("name_to_uid", "0", 0),
        ("name_to_gid", "root", 0),
        ("colon_separated_user_group", "root:0", (0, 0)),
        ("colon_separated_user_group", "root", (0, -1)),
        ("inet_address", "9001", ("", 9001)),
        ("inet_address", "*:9001", ("", 9001)),
        ("inet_address", "HOST:9001", ("host", 9001)),
        ("inet_address", "[::1]:9001", ("::1", 9001)),
        ("inet_address", "::1:9001", ("::1", 9001)),
        ("port_number", "5", 5),
        ("url", "unix:///x", "unix:///x"),
        ("url", "http://h", "http://h"),
    ],
)
def test_taken(name: str, text: Any, value: Any) -> None:
    assert getattr(d, name)(text) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("integer", "x", "invalid literal for int() with base 10: 'x'"),
        ("boolean", "", "not a valid boolean value: ''"),
        ("byte_size", "1TB", "invalid literal for int() with base 10: '1tb'"),
        ("byte_size", "1.5MB", "invalid literal for int() with base 10: '1.5'"),
        ("byte_size", "KB", "invalid literal for int() with base 10: ''"),
        ("octal_type", "9", "9 can not be converted to an octal type"),
        ("list_of_strings", ["x"], "not a valid list of strings: ['x']"),
        ("list_of_ints", "a", "not a valid list of ints: 'a'"),
        ("list_of_exitcodes", "0,,2", "not a valid list of exit codes: '0,,2'"),
        ("list_of_exitcodes", "256", "not a valid list of exit codes: '256'"),
        ("auto_restart", "maybe", "invalid 'autorestart' value 'maybe'"),
        ("logging_level", "warning", "bad logging level name 'warning'"),
        ("signal_number", "", "value '' is not a valid signal name"),
        ("signal_number", "SIG_IGN", "value 'SIG_IGN' is not a valid signal name"),
        ("signal_number", "2.0", "value '2.0' is not a valid signal name"),
        ("signal_number", "-9", "value '-9' is not a valid signal number"),
        ("signal_number", 65, "value 65 is not a valid signal number"),
        ("process_or_group_name", "a b", "Invalid name: 'a b' because of character: ' '"),
        ("process_or_group_name", "a:b", "Invalid name: 'a:b' because of character: ':'"),
        ("existing_directory", "/nope", "/nope is not an existing directory"),
        ("existing_dirpath", "/nope/x", "The directory named as part of the path /nope/x does not exist"),
        ("name_to_uid", "nope", "Invalid user name nope"),
        ("name_to_uid", "99999", "Invalid user id 99999"),
        ("name_to_gid", "nope", "Invalid group name nope"),
        ("name_to_gid", "99999", "Invalid group id 99999"),
        ("colon_separated_user_group", "a:b:c", "Invalid user:group definition a:b:c"),
        ("inet_address", "abc", "not a valid port number: 'abc' "),
        ("inet_address", "0", "not a valid port number: '0' "),
        ("inet_address", "a:", "no port number specified in ''"),
        ("inet_address", "a:0", "0 is below lower bound (1)"),
        ("inet_address", ":70000", "70000 is above upper bound (65535)"),
        ("url", "foo", "value 'foo' is not a URL"),
        ("url", "unix://", "value 'unix://' is not a URL"),
    ],
)
def test_refused(name: str, text: Any, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        getattr(d, name)(text)
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("A=1,B=2", {"A": "1", "B": "2"}),
        ("A=1,", {"A": "1"}),
        ('A=""', {"A": ""}),
        ('A="a\\"b"', {"A": 'a"b'}),
        ("A='it''s'", {"A": "its"}),
        ("A=a\\b", {"A": "ab"}),
        ('"A B"=1', {"A B": "1"}),
        ("A=1,A=2", {"A": "2"}),
        ("A=/usr/bin:a-b.c+d(e)", {"A": "/usr/bin:a-b.c+d(e)"}),
        ("A = é ,\n  B='x, y'", {"A": "é", "B": "x, y"}),
        ("HOSTS=*,B=1", {"HOSTS": "*", "B": "1"}),
        ("A=~,%=@", {"A": "~", "%": "@"}),
        ("A=,", {"A": ","}),
    ],
)
def test_key_value_pairs(text: str, value: dict[str, str]) -> None:
    assert d.dict_of_key_value_pairs(text) == value


@pytest.mark.parametrize("text", ["A", "A=", "A=1,B", "A=1,,B=2", "A=,B=1", "A=a=b", "A={x}"])
def test_unfinished_pairs(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        d.dict_of_key_value_pairs(text)
    assert str(refusal.value).startswith(f"Unexpected end of key/value pairs in value {text!r}")


@pytest.mark.parametrize(
    ("text", "token"),
    [("A=1;B=2", "';'"), ("A=1 B C=2", "'B'"), ("A=$HOME", "'$'"), ("A=a#b,C=d", "'#'"), ("A=#", "'#'"),
     ("A=~/x", "'~'"), ("==1", "'='")])
def test_pairs_that_would_lose_something_name_the_token(text: str, token: str) -> None:
    with pytest.raises(ValueError, match="stands where") as refusal:
        d.dict_of_key_value_pairs(text)
    assert token in str(refusal.value)


def test_a_refused_value_is_shown_as_written_on_one_line() -> None:
    with pytest.raises(ValueError) as refusal:
        d.dict_of_key_value_pairs("A='a\\b',\nB")
    assert str(refusal.value) == "Unexpected end of key/value pairs in value 'A='a\\b',\\nB'"


@pytest.mark.parametrize(
    ("text", "words"),
    [('A="x', "No closing quotation"), ("A='x", "No closing quotation"), ('""=1', "cannot be the name of a variable"),
     ('"A=B"=1', "cannot be the name of a variable"), ("A=\0", "NUL")])
def test_impossible_pairs(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        d.dict_of_key_value_pairs(text)


def test_sockets_are_equal_by_address_and_settings() -> None:
    here = d.UnixStreamSocketConfig("/x", mode=0o700)
    assert here == d.UnixStreamSocketConfig("/x", mode=0o700)
    assert here != d.UnixStreamSocketConfig("/x", mode=0o770)
    assert here != d.InetStreamSocketConfig("h", 5)
    assert str(d.InetStreamSocketConfig("H", 5)) == "tcp://h:5"
    assert d.InetStreamSocketConfig("*", 5).addr() == ("", 5)
    assert (here.addr(), here.get_mode(), here.get_owner(), here.get_backlog()) == ("/x", 0o700, None, None)


def test_a_unix_socket_gets_its_mode_and_replaces_only_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "s")
    for mode in (0o640, 0o640, 0o1770):
        d.UnixStreamSocketConfig(path, mode=mode, owner=(os.getuid(), os.getgid())).create_and_bind().close()
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    precious = tmp_path / "file"
    precious.write_text("kept")
    with pytest.raises(OSError, match="Not a socket"):
        d.UnixStreamSocketConfig(str(precious)).create_and_bind()
    assert precious.read_text() == "kept"


def test_a_link_that_takes_the_place_of_a_socket_is_not_followed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, victim = tmp_path / "s", tmp_path / "victim"
    victim.write_text("")
    victim.chmod(0o600)

    class Swapped(socket.socket):
        """Somebody is quick who may write to the folder."""

        def bind(self, address: Any) -> None:
            super().bind(address)
            path.unlink()
            path.symlink_to(victim)

    monkeypatch.setattr("supervisor.datatypes.sockets.socket.socket", Swapped)
    given: list[Any] = []
    monkeypatch.setattr(os, "chown", lambda *args, **kw: given.append((args, kw)))
    try:
        d.UnixStreamSocketConfig(str(path), mode=0o666, owner=(1, 1)).create_and_bind().close()
    except (OSError, ValueError):
        pass
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600
    assert given == [((str(path), 1, 1), {"follow_symlinks": False})]


def test_an_inet_socket_is_bound() -> None:
    config = d.InetStreamSocketConfig("127.0.0.1", 1)
    config.port = 0
    sock = config.create_and_bind()
    try:
        assert sock.getsockname()[1] > 0
    finally:
        sock.close()


def test_socket_address_judges_by_its_look() -> None:
    assert d.SocketAddress("a:1").address == ("a", 1)
    assert d.SocketAddress("/a").address == "/a"
    assert d.SocketAddress("1").family.name == "AF_UNIX"
