"""How the text of each scalar element of XML-RPC is read.

Promise: pure and strict; text that the type cannot read is a ValueError. It must not know where the text came from.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late

if TYPE_CHECKING:
    import binascii
    import datetime
else:
    binascii = Late("binascii")
    datetime = Late("datetime")

__all__ = ["SCALARS", "make_datetime"]

# Converting text to a number costs the square of its length; no honest number is longer.
_MAX_DIGITS = 4300

_BLANKS = " \t\r\n"


def make_datetime(text: str) -> datetime.datetime:
    """The moment that dateTime.iso8601 text of the form ``20261120T11:22:33`` names."""
    if len(text) != 17:
        raise ValueError(f"not a date and time: {text[:17]!r}")  # the rest may be megabytes
    digits = text[0:8] + text[9:11] + text[12:14] + text[15:17]
    if text[8] + text[11] + text[14] != "T::" or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"not a date and time: {text!r}")
    year, month, day = int(digits[0:4]), int(digits[4:6]), int(digits[6:8])
    return datetime.datetime(year, month, day, int(digits[8:10]), int(digits[10:12]), int(digits[12:14]))


def _int(text: str) -> int:
    text = text.strip(_BLANKS)
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_DIGITS:
        raise ValueError("not a whole number")
    return int(text)


def _double(text: str) -> float:
    if "_" in text or not text.isascii():
        raise ValueError("not a number")
    return float(text)


def _base64(text: str) -> str:
    return binascii.a2b_base64(text).decode("utf-8")


def _nil(text: str) -> None:
    if text.strip(_BLANKS):
        raise ValueError("nil has no content")


# How the text of each scalar element is read. Only the exact text "1" is true.
SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": _int,
    "i4": _int,
    "i8": _int,
    "boolean": lambda text: text == "1",
    "double": _double,
    "dateTime.iso8601": make_datetime,
    "base64": _base64,
    "nil": _nil,
}
