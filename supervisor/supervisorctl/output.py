"""What is printed: at once, in whatever encoding, for as long as somebody reads it.

Must not know what is said.
"""

from __future__ import annotations

import os
import stat
import sys

from supervisor.supervisorctl.statuses import LSBInitExitStatuses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USUAL_COLUMNS, USUAL_ROWS = 80, 24


class OutputGone(SystemExit):
    """Our output reaches nobody any more: nothing more is worth doing."""

    def __init__(self) -> None:
        super().__init__(LSBInitExitStatuses.GENERIC)


class Output:
    """A place to print to, called ``stdout``."""

    stdout: Any

    def output(self, message: object) -> None:
        """Print one line; characters that the encoding lacks are shown by their numbers."""
        self.write(f"{message}\n")

    def write(self, text: str) -> None:
        """Print text as it is and let it be seen at once."""
        if self.stdout is None:
            return  # started with a closed stdout
        try:
            try:
                self.stdout.write(text)
            except UnicodeEncodeError:
                encoding = self.stdout.encoding or "ascii"
                self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self.stdout.flush()
        except OSError as problem:
            raise output_gone(problem) from None

    def write_bytes(self, data: bytes) -> bool:
        """Hand bytes on, whatever they are; false when the output takes text alone."""
        raw = getattr(self.stdout, "buffer", None)
        if raw is None:
            return False
        try:
            raw.write(data)
            raw.flush()
        except OSError as problem:
            raise output_gone(problem) from None
        return True

    def on_terminal(self) -> bool:
        """Whether a person watches the output."""
        isatty = getattr(self.stdout, "isatty", None)
        return bool(isatty and isatty())

    def pipe(self) -> int | None:
        """The descriptor of an output whose reader may leave; None for files, terminals and the like."""
        try:
            fd: int = self.stdout.fileno()
            mode = os.fstat(fd).st_mode
        except (AttributeError, OSError, ValueError):
            return None
        return fd if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None

    def columns(self) -> int:
        """How wide the terminal is."""
        return self._terminal_size()[0] or USUAL_COLUMNS

    def rows(self) -> int:
        """How high the terminal is."""
        return self._terminal_size()[1] or USUAL_ROWS

    def _terminal_size(self) -> tuple[int, int]:
        try:
            return os.get_terminal_size(self.stdout.fileno())
        except (AttributeError, OSError, ValueError):
            return 0, 0


def output_gone(problem: OSError) -> OutputGone:
    """What to raise when output cannot be written; a reader who left knows that, other reasons are told on stderr."""
    if not isinstance(problem, BrokenPipeError) and sys.stderr is not None:
        print(f"error: cannot write: {problem.strerror}", file=sys.stderr)
    return OutputGone()
