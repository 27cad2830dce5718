"""Memory that was needed for once.

Promise: after work on megabytes the process is about as large as before, where the C library can be told to give back
what is free. Knows not what it was for.
"""

from __future__ import annotations

from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late

if TYPE_CHECKING:
    import ctypes
else:
    ctypes = Late("ctypes")

__all__ = ["HUGE", "give_back"]

# Bytes in one piece from which on it is worth the milliseconds.
HUGE = 4 * 1024 * 1024


def give_back() -> None:
    """Let the system have what is free between the pieces in use; malloc itself gives back only what is at the end."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        pass  # not the C library of GNU
