"""Which page is made by which view.

Promise: plugins add, replace and remove entries of VIEWS while the daemon runs. Must not know how pages are asked for.
"""

from __future__ import annotations

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.web.status import StatusView
from supervisor.web.views import OKView, TailView, ViewContext

if TYPE_CHECKING:
    from supervisor.web import details
else:
    details = Late("supervisor.web.details")

__all__ = ["VIEWS"]


def _process_view(context: ViewContext) -> details.ProcessView:
    return details.ProcessView(context)


VIEWS: dict[str, dict[str, Any]] = {
    "index.html": {"template": "ui/status.html", "view": StatusView},
    "process.html": {"template": None, "view": _process_view},
    "tail.html": {"template": "ui/tail.html", "view": TailView},
    "ok.html": {"template": None, "view": OKView},
}
