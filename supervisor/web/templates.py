"""Page templates over meld3, for plugins' pages and our own tail page.

Promise: meld3 is loaded when the first template is needed, not before; a file is parsed once until it changes. Must
not know what is put into the templates.
"""

from __future__ import annotations

import importlib
import os

from supervisor.hints import Any

__all__ = ["PACKAGE", "load_meld3", "own_namespace", "template"]

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Templates mark their places in this namespace; meld3 knows them by one of its own.
_NAMESPACE = "https://github.com/Supervisor/supervisor"

_parsed: dict[str, tuple[tuple[int, int], Any]] = {}


def load_meld3() -> Any:
    """The module meld3."""
    return importlib.import_module("meld3")


def own_namespace(text: str) -> str:
    """The text of a template as meld3 understands it."""
    namespace: str = load_meld3()._MELD_NS_URL
    return text.replace(_NAMESPACE, namespace)


def template(path: str) -> Any:
    """The root of a template, to be cloned. The path is absolute, or relative to the package."""
    path = os.path.join(PACKAGE, path)
    about = os.stat(path)
    stamp = (about.st_mtime_ns, about.st_size)
    known = _parsed.get(path)
    if known is None or known[0] != stamp:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        known = _parsed[path] = (stamp, load_meld3().parse_xmlstring(own_namespace(text)))
    return known[1]
