"""The calls of a multicall that are of one method, as for many names, read all at once.

As the standard library writes them they differ in their texts alone, and each has one capital N before those, if the
texts have none: in "methodName". Dividing at a single character takes ten microseconds for a hundred calls, where a
longer needle, which begins like all the tags around it, takes forty and a pattern for each call seventy. Whether all
was as supposed is known by writing the calls again and comparing.

Promise: whatever is not exactly so is left to the other readers. It must not know what methods do.
"""

from __future__ import annotations

from supervisor.hints import Any

__all__ = ["read_calls"]

_UP_TO_N = "<value><struct>\n<member>\n<name>method"
_AFTER_N = "ame</name>\n<value><string>"
_PARAMS = "</string></value>\n</member>\n<member>\n<name>params</name>\n<value><array><data>\n<value><string>"
_NEXT_TEXT = "</string></value>\n<value><string>"
_CALL_END = "</string></value>\n</data></array></value>\n</member>\n</struct></value>\n"
_BETWEEN = f"{_CALL_END}{_UP_TO_N}"
_BEGIN = f"<params>\n<param>\n<value><array><data>\n{_UP_TO_N}N{_AFTER_N}"
_END = f"{_CALL_END}</data></array></value>\n</param>\n</params>\n</methodCall>\n"


def read_calls(text: str, at: int) -> list[dict[str, Any]] | None:
    """The calls that the parameters there consist of; None when they are of several methods, or not all texts."""
    if not (text.startswith(_BEGIN, at) and text.endswith(_END)):
        return None
    begin = at + len(_BEGIN)
    method = text[begin : text.find("<", begin)]
    before = f"{_AFTER_N}{method}{_PARAMS}"
    between = f"{_BETWEEN}N{before}"
    pieces = text[begin - len(_AFTER_N) :].split("N")
    last = pieces.pop()
    rows = [piece[len(before) : -len(_BETWEEN)] for piece in pieces]
    rows.append(last[len(before) : -len(_END)])
    # Not before the length is right: another text could become much longer.
    size = len(_BEGIN) + len(method) + len(_PARAMS) + len(between) * len(pieces) + sum(map(len, rows)) + len(_END)
    if size != len(text) - at or f"{_BEGIN}{method}{_PARAMS}{between.join(rows)}{_END}" != text[at:]:
        return None
    texts = [row.split(_NEXT_TEXT) for row in rows] if _NEXT_TEXT in rows[0] else [[row] for row in rows]
    told = method + "".join(map("".join, texts))
    if "<" in told or ">" in told or "&" in told or not told.isprintable():
        return None
    return [{"methodName": method, "params": params} for params in texts]
