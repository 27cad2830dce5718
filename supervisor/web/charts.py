"""Small charts that need no script.

Promise: each is readable as text too. Must not know what the numbers mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.web.text import escape

__all__ = ["bars"]

_HEIGHT = 24


def bars(numbers: Sequence[int], label: str, step: int) -> str:
    """One bar for each number, every ``step`` pixels, as inline SVG."""
    highest = max(numbers, default=0)
    heights = [max(2, round(number / highest * _HEIGHT)) if number else 0 for number in numbers]
    rects = "".join([
        f'<rect x="{index * step}" y="{_HEIGHT - height}" width="{step - 1}" height="{height}" />'
        for index, height in enumerate(heights) if height
    ])
    width = len(numbers) * step
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bars" viewBox="0 0 {width} {_HEIGHT + 1}" width="{width}"'
        f' preserveAspectRatio="none" height="{_HEIGHT + 1}" role="img" aria-label="{escape(label)}">{rects}'
        f'<path class="base" d="M0 {_HEIGHT}.5H{width}" /></svg>'
    )
