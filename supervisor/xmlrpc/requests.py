"""Reading requests.

Promise: what common clients send is read by compiled patterns, anything else by the strict reader, with one meaning.
It must not know what methods do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from supervisor.hints import Any
from supervisor.xmlrpc import strict
from supervisor.xmlrpc.alike import read_calls
from supervisor.xmlrpc.scalars import SCALARS
from supervisor.xmlrpc.strict import CodecError

__all__ = ["loads_call"]

# The patterns read small documents without comments, CDATA, attributes, numeric references or carriage returns.
_PATTERN_BODY = 1 << 20
_PATTERN_DEPTH = 32
# A client sends the same short call again and again; what it means is worked out once.
_REMEMBERED_CALLS = 64
_REMEMBERED_SIZE = 256

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


def _item(none: str, one: str) -> Callable[[str, int], re.Match[str] | None]:
    """What a multicall is made of: a struct of methodName and params, which are two texts at most. Blanks between the
    tags are where the standard library writes none, and where it writes one, a line end."""
    string = rf"<value><string>{_TEXT}</string></value>{one}"
    return re.compile(
        rf"<value>{none}<struct>{one}<member>{one}<name>methodName</name>{one}{string}</member>{one}"
        rf"<member>{one}<name>params</name>{one}<value>{none}<array>{none}<data>{one}(?:{string})?(?:{string})?"
        rf"</data>{none}</array>{none}</value>{one}</member>{one}</struct>{none}</value>{one}"
    ).match


# To match blanks that may be any, or not there, takes as long as all the rest.
_usual_item, _other_item = _item("", "\n"), _item(_B, _B)
_odd_reference = re.compile("&(?!(?:amp|lt|gt|quot|apos);)").search


class _Uncommon(Exception):
    """The patterns do not reach; the strict reader decides."""


def loads_call(body: bytes | bytearray) -> tuple[str, tuple[Any, ...]]:
    """(method, parameters) of a request. NoMethodName when it names none, CodecError when it cannot be read."""
    if isinstance(body, bytes) and len(body) <= _PATTERN_BODY:
        try:
            # Nobody can change what a call without arrays and structs gave.
            if len(body) <= _REMEMBERED_SIZE and b"<data>" not in body and b"<struct>" not in body:
                return _common_call_again(body)
            return _common_call(body)
        except _Uncommon:
            pass
        except ValueError:
            raise CodecError("not UTF-8, or a value that its type cannot read") from None
    return strict.read_call(body)


def _common_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    text = body.decode("utf-8")
    head = _call(text)
    if head is None or not head[1]:
        raise _Uncommon
    method = _plain(head[1])
    at = head.end()
    if _no_params(text, at):
        return method, ()
    if method == "system.multicall" and (calls := read_calls(text, at)) is not None:
        return method, (calls,)
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


_common_call_again = lru_cache(_REMEMBERED_CALLS)(_common_call)


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
    call = None  # reads what comes next, if that is likely to be a call of a multicall with texts alone
    likely = True
    while True:
        if call is not None and (whole := call(text, at)) is not None:
            items.append(_call_of(whole))
            at = whole.end()
            continue
        found = _value(text, at)
        if found is None:
            raise _Uncommon
        kind, call = found.lastindex, None
        if kind == _UNTYPED:
            items.append(_plain(found[_UNTYPED]))
        elif kind == _TYPED:
            items.append(_typed(found[1], found[2]))
        elif kind == _STRUCT and likely and (call := _item_reader(text, at)) is not None:
            continue
        elif kind in (_ARRAY, _STRUCT):
            likely = False
            item, at = _container(kind, text, found.end(), depth)
            items.append(item)
            continue
        else:
            return items, found.end()
        at = found.end()


def _call_of(found: re.Match[str]) -> dict[str, Any]:
    name, first, second = found.groups()
    params = [] if first is None else [first] if second is None else [first, second]
    if "&" in found[0]:
        name, params = _plain(name), list(map(_plain, params))
    return {"methodName": name, "params": params}


def _item_reader(text: str, at: int) -> Callable[[str, int], re.Match[str] | None] | None:
    """The pattern that reads a call of a multicall there, if there is one."""
    return _usual_item if _usual_item(text, at) else _other_item if _other_item(text, at) else None


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
