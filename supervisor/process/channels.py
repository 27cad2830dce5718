"""The dispatchers of one child's pipes: made before it starts, drained when it died, and what remains of them.

Promise: nothing that was in a pipe at death is left in it; a pipe that others still hold is read for a while longer
without anybody waiting for it, and its descriptor comes back. Must not know states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supervisor.config.model import EventListenerConfig
from supervisor.dispatchers import PEventListenerDispatcher, PInputDispatcher, POutputDispatcher
from supervisor.engine.traces import one_line
from supervisor.events import ProcessCommunicationStderrEvent, ProcessCommunicationStdoutEvent
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.process.pipes import Pipes, close_pipes, make_pipes

if TYPE_CHECKING:
    from supervisor.process.starting import Starting

__all__ = ["bury", "close_channels", "drain", "open_channels"]

# How long output is read that survivors of a dead child write, in seconds.
GRACE = 5.0


def open_channels(process: Starting) -> None:
    """Pipes and dispatchers for a child that is about to start. OSError: there are none."""
    process.pipes = make_pipes(process.world.system, process.wants_stdin(), not process.config.redirect_stderr)
    try:
        for dispatcher in _dispatchers(process, process.pipes):
            process.dispatchers[dispatcher.fd] = dispatcher
        # Before there is a child, because this may fail as well.
        for dispatcher in process.dispatchers.values():
            dispatcher.attach()
    except (OSError, ValueError):
        close_channels(process)
        raise


def _dispatchers(process: Starting, pipes: Pipes) -> Iterable[Any]:
    if pipes["stdout"] is not None:
        if isinstance(process.config, EventListenerConfig):
            yield PEventListenerDispatcher(process, "stdout", pipes["stdout"])
        else:
            yield POutputDispatcher(process, ProcessCommunicationStdoutEvent, pipes["stdout"])
    if pipes["stderr"] is not None:
        yield POutputDispatcher(process, ProcessCommunicationStderrEvent, pipes["stderr"])
    if pipes["stdin"] is not None:
        yield PInputDispatcher(process, "stdin", pipes["stdin"])


def close_channels(process: Starting) -> None:
    """The child did not come to be: close everything."""
    system, pipes = process.world.system, process.pipes
    for fd, dispatcher in process.dispatchers.items():
        dispatcher.close()
        for name, end in pipes.items():
            if end == fd:
                pipes[name] = None
    close_pipes(system, pipes, tuple(pipes))
    process.dispatchers = {}
    process.pipes = {}


def drain(process: Starting) -> None:
    """Read all that the pipes hold now."""
    for dispatcher in list(process.dispatchers.values()):
        if hasattr(dispatcher, "drain") and not dispatcher.closed:
            _guarded(process, dispatcher, dispatcher.drain)


def bury(process: Starting, before: Sequence[Any]) -> list[Any]:
    """Close what a dead child leaves, but for output that others may still write, which is read for a while.

    before: what remained of the child before this one; that ends now. The new remains.
    """
    for dispatcher in before:
        _guarded(process, dispatcher, dispatcher.close)
    remains = []
    for dispatcher in process.dispatchers.values():
        if isinstance(dispatcher, POutputDispatcher) and not dispatcher.closed:
            dispatcher.linger(GRACE)
            remains.append(dispatcher)
        else:
            _guarded(process, dispatcher, dispatcher.close)
    process.dispatchers = {}
    process.pipes = {}
    return remains


def _guarded(process: Starting, dispatcher: Any, action: Any) -> None:
    try:
        action()
    except BaseException as exc:
        process.world.log.critical(
            f"uncaptured python exception, closing channel {dispatcher!r} ({one_line(exc)})")
