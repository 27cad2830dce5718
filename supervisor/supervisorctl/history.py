"""The file with the lines typed into the shell. Readable by its owner only; answers to questions are not in it."""

from __future__ import annotations

import os
from contextlib import contextmanager

try:
    import readline
except ImportError:  # a Python without readline has a shell without history
    readline = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class History:
    """Lines of earlier shells and this one; without a path nothing is read or written."""

    def __init__(self, path: str | None) -> None:
        self._path = path if readline is not None else None

    def load(self) -> None:
        """Add the lines of the file; none is fine."""
        if self._path:
            try:
                readline.read_history_file(self._path)
            except OSError:
                pass

    def save(self) -> None:
        """Write all lines; a file that cannot be written is no reason to complain."""
        if not self._path:
            return
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
            readline.write_history_file(self._path)
        except OSError:
            pass

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Lines typed meanwhile are not kept."""
        if readline is None:
            yield
            return
        readline.set_auto_history(False)
        try:
            yield
        finally:
            readline.set_auto_history(True)
