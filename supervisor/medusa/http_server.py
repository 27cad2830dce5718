"""Old names for plugins; the code lives in supervisor.http."""

from __future__ import annotations

import re
from collections.abc import Iterable

from supervisor.http.request import deferring_http_request as http_request
from supervisor.medusa import http_date

__all__ = ["get_header", "get_header_match", "http_date", "http_request"]


def get_header(head_reg: re.Pattern[str], lines: Iterable[str], group: int = 1) -> str:
    """The group of the first line that head_reg matches as a whole; '' if none does."""
    match = get_header_match(head_reg, lines)
    return "" if match is None else match.group(group)


def get_header_match(head_reg: re.Pattern[str], lines: Iterable[str]) -> re.Match[str] | None:
    """The match of the first line that head_reg matches as a whole."""
    for line in lines:
        match = head_reg.fullmatch(line)
        if match:
            return match
    return None
