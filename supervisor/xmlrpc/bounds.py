"""How much an answer may say.

Promise: what a client or a program makes large is cut before it is sent, at a bound that leaves honest answers whole.
Pure; must not know what is said.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MAX_ANSWER", "MAX_TEXT", "fitting"]

# Bytes, as sent, of an answer that grows with what a client asks for. It waits in memory for a client that does not
# read, and shall be less than 10 MB there.
MAX_ANSWER = 8 * 1024 * 1024
# Bytes of one text in a request. What a fault repeats of it would not go into an answer.
MAX_TEXT = MAX_ANSWER

# An escaped character has so many bytes at most,
_LONGEST = 6
# and most of those that get longer are these in UTF-8.
_COSTLY = bytes(range(9)) + b"\x0b\x0c" + bytes(range(14, 32)) + b"&<>\"'\x7f\xc2"
# Characters looked at in one go: for a guess, and exactly.
_SLICE, _STEP = 1 << 20, 4096


def fitting(text: str, room: int, escape: Callable[[str], str], end: bool = False) -> str:
    """The beginning of a text that takes at most room bytes once it is escaped; with end, its end."""
    if len(text) * _LONGEST <= room:
        return text
    if sum(_most(text[at : at + _SLICE]) for at in range(0, len(text), _SLICE)) <= room:
        return text
    whole, taken = len(text), 0
    while taken < whole:
        at = max(whole - taken - _STEP, 0) if end else taken
        piece = text[at : whole - taken if end else at + _STEP]
        room -= len(escape(piece).encode("utf-8", "replace"))
        if room < 0:
            return text[whole - taken :] if end else text[:taken]
        taken += len(piece)
    return text


def _most(text: str) -> int:
    """More bytes than it takes escaped, but not much more if little has to be."""
    data = text.encode("utf-8", "surrogatepass")
    plain = len(data.translate(None, _COSTLY))
    return plain + (len(data) - plain) * _LONGEST
