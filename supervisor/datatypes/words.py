"""Words with a meaning: log levels, signals, names, restart rules; and the classes that mark special values.

Must not know: sections, files.
"""

from __future__ import annotations

import signal

from supervisor.datatypes.values import FALSY_STRINGS, TRUTHY_STRINGS, list_of_strings
from supervisor.hints import Any


class Automatic:
    """Marks a log file whose name supervisord makes up."""


class Syslog:
    """Marks the old spelling ``logfile=syslog``."""


class RestartUnconditionally:
    """Marks autorestart=true."""


class RestartWhenExitUnexpected:
    """Marks autorestart=unexpected."""


LOGFILE_NONES = ("none", "off", None)
LOGFILE_AUTOS = (Automatic, "auto")
LOGFILE_SYSLOGS = (Syslog, "syslog")

_LEVELS = {"critical": 50, "error": 40, "warn": 30, "info": 20, "debug": 10, "trace": 5, "blather": 3}


def auto_restart(value: Any) -> Any:
    """True, false or ``unexpected``, as marker classes and False."""
    lowered = str(value).lower()
    if lowered in TRUTHY_STRINGS:
        return RestartUnconditionally
    if lowered in FALSY_STRINGS:
        return False
    if lowered == "unexpected":
        return RestartWhenExitUnexpected
    raise ValueError(f"invalid 'autorestart' value {value!r}")


def logging_level(value: Any) -> int:
    """The number of a level of the activity log."""
    try:
        return _LEVELS[str(value).lower()]
    except KeyError:
        raise ValueError(f"bad logging level name {value!r}")


def _signals() -> dict[str, int]:
    """Every name of a signal this system has, real-time ones by their distance from RTMIN and RTMAX too."""
    names = {name: int(getattr(signal, name)) for name in dir(signal) if name.startswith("SIG") and name[3:4] != "_"}
    if "SIGRTMIN" in names:
        low, high = names["SIGRTMIN"], names["SIGRTMAX"]
        names.update({f"SIGRTMIN+{n}": low + n for n in range(high - low + 1)})
        names.update({f"SIGRTMAX-{n}": high - n for n in range(high - low + 1)})
    return names


_SIGNALS = _signals()
SIGNUMS = sorted(set(_SIGNALS.values()))


def signal_number(value: Any) -> int:
    """A signal by its number, or by its name with or without SIG. 0, which only asks, is taken too."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        name = str(value).strip().upper()
        if not name.startswith("SIG"):
            name = "SIG" + name
        if name not in _SIGNALS:
            raise ValueError(f"value {value!r} is not a valid signal name")
        return _SIGNALS[name]
    if number and number not in SIGNUMS:
        raise ValueError(f"value {value!r} is not a valid signal number")
    return number


def process_or_group_name(name: Any) -> str:
    """A name that can stand in ``group:process`` and in a path."""
    text = str(name).strip()
    for character in " :/":
        if character in text:
            raise ValueError(f"Invalid name: {text!r} because of character: {character!r}")
    return text


def profile_options(value: str) -> tuple[list[str], bool]:
    """(sort keys, whether callers are wanted) of the profiler."""
    keys = list_of_strings(value.lower())
    return [key for key in keys if key != "callers"], "callers" in keys


def printable(text: str) -> str:
    """The text on one line: signs that are not for printing as escapes.

    >>> printable("a\nb")
    'a\\nb'
    """
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
