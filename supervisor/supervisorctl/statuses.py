"""Exit statuses of supervisorctl, after the Linux Standard Base.

Leaf module of plain integers; which action ends with which is said by the table and the actions.
"""

from __future__ import annotations


class LSBInitExitStatuses:
    """What an init script's action ends with."""

    SUCCESS = 0
    GENERIC = 1
    INVALID_ARGS = 2
    UNIMPLEMENTED_FEATURE = 3
    INSUFFICIENT_PRIVILEGES = 4
    NOT_INSTALLED = 5
    NOT_RUNNING = 7


class LSBStatusExitStatuses:
    """What an init script's ``status`` ends with."""

    NOT_RUNNING = 3
    UNKNOWN = 4


REFUSED = 4
OTHER_API = 5
NO_SOCKET = 7
CHANGES_PENDING = 2
TIMED_OUT = 6
INTERRUPTED = 130
