"""What all our pages have around their content: ui/status.html.

Promise: the file is read once, and a page is joined from its pieces in one go: a large one is not copied again and
again. Must not know of any content.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

import supervisor
from supervisor.version import VERSION
from supervisor.web.text import escape, quote

__all__ = ["page", "token_field"]

_PLACES = ("version", "title", "version", "scripts", "icon", "version", "top", "main", "version")


@lru_cache(maxsize=1)
def _pieces() -> list[str]:
    """The file around its places."""
    with open(os.path.join(os.path.dirname(supervisor.__file__), "ui", "status.html"), encoding="utf-8") as file:
        text = file.read()
    pieces = []
    for place in _PLACES:
        before, text = text.split(f"<!--{place}-->", 1)
        pieces.append(before)
    return [*pieces, text]


def page(title: str, main: Sequence[str], top: str = "", alarm: bool = False, scripts: Sequence[str] = ()) -> str:
    """A page: its title is text, top and the pieces of main are markup. alarm: something is FATAL. scripts: names of
    files in ui, without .js, in the order in which they need each other."""
    first, *rest = _pieces()
    version = quote(VERSION)
    values = {
        "title": (escape(title),),
        "scripts": [f'<script src="{name}.js?v={version}" defer="defer"></script>\n' for name in scripts],
        "icon": ("icon-fatal" if alarm else "icon",),
        "top": (top,),
        "main": main,
        "version": (version,),
    }
    parts = [first]
    for place, piece in zip(_PLACES, rest, strict=True):
        parts += values[place]
        parts.append(piece)
    return "".join(parts)


def token_field(token: str | None) -> str:
    """For forms that change something."""
    return "" if token is None else f'<input type="hidden" name="token" value="{escape(token)}" />'
