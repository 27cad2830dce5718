"""Which page is made by which view.

Promise: plugins add, replace and remove entries of VIEWS while the daemon runs. Must not know how pages are asked for.
"""

from __future__ import annotations

from typing import Any

from supervisor.web.details import ProcessView
from supervisor.web.status import StatusView
from supervisor.web.views import OKView, TailView

__all__ = ["VIEWS"]

VIEWS: dict[str, dict[str, Any]] = {
    "index.html": {"template": "ui/status.html", "view": StatusView},
    "process.html": {"template": None, "view": ProcessView},
    "tail.html": {"template": "ui/tail.html", "view": TailView},
    "ok.html": {"template": None, "view": OKView},
}
