"""The forms in which a password can be stored, as text of a configuration.

Promise: what is not written as its form wants it is told without the text itself. Must not know: sections, requests.

Forms: the password itself; ``{SHA}`` or ``{SHA256}`` with the hexadecimal digest in lower case; ``{PBKDF2-SHA256}`` or
``{PBKDF2-SHA512}`` with ``ITERATIONS$SALT$HASH``, both parts in base64 (``+`` may be ``.``, ``=`` may be missing).
"""

from __future__ import annotations

from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late

if TYPE_CHECKING:
    import base64
else:
    base64 = Late("base64")

__all__ = ["SLOW", "SlowHash", "password_doubt", "slow_hash"]

# How the costly forms begin.
SLOW = "{PBKDF2-"
# Some seconds of work; what is above it is a slip, and nothing else would be done meanwhile.
MOST_ITERATIONS = 10_000_000

_SCHEMES = ("sha256", "sha512")
_DIGITS = {"{SHA}": 40, "{SHA256}": 64}

SlowHash = tuple[str, int, bytes, bytes]


def slow_hash(stored: str) -> SlowHash:
    """(hash function, iterations, salt, hash) of a costly form; ValueError says what is wrong with it."""
    scheme, brace, rest = stored[len(SLOW):].partition("}")
    scheme = scheme.lower()
    if not brace or scheme not in _SCHEMES:
        raise ValueError("of {PBKDF2-...} there are {PBKDF2-SHA256} and {PBKDF2-SHA512}")
    parts = rest.split("$")
    if len(parts) != 3:
        raise ValueError("{PBKDF2-...} is followed by ITERATIONS$SALT$HASH")
    iterations = int(parts[0]) if parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 10 else 0
    if not 0 < iterations <= MOST_ITERATIONS:
        raise ValueError(f"ITERATIONS of {{PBKDF2-...}} is a number from 1 to {MOST_ITERATIONS}")
    salt, digest = map(_from_base64, parts[1:])
    if not digest:
        raise ValueError("HASH of {PBKDF2-...} is empty")
    return scheme, iterations, salt, digest


def password_doubt(stored: str) -> str | None:
    """Why nobody can log in with a password that is stored so; None if somebody can."""
    if stored.startswith(SLOW):
        try:
            slow_hash(stored)
        except ValueError as why:
            return str(why)
    for prefix, digits in _DIGITS.items():
        if stored.startswith(prefix):
            rest = stored[len(prefix):]
            if len(rest) != digits or set(rest) - set("0123456789abcdef"):
                return f"{prefix} is followed by {digits} hexadecimal digits in lower case"
    return None


def _from_base64(text: str) -> bytes:
    text = text.replace(".", "+").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("SALT and HASH of {PBKDF2-...} are base64") from None
