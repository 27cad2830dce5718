"""Old names for plugins; the code lives in supervisor.engine."""

from supervisor.engine.traces import compact_traceback

__all__ = ["compact_traceback"]
