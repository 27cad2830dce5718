"""One child and its kin: the life of a process, spawning, groups, FastCGI groups, event listener pools.

Promise: every public name of the package can be imported from here. Must not know options, RPC or HTTP.
"""

from __future__ import annotations

from supervisor.process.errors import BadCommand, NoPermission, NotExecutable, NotFound, ProcessException
from supervisor.process.fastcgi import FastCGIProcessGroup, FastCGISubprocess
from supervisor.process.group import ProcessGroup, ProcessGroupBase
from supervisor.process.making import make_group, make_process
from supervisor.process.pool import EventListenerPool, GlobalSerial, new_serial
from supervisor.process.subprocess import Subprocess
from supervisor.process.waitstatus import decode_wait_status, signame
from supervisor.process.world import World
from supervisor.states import (
    RUNNING_STATES,
    SIGNALLABLE_STATES,
    STOPPED_STATES,
    ProcessStates,
    SupervisorStates,
    getProcessStateDescription,
)

__all__ = [
    "BadCommand",
    "EventListenerPool",
    "FastCGIProcessGroup",
    "FastCGISubprocess",
    "GlobalSerial",
    "NoPermission",
    "NotExecutable",
    "NotFound",
    "PY2",
    "ProcessException",
    "ProcessGroup",
    "ProcessGroupBase",
    "ProcessStates",
    "RUNNING_STATES",
    "SIGNALLABLE_STATES",
    "STOPPED_STATES",
    "Subprocess",
    "SupervisorStates",
    "World",
    "decode_wait_status",
    "getProcessStateDescription",
    "make_group",
    "make_process",
    "new_serial",
    "signame",
]

PY2 = False
