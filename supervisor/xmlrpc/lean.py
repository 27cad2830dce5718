"""The wire format on a client's side, for a program that lives for one call and has no time to load a library.

Promise: calls are written, and answers as the daemon writes them are read by searching text; any other answer is
left to the strict reader, with one meaning. No import here costs more than this module. It knows no sockets.
"""

from __future__ import annotations

from supervisor import xmlrpc as package
from supervisor.xmlrpc.values import INT_MAX, INT_MIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Fault", "dumps_call", "loads_response"]

_ANSWER = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
_ANSWER_END = "\n</param>\n</params>\n</methodResponse>\n"
_STRUCT = "<value><struct>\n<member>\n<name>"
_NEXT_MEMBER = "\n</member>\n<member>\n<name>"
_STRUCT_END = "\n</member>\n</struct></value>"
_NEXT_STRUCT = f"{_STRUCT_END}\n{_STRUCT}"
_VALUE = "</name>\n<value>"
_ARRAY = "<value><array><data>\n"
_ARRAY_END = "</data></array></value>"
_DEEPEST = 16

# What XML 1.0 cannot carry.
_UNSAFE = dict.fromkeys((*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0xFFFE, 0xFFFF), "\ufffd")


class Fault(Exception):
    """The daemon's answer is a fault."""

    def __init__(self, faultCode: int, faultString: str) -> None:
        super().__init__(faultCode, faultString)
        self.faultCode = faultCode
        self.faultString = faultString

    def __str__(self) -> str:
        return f"<Fault {self.faultCode}: {self.faultString!r}>"


class _Uncommon(Exception):
    """Not as our daemon writes it; the strict reader decides."""


# --- calls ------------------------------------------------------------------------------------------------------


def dumps_call(method: str, params: Iterable[Any] = ()) -> bytes:
    """The bytes of a request. Parameters are text, whole numbers, booleans, doubles, lists and dictionaries."""
    written = "".join([f"<param>\n{_dump(value)}\n</param>\n" for value in params])
    text = (
        "<?xml version='1.0'?>\n<methodCall>\n"
        f"<methodName>{_escape(method)}</methodName>\n<params>\n{written}</params>\n</methodCall>\n"
    )
    return text.encode("utf-8", "replace")


def _escape(text: str) -> str:
    if not text.isprintable():
        text = text.translate(_UNSAFE)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _dump(value: Any) -> str:
    if isinstance(value, str):
        return f"<value><string>{_escape(value)}</string></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{value:d}</boolean></value>"
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise OverflowError("int exceeds XML-RPC limits")
        return f"<value><int>{value:d}</int></value>"
    if isinstance(value, float):
        return f"<value><double>{value!r}</double></value>"
    if isinstance(value, (list, tuple)):
        items = "".join([_dump(item) + "\n" for item in value])
        return f"<value><array><data>\n{items}</data></array></value>"
    if isinstance(value, dict):
        members = "".join(
            [f"<member>\n<name>{_escape(name)}</name>\n{_dump(item)}\n</member>\n" for name, item in value.items()]
        )
        return f"<value><struct>\n{members}</struct></value>"
    raise TypeError(f"cannot marshal {type(value)} objects")


# --- answers ----------------------------------------------------------------------------------------------------


def loads_response(body: bytes) -> Any:
    """The value that an answer carries. Raises the Fault that it carries, or ValueError when it is no answer."""
    try:
        text = body.decode("utf-8")
        end = len(text) - len(_ANSWER_END)
        if text.startswith(_ANSWER) and text.endswith(_ANSWER_END) and "\r" not in text:
            if text.startswith(_ARRAY + _STRUCT, len(_ANSWER)):
                try:
                    return _read_alike(text[len(_ANSWER) : end])
                except _Uncommon:
                    pass
            value, at = _read(text, len(_ANSWER), 0, _Members())
            if at == end:
                return value
    except _Uncommon:
        pass
    value, fault = package.read_response(body)
    if fault is not None:
        code = fault.get("faultCode")
        raise Fault(code if isinstance(code, int) else 0, str(fault.get("faultString")))
    return value


