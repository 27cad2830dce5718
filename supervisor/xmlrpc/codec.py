"""The wire format on the daemon's side: requests are read, answers are written.

Promise: strict, bounded and fast. What common clients send is read by compiled patterns, anything else by the
strict reader, with one meaning; answers are text that XML 1.0 can carry. It must not know what methods do.
"""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from supervisor.xmlrpc import strict
from supervisor.xmlrpc.lean import dumps_call, loads_response
from supervisor.xmlrpc.scalars import SCALARS
from supervisor.xmlrpc.strict import MAX_DEPTH, MAX_VALUES, CodecError, NoMethodName
from supervisor.xmlrpc.values import INT_MAX, INT_MIN

__all__ = [
    "CodecError",
    "MAX_DEPTH",
    "MAX_VALUES",
    "Marshalled",
    "NoMethodName",
    "dump_value",
    "dumps_call",
    "dumps_fault",
    "dumps_response",
    "fault_text",
    "loads_call",
    "loads_response",
    "response_text",
    "safe_text",
    "write_struct_with",
]

# --- requests ---------------------------------------------------------------------------------------------------

# The patterns read small documents without comments, CDATA, attributes, numeric references or carriage returns.
_PATTERN_BODY = 1 << 20
_PATTERN_DEPTH = 32

_B = r"[ \t\r\n]*"
_TEXT = r"([^<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*)"
_DECLARATION = r"""(?:<\?xml version=["']1\.0["'](?: encoding=["'][Uu][Tt][Ff]-8["'])? ?\?>)?"""

_SCALAR = "string|int|i4|i8|boolean|double"

_call = re.compile(rf"{_DECLARATION}{_B}<methodCall>{_B}<methodName>{_TEXT}</methodName>{_B}").match
_no_params = re.compile(rf"(?:<params>{_B}</params>{_B}|<params/>{_B})?</methodCall>{_B}\Z").match
_params = re.compile(rf"<params>{_B}").match
_params_end = re.compile(rf"</params>{_B}</methodCall>{_B}\Z").match
_param = re.compile(rf"<param>{_B}").match
_param_end = re.compile(rf"</param>{_B}").match
# A whole scalar value, the beginning of another value, or the end of the array around it.
_value = re.compile(
    rf"<value>(?:<({_SCALAR})>{_TEXT}</\1>|{_TEXT})</value>{_B}"
    rf"|(<value>{_B}<array>{_B}<data>{_B})|(<value>{_B}<struct>{_B})"
    rf"|(</data>{_B}</array>{_B}</value>{_B})"
).match
_TYPED, _UNTYPED, _ARRAY, _STRUCT = 2, 3, 4, 5
# A member, with its value if that is a scalar, or the end of the struct.
_member = re.compile(
    rf"<member>{_B}<name>{_TEXT}</name>{_B}"
    rf"(?:<value>(?:<({_SCALAR})>{_TEXT}</\2>|{_TEXT})</value>{_B}</member>{_B})?"
    rf"|(</struct>{_B}</value>{_B})"
).match
_MEMBER_NAME, _MEMBER_TYPED, _MEMBER_UNTYPED = 1, 3, 4
_member_end = re.compile(rf"</member>{_B}").match
_odd_reference = re.compile("&(?!(?:amp|lt|gt|quot|apos);)").search


class _Uncommon(Exception):
    """The patterns do not reach; the strict reader decides."""


def loads_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """(method, parameters) of a request. NoMethodName when it names none, CodecError when it cannot be read."""
    if len(body) <= _PATTERN_BODY:
        try:
            return _common_call(body.decode("utf-8"))
        except _Uncommon:
            pass
        except ValueError:
            raise CodecError("not UTF-8, or a value that its type cannot read") from None
    return strict.read_call(body)


