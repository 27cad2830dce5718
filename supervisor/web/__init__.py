"""The pages of the daemon.

Promise: the public names, each from its home, loaded when somebody asks for it: many daemons show no page. Must not
know what is in them.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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

_HOME_OF = {
    "DeferredWebProducer": "supervisor.web.handler",
    "MeldView": "supervisor.web.views",
    "NOT_DONE_YET": "supervisor.xmlrpc.deferred",
    "OKView": "supervisor.web.views",
    "StatusView": "supervisor.web.status",
    "TailView": "supervisor.web.views",
    "VERSION": "supervisor.version",
    "VIEWS": "supervisor.web.registry",
    "ViewContext": "supervisor.web.views",
    "supervisor_ui_handler": "supervisor.web.handler",
}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    __import__(home)
    value = globals()[name] = getattr(sys.modules[home], name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
