"""One line that tells where an exception came from.

Promise: never raises, whatever the exception's own text does. Knows no log.
"""

from __future__ import annotations

import sys
from types import TracebackType

__all__ = ["Where", "compact_traceback", "one_line"]

Where = tuple[str, str, int]


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
    except Exception:
        text = "<no text>"
    frames = _frames(exc.__traceback__) if exc.__traceback__ else []
    return "{}:{} {}".format(type(exc), text, " ".join("[{}|{}|{}]".format(*frame) for frame in frames))


def _frames(trace: TracebackType | None) -> list[Where]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    return frames
