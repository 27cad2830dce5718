"""Printing for people where nothing is left to be done but to end.

Promise: a place that cannot be written is one line on standard error and status 1, a reader who has left is status 1
alone; never a traceback. Must not know what is printed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["show"]


def show(text: str, out: TextIO | None = None) -> None:
    """Print a text, on standard output unless told otherwise."""
    stream = sys.stdout if out is None else out
    if stream is None:
        return  # it was closed when we were started
    try:
        stream.write(text)
        stream.flush()
    except OSError as problem:
        _give_up(stream, problem)


def _give_up(stream: TextIO, problem: OSError) -> None:
    if not isinstance(problem, BrokenPipeError) and sys.stderr is not None:
        try:
            sys.stderr.write(f"error: cannot write: {problem.strerror}\n")
        except OSError:
            pass
    if stream is sys.__stdout__:
        # What it still holds shall not be the cause of a second complaint, when Python ends.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    sys.exit(1)
