"""What was made at the start stays: the garbage collector need not look at it again and again.

Promise: garbage of the start, or of the run before a reload, is collected first; later garbage is found as always.
Must not know what is kept.

The collector looks through all objects now and then, as often as new ones come: for a daemon that is the whole
configuration of a thousand programs, in the middle of an answer. gc.freeze() takes them out of its sight.
"""

from __future__ import annotations

import gc

__all__ = ["break_up", "settle_down"]


def settle_down() -> None:
    """To be called when a run has made what it will keep."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def break_up() -> None:
    """The run is over: all of it may become garbage, and what has something to say at its end is to say it."""
    gc.unfreeze()
