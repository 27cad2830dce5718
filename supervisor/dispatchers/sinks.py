"""Where a child's output goes: its log file, the system logger, and those who want text.

Promise: bytes reach the file as they came. Must not know pipes or stages.
"""

from __future__ import annotations

from supervisor.hints import Any
from supervisor.logfile import LogFile, system_log

__all__ = ["WholeCharacters", "as_message", "child_log", "to_syslog"]


def child_log(process: Any, channel: str) -> LogFile | None:
    """The log of one channel as its configuration asks for it, opened; OSError when that is not possible."""
    config = process.config
    path = getattr(config, f"{channel}_logfile")
    if not path or not isinstance(path, str):
        return None
    world = process.world
    log = LogFile(
        path,
        getattr(config, f"{channel}_logfile_maxbytes") or 0,
        getattr(config, f"{channel}_logfile_backups") or 0,
        system=world.system,
        clock=world.clock,
        report=world.log.warn,
    )
    log.open()
    return log


def to_syslog(name: str, data: bytes) -> None:
    """One call for each line: the process name, a blank, the line."""
    for line in as_text(data).rstrip("\n").split("\n"):
        system_log.write(f"{name} {line}")


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def as_message(data: bytes) -> str:
    """Output as the activity log shows it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return f"Undecodable: {data!r}"


class WholeCharacters:
    """Cuts a stream of UTF-8 between characters: the beginning of one waits for its rest."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> bytes:
        if self._begun:
            data = self._begun + data
            self._begun = b""
        cut = _unfinished_character(data)
        if cut:
            data, self._begun = data[:-cut], data[-cut:]
        return data

    def finish(self) -> bytes:
        """What waits although no more comes."""
        begun, self._begun = self._begun, b""
        return begun


def _unfinished_character(data: bytes) -> int:
    """How many bytes at the end of data are the beginning of a character."""
    for length in range(1, min(3, len(data)) + 1):
        byte = data[-length]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF5 else 0
            return length if length < needed else 0
    return 0
