"""A plugin that is interrupted while it is loaded."""

raise KeyboardInterrupt("no good")
