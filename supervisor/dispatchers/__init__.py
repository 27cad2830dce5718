"""A child's descriptors: its stdin, its output on the way to the logs, and the event listener protocol.

Promise: the names that plugins use are found here. Must not know states: processes own their dispatchers.
"""

from __future__ import annotations

from supervisor.dispatchers.ansi import ANSI_ESCAPE_BEGIN, ANSI_TERMINATORS, stripEscapes
from supervisor.dispatchers.base import PDispatcher
from supervisor.dispatchers.capture import find_prefix_at_end
from supervisor.dispatchers.input import PInputDispatcher, QueueFull
from supervisor.dispatchers.listener import PEventListenerDispatcher, RejectEvent, default_handler
from supervisor.dispatchers.output import POutputDispatcher

__all__ = [
    "ANSI_ESCAPE_BEGIN",
    "ANSI_TERMINATORS",
    "PDispatcher",
    "PEventListenerDispatcher",
    "PInputDispatcher",
    "POutputDispatcher",
    "QueueFull",
    "RejectEvent",
    "default_handler",
    "find_prefix_at_end",
    "stripEscapes",
]
