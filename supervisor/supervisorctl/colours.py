"""Colours of states and of names in front of lines, and what a terminal can do."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_GREEN, _YELLOW, _RED, _OFF = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_COLOURS = {
    "RUNNING": _GREEN,
    "STARTING": _YELLOW,
    "STOPPING": _YELLOW,
    "BACKOFF": _RED,
    "FATAL": _RED,
    "UNKNOWN": _RED,
}


# Of lines that come from several programs: none that a state or an error has, none that a dark or light ground hides.
_NAMES = ("\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[95m", "\x1b[94m")


def can_redraw() -> bool:
    """Whether a line of this terminal can be erased and drawn again (TERM=dumb, or none, says no)."""
    return os.environ.get("TERM", "") not in ("", "dumb")


def wanted() -> bool:
    """Whether this terminal is one for colours (NO_COLOR and TERM=dumb say no)."""
    return not os.environ.get("NO_COLOR") and can_redraw()


def painter() -> Callable[[str], str]:
    """What puts the colour of a state around its padded name."""
    return _painted if wanted() else str


def name_painter() -> Callable[[int, str], str]:
    """What puts a colour around the name of the program with that number."""
    if not wanted():
        return lambda number, name: name
    return lambda number, name: f"{_NAMES[number % len(_NAMES)]}{name}{_OFF}"


def _painted(state: str) -> str:
    word = state.rstrip()
    colour = _COLOURS.get(word)
    return state if colour is None else f"{colour}{word}{_OFF}{state[len(word):]}"
