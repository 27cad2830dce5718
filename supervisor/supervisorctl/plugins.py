"""What a plugin of supervisorctl is, and the built-in one, whose actions are the rows of the table.

The methods do_X and help_X of a plugin are its actions. Methods of the built-in plugin may be replaced on the
instance, ``_startresult`` and its kin too.
"""

from __future__ import annotations

from supervisor.supervisorctl.late import load
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.table import COMMANDS, Command
from supervisor.supervisorctl.verbs import CLEAR, SIGNAL, START, STOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Method = Callable[..., Any]


class ControllerPluginBase:
    """Base of plugins: methods do_X(self, arg) are actions, help_X(self) or a docstring is their help."""

    name = "unnamed"

    def __init__(self, controller: Any) -> None:
        self.ctl = controller

    @property
    def doc_header(self) -> str:
        """What stands above the actions of this plugin in ``help``."""
        return f"{self.name} commands (type help <topic>):"

    def do_help(self, arg: str) -> None:
        """Answer ``help`` and ``help TOPIC`` for the actions of this plugin."""
        answer_help(self, self.ctl, arg)


def actions_of(plugin: object) -> list[str]:
    """The names of all actions of a plugin."""
    names = {name[3:] for name in dir(plugin) if name.startswith("do_") and callable(getattr(plugin, name))}
    return sorted(names - {"help", "EOF"})


def answer_help(plugin: Any, ctl: Any, topic: str) -> None:
    """Print a plugin's help on a topic: help_X, else the docstring of do_X, else that there is none."""
    if not topic:
        listed = [name for name in actions_of(plugin) if name not in COMMANDS or not COMMANDS[name].more]
        documented = [name for name in listed if _documentation(plugin, name)]
        load("help:show_block")(ctl, plugin.name, documented)
        return
    helper = getattr(plugin, f"help_{topic}", None)
    text = _documentation(plugin, topic)
    if helper is not None:
        helper()
    elif text:
        ctl.output(str(text))
    else:
        ctl.output(f"*** No help on {one_line(topic)}")


def _documentation(plugin: object, name: str) -> object:
    action = getattr(plugin, f"do_{name}", None)
    # None has a text of its own since Python 3.13.
    return getattr(plugin, f"help_{name}", None) or (None if action is None else getattr(action, "__doc__", None))


class _BuiltIn(ControllerPluginBase):
    name = "default"

    def _startresult(self, result: dict[str, Any]) -> str:
        return str(load("apply:result_line")(START, result))

    def _stopresult(self, result: dict[str, Any]) -> str:
        return str(load("apply:result_line")(STOP, result))

    def _signalresult(self, result: dict[str, Any]) -> str:
        return str(load("apply:result_line")(SIGNAL, result))

    def _clearresult(self, result: dict[str, Any]) -> str:
        return str(load("apply:result_line")(CLEAR, result))

    def do_EOF(self, arg: str) -> Any:  # no docstring: it is no topic of help
        return self.ctl.run(COMMANDS["exit"], [])


def _action(command: Command) -> Method:
    def do(self: _BuiltIn, arg: str = "") -> Any:
        return self.ctl.run(command, arg.split())

    do.__name__ = do.__qualname__ = f"do_{command.name}"
    return do


def _help(command: Command) -> Method:
    def helper(self: _BuiltIn) -> None:
        self.ctl.show_help(command)

    helper.__name__ = helper.__qualname__ = f"help_{command.name}"
    return helper


_rows = [command for command in COMMANDS.values() if command.name != "help"]
DefaultControllerPlugin: Any = type(
    "DefaultControllerPlugin",
    (_BuiltIn,),
    {
        "__module__": __name__,
        "__doc__": "The built-in actions.",
        **{f"do_{command.name}": _action(command) for command in _rows},
        **{f"help_{command.name}": _help(command) for command in _rows},
    },
)
