"""Old names for plugins; the code lives in supervisor.http."""

from supervisor.http.handlers.static import default_handler, file_producer

__all__ = ["default_handler", "file_producer"]
