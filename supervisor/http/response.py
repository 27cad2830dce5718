"""Status lines, headers, dates and error pages: the one place where answers get their form.

Promise: no value given by anybody ends a header line early. Knows no connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import lru_cache

__all__ = ["CLOSE", "CONTINUE", "DateLine", "KEEP", "REASONS", "SERVER", "bodiless", "build_http_date", "error_body",
           "head", "parse_http_date", "plain_head"]

SERVER = "supervisor"
CLOSE = b"Connection: close\r\n"
KEEP = b"Connection: Keep-Alive\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# The texts of RFC 2616 and before, which clients may show or compare; below them what came later.
REASONS = {
    100: "Continue", 101: "Switching Protocols",
    200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
    205: "Reset Content", 206: "Partial Content",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 303: "See Other",
    304: "Not Modified", 305: "Use Proxy",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Time-out", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Large", 415: "Unsupported Media Type",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Time-out", 505: "HTTP Version not supported",
    307: "Temporary Redirect", 308: "Permanent Redirect",
    416: "Requested Range Not Satisfiable", 417: "Expectation Failed", 421: "Misdirected Request",
    426: "Upgrade Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
}

_ERROR_BODY = (
    "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n"
    "<p>Error code {}.\r\n<p>Message: {}.\r\n</body>\r\n"
)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
# Longer values are not kept for answers that may never come.
_REMEMBERED = 256
_UNSPEAKABLE = dict.fromkeys((*range(9), *range(10, 32), 127))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def head(version: str, code: int, date: bytes, fields: Iterable[tuple[str, str]], connection: bytes = b"") -> bytes:
    """Status line and headers, the blank line included."""
    lines = [_beginning(version, code), date]
    lines += [_field(name, value) if len(value) <= _REMEMBERED else _field.__wrapped__(name, value)
              for name, value in fields]
    lines += [connection, b"\r\n"]
    return b"".join(lines)


def plain_head(version: str, code: int, date: bytes, kind: str, length: int, connection: bytes = b"") -> bytes:
    """The same for the most common answer: nothing but type and length to tell."""
    return b"%b%b%bContent-Length: %d\r\n%b\r\n" % (
        _beginning(version, code), date, _field("Content-Type", kind), length, connection)


@lru_cache(64)
def _beginning(version: str, code: int) -> bytes:
    return f"HTTP/{version} {code} {REASONS.get(code, 'Unknown')}\r\nServer: {SERVER}\r\n".encode()


@lru_cache(64)
def _field(name: str, value: str) -> bytes:
    line = f"{name}: {value}"
    if not line.isprintable():
        line = line.translate(_UNSPEAKABLE)
    return line.encode("utf-8", "replace") + b"\r\n"


def bodiless(code: int) -> bool:
    """Whether an answer of this kind never has a body."""
    return code in (204, 304) or code < 200


def error_body(code: int, message: str | None = None) -> bytes:
    """The page that tells of an error; message is text, not markup."""
    text = REASONS.get(code, "Unknown") if message is None else message.translate(_ESCAPES)
    return _ERROR_BODY.format(code, text).encode("utf-8", "replace")


def build_http_date(when: float) -> str:
    """Seconds since the epoch as HTTP writes a moment.

    >>> build_http_date(0)
    'Thu, 01 Jan 1970 00:00:00 GMT'
    """
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(when)
    return f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"


def parse_http_date(text: str) -> int | None:
    """Seconds since the epoch; None if it cannot be read. The three forms of RFC 2616.

    >>> [parse_http_date(t) for t in ("Thu, 01 Jan 1970 00:01:00 GMT", "Thursday, 01-Jan-70 00:01:00 GMT",
    ...                               "Thu Jan  1 00:01:00 1970", "yesterday")]
    [60, 60, 60, None]
    """
    words = text.replace(",", " ").replace("-", " ").split()
    try:
        if len(words) == 5:
            _, month, day, clock, year = words
        else:
            _, day, month, year, clock = words[:5]
        hour, minute, second = (int(part) for part in clock.split(":"))
        number = int(year)
        if number < 100:
            number += 1900 if number >= 70 else 2000
        moment = (number, _MONTHS.index(month.capitalize()) + 1, int(day), hour, minute, second)
        return _timegm(*moment)
    except (ValueError, IndexError):
        return None


def _timegm(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    if not (1 <= day <= 31 and 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second <= 61 and 1 <= year <= 9999):
        raise ValueError
    # A year counted from March has its leap day at its end.
    march = year - (month < 3)
    days = 365 * march + march // 4 - march // 100 + march // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second


class DateLine:
    """The Date header, made anew when the second is over."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._second = -1
        self._line = b""

    def now(self) -> bytes:
        """The line of this second, with its end."""
        second = int(self._wall())
        if second != self._second:
            self._second = second
            self._line = b"Date: " + build_http_date(second).encode() + b"\r\n"
        return self._line
