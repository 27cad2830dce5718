"""What prints a log while it comes: bytes of any boundaries in, text of whole characters or whole lines out.

Promise: a terminal gets no control character but line ends and tabs unless that was asked for; what is kept of an
unfinished line is bounded. It must not know where the bytes come from.
"""

from __future__ import annotations

import codecs

from supervisor.supervisorctl.safetext import log_text, not_all_langs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session

# A longer line behind a name goes out in pieces, each behind the name.
LONGEST_LINE = 64 * 1024


class Printer:
    """Takes bytes of one log and prints them: whole characters, made safe for a terminal, perhaps line by line
    behind a name."""

    def __init__(self, session: Session, raw: bool = False, prefix: str = "") -> None:
        self._session = session
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._safe = session.on_terminal() and not raw
        # Another encoding than UTF-8 has been asked for by somebody; text is written in it.
        self._as_it_comes = not prefix and (raw or not (self._safe or not_all_langs()))
        self._prefix = prefix
        self._rest = ""

    def __call__(self, data: bytes) -> None:
        if self._as_it_comes and self._session.write_bytes(data):
            return
        self._show(self._decode(data))

    def finish(self) -> None:
        """Nothing more comes: what looks like the beginning of a character or a line is one."""
        self._show(self._decode(b"", True))
        if self._rest:
            self._session.write(f"{self._prefix}{self._rest}\n")
            self._rest = ""

    def _show(self, text: str) -> None:
        if self._safe:
            text = log_text(text)
        if self._prefix:
            lines = (self._rest + text).split("\n")
            self._rest = lines.pop() if len(lines[-1]) <= LONGEST_LINE else ""
            text = "".join(f"{self._prefix}{line}\n" for line in lines)
        if text:
            self._session.write(text)
