"""Why a command cannot be run: the exceptions of get_execv_args().

Promise: args[0] is the text that people see. Leaf of this package.
"""

from __future__ import annotations

__all__ = ["BadCommand", "NoPermission", "NotExecutable", "NotFound", "ProcessException"]


class ProcessException(Exception):
    """Base of what is wrong with a command."""


class BadCommand(ProcessException):
    """It cannot be split into words."""


class NotExecutable(ProcessException):
    """What it names is no program."""


class NotFound(ProcessException):
    """There is no such file."""


class NoPermission(ProcessException):
    """We may not run it."""
