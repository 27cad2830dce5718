"""Text inside pages and links.

Promise: whatever the text holds, it neither leaves its place in the markup nor reaches a reader as a control
character. Pure; must not know of pages.
"""

from __future__ import annotations

import re
from functools import lru_cache

from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late

if TYPE_CHECKING:
    from urllib import parse as urls
else:
    urls = Late("urllib.parse")

__all__ = ["escape", "quote"]

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


@lru_cache(maxsize=1)
def _controls() -> re.Pattern[str]:
    """Compiled when the first odd text comes, which most pages never have."""
    return re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _visible(odd: str) -> str:
    number = ord(odd)
    return chr(0x2400 + number) if number < 0x20 else "\u2421" if number == 0x7F else "\ufffd"


def escape(text: str) -> str:
    """Text as content or attribute of an element."""
    if not text.isprintable():
        for odd in set(_controls().findall(text)):
            text = text.replace(odd, _visible(odd))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")


def quote(text: str) -> str:
    """Text as a part of a URL: only letters, digits and ``_.-~`` stay."""
    if _PLAIN.issuperset(text):
        return text
    return urls.quote(text, safe="", errors="replace")
