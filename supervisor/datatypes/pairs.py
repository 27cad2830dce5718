"""The grammar of environment=: pairs separated by commas, quoted as a POSIX shell quotes.

Whatever would be lost or misread is an error that names the token. Must not know: processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.datatypes.words import printable

# Letters and digits of Latin-1 and a few signs stand without quotes.
_PLAIN = r"[A-Za-z0-9_/.+\-():\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]+"
_PAIR = re.compile(rf'\s*({_PLAIN})\s*=\s*(?:({_PLAIN})|"([^"\\]*)")\s*(?:,\s*|$)')      # the common form
_PIECE = re.compile(
    rf"""(?P<plain>{_PLAIN})|(?P<blank>\s+)"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"|\\(?P<escaped>.)|(?P<sign>.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


def _broken_off(value: str, token: str = "", wanted: str = "") -> ValueError:
    """An error whose ``brief`` is the text people know, and ``hint`` tells what is in the way."""
    brief = f"Unexpected end of key/value pairs in value {_quoted(value)}"
    hint = f": {token!r} stands where {wanted} is expected" if token else ""
    error = ValueError(brief + hint)
    vars(error).update(brief=brief, hint=hint)
    return error


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
    """Pairs in any form that is allowed, or what is wrong with them.

    One sign may stand for a key or a value without quotes, as in ``HOSTS=*``.
    """
    pairs: dict[str, str] = {}
    shape = (None, "=", None, ",")      # None: a word
    key, n, sign = "", -1, ""
    for n, (text, is_word) in enumerate(_words(arg)):
        wanted = shape[n % 4]
        if wanted is None:
            sign = "" if is_word else text
            if sign == "#" or (n % 4 == 0 and sign in ("=", ",")):
                raise _broken_off(arg, text, "a word")
        elif is_word or text != wanted:
            raise _broken_off(arg, sign or text, "a word" if sign else repr(wanted))
        if n % 4 == 0:
            key = text
            if not key or "=" in key:
                raise ValueError(f"{key!r} cannot be the name of a variable in value {_quoted(arg)}")
        elif n % 4 == 2:
            pairs[key] = text
    if n % 4 in (0, 1):
        raise _broken_off(arg)
    return pairs


def _quoted(arg: str) -> str:
    """A value as it is written, on one line."""
    return f"'{printable(arg)}'"
