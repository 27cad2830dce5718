"""What all our pages have around their content: ui/status.html.

Promise: the file is read once until it changes, and a page is joined from its pieces in one go. Must not know of any
content.
"""

from __future__ import annotations

import os
from functools import lru_cache

from supervisor.version import VERSION
from supervisor.web.templates import PACKAGE
from supervisor.web.text import escape, quote

__all__ = ["page", "token_field"]

_PLACES = ("version", "title", "version", "icon", "version", "top", "main", "version")


@lru_cache(maxsize=1)
def _pieces(stamp: tuple[int, int]) -> list[str]:
    """The file around its places; stamp is its time and size."""
    with open(_path(), encoding="utf-8") as file:
        text = file.read()
    pieces = []
    for place in _PLACES:
        before, text = text.split(f"<!--{place}-->", 1)
        pieces.append(before)
    return [*pieces, text]


def _path() -> str:
    return os.path.join(PACKAGE, "ui", "status.html")


def page(title: str, main: str, top: str = "", alarm: bool = False) -> str:
    """A page: its title is text, main and top are markup. alarm: something is FATAL."""
    about = os.stat(_path())
    first, *rest = _pieces((about.st_mtime_ns, about.st_size))
    values = {
        "title": escape(title),
        "icon": "icon-fatal" if alarm else "icon",
        "top": top,
        "main": main,
        "version": quote(VERSION),
    }
    return first + "".join([values[place] + piece for place, piece in zip(_PLACES, rest, strict=True)])


def token_field(token: str | None) -> str:
    """For forms that change something."""
    return "" if token is None else f'<input type="hidden" name="token" value="{escape(token)}" />'
