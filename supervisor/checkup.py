"""What a configuration would run into, found out without starting anything: for supervisord --check and for reloads.

Opens, makes and changes nothing; gives findings, obstacles to a start apart from doubts. Must not know: who is told,
nor in which file an option stands.
"""

from __future__ import annotations

import os
import sys
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping

from supervisor.config.model import ProcessConfig, ProcessGroupConfig
from supervisor.datatypes import UnixStreamSocketConfig
from supervisor.engine.inuse import refusal, unix_refusal
from supervisor.engine.limits import LimitError, require_limits
from supervisor.engine.pidfile import PidFile, PidFileHeld
from supervisor.engine.system import System
from supervisor.hints import Any
from supervisor.http.listener import cannot_listen
from supervisor.process.commands import find_program, split_command
from supervisor.process.errors import ProcessException

__all__ = ["Finding", "doubts", "is_running", "limit_obstacles", "log_obstacles", "server_obstacles",
           "socket_obstacles", "user_obstacles"]

LONGEST_ARGUMENT = 128 * 1024 if sys.platform == "linux" else sys.maxsize      # bytes, with the closing NUL

Sections = Mapping[str, list[ProcessConfig]]


class Finding(namedtuple("Finding", "section option text")):
    """One trouble: with which option of which section, and what."""

    __slots__ = ()

    section: str
    option: str
    text: str


def is_running(pidfile: str) -> bool:
    """Whether a daemon holds that pid file, so that what it has open is not taken by others."""
    try:
        PidFile(System(), pidfile).look()
    except PidFileHeld:
        return True
    return False


# -- what would keep the daemon from starting

def server_obstacles(servers: Iterable[Mapping[str, Any]], ours: Iterable[Mapping[str, Any]] = (),
                     running: bool = False) -> Iterator[Finding]:
    """Addresses where no server can listen; but those that are ours already can be had, all if we are running."""
    known = [_address(config) for config in ours]
    for config in servers:
        if _address(config) in known:
            continue
        error = refusal(config)
        if error is not None and not (running and _is_taken(error)):
            where = config["file"] if "file" in config else f"{config['host']}:{config['port']}"
            yield Finding(config["section"], "file" if "file" in config else "port",
                          str(cannot_listen(error, where)) + f" ({where})" * _is_taken(error))


def _address(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return config["family"], config.get("file"), config.get("host"), config.get("port")


def _is_taken(error: OSError) -> bool:
    return "in use" in str(error)


def socket_obstacles(sections: Sections, ours: Iterable[ProcessGroupConfig] = ()) -> Iterator[Finding]:
    """FastCGI sockets that cannot be made; those that are ours already can be had."""
    known = [process.socket_config for group in ours for process in group.process_configs]
    for section, processes in sections.items():
        found = processes[0].socket_config if processes else None
        if isinstance(found, UnixStreamSocketConfig) and found not in known:
            error = unix_refusal(found.path, replaces=True)
            if error is not None:
                yield Finding(section, "socket", f"Could not create FastCGI socket {found.url}: {error}")


def log_obstacles(options: Any) -> Iterator[Finding]:
    """An activity log that cannot be opened."""
    path = options.logfile
    trouble = "" if path == "syslog" else _unwritable(path, _is_us(options.uid))
    if trouble:
        yield Finding("supervisord", "logfile", f"Cannot open the log file {path}: {trouble}")


def user_obstacles(options: Any) -> Iterator[Finding]:
    """A user that cannot be switched to."""
    if options.uid is not None and os.getuid() not in (0, options.uid):
        yield Finding("supervisord", "user", "Can't drop privilege as nonroot user")


def limit_obstacles(options: Any) -> Iterator[Finding]:
    """Limits that cannot be had."""
    try:
        require_limits(System(), options.minfds, options.minprocs)
    except LimitError as e:
        text = str(e)
        yield Finding("supervisord", "minprocs" if '"minprocs"' in text else "minfds", text)


def _is_us(uid: int | None) -> bool:
    """Whether what we may do is what the daemon will be allowed."""
    return uid is None or uid == os.geteuid()


def _unwritable(path: str, is_us: bool) -> str:
    """Why a file cannot be written or made, nothing when it can."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return "Is a directory"
    if not os.path.isdir(folder):
        return "its directory does not exist"
    if is_us and not os.access(path if os.path.exists(path) else folder, os.W_OK):
        return "Permission denied"
    return ""


# -- what looks wrong about programs

def doubts(options: Any, sections: Sections) -> list[Finding]:
    """What a start would get over, but not a program; each once."""
    found: dict[Finding, None] = {}
    is_us = _is_us(options.uid)
    if trouble := _unwritable(options.pidfile, is_us):
        found[Finding("supervisord", "pidfile", f"could not write pidfile {options.pidfile}: {trouble}")] = None
    if is_us and not os.access(options.childlogdir, os.W_OK):
        found[Finding("supervisord", "childlogdir", f"{options.childlogdir} cannot be written to")] = None
    system = System()
    commands: dict[tuple[str, str], str] = {}
    for section, processes in sections.items():
        for config in processes:
            for option, text in _process(system, config, commands, is_us):
                found[Finding(section, option, text)] = None
    return list(found)


def _process(system: System, config: ProcessConfig, commands: dict[tuple[str, str], str],
             is_us: bool) -> Iterator[tuple[str, str]]:
    path = config.get_path()
    key = config.command, ":".join(path)
    if key not in commands:
        commands[key] = _command(system, config.command, path)
    if commands[key]:
        yield "command", commands[key]
    if config.directory is not None and not os.path.isdir(config.directory):
        yield "directory", f"the working directory does not exist: {config.directory}"
    if config.uid is not None and os.getuid() not in (0, config.uid):
        yield "user", "only root can run programs as another user"
    for option in ("stdout_logfile", "stderr_logfile"):
        logfile = getattr(config, option)
        if isinstance(logfile, str) and logfile and (trouble := _unwritable(logfile, is_us)):
            yield option, f"the log file cannot be opened: {logfile}: {trouble}"


def _command(system: System, command: str, path: list[str]) -> str:
    """Why a command cannot be run, nothing when it can."""
    try:
        words = split_command(command)
        find_program(system, words[0], lambda: path)
    except ProcessException as e:
        return str(e)
    if any(len(os.fsencode(word)) >= LONGEST_ARGUMENT for word in words):
        return f"one argument is longer than {LONGEST_ARGUMENT - 1} bytes"
    return ""
