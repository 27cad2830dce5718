"""Converters from configuration text to values, and the socket addresses of FastCGI programs.

Each converter takes text and returns a value or raises ValueError with a text people know; no option is named here.
The names are public: plugins import them. Must not know: sections, files, processes.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any

__all__ = [
    "Automatic",
    "FALSY_STRINGS",
    "InetStreamSocketConfig",
    "LOGFILE_AUTOS",
    "LOGFILE_NONES",
    "LOGFILE_SYSLOGS",
    "RangeCheckedConversion",
    "RestartUnconditionally",
    "RestartWhenExitUnexpected",
    "SIGNUMS",
    "SocketAddress",
    "SocketConfig",
    "SuffixMultiplier",
    "Syslog",
    "TRUTHY_STRINGS",
    "UnixStreamSocketConfig",
    "auto_restart",
    "boolean",
    "byte_size",
    "colon_separated_user_group",
    "dict_of_key_value_pairs",
    "existing_directory",
    "existing_dirpath",
    "gid_for_uid",
    "inet_address",
    "integer",
    "list_of_exitcodes",
    "list_of_ints",
    "list_of_strings",
    "logfile_name",
    "logging_level",
    "name_to_gid",
    "name_to_uid",
    "octal_type",
    "port_number",
    "process_or_group_name",
    "profile_options",
    "signal_number",
    "url",
]


class Automatic:
    """Marks a log file whose name supervisord makes up."""


class Syslog:
    """Marks the old spelling ``logfile=syslog``."""


class RestartUnconditionally:
    """Marks autorestart=true."""


class RestartWhenExitUnexpected:
    """Marks autorestart=unexpected."""


TRUTHY_STRINGS = ("yes", "true", "on", "1")
FALSY_STRINGS = ("no", "false", "off", "0")
LOGFILE_NONES = ("none", "off", None)
LOGFILE_AUTOS = (Automatic, "auto")
LOGFILE_SYSLOGS = (Syslog, "syslog")

_LEVELS = {"critical": 50, "error": 40, "warn": 30, "info": 20, "debug": 10, "trace": 5, "blather": 3}


# -- numbers, truth and lists

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


# -- words with a meaning

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
    names = {name: number for name, number in names.items() if name[3:].isalnum() and name != "SIGABRT_"}
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
    keys = list_of_strings(value)
    return [key for key in keys if key != "callers"], "callers" in keys


# -- files and people

def existing_directory(v: str) -> str:
    """A folder, ``~`` expanded."""
    path = os.path.expanduser(v)
    if os.path.isdir(path):
        return path
    raise ValueError(f"{v} is not an existing directory")


def existing_dirpath(v: str) -> str:
    """A path whose folder exists, ``~`` expanded; it stays relative when written so."""
    path = os.path.expanduser(v)
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise ValueError(f"The directory named as part of the path {v} does not exist")
    return path


def logfile_name(val: Any) -> Any:
    """Where output goes: None for nowhere, Automatic, Syslog, or a path."""
    lowered = val.lower() if hasattr(val, "lower") else val
    if lowered in LOGFILE_NONES:
        return None
    if lowered in LOGFILE_AUTOS:
        return Automatic
    if lowered in LOGFILE_SYSLOGS:
        return Syslog
    return existing_dirpath(val)


def name_to_uid(name: str) -> int:
    """The number of an existing user, given by name or number."""
    try:
        uid = int(name)
    except ValueError:
        try:
            return pwd.getpwnam(name).pw_uid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid user name {name}")
    try:
        pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid user id {name}")
    return uid


def name_to_gid(name: str) -> int:
    """The number of an existing group, given by name or number."""
    try:
        gid = int(name)
    except ValueError:
        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid group name {name}")
    try:
        grp.getgrgid(gid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid group id {name}")
    return gid


def gid_for_uid(uid: int) -> int:
    """The primary group of a user."""
    return pwd.getpwuid(uid).pw_gid


def colon_separated_user_group(arg: str) -> tuple[int, int]:
    """(uid, gid) of ``user`` or ``user:group``; gid -1 stands for unchanged."""
    user, *rest = arg.split(":")
    try:
        if len(rest) > 1:
            raise ValueError
        return name_to_uid(user), name_to_gid(rest[0]) if rest else -1
    except ValueError:
        raise ValueError(f"Invalid user:group definition {arg}")


# -- environment=

# Letters and digits of Latin-1 and a few signs stand without quotes, as in a POSIX shell's reader of words.
_PLAIN = r"[A-Za-z0-9_/.+\-():\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]+"
_PAIR = re.compile(rf'\s*({_PLAIN})\s*=\s*(?:({_PLAIN})|"([^"\\]*)")\s*(?:,\s*|$)')      # the common form
_PIECE = re.compile(
    rf"""(?P<plain>{_PLAIN})|(?P<blank>\s+)"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"|\\(?P<escaped>.)|(?P<sign>.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Words and single signs of a key/value list; True marks a word, False a sign such as ``=``."""
    word: list[str] = []
    for match in _PIECE.finditer(text):
        kind = match.lastgroup
        if kind in ("blank", "sign"):
            if word:
                yield "".join(word), True
                word = []
            if kind == "sign":
                if match[0] in "\"'":
                    raise ValueError("No closing quotation")
                if match[0] == "\\":
                    raise ValueError("No escaped character")
                yield match[0], False
        elif kind == "double":
            word.append(_ESCAPED.sub(r"\1", match["double"]))
        else:
            word.append(match[kind or 0])
    if word:
        yield "".join(word), True


def dict_of_key_value_pairs(arg: str) -> dict[str, str]:
    """``KEY=value,KEY="any text"``: pairs separated by commas, quoted as a POSIX shell quotes.

    >>> dict_of_key_value_pairs('A=1,B="x, y",')
    {'A': '1', 'B': 'x, y'}
    """
    if "\0" in arg:
        raise ValueError(f"a NUL character stands in value {arg!r}")
    pairs: dict[str, str] = {}
    at = 0
    while match := _PAIR.match(arg, at):
        pairs[match[1]] = match[2] or match[3] or ""
        at = match.end()
    return pairs if at == len(arg) else _any_pairs(arg)


def _any_pairs(arg: str) -> dict[str, str]:
    """Pairs in any form that is allowed, or what is wrong with them."""
    pairs: dict[str, str] = {}
    shape = (None, "=", None, ",")      # None: a word
    key, n = "", -1
    for n, (text, is_word) in enumerate(_words(arg)):
        wanted = shape[n % 4]
        if not (is_word if wanted is None else text == wanted and not is_word):
            raise ValueError(f"Unexpected end of key/value pairs in value {arg!r}: "
                             f"{text!r} stands where {'a word' if wanted is None else repr(wanted)} is expected")
        if n % 4 == 0:
            key = text
            if not key or "=" in key:
                raise ValueError(f"{key!r} cannot be the name of a variable in value {arg!r}")
        elif n % 4 == 2:
            pairs[key] = text
    if n % 4 in (0, 1):
        raise ValueError(f"Unexpected end of key/value pairs in value {arg!r}")
    return pairs


# -- addresses

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


class SocketAddress:
    """The family of an address, judged by its look, and the address."""

    def __init__(self, s: str) -> None:
        self.address: Any
        if "/" in s or ":" not in s:
            self.family = socket.AF_UNIX
            self.address = s
        else:
            self.family = socket.AF_INET
            self.address = inet_address(s)


class SocketConfig:
    """A listening socket as configured: where, and with what settings."""

    url = ""

    def __init__(self, mode: int | None = None, owner: Sequence[int] | None = None,
                 backlog: int | None = None) -> None:
        self.mode = mode
        self.owner = owner
        self.backlog = backlog

    def __repr__(self) -> str:
        return f"<{type(self)} at {id(self)} for {self.url}>"

    def __str__(self) -> str:
        return self.url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SocketConfig) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self.url)

    def _facts(self) -> tuple[Any, ...]:
        return self.url, self.mode, tuple(self.owner) if self.owner else None, self.backlog

    def get_mode(self) -> int | None:
        return self.mode

    def get_owner(self) -> Sequence[int] | None:
        return self.owner

    def get_backlog(self) -> int | None:
        return self.backlog

    def addr(self) -> Any:
        """The address in the form bind() wants."""
        raise NotImplementedError

    def create_and_bind(self) -> socket.socket:
        """A socket bound to the address, not yet listening."""
        raise NotImplementedError


class InetStreamSocketConfig(SocketConfig):
    """A TCP socket; an IPv6 address where the host is one."""

    def __init__(self, host: str, port: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = host.lower()
        self.port = port_number(port)
        self.url = f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"

    def addr(self) -> tuple[str, int]:
        return "" if self.host == "*" else self.host, self.port

    def create_and_bind(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self.addr())
        except Exception:
            sock.close()
            raise
        return sock


class UnixStreamSocketConfig(SocketConfig):
    """A socket in the file system, with its owner and permissions."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.url = f"unix://{path}"

    def addr(self) -> str:
        return self.path

    def create_and_bind(self) -> socket.socket:
        """Replaces a socket of an earlier run, but nothing that is not a socket."""
        try:
            if stat.S_ISSOCK(os.lstat(self.path).st_mode):
                os.unlink(self.path)
        except FileNotFoundError:
            pass
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)      # nobody else may connect before owner and mode are set
        try:
            sock.bind(self.addr())
        except Exception:
            sock.close()
            raise
        finally:
            os.umask(before)
        try:
            self._hand_over()
        except Exception:
            sock.close()
            os.unlink(self.path)
            raise
        return sock

    def _hand_over(self) -> None:
        try:
            if self.owner is not None:
                os.chown(self.path, self.owner[0], self.owner[1])
            if self.mode is not None:
                os.chmod(self.path, self.mode)
        except OSError as e:
            raise ValueError(f"Could not change ownership/permissions of socket file: {e}")
