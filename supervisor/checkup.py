"""supervisord --check: what a start with this configuration would run into, without starting anything.

Opens and changes nothing; gives sentences. Must not know: who prints them, nor what they lead to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from supervisor.config.model import ProcessConfig, ProcessGroupConfig
from supervisor.datatypes import UnixStreamSocketConfig
from supervisor.engine.system import System
from supervisor.process.commands import find_program, split_command
from supervisor.process.errors import ProcessException

LONGEST_SOCKET_PATH = 107       # bytes, without the closing NUL
LONGEST_COMMAND = 128 * 1024    # what Linux takes as one argument


def doubts(groups: Iterable[ProcessGroupConfig], servers: Iterable[dict[str, Any]]) -> list[str]:
    """What looks wrong about programs and sockets, each once."""
    found: dict[str, None] = {}
    system = System()
    commands: dict[tuple[str, str], str] = {}
    for server in servers:
        if "file" in server:
            found.update(dict.fromkeys(_socket(f"[{server['section']}]", server["file"])))
    for group in groups:
        for config in group.process_configs:
            found.update(dict.fromkeys(_process(system, group.name, config, commands)))
    return list(found)


def _socket(what: str, path: str) -> Iterator[str]:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        yield f"{what} the path of the socket is longer than {LONGEST_SOCKET_PATH} bytes: {path}"
    elif not os.path.isdir(os.path.dirname(path)):
        yield f"{what} the directory of the socket does not exist: {path}"


def _process(system: System, group: str, config: ProcessConfig, commands: dict[tuple[str, str], str]) -> Iterator[str]:
    what = f"{group}:{config.name}"
    path = config.get_path()
    key = config.command, ":".join(path)
    if key not in commands:
        commands[key] = _command(system, config.command, path)
    if commands[key]:
        yield f"{what} {commands[key]}"
    if config.directory is not None and not os.path.isdir(config.directory):
        yield f"{what} the working directory does not exist: {config.directory}"
    if isinstance(config.socket_config, UnixStreamSocketConfig):
        yield from _socket(what, config.socket_config.path)


def _command(system: System, command: str, path: list[str]) -> str:
    """Why a command cannot be run, nothing when it can."""
    if len(command) > LONGEST_COMMAND:
        return f"the command is longer than {LONGEST_COMMAND} characters"
    try:
        find_program(system, split_command(command)[0], lambda: path)
    except ProcessException as e:
        return str(e)
    return ""
