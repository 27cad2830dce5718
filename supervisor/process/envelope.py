"""What goes over the pipe for an event: a header line and the payload.

Promise: an event is rendered once, for however many pools, unless it is large; its length is counted as the section
wants. Must not know who gets it.
"""

from __future__ import annotations

from supervisor import events
from supervisor.hints import Any

__all__ = ["envelope", "without_subtypes"]

_Rendered = tuple["str | None", int, tuple[bytes, ...]]

# The longest payload that an event keeps: what waits for other pools shall not take more memory for it.
_LONGEST_KEPT = 65536


def envelope(event: Any, server: str, pool: str, count_bytes: bool) -> bytes:
    """The bytes for a listener of that pool. Payloads of plugins may raise."""
    name, length, parts = _rendered(event, count_bytes)
    head = (
        f"ver:3.0 server:{server} serial:{event.serial} pool:{pool} "
        f"poolserial:{event.pool_serials[pool]} eventname:{name} len:{length}\n"
    )
    return b"".join((head.encode("utf-8", "replace"), *parts))


def without_subtypes(kinds: list[type]) -> list[type]:
    """Each type once, and none whose supertype is there: an event is to come once."""
    return [
        kind
        for number, kind in enumerate(kinds)
        if kind not in kinds[:number] and not any(issubclass(kind, other) for other in kinds if other is not kind)
    ]


def _rendered(event: Any, count_bytes: bool) -> _Rendered:
    """(name, length, pieces of the payload) of an event."""
    made: dict[bool, _Rendered] = event.__dict__.setdefault("rendered", {})
    found = made.get(count_bytes)
    if found is None:
        found = (_name(type(event)), *_payload(event, count_bytes))
        if found[1] <= _LONGEST_KEPT:
            made[count_bytes] = found
    return found


def _payload(event: Any, count_bytes: bool) -> tuple[int, tuple[bytes, ...]]:
    """(length, pieces): bytes are taken as they came where they are counted, or where each is a character."""
    parts = event.raw_parts() if isinstance(event, events.Event) else None
    if parts is not None and (count_bytes or all(map(bytes.isascii, parts))):
        return sum(map(len, parts)), parts
    if count_bytes and isinstance(event, events.Event):
        payload = event.payload_bytes()
        return len(payload), (payload,)
    text = event.payload()
    payload = text.encode("utf-8", "replace")
    return len(payload) if count_bytes else len(text), (payload,)


def _name(kind: type) -> str | None:
    """The name of a class of events; a plugin's unnamed one goes by its nearest named base."""
    for base in kind.__mro__:
        name = events.getEventNameByType(base)
        if name is not None:
            return name
    return None
