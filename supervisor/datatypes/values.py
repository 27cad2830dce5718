"""Converters of numbers, truth values, lists, sizes and addresses.

Each takes text and returns a value or raises ValueError. Must not know: sections, files, people.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import Any

TRUTHY_STRINGS = ("yes", "true", "on", "1")
FALSY_STRINGS = ("no", "false", "off", "0")


def integer(value: Any) -> int:
    """A whole number of any size."""
    return int(value)


def boolean(s: Any) -> bool:
    """yes, true, on, 1 and no, false, off, 0, in any case."""
    lowered = str(s).lower()
    if lowered in TRUTHY_STRINGS:
        return True
    if lowered in FALSY_STRINGS:
        return False
    raise ValueError(f"not a valid boolean value: {s!r}")


def octal_type(arg: str) -> int:
    """File permissions as people write them."""
    try:
        return int(arg, 8)
    except (TypeError, ValueError):
        raise ValueError(f"{arg} can not be converted to an octal type")


def list_of_strings(arg: Any) -> list[str]:
    """The items of a comma list, stripped; empty items stay."""
    if not arg:
        return []
    try:
        return [item.strip() for item in arg.split(",")]
    except (AttributeError, TypeError):
        raise ValueError(f"not a valid list of strings: {arg!r}")


def list_of_ints(arg: Any) -> list[int]:
    """The numbers of a comma list."""
    if not arg:
        return []
    try:
        return [int(item) for item in arg.split(",")]
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"not a valid list of ints: {arg!r}")


def list_of_exitcodes(arg: Any) -> list[int]:
    """Exit statuses, 0 to 255 each, in the order given."""
    try:
        codes = list_of_ints(arg)
    except ValueError:
        codes = [-1]
    if any(not 0 <= code <= 255 for code in codes):
        raise ValueError(f"not a valid list of exit codes: {arg!r}")
    return codes


class SuffixMultiplier:
    """A whole number with an optional suffix that multiplies it."""

    def __init__(self, d: dict[str, int], default: int = 1) -> None:
        self._factors = d
        self._default = default
        self._length = max((len(suffix) for suffix in d), default=0)

    def __call__(self, v: str) -> int:
        text = v.lower()
        for suffix, factor in self._factors.items():
            if text.endswith(suffix):
                return int(text[: -len(suffix)]) * factor
        return int(text) * self._default


byte_size = SuffixMultiplier({"kb": 1024, "mb": 1024**2, "gb": 1024**3})

class RangeCheckedConversion:
    """Another conversion, with bounds."""

    def __init__(self, conversion: Callable[[Any], Any], min: Any = None, max: Any = None) -> None:
        self._conversion = conversion
        self._min = min
        self._max = max

    def __call__(self, value: Any) -> Any:
        number = self._conversion(value)
        if self._min is not None and number < self._min:
            raise ValueError(f"{number!r} is below lower bound ({self._min!r})")
        if self._max is not None and number > self._max:
            raise ValueError(f"{number!r} is above upper bound ({self._max!r})")
        return number


port_number = RangeCheckedConversion(integer, min=1, max=0xFFFF).__call__


def inet_address(s: str) -> tuple[str, int]:
    """(host, port) of ``port``, ``host:port``, ``[v6]:port``; host '' stands for all interfaces."""
    host, colon, port = s.rpartition(":")
    if not colon:
        try:
            return "", port_number(port)
        except ValueError:
            raise ValueError(f"not a valid port number: {s!r} ")
    if not port:
        raise ValueError(f"no port number specified in {port!r}")
    number = port_number(port)
    host = host.lower()
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return "" if host == "*" else host, number


def url(value: str) -> str:
    """A URL as ``supervisorctl -s`` takes it: a scheme, and something after it."""
    scheme, colon, rest = value.partition(":")
    if colon and scheme and scheme[0].isalpha() and rest.strip("/"):
        return value
    raise ValueError(f"value {value!r} is not a URL")
