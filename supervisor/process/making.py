"""Which class a configuration becomes; puts itself into the configuration's makers.

Promise: importing this package is enough for make_process() and make_group() to work. Knows the kinds and nothing else.
"""

from __future__ import annotations

from supervisor.config.model import EventListenerPoolConfig, FastCGIGroupConfig, FastCGIProcessConfig, makers
from supervisor.hints import Any
from supervisor.process.fastcgi import FastCGIProcessGroup, FastCGISubprocess, try_sockets
from supervisor.process.group import ProcessGroup, ProcessGroupBase
from supervisor.process.pool import EventListenerPool
from supervisor.process.subprocess import Subprocess

__all__ = ["make_group", "make_process"]


def make_process(config: Any, group: Any = None) -> Subprocess:
    """The live process of a configuration, a member of group."""
    kind = FastCGISubprocess if isinstance(config, FastCGIProcessConfig) else Subprocess
    process = kind(config, getattr(group, "world", None))
    process.group = group
    if getattr(group, "complete", False):
        process.world.loop.call_soon(_see_new_member, process)
    return process


def _see_new_member(process: Subprocess) -> None:
    """A plugin made a process for a group at work: it may be due to start, once it is in."""
    if process.group.processes.get(process.config.name) is process:
        process.transition()


def make_group(config: Any) -> ProcessGroupBase:
    """The live group of a configuration. ValueError when a socket it needs cannot be made."""
    if isinstance(config, EventListenerPoolConfig):
        return EventListenerPool(config)
    if isinstance(config, FastCGIGroupConfig):
        group: ProcessGroup = FastCGIProcessGroup(config)
    else:
        group = ProcessGroup(config)
    try_sockets(group)
    return group


makers.process = make_process
makers.group = make_group
