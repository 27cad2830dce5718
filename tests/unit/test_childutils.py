"""What programs of users call."""

from __future__ import annotations

import io
import time
from typing import Any
from xmlrpc.client import ServerProxy

import pytest

from supervisor import childutils
from supervisor.dispatchers.listener import READY_TOKEN, ListenerTalk, Ready, Result
from supervisor.events import ProcessCommunicationEvent

BEGIN, END = ProcessCommunicationEvent.BEGIN_TOKEN, ProcessCommunicationEvent.END_TOKEN


class Flushed(io.BytesIO):
    """Counts flushes."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def text_over(raw: io.BytesIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", newline="\n")


def test_get_headers() -> None:
    assert childutils.get_headers("ver:3.0  len:5\n") == {"ver": "3.0", "len": "5"}
    assert childutils.get_headers("") == {}
    for line in ("a:b c", "a:b:c"):
        with pytest.raises(ValueError):
            childutils.get_headers(line)


def test_eventdata() -> None:
    assert childutils.eventdata("a:b c:d\none\ntwo") == ({"a": "b", "c": "d"}, "one\ntwo")
    assert childutils.eventdata("a:b\n") == ({"a": "b"}, "")
    with pytest.raises(ValueError):
        childutils.eventdata("a:b")


def test_get_asctime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert childutils.get_asctime(1700000000.9999) == "2023-11-14 22:13:20,999"
        assert childutils.get_asctime(0) == "1970-01-01 00:00:00,000"
        assert len(childutils.get_asctime()) == len("1970-01-01 00:00:00,000")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_wait_reads_one_event_by_characters() -> None:
    stdin, stdout = io.StringIO("ver:3.0 len:5 x:y\né\ncdeREST"), io.StringIO()
    assert childutils.listener.wait(stdin, stdout) == ({"ver": "3.0", "len": "5", "x": "y"}, "é\ncde")
    assert stdout.getvalue() == "READY\n"
    assert stdin.read() == "REST"


def test_wait_reads_a_stream_of_bytes() -> None:
    stdin, stdout = io.BytesIO("len:6\né\xff\nxREST".encode()), io.BytesIO()
    assert childutils.listener.wait(stdin, stdout) == ({"len": "6"}, "é\xff\nx")
    assert stdout.getvalue() == b"READY\n"


def test_wait_does_not_count_a_translated_line_end_twice() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"len:4\na\r\nblen:2\n\r\n"), encoding="utf-8")
    assert childutils.listener.wait(stdin, io.StringIO())[1] == "a\r\nb"
    assert childutils.listener.wait(stdin, io.StringIO())[1] == "\r\n"


def test_wait_at_the_end_of_input() -> None:
    with pytest.raises(KeyError, match="len"):
        childutils.listener.wait(io.StringIO(""), io.StringIO())


@pytest.mark.parametrize("data", ["OK", "é", b"OK", b"\xff\xfe", "", b""])
@pytest.mark.parametrize("kind", ["bytes", "text"])
def test_answers_are_what_the_daemon_understands(data: str | bytes, kind: str) -> None:
    raw = Flushed()
    stream: Any = raw if kind == "bytes" else text_over(raw)
    talk = ListenerTalk()
    childutils.listener.ready(stream)
    assert talk.feed(raw.getvalue()) == [Ready()]
    assert raw.getvalue() == READY_TOKEN
    talk.busy()
    raw.truncate(0)
    raw.seek(0)
    childutils.listener.send(data, stream)
    expected = data if isinstance(data, bytes) else data.encode()
    assert talk.feed(raw.getvalue()) == [Result(expected)]
    assert raw.flushes >= 2


def test_ok_and_fail() -> None:
    for answer, text in ((childutils.listener.ok, "RESULT 2\nOK"), (childutils.listener.fail, "RESULT 4\nFAIL")):
        stream = io.StringIO()
        answer(stream)
        assert stream.getvalue() == text


@pytest.mark.parametrize("msg", ["a\né", b"a\nb", b"\xff\x00", ""])
def test_pcomm_takes_text_and_bytes_on_both_kinds_of_streams(msg: str | bytes) -> None:
    expected = BEGIN + (msg if isinstance(msg, bytes) else msg.encode()) + END
    raw = Flushed()
    childutils.pcomm.send(msg, raw)
    assert raw.getvalue() == expected
    raw = Flushed()
    stream = text_over(raw)
    stream.write("before")
    childutils.pcomm.send(msg, stream)
    assert raw.getvalue() == b"before" + expected
    plain = io.StringIO()
    childutils.pcomm.send(msg, plain)
    assert plain.getvalue().encode("utf-8", "surrogateescape") == expected


def test_pcomm_on_the_standard_streams(capsys: pytest.CaptureFixture[str]) -> None:
    childutils.pcomm.stdout("one")
    childutils.pcomm.stderr("two")
    captured = capsys.readouterr()
    assert captured.out == f"{BEGIN.decode()}one{END.decode()}"
    assert captured.err == f"{BEGIN.decode()}two{END.decode()}"


def test_a_stream_that_only_writes() -> None:
    class Plain:
        mode = "wb"
        got = b""

        def write(self, data: bytes) -> None:
            self.got += data

        def flush(self) -> None:
            pass

    stream = Plain()
    childutils.listener.ok(stream)
    assert stream.got == b"RESULT 2\nOK"


def test_rpc_interface_from_the_environment() -> None:
    with pytest.raises(KeyError, match="^'SUPERVISOR_SERVER_URL'$"):
        childutils.getRPCInterface({})
    env = {"SUPERVISOR_SERVER_URL": "unix:///nowhere/s.sock", "SUPERVISOR_USERNAME": None}
    transport = childutils.getRPCTransport(env)
    assert (transport.username, transport.password, transport.serverurl) == ("", "", "unix:///nowhere/s.sock")
    proxy = childutils.getRPCInterface({**env, "SUPERVISOR_USERNAME": "u", "SUPERVISOR_PASSWORD": "p"})
    assert isinstance(proxy, ServerProxy)
    with pytest.raises(OSError):
        proxy.supervisor.getState()
