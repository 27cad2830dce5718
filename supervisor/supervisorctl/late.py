"""The one loader of what most runs never use: actions, the shell (cmd, readline), streams.

A name is ``module:attribute`` below this package; the module is imported at its first use, so that a run of one
action costs the import of that action only.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load(name: str) -> Any:
    """The attribute called ``module:attribute``."""
    module_name, _, attribute = name.partition(":")
    full = f"{__package__}.{module_name}"
    __import__(full)  # also waits for another thread that is importing it
    return getattr(sys.modules[full], attribute)
