"""For programs that supervisord runs: event listeners, and programs that send events through their output.

Promise: works with text streams and streams of bytes, text and bytes as data; every answer is flushed. Runs in the
child: must not know the daemon's machinery beyond the wire.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
import weakref
from collections.abc import Mapping
from xmlrpc import client as xmlrpclib

from supervisor.events import ProcessCommunicationEvent
from supervisor.hints import Any
from supervisor.xmlrpc.client import SupervisorTransport

__all__ = [
    "EventListenerProtocol",
    "ProcessCommunicationsProtocol",
    "eventdata",
    "getRPCInterface",
    "getRPCTransport",
    "get_asctime",
    "get_headers",
    "listener",
    "pcomm",
]


def getRPCTransport(env: Mapping[str, Any]) -> SupervisorTransport:
    """A transport to the server that the environment names; KeyError when it names none."""
    return SupervisorTransport(
        env.get("SUPERVISOR_USERNAME") or "", env.get("SUPERVISOR_PASSWORD") or "", env["SUPERVISOR_SERVER_URL"]
    )


def getRPCInterface(env: Mapping[str, Any]) -> xmlrpclib.ServerProxy:
    """A proxy for the server that the environment names; KeyError when it names none."""
    # The transport alone decides where calls go; ServerProxy insists on a URL it knows.
    return xmlrpclib.ServerProxy("http://127.0.0.1", getRPCTransport(env))


def get_headers(line: str) -> dict[str, str]:
    """The tokens ``key:value`` of a line."""
    return dict(_pair(token) for token in line.split())


def _pair(token: str) -> tuple[str, str]:
    key, value = token.split(":")
    return key, value


def eventdata(payload: str) -> tuple[dict[str, str], str]:
    """(tokens of the first line, the rest) of a payload; ValueError when it has one line only."""
    headers, data = payload.split("\n", 1)
    return get_headers(headers), data


def get_asctime(now: float | None = None) -> str:
    """Local time as the activity log writes it."""
    if now is None:
        now = time.time()
    milliseconds = int((now - int(now)) * 1000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{milliseconds:03d}"


def _takes_text(stream: Any) -> bool:
    """Whether a stream wants text. What cannot be told by its type shows in its ``encoding``."""
    if isinstance(stream, io.TextIOBase):
        return True
    if isinstance(stream, (io.RawIOBase, io.BufferedIOBase)):
        return False
    return "b" not in getattr(stream, "mode", "")


def _write(stream: Any, *pieces: str | bytes) -> None:
    """Write pieces as the stream wants them, and flush.

    Bytes that are no text go below a text stream when there is something below, in order.
    """
    for piece in pieces:
        if not _takes_text(stream):
            stream.write(piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece)
        elif isinstance(piece, str):
            stream.write(piece)
        else:
            below = getattr(stream, "buffer", None)
            if below is None:
                stream.write(piece.decode("utf-8", "surrogateescape"))
            else:
                stream.flush()
                below.write(piece)
    stream.flush()


class ProcessCommunicationsProtocol:
    """What a program with ``stdout_capture_maxbytes`` writes to have an event sent."""

    def send(self, msg: str | bytes, fp: Any = sys.stdout) -> None:
        """Send msg through the stream."""
        _write(fp, ProcessCommunicationEvent.BEGIN_TOKEN, msg, ProcessCommunicationEvent.END_TOKEN)

    def stdout(self, msg: str | bytes) -> None:
        """Send msg through standard output."""
        self.send(msg, sys.stdout)

    def stderr(self, msg: str | bytes) -> None:
        """Send msg through standard error."""
        self.send(msg, sys.stderr)


pcomm = ProcessCommunicationsProtocol()


class EventListenerProtocol:
    """A listener's side of the conversation, event by event."""

    def wait(self, stdin: Any = sys.stdin, stdout: Any = sys.stdout) -> tuple[dict[str, str], str]:
        """Say READY and return the next event: (tokens of its header, payload).

        A stream of bytes is read by bytes: the listener's section needs event_len=bytes when payloads are not ASCII.
        """
        _keep_line_ends(stdin)
        self.ready(stdout)
        headers = get_headers(_text(stdin.readline()))
        return headers, _text(stdin.read(int(headers["len"])))

    def ready(self, stdout: Any = sys.stdout) -> None:
        """Say that the next event may come."""
        _write(stdout, "READY\n")

    def ok(self, stdout: Any = sys.stdout) -> None:
        """Say that the event was dealt with."""
        self.send("OK", stdout)

    def fail(self, stdout: Any = sys.stdout) -> None:
        """Give the event back."""
        self.send("FAIL", stdout)

    def send(self, data: str | bytes, stdout: Any = sys.stdout) -> None:
        """Answer with any data; the result handler of the section judges it."""
        length = len(data.encode("utf-8", "surrogateescape")) if isinstance(data, str) else len(data)
        _write(stdout, f"RESULT {length}\n", data)


listener = EventListenerProtocol()

_untranslated: weakref.WeakSet[io.TextIOWrapper] = weakref.WeakSet()


def _keep_line_ends(stream: Any) -> None:
    """A text stream as Python opens it makes one character of CR LF, and would wait for those it swallowed."""
    if isinstance(stream, io.TextIOWrapper) and stream not in _untranslated:
        _untranslated.add(stream)
        with contextlib.suppress(io.UnsupportedOperation):  # something was read from it before
            stream.reconfigure(newline="\n")


def _text(read: str | bytes) -> str:
    return read.decode("utf-8", "surrogateescape") if isinstance(read, bytes) else read
