"""Taking terminal control sequences (ECMA-48, ECMA-35) out of a stream of bytes.

Promise: a sequence is removed wherever a read splits it, and nothing but sequences is removed: an escape byte that
begins none stays, and so does a control string that runs on without an end. Pure. Must not know where bytes come from.

The forms, ESC being 0x1b: ``ESC [ parameters intermediates final``; ``ESC ] P X ^ or _`` and a string up to BEL or
``ESC \\``; ``ESC intermediates final``; ``ESC`` and one byte. The 8-bit forms are not looked for: in UTF-8 those bytes
are parts of characters. A line feed does not belong to the strings that programs send to terminals, so one ends them.
"""

from __future__ import annotations

import re

__all__ = ["ANSI_ESCAPE_BEGIN", "ANSI_TERMINATORS", "AnsiStripper", "stripEscapes"]

ANSI_ESCAPE_BEGIN = b"\x1b["
ANSI_TERMINATORS = (b"H", b"f", b"A", b"B", b"C", b"D", b"R", b"s", b"u", b"J", b"K", b"h", b"l", b"p", b"m")

# The longest sequence that is waited for: longer ones are text.
_LONGEST = 4096

_CSI = rb"\[[0-?]{0,256}[ -/]{0,16}"
_STRING = rb"[\]PX^_][^\x1b\x07\x18\x1a\n]{0,4000}"
_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]{0,256}[ -/]{0,16}[@-~]"
    rb"|[\]PX^_][^\x1b\x07\x18\x1a\n]{0,4000}(?:\x07|\x1b\\)"
    rb"|[ -/]{1,16}[0-~]"
    rb"|[0-?@-OQ-WYZ\\`abcdno|}~]"
    rb")"
)
_UNFINISHED = re.compile(rb"\x1b(?:" + _CSI + rb"|" + _STRING + rb"\x1b?|[ -/]{1,16})?\Z")


class AnsiStripper:
    """One stream; what may be the beginning of a sequence waits for the next piece, and was one if none comes."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> bytes:
        """The text of the next piece."""
        if self._begun:
            data = self._begun + data
            self._begun = b""
        last = data.rfind(b"\x1b")
        if last < 0:
            return data
        start = _unfinished(data, last)
        if start >= 0:
            self._begun = data[start:]
            data = data[:start]
        return _SEQUENCE.sub(b"", data)


def _unfinished(data: bytes, last: int) -> int:
    """Where a sequence begins that the end of data cuts, -1 when there is none; ``last`` is the last escape byte."""
    if last == len(data) - 1:
        # It may be the first half of the end of a control string.
        before = data.rfind(b"\x1b", max(0, last - _LONGEST), last)
        if before >= 0 and _UNFINISHED.match(data, before):
            return before
        return last
    return last if _UNFINISHED.match(data, last) else -1


def stripEscapes(s: bytes) -> bytes:
    """The text of one piece. A sequence that its end cuts is dropped."""
    return AnsiStripper().feed(s)
