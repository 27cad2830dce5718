"""Files that take a program's output or the daemon's own log: raw bytes, appended, rotated by size.

Promise: writing never raises and never blocks, whatever the disk, the pipe or the terminal does; what finds no place
is kept within bounds, then dropped and counted. Must not know programs, lines or levels.
"""

from __future__ import annotations

from supervisor.logfile.backlog import silent
from supervisor.logfile.file import LogFile, follow
from supervisor.logfile.outlet import attend, settle
from supervisor.logfile.systemlog import system_log

__all__ = ["LogFile", "attend", "follow", "settle", "silent", "system_log"]
