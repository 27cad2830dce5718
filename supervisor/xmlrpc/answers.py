"""Writing answers.

Promise: whatever text a value holds, the answer is XML 1.0, with a visible sign for what XML cannot carry; results that
are asked for by the thousand may be written by whoever gives them. It must not know what methods do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from operator import itemgetter

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.xmlrpc.bounds import MAX_ANSWER, fitting
from supervisor.xmlrpc.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    import base64
    import datetime
else:
    base64 = Late("base64")

__all__ = [
    "Marshalled",
    "dump_value",
    "dumps_fault",
    "dumps_response",
    "fault_text",
    "is_plain",
    "marshalled_list",
    "response_text",
    "safe_text",
    "write_result_with",
    "writer_of",
]

_HEAD = "<?xml version='1.0'?>\n<methodResponse>\n"
_ANSWER = _HEAD + "<params>\n<param>\n"
_ANSWER_END = "\n</param>\n</params>\n</methodResponse>\n"
_FAULT = _HEAD + "<fault>\n"
_LIST = "<value><array><data>\n"
_LIST_END = "</data></array></value>"
_FAULT_END = "\n</fault>\n</methodResponse>\n"

_unsafe = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]").findall
# A long text is encoded in pieces, so that one wide character in it does not widen the copies of all of it.
_PIECE = 65536
# So many pieces of a long list are put together at a time: as one they are large enough to be given back to the system
# afterwards, while a thousand small ones leave holes in the heap.
_MANY = 256


_Parts = list["str | bytes"]


class Marshalled:
    """A value as XML already, to be written as it stands: one piece after the other."""

    __slots__ = ("pieces",)

    def __init__(self, *pieces: str | bytes) -> None:
        self.pieces = pieces

    def size(self) -> int:
        """Bytes as sent."""
        size = 0
        for one in self.pieces:
            size += len(one) if isinstance(one, bytes) or one.isascii() else len(one.encode())
        return size

    def text(self) -> str:
        """All of it in one piece."""
        return "".join([one if isinstance(one, str) else one.decode() for one in self.pieces])


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
    if type(value) is dict and (text := _flat_struct(value)) is not None:
        return (_ANSWER + text + _ANSWER_END).encode()
    parts: _Parts = [_ANSWER]
    _dump(value, parts)
    parts.append(_ANSWER_END)
    return _encoded(parts)


def dumps_fault(code: int, text: str) -> bytes:
    """The bytes of an answer that is a fault, whose text is cut if it is very long."""
    told = fitting(text, MAX_ANSWER, safe_text)
    if len(told) < len(text):
        text = told + "..."
    parts: _Parts = [_FAULT]
    _dump({"faultCode": code, "faultString": text}, parts)
    parts.append(_FAULT_END)
    return _encoded(parts)


def dump_value(value: Any) -> Marshalled:
    """One value as XML, to be part of a larger answer."""
    if type(value) is dict and (text := _flat_struct(value)) is not None:
        return Marshalled(text)
    parts: _Parts = []
    _dump(value, parts)
    return Marshalled(parts[0] if len(parts) == 1 else _encoded(parts))


def marshalled_list(items: Iterable[str]) -> Marshalled:
    """A list whose items are XML already."""
    items = iter(items)
    pieces = []
    while some := list(islice(items, _MANY)):
        some.append("")
        pieces.append("\n".join(some).encode())
    return Marshalled(_LIST, *pieces, _LIST_END)


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
    out.append(_LIST)
    begun = len(out)
    for item in value:
        (_WRITERS.get(type(item)) or _writer_for(item))(item, out)
        out.append("\n")
        if len(out) - begun >= _MANY:
            out[begun:] = [_encoded(out[begun:])]
            begun += 1
    out.append(_LIST_END)


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
    values = tuple(value.values())
    shape = _shape((names, tuple(map(type, values))))
    return None if shape is None else shape.text(values)


def _dump_marshalled(value: Marshalled, out: _Parts) -> None:
    out.extend(value.pieces)


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
    Marshalled: _dump_marshalled,
}


def _writer_for(value: Any) -> Callable[[Any, _Parts], None]:
    """How to write a value of a derived type: like the type it derives from."""
    for base in type(value).__mro__:
        if base in _WRITERS:
            return _WRITERS[base]
        # By name: a module that nobody loaded has made no value.
        if (base.__module__, base.__name__) == ("datetime", "datetime"):
            return _dump_datetime
    if type(value).__module__ == "xmlrpc.client" and hasattr(value, "encode"):
        return _dump_foreign
    if type(vars(value) if hasattr(value, "__dict__") else None) is dict and not callable(value):
        return _dump_attributes
    raise TypeError(f"cannot marshal {type(value)} objects")


def _dump_foreign(value: Any, out: _Parts) -> None:
    value.encode(_Collector(out))  # DateTime and Binary of the standard library write themselves


def _dump_attributes(value: Any, out: _Parts) -> None:
    _dump(vars(value), out)  # an object of a plugin is a struct, as the standard library has it


class _Collector:
    def __init__(self, out: _Parts) -> None:
        self.write = out.append


_Writer = Callable[..., Marshalled]
_writers: dict[Callable[..., Any], _Writer] = {}


def write_result_with(method: Callable[..., Any], write: _Writer) -> None:
    """Let write(interface, …) give the XML of what method(interface, …) would give, at less cost."""
    _writers[method] = write


def writer_of(method: Callable[..., Any]) -> _Writer | None:
    """Who writes what a method gives, if somebody was named for that."""
    try:
        return _writers.get(method)
    except TypeError:  # a callable without a hash
        return None


def is_plain(text: str) -> bool:
    """Whether XML takes the text as it is."""
    return text.isprintable() and "&" not in text and "<" not in text and ">" not in text


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
        self._strings = _picker([index for index, kind in enumerate(types) if kind is str])
        self._numbers = _picker([index for index, kind in enumerate(types) if kind is int])

    def text(self, values: tuple[Any, ...]) -> str | None:
        numbers, strings = self._numbers, self._strings
        if numbers is not None:
            picked = numbers(values)
            if min(picked) < INT_MIN or max(picked) > INT_MAX:
                raise OverflowError("int exceeds XML-RPC limits")
        if strings is None:
            return self._format % values
        told = "".join(strings(values))
        if len(told) > _PIECE:
            return None  # long texts are written in pieces
        if not is_plain(told):
            values = tuple([safe_text(value) if type(value) is str else value for value in values])
        return self._format % values


def _picker(indexes: list[int]) -> Callable[[Any], tuple[Any, ...]] | None:
    """The items with these indexes, as a tuple."""
    if len(indexes) == 1:
        return itemgetter(slice(indexes[0], indexes[0] + 1))
    return itemgetter(*indexes) if indexes else None


_FLAT = {str, int, bool}
_MAX_SHAPES = 128
_shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = {}


def _shape(key: tuple[tuple[str, ...], tuple[type, ...]]) -> _Shape | None:
    shape = _shapes.get(key)
    if shape is None and _FLAT.issuperset(key[1]):
        if not all(isinstance(name, str) for name in key[0]):
            return None
        if len(_shapes) >= _MAX_SHAPES:
            _shapes.clear()  # those in use come back
        shape = _shapes[key] = _Shape(*key)
    return shape
