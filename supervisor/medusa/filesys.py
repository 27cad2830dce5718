"""Old names for plugins; the code lives in supervisor.http."""

from supervisor.http.handlers.static import os_filesystem

__all__ = ["os_filesystem"]