def _common_call(text: str) -> tuple[str, tuple[Any, ...]]:
    head = _call(text)
    if head is None or not head[1]:
        raise _Uncommon
    method = _plain(head[1])
    at = head.end()
    if _no_params(text, at):
        return method, ()
    found = _params(text, at)
    if found is None:
        raise _Uncommon
    at = found.end()
    params = []
    while found := _param(text, at):
        value, at = _any_value(text, found.end(), 0)
        params.append(value)
        at = _expect(_param_end, text, at)
    _expect(_params_end, text, at)
    return method, tuple(params)


def _expect(match: Callable[[str, int], re.Match[str] | None], text: str, at: int) -> int:
    found = match(text, at)
    if found is None:
        raise _Uncommon
    return found.end()


def _plain(text: str) -> str:
    if "&" in text:
        if _odd_reference(text):
            raise _Uncommon
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&apos;", "'")
        return text.replace("&amp;", "&")
    return text


def _typed(kind: str, text: str) -> Any:
    return _plain(text) if kind == "string" else SCALARS[kind](text)


def _any_value(text: str, at: int, depth: int) -> tuple[Any, int]:
    found = _value(text, at)
    if found is None:
        raise _Uncommon
    if found.lastindex == _UNTYPED:
        return _plain(found[_UNTYPED]), found.end()
    if found.lastindex == _TYPED:
        return _typed(found[1], found[2]), found.end()
    return _container(found.lastindex, text, found.end(), depth)


def _container(kind: int | None, text: str, at: int, depth: int) -> tuple[Any, int]:
    if depth < _PATTERN_DEPTH:
        if kind == _ARRAY:
            return _array_items(text, at, depth + 1)
        if kind == _STRUCT:
            return _struct_items(text, at, depth + 1)
    raise _Uncommon


