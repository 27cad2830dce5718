"""Memory that was needed for once.

Promise: after work on megabytes the process is about as large as before, where the C library can be told to give back
what is free. Knows not what it was for.

Facts this rests on: malloc of GNU gives back what is free at the end of its heap as soon as that is 128 KB, and has to
get it again, page by page, for the next answer of that size: a quarter of the time that an answer of 110 KB takes. When
a block is freed that lay outside the heap because it was larger than any before, malloc takes twice its size for that
limit from then on.
"""

from __future__ import annotations

from functools import cache

from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late

if TYPE_CHECKING:
    import ctypes
else:
    ctypes = Late("ctypes")

__all__ = ["HUGE", "LARGE", "give_back", "keep_some"]

# Bytes in one piece from which on it is worth the milliseconds.
HUGE = 4 * 1024 * 1024
# Bytes of an answer from which on some should be kept for the next: making it takes several times as many.
LARGE = 32 * 1024
# Bytes of the block that is freed: twice as much may stay.
_EXAMPLE = 512 * 1024


def give_back() -> None:
    """Let the system have what is free between the pieces in use; malloc itself gives back only what is at the end."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        pass  # not the C library of GNU


@cache
def keep_some() -> None:
    """From now on let up to a megabyte stay for the next large answer. Whoever never gives one needs none of it."""
    bytes(_EXAMPLE)  # nothing of it is touched
