"""``module:attribute`` -> the object: the one place that imports what a configuration names.

Must not know: what the object is for.
"""

from __future__ import annotations

from importlib import import_module

from supervisor.hints import Any


class Unresolvable(ValueError):
    """A specification that leads to nothing; the text says why."""


def import_spec(spec: str) -> Any:
    """The object of ``module:attribute`` (dots allowed in both), or the module itself without a colon."""
    module, colon, attribute = spec.partition(":")
    if colon and not attribute.strip():
        raise Unresolvable("nothing stands after the colon")
    try:
        found = import_module(module.strip())
        for name in attribute.strip().split(".") if attribute.strip() else ():
            found = getattr(found, name)
    except BaseException as e:
        raise Unresolvable(f"{e}" if isinstance(e, ImportError | AttributeError) else f"{type(e).__name__}: {e}")
    return found