def _array_items(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while (found := _value(text, at)) is not None:
        at = found.end()
        kind = found.lastindex
        if kind == _UNTYPED:
            items.append(_plain(found[_UNTYPED]))
        elif kind == _TYPED:
            items.append(_typed(found[1], found[2]))
        elif kind in (_ARRAY, _STRUCT):
            item, at = _container(kind, text, at, depth)
            items.append(item)
        else:
            return items, at
    raise _Uncommon


def _struct_items(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    items: dict[str, Any] = {}
    while (found := _member(text, at)) is not None:
        at = found.end()
        kind = found.lastindex
        if kind == _MEMBER_TYPED:
            items[_plain(found[1])] = _typed(found[2], found[3])
        elif kind == _MEMBER_UNTYPED:
            items[_plain(found[1])] = _plain(found[4])
        elif kind == _MEMBER_NAME:
            items[_plain(found[1])], at = _any_value(text, at, depth)
            at = _expect(_member_end, text, at)
        else:
            return items, at
    raise _Uncommon


# --- answers ----------------------------------------------------------------------------------------------------

_HEAD = "<?xml version='1.0'?>\n<methodResponse>\n"
_ANSWER = _HEAD + "<params>\n<param>\n"
_ANSWER_END = "\n</param>\n</params>\n</methodResponse>\n"
_FAULT = _HEAD + "<fault>\n"
_FAULT_END = "\n</fault>\n</methodResponse>\n"

_unsafe = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]").findall
# A long text is encoded in pieces, so that one wide character in it does not widen the copies of all of it.
_PIECE = 65536


_Parts = list["str | bytes"]


class Marshalled:
    """A value as XML already, to be written as it stands; size says how much of it there is."""

    __slots__ = ("parts", "size")

    def __init__(self, parts: _Parts) -> None:
        self.parts = parts
        self.size = sum(map(len, parts))


def _visible(odd: str) -> str:
    number = ord(odd)
    return chr(0x2400 + number) if number < 0x20 else "\ufffd"


def safe_text(text: str) -> str:
    """Text as XML 1.0 can carry it; what it cannot is replaced by a visible sign."""
    if not text.isprintable():
        for odd in set(_unsafe(text)):
            text = text.replace(odd, _visible(odd))
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text


def response_text(value: Any) -> str:
    """A whole answer that carries the value. TypeError or OverflowError when XML-RPC cannot carry it."""
    return dumps_response(value).decode()


def fault_text(code: int, text: str) -> str:
    """A whole answer that is a fault."""
    return dumps_fault(code, text).decode()


def dumps_response(value: Any) -> bytes:
    """The bytes of an answer that carries the value."""
    parts: _Parts = [_ANSWER]
    _dump(value, parts)
    parts.append(_ANSWER_END)
    return _encoded(parts)


def dumps_fault(code: int, text: str) -> bytes:
    """The bytes of an answer that is a fault."""
    parts: _Parts = [_FAULT]
    _dump({"faultCode": code, "faultString": text}, parts)
    parts.append(_FAULT_END)
    return _encoded(parts)


def dump_value(value: Any) -> Marshalled:
    """One value as XML, to be part of a larger answer."""
    parts: _Parts = []
    _dump(value, parts)
    return Marshalled(parts if len(parts) == 1 else [_encoded(parts)])


def _encoded(parts: _Parts) -> bytes:
    if bytes in map(type, parts):
        for at, part in enumerate(parts):
            if isinstance(part, str):
                parts[at] = part.encode()
        return b"".join(parts)  # type: ignore[arg-type]
    text = "".join(parts)  # type: ignore[arg-type]
    parts.clear()  # so that the bytes can take their place: touching fresh memory costs more than writing it
    return text.encode()


def _dump(value: Any, out: _Parts) -> None:
    (_WRITERS.get(type(value)) or _writer_for(value))(value, out)


def _dump_str(value: str, out: _Parts) -> None:
    if len(value) <= _PIECE:
        out.append(f"<value><string>{safe_text(value)}</string></value>")
        return
    out.append("<value><string>")
    out.extend([safe_text(value[at : at + _PIECE]).encode() for at in range(0, len(value), _PIECE)])
    out.append("</string></value>")


def _dump_int(value: int, out: _Parts) -> None:
    if not INT_MIN <= value <= INT_MAX:
        raise OverflowError("int exceeds XML-RPC limits")
    out.append(f"<value><int>{value:d}</int></value>")


def _dump_bool(value: bool, out: _Parts) -> None:
    out.append("<value><boolean>1</boolean></value>" if value else "<value><boolean>0</boolean></value>")


def _dump_float(value: float, out: _Parts) -> None:
    out.append(f"<value><double>{value!r}</double></value>")


def _dump_datetime(value: datetime.datetime, out: _Parts) -> None:
    out.append(
        f"<value><dateTime.iso8601>{value.year:04d}{value.month:02d}{value.day:02d}"
        f"T{value.hour:02d}:{value.minute:02d}:{value.second:02d}</dateTime.iso8601></value>"
    )


def _dump_bytes(value: bytes | bytearray, out: _Parts) -> None:
    out.append(f"<value><base64>\n{base64.encodebytes(value).decode()}</base64></value>")


# The two below call the writers of their items themselves: one frame for each level of nesting has to do.


def _dump_list(value: list[Any] | tuple[Any, ...], out: _Parts) -> None:
    out.append("<value><array><data>\n")
    for item in value:
        (_WRITERS.get(type(item)) or _writer_for(item))(item, out)
        out.append("\n")
    out.append("</data></array></value>")


def _dump_dict(value: dict[str, Any], out: _Parts) -> None:
    text = _flat_struct(value)
    if text is not None:
        out.append(text)
        return
    out.append("<value><struct>\n")
    for name, item in value.items():
        if not isinstance(name, str):
            raise TypeError("dictionary key must be string")
        out.append(f"<member>\n<name>{safe_text(name)}</name>\n")
        (_WRITERS.get(type(item)) or _writer_for(item))(item, out)
        out.append("\n</member>\n")
    out.append("</struct></value>")


def _flat_struct(value: dict[str, Any]) -> str | None:
    """A struct of texts, numbers and truth values in one piece; None if it is not."""
    names = tuple(value)
    write = _KNOWN.get(names)
    if write is not None:
        return write(value)
    values = tuple(value.values())
    shape = _shape((names, tuple(map(type, values))))
    return None if shape is None else shape.text(values)


def _dump_marshalled(value: Marshalled, out: _Parts) -> None:
    out.extend(value.parts)


_WRITERS: dict[type, Callable[[Any, _Parts], None]] = {
    str: _dump_str,
    int: _dump_int,
    bool: _dump_bool,
    float: _dump_float,
    list: _dump_list,
    tuple: _dump_list,
    dict: _dump_dict,
    bytes: _dump_bytes,
    bytearray: _dump_bytes,
    datetime.datetime: _dump_datetime,
    Marshalled: _dump_marshalled,
}


def _writer_for(value: Any) -> Callable[[Any, _Parts], None]:
    """How to write a value of a derived type: like the type it derives from."""
    for base in type(value).__mro__[1:]:
        if base in _WRITERS:
            return _WRITERS[base]
    if type(value).__module__ == "xmlrpc.client" and hasattr(value, "encode"):
        return _dump_foreign
    raise TypeError(f"cannot marshal {type(value)} objects")


def _dump_foreign(value: Any, out: _Parts) -> None:
    value.encode(_Collector(out))  # DateTime and Binary of the standard library write themselves


class _Collector:
    def __init__(self, out: _Parts) -> None:
        self.write = out.append


# Structs that are sent by the thousand, by the names of their members, and who writes them.
_KNOWN: dict[tuple[Any, ...], Callable[[dict[str, Any]], str]] = {}


def write_struct_with(names: tuple[str, ...], write: Callable[[dict[str, Any]], str]) -> None:
    """Let write(struct) give the XML of structs whose members have these names, in this order."""
    _KNOWN[names] = write


class _Shape:
    """Structs with the same names and types of members, written through one format string."""

    def __init__(self, names: tuple[str, ...], types: tuple[type, ...]) -> None:
        places = {str: "<string>%s</string>", int: "<int>%d</int>", bool: "<boolean>%d</boolean>"}
        members = "".join(
            "<member>\n<name>{}</name>\n<value>{}</value>\n</member>\n".format(
                safe_text(name).replace("%", "%%"), places[kind]
            )
            for name, kind in zip(names, types, strict=True)
        )
        self._format = f"<value><struct>\n{members}</struct></value>"
        strings = [index for index, kind in enumerate(types) if kind is str]
        numbers = [index for index, kind in enumerate(types) if kind is int]
        self._strings: Callable[[Any], Any] = (
            itemgetter(*strings) if len(strings) > 1 else lambda values: [values[index] for index in strings]
        )
        self._numbers: Callable[[Any], Any] = (
            itemgetter(*numbers) if len(numbers) > 1 else lambda values: [values[index] for index in numbers]
        )

    def text(self, values: tuple[Any, ...]) -> str:
        numbers = self._numbers(values)
        if numbers and (min(numbers) < INT_MIN or max(numbers) > INT_MAX):
            raise OverflowError("int exceeds XML-RPC limits")
        together = "".join(self._strings(values))
        if not together.isprintable() or "&" in together or "<" in together or ">" in together:
            values = tuple([safe_text(value) if type(value) is str else value for value in values])
        return self._format % values


_FLAT = {str, int, bool}
_MAX_SHAPES = 128
_shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = {}


def _shape(key: tuple[tuple[str, ...], tuple[type, ...]]) -> _Shape | None:
    shape = _shapes.get(key)
    if shape is None and len(_shapes) < _MAX_SHAPES and _FLAT.issuperset(key[1]):
        if not all(isinstance(name, str) for name in key[0]):
            return None
        shape = _shapes[key] = _Shape(*key)
    return shape
