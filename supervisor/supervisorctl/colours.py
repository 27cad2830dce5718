"""Colours of states, on terminals that want them."""

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


def wanted() -> bool:
    """Whether this terminal is one for colours (NO_COLOR and TERM=dumb say no)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def painter() -> Callable[[str], str]:
    """What puts the colour of a state around its padded name."""
    return _painted if wanted() else str


def _painted(state: str) -> str:
    word = state.rstrip()
    colour = _COLOURS.get(word)
    return state if colour is None else f"{colour}{word}{_OFF}{state[len(word):]}"
