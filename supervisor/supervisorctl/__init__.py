"""supervisorctl: commands for a supervisord, from a command line or a shell.

Promise: importing this package loads nothing that one action from the command line does not need; the public names
are loaded when somebody asks for them. Inner modules import each other from their homes, not from here.
"""

from __future__ import annotations

from supervisor.supervisorctl.late import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from supervisor.clientoptions import ClientOptions
    from supervisor.faults import DEAD_PROGRAM_FAULTS
    from supervisor.supervisorctl.foreground import fgthread
    from supervisor.supervisorctl.oldnames import check_encoding, get_names
    from supervisor.supervisorctl.plugins import ControllerPluginBase, DefaultControllerPlugin
    from supervisor.supervisorctl.safetext import not_all_langs
    from supervisor.supervisorctl.shell import Controller
    from supervisor.supervisorctl.statuses import LSBInitExitStatuses, LSBStatusExitStatuses

__all__ = [
    "ClientOptions",
    "Controller",
    "ControllerPluginBase",
    "DEAD_PROGRAM_FAULTS",
    "DefaultControllerPlugin",
    "LSBInitExitStatuses",
    "LSBStatusExitStatuses",
    "check_encoding",
    "fgthread",
    "get_names",
    "main",
    "not_all_langs",
]

_HOMES = {
    "ClientOptions": "program",
    "Controller": "shell",
    "ControllerPluginBase": "plugins",
    "DEAD_PROGRAM_FAULTS": "oldnames",
    "DefaultControllerPlugin": "plugins",
    "LSBInitExitStatuses": "statuses",
    "LSBStatusExitStatuses": "statuses",
    "check_encoding": "oldnames",
    "fgthread": "foreground",
    "get_names": "oldnames",
    "not_all_langs": "safetext",
}


def main(args: Iterable[Any] | None = None, options: ClientOptions | None = None) -> None:
    """Run supervisorctl; ends in SystemExit with the exit status."""
    load("program:main")(args, options)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = load(f"{_HOMES[name]}:{name}")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
