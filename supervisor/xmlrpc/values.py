"""Small conversions between Python values and what XML-RPC can carry.

Promise: pure functions, cheap to import. They must not know of requests, processes or the daemon.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AttrDict", "INT_MAX", "INT_MIN", "capped_int"]

INT_MAX = 2**31 - 1
INT_MIN = -(2**31)


class AttrDict(dict[str, "Any"]):
    """A dictionary whose keys can be read as attributes; what is not there is None."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def capped_int(value: Any) -> int:
    """int(value), held within what an XML-RPC int can carry."""
    number = int(value)
    return number if INT_MIN <= number <= INT_MAX else max(INT_MIN, min(INT_MAX, number))
