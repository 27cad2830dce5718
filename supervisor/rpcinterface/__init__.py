"""The ``supervisor`` namespace of XML-RPC.

Promise: each method checks its arguments, calls the domain and answers now or later; a client's mistake is a fault.
Its parts are modules of this package; the public names are here. Must not know of HTTP or XML.
"""

from __future__ import annotations

from supervisor.faults import Faults, RPCError
from supervisor.hints import Any
from supervisor.rpcinterface.base import isNotRunning, isRunning, isSignallable
from supervisor.rpcinterface.batch import make_allfunc
from supervisor.rpcinterface.control import Control
from supervisor.rpcinterface.daemon import API_VERSION, Daemon
from supervisor.rpcinterface.info import Info
from supervisor.rpcinterface.logs import Logs
from supervisor.rpcinterface.members import Members
from supervisor.rpcinterface.plan import Plan
from supervisor.states import (
    RUNNING_STATES,
    SIGNALLABLE_STATES,
    STOPPED_STATES,
    ProcessStates,
    SupervisorStates,
    getProcessStateDescription,
    getSupervisorStateDescription,
)
from supervisor.version import VERSION
from supervisor.xmlrpc.deferred import NOT_DONE_YET
from supervisor.xmlrpc.values import capped_int

__all__ = [
    "API_VERSION",
    "Faults",
    "NOT_DONE_YET",
    "ProcessStates",
    "RPCError",
    "RUNNING_STATES",
    "SIGNALLABLE_STATES",
    "STOPPED_STATES",
    "SupervisorNamespaceRPCInterface",
    "SupervisorStates",
    "VERSION",
    "capped_int",
    "getProcessStateDescription",
    "getSupervisorStateDescription",
    "isNotRunning",
    "isRunning",
    "isSignallable",
    "make_allfunc",
    "make_main_rpcinterface",
]


class SupervisorNamespaceRPCInterface(Daemon, Control, Info, Logs, Plan, Members):
    """All methods of the namespace. Plugins subclass it and call it within the process."""


def make_main_rpcinterface(supervisord: Any) -> SupervisorNamespaceRPCInterface:
    """The factory that configuration files name."""
    return SupervisorNamespaceRPCInterface(supervisord)