def _read(text: str, at: int, depth: int, known: _Members) -> tuple[Any, int]:
    if text.startswith("<value><struct>\n", at):
        return _read_struct(text, at, depth, known)
    if text.startswith(_ARRAY, at):
        if depth >= _DEEPEST:
            raise _Uncommon
        items = []
        at += len(_ARRAY)
        while not text.startswith(_ARRAY_END, at):
            value, at = _read(text, at, depth + 1, known)
            items.append(value)
            if not text.startswith("\n", at):
                raise _Uncommon
            at += 1
        return items, at + len(_ARRAY_END)
    end = text.find("</value>", at)
    if end < 0 or not text.startswith("<value>", at):
        raise _Uncommon
    return _scalar(text[at + 7 : end]), end + 8


class _Members(dict[str, "tuple[str, Any]"]):
    """Name and value of each plain member by its text: most of what many structs say is the same."""

    def __missing__(self, member: str) -> tuple[str, Any]:
        name, _, value = member.partition("</name>\n<value>")
        if not value.endswith("</value>"):
            raise _Uncommon
        read = self[member] = (_plain(name), _scalar(value[:-8]))
        return read


def _read_struct(text: str, at: int, depth: int, known: _Members) -> tuple[dict[str, Any], int]:
    if not text.startswith(_STRUCT, at):
        raise _Uncommon
    at += len(_STRUCT)
    end = text.find(_STRUCT_END, at)
    if end < 0 or depth >= _DEEPEST:
        raise _Uncommon
    try:
        return dict(map(known.__getitem__, text[at:end].split(_NEXT_MEMBER))), end + len(_STRUCT_END)
    except _Uncommon:
        pass
    result = {}
    while True:
        end = text.index("</name>\n", at)
        name = _plain(text[at:end])
        result[name], at = _read(text, end + len("</name>\n"), depth + 1, known)
        if text.startswith(_NEXT_MEMBER, at):
            at += len(_NEXT_MEMBER)
        elif text.startswith(_STRUCT_END, at):
            return result, at + len(_STRUCT_END)
        else:
            raise _Uncommon


def _read_alike(array: str) -> list[dict[str, Any]]:
    """An array of structs that all have the same scalar members, as those of a thousand processes: read member by
    member of all at once, which is several times quicker than struct by struct."""
    tail = f"{_STRUCT_END}\n{_ARRAY_END}"
    if not array.endswith(tail):
        raise _Uncommon
    structs = array[len(_ARRAY) + len(_STRUCT) : -len(tail)].split(_NEXT_STRUCT)
    rows = [struct.split(_NEXT_MEMBER) for struct in structs]
    if len(set(map(len, rows))) != 1:
        raise _Uncommon
    names, columns = [], []
    for members in zip(*rows, strict=True):
        name, _, value = members[0].partition(_VALUE)
        names.append(_plain(name))
        columns.append(_column(members, f"{name}{_VALUE}", value))
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _column(members: tuple[str, ...], before: str, example: str) -> list[Any]:
    """The values of one member of all structs; example is the first of them with its tags."""
    if example.startswith("<string>"):
        before, after = f"{before}<string>", "</string></value>"
    elif example.startswith("<int>"):
        before, after = f"{before}<int>", "</int></value>"
    else:
        raise _Uncommon
    text = "\n".join(members)
    if not (text.startswith(before) and text.endswith(after)):
        raise _Uncommon
    # No value holds such a boundary, because none holds a "<": so the count tells whether all members are alike.
    values = text[len(before) : -len(after)].split(f"{after}\n{before}")
    told = "".join(values)
    if len(values) != len(members) or "<" in told:
        raise _Uncommon
    if after == "</int></value>":
        return _numbers(values, told)
    return list(map(_plain, values)) if "&" in told else values


def _numbers(values: list[str], told: str) -> list[int]:
    if not told.isascii() or not told.replace("-", "").isdigit():
        raise _Uncommon
    try:
        return list(map(int, values))
    except ValueError:
        raise _Uncommon from None


def _scalar(typed: str) -> Any:
    if typed.startswith("<string>") and typed.endswith("</string>"):
        return _plain(typed[8:-9])
    if typed.startswith("<int>") and typed.endswith("</int>"):
        digits = typed[5:-6]
        if digits.lstrip("-").isdigit():
            return int(digits)
    elif typed == "<boolean>1</boolean>":
        return True
    elif typed == "<boolean>0</boolean>":
        return False
    raise _Uncommon


def _plain(text: str) -> str:
    if "<" in text:
        raise _Uncommon
    if "&" in text:
        if text.count("&") != text.count("&lt;") + text.count("&gt;") + text.count("&amp;"):
            raise _Uncommon
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text
