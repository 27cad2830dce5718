"""Ends of logs: so many bytes, so many lines or all of it, by a call that gives a part of a log as text.

Promise: what a daemon does not give at once is fetched in pieces that end with whole characters. It must not know which
log is read, nor print.
"""

from __future__ import annotations

from supervisor.supervisorctl.link import BadAnswer
from supervisor.xmlrpc.values import INT_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Piece = TypeVar("Piece", str, bytes)
    Read = Callable[[int, int], str]

DEFAULT_BYTES = 1600
BYTES_PER_LINE = 200
# A daemon gives so many bytes of the end of a log at most.
MOST_BYTES = 4 * 1024 * 1024
PIECE = 1024 * 1024
LONGEST_CHARACTER = 4


def last_bytes(read: Read, size: int) -> str:
    """The last bytes of a log, as many as asked for."""
    if not MOST_BYTES < size <= INT_MAX:
        return read(-size, 0)
    whole = (piece.encode("utf-8", "replace") for piece in pieces(read))
    return b"".join(_end(whole, len, size))[-size:].decode("utf-8", "replace")


def _end(whole: Iterator[Piece], measure: Callable[[Piece], int], enough: int) -> list[Piece]:
    """The last pieces, of which all but the first do not measure enough."""
    kept: list[Piece] = []
    rest = 0
    for piece in whole:
        kept.append(piece)
        rest += measure(piece) if len(kept) > 1 else 0
        while rest >= enough and len(kept) > 1:
            del kept[0]
            rest -= measure(kept[0])
    return kept


def pieces(read: Read) -> Iterator[str]:
    """A whole log, in pieces that end with whole characters."""
    offset = 0
    while True:
        text, offset = _piece(read, offset)
        yield text
        if len(text) < PIECE // LONGEST_CHARACTER:
            return


def _piece(read: Read, offset: int) -> tuple[str, int]:
    """A piece of a log and where the next begins: a little later if a character would be cut."""
    for size in range(PIECE, PIECE + LONGEST_CHARACTER):
        try:
            text = read(offset, size)
        except BadAnswer:
            continue  # some daemons cannot send a part of a character
        if not text.endswith("\ufffd"):
            return text, offset + size
    return read(offset, PIECE), offset + PIECE


def last_lines(read: Read, lines: int) -> str:
    """The last lines of a log, read in ends of growing size or else whole, without the last line end."""
    if lines == 0:
        return ""
    size = max(DEFAULT_BYTES, lines * BYTES_PER_LINE)
    while size <= MOST_BYTES:
        text = read(-size, 0)
        body = text[:-1] if text.endswith("\n") else text
        if body.count("\n") >= lines:
            return "\n".join(body.split("\n")[-lines:])
        if len(text.encode("utf-8", "replace")) < size - 3:
            return body
        size *= 4
    text = "".join(_end(pieces(read), lambda piece: piece.count("\n"), lines + 1))
    body = text[:-1] if text.endswith("\n") else text
    return "\n".join(body.split("\n")[-lines:])
