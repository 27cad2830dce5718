"""Resource limits that must be had before the daemon starts.

Promise: limits are raised when too low, never lowered; what cannot be had is an error with its numbers.
"""

from __future__ import annotations

import resource
from collections import namedtuple

from supervisor.engine.system import System

__all__ = ["LimitError", "require_limits"]


class LimitError(Exception):
    """The text is meant for people."""


class _Need(namedtuple("_Need", "limit of_what by_whom option usable")):
    __slots__ = ()

    limit: str
    of_what: str
    by_whom: str
    option: str
    usable: str

    def refusal(self, wanted: int, hard: int) -> str:
        return (
            f"The minimum number of {self.of_what} required to run this {self.by_whom} is {wanted} as per the "
            f'"{self.option}" command-line argument or config file setting. The current environment will only '
            f"allow you to open {hard} {self.usable}.  Either raise the number of usable {self.usable} in your "
            f"environment (see README.rst) or lower the {self.option} setting in the config file to allow the "
            f"{self.by_whom} to start."
        )


_NEEDS = (
    _Need("RLIMIT_NOFILE", "file descriptors", "process", "minfds", "file descriptors"),
    _Need("RLIMIT_NPROC", "available processes", "program", "minprocs", "processes"),
)


def require_limits(system: System, minfds: int, minprocs: int) -> list[str]:
    """Raise the soft limits, and the hard ones if need be; lines for the log about what was done."""
    done = []
    for need, wanted in zip(_NEEDS, (minfds, minprocs), strict=True):
        number = getattr(resource, need.limit, None)
        if number is not None and _require(system, number, wanted, need):
            done.append(f"Increased {need.limit} limit to {wanted}")
    return done


def _require(system: System, number: int, wanted: int, need: _Need) -> bool:
    soft, hard = system.getrlimit(number)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return False
    enough = hard == resource.RLIM_INFINITY or hard >= wanted
    try:
        system.setrlimit(number, (wanted, hard if enough else wanted))
    except (ValueError, OSError, OverflowError):
        raise LimitError(need.refusal(wanted, hard))
    return True
