"""The pages of the daemon.

Promise: the public names, each from its home. Must not know what is in them.
"""

from __future__ import annotations

from supervisor.version import VERSION
from supervisor.web.handler import DeferredWebProducer, supervisor_ui_handler
from supervisor.web.registry import VIEWS
from supervisor.web.status import StatusView
from supervisor.web.views import MeldView, OKView, TailView, ViewContext
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = [
    "DeferredWebProducer",
    "MeldView",
    "NOT_DONE_YET",
    "OKView",
    "PY2",
    "StatusView",
    "TailView",
    "VERSION",
    "VIEWS",
    "ViewContext",
    "supervisor_ui_handler",
]

PY2 = False
