"""Parts of supervisorctl that need no daemon: bytes of streams, lines of input, names, plugins, completion."""

from __future__ import annotations

import io
import os
import pathlib
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor import supervisorctl
from supervisor.supervisorctl import link, safetext
from supervisor.supervisorctl.globs import matches
from supervisor.supervisorctl.lines import LineReader
from supervisor.supervisorctl.output import OutputGone
from supervisor.supervisorctl.printer import LONGEST_LINE, Printer
from supervisor.supervisorctl.session import Session, action_and_rest
from supervisor.supervisorctl.shell import Controller
from supervisor.supervisorctl.stream import Chunks, Stream, WakeUp, follow, quoted
from tests.unit.test_ctl_actions import RUNNING, FakeDaemon

# --- text

def test_control_characters_become_visible() -> None:
    assert safetext.one_line("a\x1b[2J\nb\x7f\x9bc\té") == "a\\x1b[2J\\x0ab\\x7f\\x9bc\té"
    assert safetext.log_text("a\r\nb\x1b[0m\rc\n") == "a\nb\\x1b[0m\\x0dc\n"


@given(st.text())
def test_no_text_keeps_a_control_character(text: str) -> None:
    assert not set(safetext.one_line(text)) & {chr(code) for code in (*range(9), *range(10, 32), *range(127, 160))}


class Ascii(io.StringIO):
    encoding = "ascii"

    def write(self, text: str) -> int:
        text.encode(self.encoding)
        return super().write(text)


class Gone(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError


def options(**values: Any) -> Any:
    return SimpleNamespace(**{
        "serverurl": "unix:///x", "username": None, "password": None, "interactive": None, "prompt": "p",
        "plugins": [], "plugin_factories": [("default", supervisorctl.DefaultControllerPlugin, {})], **values})


def test_output_in_another_encoding_shows_numbers() -> None:
    session = Session(options(), stdout=Ascii())
    session.output("ü")
    assert session.stdout.getvalue() == "\\xfc\n"


def test_a_reader_that_left_ends_the_program() -> None:
    with pytest.raises(OutputGone):
        Session(options(), stdout=Gone()).onecmd("help")


def test_the_warning_about_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="ANSI_X3.4-1968"))
    assert supervisorctl.not_all_langs() == "ANSI_X3.4-1968"
    said: list[str] = []
    supervisorctl.check_encoding(SimpleNamespace(output=said.append))
    assert said == [
        "Warning: sys.stdout.encoding is set to ANSI_X3.4-1968, so Unicode output may fail. "
        "Check your LANG and PYTHONIOENCODING environment settings."]
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="UTF-8"))
    assert supervisorctl.not_all_langs() is None


# --- streams

BODY = b"5\r\nhello\r\n6;x=1\r\n world\r\n0\r\n\r\n"


@given(st.lists(st.integers(1, 7)))
def test_chunks_come_out_whole_wherever_reads_end(sizes: list[int]) -> None:
    chunks, rest, out = Chunks(), BODY, b""
    for size in [*sizes, len(BODY)]:
        out += chunks.feed(rest[:size])
        rest = rest[size:]
    assert out == b"hello world" and chunks.ended


@pytest.mark.parametrize("body", [b"x\r\n", b"-1\r\n", b"5\r\nhello\r\nzz\r\n", b"1" * 70000])
def test_what_is_no_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        Chunks().feed(body)


def test_paths_are_quoted_only_where_they_must_be() -> None:
    assert quoted("/logtail/g:a_1-x.y/stdout") == "/logtail/g:a_1-x.y/stdout"
    assert quoted("/logtail/a b\r\nX: y?%é/stdout") == "/logtail/a%20b%0D%0AX:%20y%3F%25%C3%A9/stdout"


def test_a_wake_up_ends_following_at_once() -> None:
    wake_up = WakeUp()
    try:
        wake_up.call()
        wake_up.call()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            stream: Any = SimpleNamespace(fileno=ours.fileno)
            follow({_Hashable(stream): print}, wake_up)  # type: ignore[dict-item]
    finally:
        wake_up.close()


