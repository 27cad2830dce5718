"""The general reader of XML-RPC documents, requests and responses alike, over expat.

Promise: reads whatever well-formed XML-RPC is, refuses everything else, doctypes and entities included, within
fixed bounds of depth and number, and without recursion. It must not know who sends, or what the methods mean.
"""

from __future__ import annotations

import re

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.xmlrpc.bounds import MAX_TEXT
from supervisor.xmlrpc.scalars import SCALARS

if TYPE_CHECKING:
    from xml.parsers import expat
else:
    expat = Late("xml.parsers.expat")

__all__ = ["CodecError", "MAX_DEPTH", "MAX_VALUES", "NoMethodName", "TextTooLong", "read_call", "read_response"]

# Far above honest use: a hundred thousand values are a multicall of ten thousand entries.
MAX_VALUES = 150_000
# Below the interpreter's own limit, so that a value that was read can also be shown.
MAX_DEPTH = 800
# Bytes of one tag.
MAX_TAG = 16384

_CHILDREN: dict[str, frozenset[str]] = {
    "methodCall": frozenset({"methodName", "params"}),
    "methodResponse": frozenset({"params", "fault"}),
    "params": frozenset({"param"}),
    "param": frozenset({"value"}),
    "fault": frozenset({"value"}),
    "value": frozenset({"array", "struct", *SCALARS}),
    "array": frozenset({"data"}),
    "data": frozenset({"value"}),
    "struct": frozenset({"member"}),
    "member": frozenset({"name", "value"}),
}
# Large documents are read in slices of so many bytes.
_SLICE = 1 << 20
_long_tag = re.compile(rb"<[A-Za-z_:][^<>]{%d}" % MAX_TAG).search
_NONE: frozenset[str] = frozenset()
_LEAVES = frozenset({"methodName", "name", *SCALARS})


class CodecError(ValueError):
    """The document is not what it should be."""


class NoMethodName(CodecError):
    """The document is well-formed, but calls nothing."""


class TextTooLong(CodecError):
    """The document may be a call, but one of its texts is over the limit."""


class _Absent:
    """Stands for a value that was not given, since None is one."""


_ABSENT = _Absent()


class _Reader:
    """Builds values while expat names what it meets."""

    def __init__(self, root: str) -> None:
        self.method: str | None = None
        self.params: list[Any] = []
        self.fault: Any = _ABSENT
        self._root = root
        self._tags: list[str] = []
        self._children: list[int] = []  # how many elements each open element has had
        self._text: list[str] = []
        self._slots: list[Any] = []  # one per open <value>: what its type element gave
        self._containers: list[Any] = []  # one per open <array> or <struct>
        self._members: list[list[Any]] = []  # one per open <member>: its name and value

    def read(self, body: bytes | bytearray) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.buffer_size = 65536
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._doctype
        if body.count(b"<value") > MAX_VALUES:
            raise CodecError("too many values")
        if len(body) > MAX_TAG and _long_tag(body):
            raise CodecError("too many attributes")  # each of them would be stored before we see the first
        try:
            if len(body) > _SLICE:
                self._read_slices(parser, body)
            else:
                parser.Parse(body, True)
        except expat.ExpatError as error:
            raise CodecError(f"not well-formed: {error}") from None
        except (ValueError, OverflowError) as error:
            if isinstance(error, CodecError):
                raise
            raise CodecError(f"a value that its type cannot read: {error}") from None

    def _read_slices(self, parser: Any, body: bytes | bytearray) -> None:
        """What is over a limit is noticed before all of it is stored once more."""
        with memoryview(body) as whole:
            for at in range(0, len(body), _SLICE):
                with whole[at : at + _SLICE] as piece:
                    parser.Parse(piece, False)
                if sum(map(len, self._text)) > MAX_TEXT:
                    raise TextTooLong(f"a text of more than {MAX_TEXT} bytes")
                if at + _SLICE - parser.CurrentByteIndex > MAX_TEXT:
                    raise CodecError("something endless")
        parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise CodecError("a document type declaration is refused")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._only_blanks()
        tags = self._tags
        if not tags:
            if tag != self._root:
                raise NoMethodName(f"{tag} is not {self._root}")
        elif tag not in _CHILDREN.get(tags[-1], _NONE):
            raise CodecError(f"{tag} inside {tags[-1]}")
        else:
            self._children[-1] += 1
        tags.append(tag)
        self._children.append(0)
        if tag == "value":
            if len(self._slots) >= MAX_DEPTH:
                raise CodecError("nested too deeply")
            self._slots.append(_ABSENT)
        elif tag == "struct":
            self._containers.append({})
        elif tag == "array":
            self._containers.append([])
        elif tag == "member":
            self._members.append([_ABSENT, _ABSENT])

    def _only_blanks(self) -> None:
        if self._text:
            if "".join(self._text).strip(" \t\r\n"):
                raise CodecError("text where none belongs")
            self._text.clear()

    def _end(self, tag: str) -> None:
        self._tags.pop()
        children = self._children.pop()
        if tag in _LEAVES or (tag == "value" and not children):
            text = "".join(self._text)
            self._text.clear()
            self._leaf(tag, text)
        else:
            self._only_blanks()
            self._close(tag, children)

    def _leaf(self, tag: str, text: str) -> None:
        if tag == "value":
            self._slots.pop()
            self._deliver(text)
        elif tag == "name":
            self._fill(self._members[-1], 0, text)
        elif tag == "methodName":
            if self.method is not None:
                raise CodecError("two method names")
            self.method = text
        else:
            self._fill(self._slots, -1, SCALARS[tag](text))

    def _close(self, tag: str, children: int) -> None:
        if tag == "value":
            self._deliver(self._slots.pop())
        elif tag in ("array", "struct"):
            if tag == "array" and children != 1:
                raise CodecError("an array has one data element")
            self._fill(self._slots, -1, self._containers.pop())
        elif tag == "member":
            name, value = self._members.pop()
            if name is _ABSENT or value is _ABSENT:
                raise CodecError("a member has a name and a value")
            self._containers[-1][name] = value
        elif tag in ("param", "fault") and children != 1:
            raise CodecError(f"{tag} has one value")
        elif tag in ("methodCall", "methodResponse") and children > 2:
            raise CodecError(f"{tag} has too many parts")

    def _deliver(self, value: Any) -> None:
        parent = self._tags[-1]
        if parent == "data":
            self._containers[-1].append(value)
        elif parent == "member":
            self._fill(self._members[-1], 1, value)
        elif parent == "param":
            self.params.append(value)
        else:
            self.fault = value

    @staticmethod
    def _fill(places: list[Any], index: int, value: Any) -> None:
        if places[index] is not _ABSENT:
            raise CodecError("two values where one belongs")
        places[index] = value


def read_call(body: bytes | bytearray) -> tuple[str, tuple[Any, ...]]:
    """(method, parameters) of a request. NoMethodName when it names none, CodecError when it cannot be read."""
    reader = _Reader("methodCall")
    reader.read(body)
    if not reader.method:
        raise NoMethodName("no method name")
    return reader.method, tuple(reader.params)


def read_response(body: bytes) -> tuple[Any, Any]:
    """(value, None), or (None, fault) where fault is a struct of faultCode and faultString."""
    reader = _Reader("methodResponse")
    reader.read(body)
    if isinstance(reader.fault, dict):
        return None, reader.fault
    if len(reader.params) != 1:
        raise CodecError("a response has one value")
    return reader.params[0], None
