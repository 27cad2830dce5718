"""The environment that a child finds.

Promise: ours as it is at that moment, then what we tell every child, then what the configuration says. Changes nothing.
"""

from __future__ import annotations

import os
import sys

from supervisor.hints import Any
from supervisor.process.world import World

__all__ = ["child_environment", "child_rows"]

_ENCODING = sys.getfilesystemencoding()

# Our own environment as it was last seen, and its variables in the form that exec takes. The copy that os.environ
# keeps is asked for itself: to go through its front door takes longer than all the rest of a start in Python.
_seen: dict[bytes, bytes] = {}
_rows: dict[bytes, bytes] = {}


def _ours() -> dict[bytes, bytes]:
    found: Any = getattr(os.environ, "_data", None)
    return found if type(found) is dict else dict(os.environb)


def _additions(config: Any, group: Any, world: World) -> dict[str, str]:
    additions = {"SUPERVISOR_ENABLED": "1"}
    serverurl = world.settings.serverurl if config.serverurl is None else config.serverurl
    if serverurl:
        additions["SUPERVISOR_SERVER_URL"] = serverurl
    additions["SUPERVISOR_PROCESS_NAME"] = config.name
    if group is not None:
        additions["SUPERVISOR_GROUP_NAME"] = group.config.name
    if config.environment:
        additions.update(config.environment)
    return additions


def child_environment(config: Any, group: Any, world: World) -> dict[bytes, bytes]:
    """By name."""
    encode = os.fsencode
    environment = dict(_ours())
    for name, value in _additions(config, group, world).items():
        environment[encode(name)] = encode(value)
    return environment


def child_rows(config: Any, group: Any, world: World) -> list[bytes]:
    """``NAME=value`` each."""
    global _seen, _rows
    ours = _ours()
    if ours != _seen:
        _seen = dict(ours)
        _rows = {name: b"%b=%b" % (name, value) for name, value in _seen.items()}
    rows = _rows.copy()
    for name, value in _additions(config, group, world).items():
        row = f"{name}={value}".encode(_ENCODING, "surrogateescape")
        rows[row.partition(b"=")[0]] = row
    return list(rows.values())