class _Hashable:
    def __init__(self, stream: Any) -> None:
        self.fileno = stream.fileno


@given(st.binary(max_size=30), st.integers(1, 5))
def test_a_printer_prints_whole_lines_behind_names(data: bytes, size: int) -> None:
    session = Session(options(), stdout=io.StringIO())
    printer = Printer(session, prefix="n | ")
    for at in range(0, len(data), size):
        printer(data[at : at + size])
    lines = data.decode("utf-8", "replace").split("\n")[:-1]
    assert session.stdout.getvalue().split("\n")[:-1] == [f"n | {line}" for line in lines]
    printer.finish()
    lines = data.decode("utf-8", "replace").split("\n")
    assert session.stdout.getvalue() == "".join(f"n | {line}\n" for line in lines[: None if lines[-1] else -1])


def test_a_line_without_end_is_not_kept() -> None:
    session = Session(options(), stdout=io.StringIO())
    printer = Printer(session, prefix="n | ")
    for _ in range(20):
        printer(b"x" * (LONGEST_LINE // 2))
    assert session.stdout.getvalue() == ("n | " + "x" * (LONGEST_LINE // 2 * 3) + "\n") * 6


class Bytes:
    """Standard output that is a pipe: text over bytes."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()

    def isatty(self) -> bool:
        return False


def test_what_goes_to_a_pipe_goes_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="utf-8"))
    session = Session(options(), stdout=Bytes())  # type: ignore[arg-type]
    printer = Printer(session)
    for piece in (b"\xff\xc3", b"\xa9\x1b[m\r\n"):
        printer(piece)
    assert session.stdout.buffer.getvalue() == b"\xff\xc3\xa9\x1b[m\r\n"


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
])
def test_an_answer_that_is_complete_ends_though_the_server_stays(answer: bytes, tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        stream = Stream(link.Link(f"unix://{path}"), "/logtail/a/stdout")
        client, _ = listener.accept()
        with client:
            client.sendall(answer)
            got: list[bytes] = []
            follow({stream: got.append})
            stream.close()
    assert b"".join(got) == (b"hello" if b"hello" in answer else b"")


# --- input

def test_lines_are_read_without_taking_more_than_there_is() -> None:
    reader, writer = os.pipe()
    try:
        lines = LineReader(reader)
        assert not lines.ready(0)
        os.write(writer, b"one\ntw")
        assert lines.ready(0) and lines.readline() == "one\n"
        assert not lines.ready(0)
        os.write(writer, b"o\nthree")
        assert lines.readline() == "two\n"
        os.close(writer)
        writer = -1
        assert lines.ready(0) and lines.readline() == "three" and lines.readline() == ""
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)


# --- names

NAMES = [("a", "a"), ("web", "x_1"), ("web", "x_2"), ("odd[1]", "odd[1]")]


@pytest.mark.parametrize(("pattern", "found"), [
    ("web:*_1", [("web", "x_1")]), ("w*", NAMES[1:3]), ("*:a", [("a", "a")]), ("?", [("a", "a")]),
    ("odd[1]", [("odd[1]", "odd[1]")]), ("w*:*", NAMES[1:3]), ("w*:", NAMES[1:3]), ("q*", []),
])
def test_patterns(pattern: str, found: list[tuple[str, str]]) -> None:
    assert matches(pattern, NAMES) == found


# --- links

def test_an_unknown_kind_of_server_is_an_error_line() -> None:
    session = Session(options(serverurl="foo://x"), stdout=io.StringIO())
    session.onecmd("status")
    said = session.stdout.getvalue()
    assert said == "error: <class 'ValueError'>, Unknown protocol for serverurl foo://x\n"
    assert session.exitstatus == 1


def test_many_calls_are_sent_before_the_first_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    trail: list[str] = []

    class Server:
        def __init__(self, *place: object) -> None:
            pass

        def send(self, method: str, params: object) -> None:
            trail.append(f"send {method}")
            self.method = method

        def fileno(self) -> int:
            return ord(self.method)

        def receive(self, patience: float | None) -> str:
            trail.append(f"receive {self.method}")
            if self.method == "b":
                raise link.wire.Fault(10, "BAD_NAME")
            return self.method.upper()

        def close(self) -> None:
            trail.append(f"close {self.method}")

    monkeypatch.setattr(link.wire, "Server", Server)
    monkeypatch.setattr(link, "AT_ONCE", 2)
    requests = [("a", ()), ("b", ()), ("c", ())]
    (_, a), (_, b), (_, c) = link.Link("unix:///x").calls(requests)
    assert (a, b.code, c) == ("A", 10, "C")
    assert trail == [
        "send a", "send b", "receive a", "close a", "send c", "receive b", "close b", "receive c", "close c"]
    assert [number for number, _ in link.Link("unix:///x").calls(requests, max)] == [1, 2, 0]


@pytest.mark.parametrize(("line", "parts"), [
    ("status", ("status", "")), ("status  a  b ", ("status", "a  b")), ("status;", ("status", ";")),
    ("greet_all a", ("greet_all", "a")), ("pid-x", ("pid", "-x")), ("statusé", ("status", "é")), ("é", ("", "é")),
    ("!x", ("", "!x")), ("help ?", ("help", "?")),
])
def test_an_action_ends_where_its_letters_end(line: str, parts: tuple[str, str]) -> None:
    assert action_and_rest(line) == parts


# --- plugins and completion

class Plugin(supervisorctl.ControllerPluginBase):
    def __init__(self, controller: Any, **kwargs: str) -> None:
        self.ctl, self.kwargs = controller, kwargs

    def do_greet_all(self, arg: str) -> None:
        """greet_all\t\tGreet"""
        self.ctl.output(f"{arg!r} {self.kwargs}")
        self.ctl.exitstatus = 9

    def do_quiet(self, arg: str) -> bool:
        return True

    def do_fails(self, arg: str) -> None:
        raise KeyError("nothing")


def controller(**values: Any) -> Any:
    factories = [("default", supervisorctl.DefaultControllerPlugin, {}), ("mine", Plugin, {"k": "v"})]
    return Controller(options(plugin_factories=factories, **values), stdin=io.StringIO(), stdout=io.StringIO())


def said(ctl: Any) -> list[str]:
    lines = ctl.stdout.getvalue().splitlines()
    ctl.stdout.truncate(0)
    ctl.stdout.seek(0)
    return lines  # type: ignore[no-any-return]


def test_a_plugin_gets_words_options_and_the_exit_status() -> None:
    ctl = controller()
    ctl.onecmd("greet_all a  b")
    assert (said(ctl), ctl.exitstatus) == (["'a  b' {'k': 'v'}"], 9)
    assert ctl.onecmd("quiet") is True
    ctl.onecmd("fails")
    assert said(ctl) == ["error: <class 'KeyError'>, 'nothing'"]


def test_every_plugin_answers_help() -> None:
    ctl = controller()
    ctl.onecmd("help greet_all")
    assert said(ctl) == ["*** No help on greet_all", Plugin.do_greet_all.__doc__]
    ctl.onecmd("help quit")
    assert said(ctl) == ["quit\tLeave the supervisor shell.", "*** No help on quit"]
    ctl.onecmd("help")
    lines = said(ctl)
    assert lines[-5:] == ["", "mine commands (type help <topic>):", "=" * 34, "greet_all", ""]
    assert "default commands (type help <topic>):" in lines and "wait" not in " ".join(lines).split()


def test_replaced_methods_of_the_built_in_plugin_are_used() -> None:
    ctl, daemon = controller(), FakeDaemon(("a", "a", RUNNING))
    daemon.answers["startProcess",] = True
    ctl.call = daemon.call
    ctl.calls = lambda requests, choose=None: enumerate(daemon.call(method, *params) for method, params in requests)
    ctl.options.plugins[0]._startresult = lambda result: f"{result['name']} is up"
    ctl.onecmd("start a")
    ctl.options.plugins[0].do_pid = lambda arg: ctl.output(f"mine {arg}")
    ctl.onecmd("pid x y")
    assert said(ctl) == ["a is up", "mine x y"]


def test_questions_are_asked_in_a_shell_only() -> None:
    daemon = FakeDaemon()
    daemon.answers["shutdown",] = True
    for answer, asked in (("y", True), ("Yes", True), ("n", False), ("", False)):
        ctl = controller(interactive=1)
        ctl.call, ctl.use_rawinput, ctl.stdin = daemon.call, False, io.StringIO(f"{answer}\n")
        ctl.onecmd("shutdown")
        assert (daemon.asked == [("shutdown",)]) is asked
        daemon.asked.clear()


@pytest.mark.parametrize(("line", "text", "candidates"), [
    ("sta", "sta", ["start ", "status "]), ("help sta", "sta", ["start ", "status "]), ("gr", "gr", ["greet_all "]),
    ("start ", "", ["a ", "g:x ", "g:y ", "g:* "]), ("start a:", "a:", ["a:a ", "a:* "]),
    ("stop g", "g", ["g:x ", "g:y ", "g:* "]),
    ("update ", "", ["a ", "g "]), ("signal HU", "HU", ["HUP "]), ("signal HUP a", "a", ["a "]), ("nope ", "", []),
    ("reload ", "", []), ("completion z", "z", ["zsh "]),
])
def test_completion(line: str, text: str, candidates: list[str]) -> None:
    ctl, daemon = controller(), FakeDaemon(("a", "a", RUNNING), ("g", "x", RUNNING), ("g", "y", RUNNING))
    ctl.call = daemon.call
    assert ctl._completer.candidates(line, text) == candidates
    assert ctl._completer.candidates(line, text) == candidates
    assert len(daemon.asked) <= 1


def test_a_list_of_all_actions_is_the_list_of_help() -> None:
    ctl = controller()
    everything = ctl._completer.candidates("", "")
    assert "help " in everything and "greet_all " in everything and "logs " not in everything
    assert ctl._completer.candidates("lo", "lo") == ["logs "]
    assert ctl._completer.candidates("help ", "") == everything


def test_completion_without_a_server_offers_nothing() -> None:
    ctl = controller(serverurl="unix:///nowhere/s.sock")
    assert ctl._completer.candidates("start ", "") == []


# --- the package

HEAVY = {"cmd", "readline", "re", "typing", "socket", "ssl", "select", "json", "enum", "collections", "functools",
         "http.client", "xmlrpc.client", "threading", "subprocess", "logging", "importlib.metadata"}


def test_one_action_loads_nothing_heavy() -> None:
    code = ("import sys\nbefore = set(sys.modules)\nfrom supervisor.supervisorctl import main\n"
            "try:\n    main(['-s', 'unix:///nowhere/s.sock', 'status'])\nexcept SystemExit as end:\n"
            "    print(end.code, *(set(sys.modules) - before))")
    root = pathlib.Path(supervisorctl.__file__).parent.parent.parent
    ended = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60,
                           env={"PYTHONPATH": str(root)})
    first, last = ended.stdout.splitlines()
    assert first == "unix:///nowhere/s.sock no such file"
    assert last.split()[0] == "4"
    assert not HEAVY & set(last.split())


def test_public_names_are_there_and_others_are_not() -> None:
    assert [name for name in supervisorctl.__all__ if not hasattr(supervisorctl, name)] == []
    assert set(supervisorctl.__all__) <= set(dir(supervisorctl))
    with pytest.raises(AttributeError):
        _ = supervisorctl.nothing
    assert "do_start" in supervisorctl.get_names(controller().options.plugins[0])
