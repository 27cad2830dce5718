"""Our codec against the standard library's, in both directions, and both of our readers against each other."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.xmlrpc import codec, lean, strict

XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufffe\uffff", min_codepoint=32)
    | st.sampled_from("\t\n<&>]'\"")
)
INTS = st.integers(-(2**31), 2**31 - 1)
SCALARS = XML_TEXT | INTS | st.booleans() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(XML_TEXT, inner, max_size=4), max_leaves=15
)
METHODS = st.text(st.sampled_from("ab.é_ "), min_size=1)  # the standard library writes names as they are


@given(METHODS, st.lists(VALUES, max_size=4))
def test_calls_written_by_the_standard_library_are_read(method: str, params: list[Any]) -> None:
    body = xmlrpc.client.dumps(tuple(params), method, encoding="utf-8").encode()
    expected = (method, tuple(params))
    assert codec.loads_call(body) == expected
    assert strict.read_call(body) == expected


@given(METHODS, st.lists(VALUES, max_size=4))
def test_our_calls_are_read_by_the_standard_library_and_by_us(method: str, params: list[Any]) -> None:
    body = lean.dumps_call(method, params)
    assert xmlrpc.client.loads(body) == (tuple(params), method)
    assert codec.loads_call(body) == (method, tuple(params))


@given(VALUES)
def test_our_answers_are_read_by_the_standard_library_and_by_us(value: Any) -> None:
    body = codec.dumps_response(value)
    assert xmlrpc.client.loads(body)[0] == (value,)
    assert lean.loads_response(body) == value
    assert strict.read_response(body) == (value, None)


@given(st.text(st.characters()))
def test_any_text_can_be_answered(text: str) -> None:
    ((got,), _) = xmlrpc.client.loads(codec.dumps_response(text))
    assert len(got) <= len(text)
    assert lean.loads_response(codec.dumps_response([text]))[0].replace("\r", "\n").replace(
        "\n\n", "\n"
    ) == got.replace("\n\n", "\n")


def both(body: bytes) -> list[str]:
    """What a body means to either reader."""
    outcomes = []
    for read in (codec.loads_call, strict.read_call):
        try:
            outcomes.append(repr(read(body)))
        except codec.CodecError:
            outcomes.append("refused")
    return outcomes


@given(st.lists(VALUES, max_size=3), st.data())
@settings(max_examples=300)
def test_damaged_calls_mean_the_same_to_both_readers(params: list[Any], data: st.DataObject) -> None:
    body = bytearray(lean.dumps_call("a.b", params))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(("drop", "set", "insert", "cut", "repeat")))
        if kind == "drop":
            del body[at : at + data.draw(st.integers(1, 12))]
        elif kind == "set":
            body[at] = data.draw(st.integers(0, 255))
        elif kind == "insert":
            body[at:at] = data.draw(
                st.sampled_from(
                    (b"<", b">", b"&", b"&amp;", b"</value>", b"<value>", b"<nil/>", b" ", b"\r", b"<!-- -->", b"]]>")
                )
            )
        elif kind == "cut":
            del body[at:]
        else:
            body[at:at] = body[at : at + 30]
        if not body:
            return
    one, other = both(bytes(body))
    assert one == other


NAMES = st.text(st.sampled_from("abN:*_é &<>\t\n1"), max_size=5)


@st.composite
def multicalls(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Calls of one method, as a rule, with texts alone."""
    methods = st.just(draw(NAMES)) if draw(st.integers(0, 3)) else NAMES
    params = st.lists(NAMES, min_size=draw(st.sampled_from((0, 1, 1, 1))), max_size=draw(st.integers(1, 3)))
    calls = st.fixed_dictionaries({"methodName": methods, "params": params})
    return draw(st.lists(calls, max_size=6))


@given(multicalls(), st.data())
@settings(max_examples=500)
def test_multicalls_mean_the_same_to_both_readers(calls: list[dict[str, Any]], data: st.DataObject) -> None:
    text = xmlrpc.client.dumps((calls,), "system.multicall")
    assert codec.loads_call(text.encode()) == ("system.multicall", (calls,))
    pieces = ["", "N", "<", ">", "&amp;", "&", " ", "\x07", "<value><string>", "</string></value>\n", "</data>"]
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(len("<?xml version='1.0'?>"), len(text)))
        text = text[:at] + data.draw(st.sampled_from(pieces)) + text[at + data.draw(st.integers(0, 60)) :]
    one, other = both(text.encode())
    assert one == other


@given(st.binary(max_size=200))
def test_any_bytes_are_a_call_or_refused(body: bytes) -> None:
    try:
        codec.loads_call(body)
    except codec.CodecError:
        pass


@st.composite
def alike(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Structs with the same members, as those of many processes; sometimes one is different."""
    kinds = draw(st.dictionaries(XML_TEXT, st.sampled_from([XML_TEXT, INTS]), min_size=1, max_size=4))
    rows = draw(st.lists(st.fixed_dictionaries(dict(kinds)), min_size=1, max_size=6))
    if draw(st.integers(0, 3)) == 0:
        rows[draw(st.integers(0, len(rows) - 1))] = draw(st.dictionaries(XML_TEXT, VALUES, max_size=4))
    return rows


@given(alike())
def test_structs_that_are_alike_are_read(rows: list[dict[str, Any]]) -> None:
    body = codec.dumps_response(rows)
    assert lean.loads_response(body) == rows
    assert strict.read_response(body) == (rows, None)


@given(alike(), st.data())
@settings(max_examples=300)
def test_damaged_answers_mean_the_same_to_both_readers(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    body = bytearray(codec.dumps_response(rows))
    pieces = [b"", b"<", b"-", b"&lt;", b"</int></value>", b"<name>", b"\n</member>", b"<value><string>", b"1"]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(pieces))
    try:
        expected: Any = strict.read_response(bytes(body))[0]
    except ValueError:
        expected = ValueError
    try:
        got: Any = lean.loads_response(bytes(body))
    except ValueError:
        got = ValueError
    assert got == expected
