"""How a child ended, and names of signals, in words.

Promise: any number gives a text. Leaf of this package: knows no process.
"""

from __future__ import annotations

import os
import signal

__all__ = ["decode_wait_status", "signame"]

_NAMES = {int(sig): sig.name for sig in signal.Signals}
if hasattr(signal, "SIGPOLL"):
    _NAMES[signal.SIGPOLL] = "SIGPOLL"     # on Linux also SIGIO, which no log ever said


def signame(sig: int) -> str:
    """``SIGKILL``; ``signal N`` for a number without a name."""
    return _NAMES.get(sig) or f"signal {sig}"


def decode_wait_status(sts: int) -> tuple[int, str]:
    """(exit status or -1, words) of what waitpid() told.

    >>> decode_wait_status(0x300), decode_wait_status(9)
    ((3, 'exit status 3'), (-1, 'terminated by SIGKILL'))
    """
    if os.WIFEXITED(sts):
        status = os.WEXITSTATUS(sts)
        return status, f"exit status {status}"
    if os.WIFSIGNALED(sts):
        dumped = " (core dumped)" if os.WCOREDUMP(sts) else ""
        return -1, f"terminated by {signame(os.WTERMSIG(sts))}{dumped}"
    return -1, f"unknown termination cause 0x{sts:04x}"
