"""Modules that most runs never use, loaded when something of them is first asked for.

Promise: until then such a module costs neither memory nor time; from then on an attribute costs what it always costs.
Must not know which modules these are, nor change how an import that fails is told.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Late", "load", "load_all"]

_names: set[str] = set()


class Late:
    """Stands for the module of that name. To be written so that type checkers see the module itself::

    if TYPE_CHECKING:
        import hashlib
    else:
        hashlib = Late("hashlib")
    """

    def __init__(self, name: str) -> None:
        self._module_name = name
        _names.add(name)

    def __repr__(self) -> str:
        return f"<late {self._module_name}>"

    def __getattr__(self, name: str) -> Any:
        # Not kept here: tests and plugins replace attributes of modules, and are to be seen.
        __import__(self._module_name)
        return getattr(sys.modules[self._module_name], name)


def load(*names: str) -> None:
    """Load these now."""
    for name in names:
        __import__(name)


def load_all(first: Iterable[str] = ()) -> None:
    """Load them now, and before them those named, which may know of more: later it may not be possible."""
    for names in (first, _names):
        for name in sorted(names):
            try:
                __import__(name)
            except ImportError:
                pass  # whoever needs it will tell
