"""Answers that are not known yet.

Promise: an answer is settled once, by whatever it waits for; whoever asks is told then, or at once when it is settled
already. Nothing is polled but functions of plugins, which can only be asked. It must not know what is waited for.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import Any, Protocol

__all__ = ["Deferred", "LoopLike", "NOT_DONE_YET", "adopt", "is_deferred"]


class NOT_DONE_YET:
    """Returned by a deferred function that has no answer yet. Compared by identity."""


class LoopLike(Protocol):
    """What is needed of the loop."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> object: ...

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None: ...

    def call_background(self, callback: Callable[..., object], *args: Any) -> None: ...


# A function that asks to be called again after less than this is called at this pace.
_SHORTEST = 0.01


class Deferred:
    """An answer that is not known yet: a value, or an exception.

    It can be called, as the deferred functions of plugins are: NOT_DONE_YET until it is settled, then the value,
    or the exception raised. ``delay`` is for callers who can only ask again.
    """

    delay: float = 0.05
    rpcinterface: object = None

    def __init__(self) -> None:
        self.settled = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._listeners: list[Callable[[Deferred], object]] = []

    def __call__(self) -> Any:
        if not self.settled:
            return NOT_DONE_YET
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self, value: Any) -> None:
        """The answer is this value. RuntimeError when there is one already."""
        self._finish(value, None)

    def fail(self, error: BaseException) -> None:
        """The answer is this exception. RuntimeError when there is one already."""
        self._finish(None, error)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        if self.settled:
            raise RuntimeError("settled twice")
        self.settled, self._value, self._error = True, value, error
        listeners, self._listeners = self._listeners, []
        for tell in listeners:
            tell(self)

    def then(self, tell: Callable[[Deferred], object]) -> None:
        """Call tell(self) as soon as it is settled; calling ``self()`` then gives the outcome."""
        if self.settled:
            tell(self)
        else:
            self._listeners.append(tell)

    def begin(self, loop: LoopLike) -> None:
        """Somebody waits, and this loop is there: work that needs calling again can arrange for it."""


class _Asked(Deferred):
    """A plugin's function that is asked again until it knows."""

    def __init__(self, loop: LoopLike, function: Callable[[], Any]) -> None:
        super().__init__()
        self._loop = loop
        self._function = function

    def ask(self) -> None:
        try:
            value = self._function()
        except BaseException as error:  # foreign code: whatever it raises is its answer
            self.fail(error)
            return
        if value is NOT_DONE_YET:
            delay = getattr(self._function, "delay", Deferred.delay)
            self._loop.call_later(max(delay, _SHORTEST), self.ask)
        else:
            self.settle(value)


def is_deferred(value: object) -> bool:
    """Whether a method's result is to be called for the answer."""
    return callable(value) and not isinstance(value, type)


def adopt(loop: LoopLike, function: Callable[[], Any]) -> Deferred:
    """The Deferred of a callable answer: itself if it is one, else one that keeps asking the function."""
    if isinstance(function, Deferred):
        function.begin(loop)
        return function
    asked = _Asked(loop, function)
    asked.ask()
    return asked
