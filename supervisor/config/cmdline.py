"""Command lines in getopt style: rows of switches, the reading of words, the help text.

Cheap to import, for supervisorctl. Must not know: what a switch does.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


class CommandLineError(ValueError):
    """A command line that cannot be understood."""


class Switch:
    """One option of a command line; without a metavariable it is a flag."""

    __slots__ = ("also", "convert", "extra", "help", "long", "metavar", "name", "short")

    def __init__(self, name: str, short: str, long: str, help: str, metavar: str = "",
                 convert: Callable[[str], Any] | None = None, extra: bool = False, also: str = "") -> None:
        self.name = name
        self.short = short          # one letter, several for synonyms, or none
        self.long = long
        self.help = help
        self.metavar = metavar
        self.convert = convert
        self.extra = extra          # shown in a paragraph of its own
        self.also = also            # another spelling of the long form


def parse(switches: Sequence[Switch], words: Iterable[Any]) -> tuple[list[tuple[Switch, str, str]], list[str]]:
    """(switch, as it was given in full, its text) of each option, and the words after the last one."""
    rest = [word if isinstance(word, str) else os.fspath(word) for word in words]
    found: list[tuple[Switch, str, str]] = []
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            found.append(_long(switches, word[2:], rest))
        else:
            found.extend(_short(switches, word[1:], rest))
    return found, rest


def _long(switches: Sequence[Switch], word: str, rest: list[str]) -> tuple[Switch, str, str]:
    name, equals, text = word.partition("=")
    spellings = [(long, switch) for switch in switches for long in (switch.long, switch.also) if long]
    # A short form that was unique before there were extra switches goes on to mean what it meant.
    fitting = ([each for each in spellings if each[0] == name]
               or [each for each in spellings if each[0].startswith(name) and not each[1].extra]
               or [each for each in spellings if each[0].startswith(name)])
    if not fitting:
        raise CommandLineError(f"option --{name} not recognized")
    if any(switch is not fitting[0][1] for _, switch in fitting):
        raise CommandLineError(f"option --{name} not a unique prefix")
    name, switch = fitting[0]
    if not switch.metavar:
        if equals:
            raise CommandLineError(f"option --{name} must not have an argument")
    elif not equals:
        if not rest:
            raise CommandLineError(f"option --{name} requires argument")
        text = rest.pop(0)
    return switch, "--" + name, text


def _short(switches: Sequence[Switch], letters: str, rest: list[str]) -> list[tuple[Switch, str, str]]:
    found = []
    while letters:
        letter, letters = letters[0], letters[1:]
        switch = next((each for each in switches if letter in each.short), None)
        if switch is None:
            raise CommandLineError(f"option -{letter} not recognized")
        text = ""
        if switch.metavar:
            if not letters and not rest:
                raise CommandLineError(f"option -{letter} requires argument")
            text, letters = letters or rest.pop(0), ""
        found.append((switch, "-" + letter, text))
    return found


def values(found: list[tuple[Switch, str, str]], act: Callable[[Switch], None]) -> dict[str, Any]:
    """The converted values by name; ``act`` is called for a switch without a name, such as -h."""
    result: dict[str, Any] = {}
    for switch, given, text in found:
        value: Any = text
        if not switch.metavar:
            value = 1
        elif switch.convert is not None:
            try:
                value = switch.convert(text)
            except ValueError as e:
                raise CommandLineError(f"invalid value for {given} {text!r}: {e}")
        if not switch.name:
            act(switch)
        elif switch.name in result:
            raise CommandLineError(f"conflicting command line option {given!r}")
        else:
            result[switch.name] = value
    return result


def help_text(title: str, usage: str, switches: Sequence[Switch], closing: str = "") -> str:
    """The text of --help: one entry per switch from column 0, further ones in a paragraph of their own."""
    lines = [title, "", f"Usage: {usage}", "", "Options:"]
    for switch in switches:
        if not switch.extra:
            short = f"-{switch.short[0]}/" if switch.short else ""
            # What reads the layout knows minprocs with two blanks, and a second spelling without its metavariable.
            metavar = f" {switch.metavar}" if switch.metavar and not switch.also else ""
            accident = " " if switch.long == "minprocs" else ""
            lines.append(f"{short}--{switch.also or switch.long}{metavar}{accident} -- {switch.help}")
    extras = [f"--{switch.long}: {switch.help}" for switch in switches if switch.extra]
    if extras:
        lines += ["", *extras]
    if closing:
        lines += ["", closing]
    return "\n".join(lines) + "\n"
