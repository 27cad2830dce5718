"""help: which actions there are, and what each does. Reads the table; needs no server."""

from __future__ import annotations

from cmd import Cmd

from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.table import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

WIDTH = 80


def help(session: Session, command: Command, words: list[str]) -> None:
    """List the actions, or tell about one."""
    session.help(" ".join(words))


def of_table(session: Session, topic: str) -> None:
    """Help without plugins."""
    if not topic:
        listed = [each.name for each in COMMANDS.values() if not each.more and each.name != "help"]
        show_block(session, "default", listed)
    elif topic == "help":
        session.output("\n".join(help_lines()))
    elif topic in COMMANDS:
        session.show_help(COMMANDS[topic])
    else:
        session.output(f"*** No help on {one_line(topic)}")


def show_block(session: Session, plugin: str, names: list[str]) -> None:
    """A blank line, and one plugin's actions in columns under its name."""
    session.output("")
    if not names:
        return
    header = f"{one_line(plugin)} commands (type help <topic>):"
    session.output(f"{header}\n{'=' * len(header)}")
    Cmd(stdout=session.stdout).columnize(sorted(names), WIDTH - 1)
    session.output("")


def help_lines() -> tuple[str, ...]:
    """Help on help, with the actions that the list of all leaves out."""
    more = ", ".join(name for name, command in COMMANDS.items() if command.more)
    return (*COMMANDS["help"].help, f"Further actions: {more}")
