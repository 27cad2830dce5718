"""The activity log as servers use it.

Promise: accesses are traces, whatever their text; failures are errors. Knows no request.
"""

from __future__ import annotations

from supervisor.http.kinds import Logger

__all__ = ["TRACE", "LogWrapper"]

# The level at which the activity log takes accesses.
TRACE = 5


class LogWrapper:
    """Puts the messages of one server into the activity log."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def log(self, *words: str) -> None:
        """A message, perhaps with the address it is about before it."""
        msg = ":".join(words).rstrip("\n")
        if "error" in msg.lower():
            self.error(msg)
        else:
            self.trace(msg)

    # Text in these messages comes from clients and plugins: it is never a format.

    def trace(self, msg: str) -> None:
        self.logger.trace(msg)

    def warn(self, msg: str) -> None:
        self.logger.warn(msg)

    def error(self, msg: str) -> None:
        self.logger.error(msg)
