"""What the log says of an exception: where it came from, in one line or in full.

Promise: never raises, whatever the exception's own text does, and is of bounded length: that text may hold what a
client sent. Knows no log.
"""

from __future__ import annotations

import sys
from types import TracebackType

from supervisor.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import traceback
else:
    traceback = Late("traceback")

__all__ = ["Where", "compact_traceback", "in_full", "one_line"]

Where = tuple[str, str, int]

# Characters of a text that are told; of a longer one so many of its beginning and end.
_LONGEST = 20_000


def compact_traceback() -> tuple[Where, type[BaseException], BaseException, str]:
    """((file, function, line) of the innermost frame, type, value, trace) of the exception being handled."""
    kind, value, trace = sys.exc_info()
    if kind is None or value is None or trace is None:
        raise AssertionError("there is no exception to tell about")
    frames = _frames(trace)
    return frames[-1], kind, value, " ".join("[{}|{}|{}]".format(*frame) for frame in frames)


def one_line(exc: BaseException) -> str:
    """``TYPE:TEXT TRACE``, the form used by `uncaptured python exception`."""
    try:
        text = str(exc)
    except BaseException:
        text = "<no text>"
    frames = _frames(exc.__traceback__) if exc.__traceback__ else []
    return "{}:{} {}".format(type(exc), _cut(text), " ".join("[{}|{}|{}]".format(*frame) for frame in frames))


def in_full(exc: BaseException) -> str:
    """The lines that Python shows of an exception that nobody catches."""
    try:
        text = "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))
    except BaseException:
        return one_line(exc)
    return _cut(text.rstrip())


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]} ({len(text) - 2 * half} characters left out) {text[-half:]}"


def _frames(trace: TracebackType | None) -> list[Where]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    return frames
