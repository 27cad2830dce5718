"""XML-RPC: the public names, each handed on from the module that is its home.

Promise: importing this package costs nothing; a name is loaded when somebody asks for it, because a command line
client needs a few of them and the daemon others. Nothing of ours imports a name from here: inner modules are
imported from their homes. Plugins replace names here (xmlrpc_marshal, gettags), so the users of those ask here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import xmlrpc.client as xmlrpclib
    from typing import Any

    from supervisor.faults import Faults, RPCError, getFaultDescription
    from supervisor.xmlrpc.client import SupervisorTransport, UnixStreamHTTPConnection
    from supervisor.xmlrpc.credentials import authorization
    from supervisor.xmlrpc.deferred import NOT_DONE_YET
    from supervisor.xmlrpc.handler import DeferredXMLRPCResponse, supervisor_xmlrpc_handler, xmlrpc_marshal
    from supervisor.xmlrpc.methods import gettags
    from supervisor.xmlrpc.namespaces import RootRPCInterface, SystemNamespaceRPCInterface, traverse
    from supervisor.xmlrpc.scalars import make_datetime
    from supervisor.xmlrpc.secure import encrypted
    from supervisor.xmlrpc.strict import read_response
    from supervisor.xmlrpc.values import AttrDict, capped_int

__all__ = [
    "AttrDict",
    "DeferredXMLRPCResponse",
    "Faults",
    "NOT_DONE_YET",
    "PY2",
    "RPCError",
    "RootRPCInterface",
    "SupervisorTransport",
    "SystemNamespaceRPCInterface",
    "UnixStreamHTTPConnection",
    "authorization",
    "capped_int",
    "encrypted",
    "getFaultDescription",
    "gettags",
    "make_datetime",
    "read_response",
    "supervisor_xmlrpc_handler",
    "traverse",
    "xmlrpc_marshal",
    "xmlrpclib",
]

PY2 = False

_HOMES = {
    "supervisor.faults": ("Faults", "RPCError", "getFaultDescription"),
    "supervisor.xmlrpc.client": ("SupervisorTransport", "UnixStreamHTTPConnection"),
    "supervisor.xmlrpc.credentials": ("authorization",),
    "supervisor.xmlrpc.deferred": ("NOT_DONE_YET",),
    "supervisor.xmlrpc.handler": ("DeferredXMLRPCResponse", "supervisor_xmlrpc_handler", "xmlrpc_marshal"),
    "supervisor.xmlrpc.methods": ("gettags",),
    "supervisor.xmlrpc.namespaces": ("RootRPCInterface", "SystemNamespaceRPCInterface", "traverse"),
    "supervisor.xmlrpc.scalars": ("make_datetime",),
    "supervisor.xmlrpc.secure": ("encrypted",),
    "supervisor.xmlrpc.strict": ("read_response",),
    "supervisor.xmlrpc.values": ("AttrDict", "capped_int"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def _module(name: str) -> Any:
    __import__(name)
    return sys.modules[name]


def __getattr__(name: str) -> Any:
    if name == "xmlrpclib":
        value: Any = _module("xmlrpc.client")
    elif name in _HOME_OF:
        value = getattr(_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
