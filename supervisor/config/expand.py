"""Expansion of ``%(name)s`` in option values.

Text without a percent sign is returned as it is; nothing but the names handed in can be reached.
Must not know: where names or texts come from.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Names(dict):  # type: ignore[type-arg]
    """The names of one expansion. A conversion without a name, such as ``%s``, would print all of them: refused."""

    def __str__(self) -> str:
        raise ValueError("a conversion has no (name)")

    __repr__ = __str__


def expand(s: str, expansions: Mapping[str, object], name: str) -> str:
    """``s`` with its ``%(x)s`` filled in; ``name`` is the option, for the error text.

    The ValueError has an attribute ``discreet``: the text without the names of environment variables. Of a password
    neither says anything.
    """
    try:
        if any(len(part) - len(part.lstrip("#0123456789- +.")) > 6 for part in s.split(")")[1:]):
            raise ValueError("a number is too wide")
        return s % Names(expansions)
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as e:
        if name.rpartition(".")[2] == "password":
            text = f"Format string (not shown) for {name!r} is badly formatted: in it a percent sign is written %%"
            raise _error(text, text) from None
        raise _failed(s, expansions, name, e) from None


def _failed(s: str, expansions: Mapping[str, object], name: str, e: Exception) -> ValueError:
    if isinstance(e, KeyError):
        start = f"Format string {s!r} for {name!r} contains names ({e}) which cannot be expanded. Available names: "
        names = sorted(expansions)
        discreet = start + ", ".join(each for each in names if not each.startswith("ENV_"))
        return _error(start + ", ".join(names), discreet)
    reason = str(e).replace("not Names", "not dict")
    text = f"Format string {s!r} for {name!r} is badly formatted: {reason}"
    return _error(text, text)


def _error(text: str, discreet: str) -> ValueError:
    error = ValueError(text)
    vars(error).update(discreet=discreet)
    return error


def environ_names(environ: Mapping[str, str]) -> dict[str, str]:
    """``ENV_X`` for each variable X."""
    return {"ENV_" + key: value for key, value in environ.items()}
