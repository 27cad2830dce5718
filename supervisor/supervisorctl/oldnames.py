"""Small public names of this package that nothing of ours uses; plugins may."""

from __future__ import annotations

from supervisor.faults import DEAD_PROGRAM_FAULTS
from supervisor.supervisorctl.safetext import encoding_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DEAD_PROGRAM_FAULTS", "check_encoding", "get_names"]


def check_encoding(ctl: Any) -> None:
    """Say through a controller that the output may not be able to show every character, if so."""
    warning = encoding_warning()
    if warning is not None:
        ctl.output(warning)


def get_names(inst: object) -> list[str]:
    """The names that the classes of an object define, a base after what derives from it."""
    return [name for kind in type(inst).__mro__ for name in vars(kind)]
