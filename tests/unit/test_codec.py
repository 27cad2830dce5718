from __future__ import annotations

import datetime
import time
import xmlrpc.client
from collections import OrderedDict
from typing import Any

import pytest

from supervisor.xmlrpc import codec, lean, strict
from supervisor.xmlrpc.codec import CodecError, NoMethodName, loads_call


def call(*values: str) -> bytes:
    params = "".join(f"<param>{value}</param>" for value in values)
    return f"<methodCall><methodName>m.n</methodName><params>{params}</params></methodCall>".encode()


def value_of(xml: str) -> Any:
    method, params = loads_call(call(xml))
    assert method == "m.n"
    assert len(params) == 1
    assert strict.read_call(call(xml)) == (method, params)
    return params[0]


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<value><string>a b</string></value>", "a b"),
        ("<value><string></string></value>", ""),
        ("<value></value>", ""),
        ("<value/>", ""),
        ("<value> x </value>", " x "),
        ("<value> <string> x </string> </value>", " x "),
        ("<value><int> +5\n</int></value>", 5),
        ("<value><i4>-12345678901</i4></value>", -12345678901),
        ("<value><i8>5</i8></value>", 5),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><boolean>true</boolean></value>", False),
        ("<value><boolean> 1</boolean></value>", False),
        ("<value><double> 2.5 </double></value>", 2.5),
        (
            "<value><dateTime.iso8601>20261120T11:22:33</dateTime.iso8601></value>",
            datetime.datetime(2026, 11, 20, 11, 22, 33),
        ),
        ("<value><base64> aGVs\nbG8= </base64></value>", "hello"),
        ("<value><nil/></value>", None),
        ("<value><array><data/></array></value>", []),
        ("<value><array><data><value>1</value> <value><int>2</int></value></data></array></value>", ["1", 2]),
        ("<value><struct/></value>", {}),
        ("<value><struct><member><name>a</name><value>1</value></member></struct></value>", {"a": "1"}),
        ("<value><struct><member><value>1</value><name>a</name></member></struct></value>", {"a": "1"}),
        ("<value><string>&lt;&amp;&gt;&quot;&apos;&amp;lt;</string></value>", "<&>\"'&lt;"),
        ("<value><string>&#65;&#x42;</string></value>", "AB"),
        ("<value><string><![CDATA[<x>]]>y</string></value>", "<x>y"),
        ("<value><string>a<!-- - -->b</string></value>", "ab"),
        ("<value><string>a\r\nb\rc</string></value>", "a\nb\nc"),
        ("<value><string>é\u2603\U0001f600</string></value>", "é\u2603\U0001f600"),
        ('<value><string x="y">a</string></value>', "a"),
    ],
)
def test_values(xml: str, value: Any) -> None:
    got = value_of(xml)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "text",
        "<value>",
        "<value><int>x</int></value>",
        "<value><int></int></value>",
        "<value><int>1_0</int></value>",
        "<value><int>\u0661</int></value>",
        f"<value><int>{'9' * 5000}</int></value>",
        "<value><double>x</double></value>",
        "<value><double>1_0.0</double></value>",
        "<value><dateTime.iso8601>2026</dateTime.iso8601></value>",
        "<value><dateTime.iso8601>20261320T11:22:33</dateTime.iso8601></value>",
        "<value><base64>/w==</base64></value>",
        "<value><nil>x</nil></value>",
        "<value><i9>1</i9></value>",
        "<value><string>a</string><string>b</string></value>",
        "<value>x<string>a</string></value>",
        "<value><string><b>x</b></string></value>",
        "<value><array/></value>",
        "<value><array><data/><data/></array></value>",
        "<value><array><value>1</value></array></value>",
        "<value><struct><member><name>a</name></member></struct></value>",
        "<value><struct><member><value>a</value></member></struct></value>",
        "<value>1</value><value>2</value>",
        "<value><string>&bogus;</string></value>",
        "<value><string>&#0;</string></value>",
        "<value><string>\x01</string></value>",
        "<value><string>a]]>b</string></value>",
        "<value><string>a\uffffb</string></value>",
    ],
)
def test_what_is_no_value_is_refused(xml: str) -> None:
    for read in (loads_call, strict.read_call):
        with pytest.raises(CodecError):
            read(call(xml))


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?>\n<methodCall>\n<methodName>m.n</methodName>\n<params>\n</params>\n</methodCall>\n",
        b"<methodCall><methodName>m.n</methodName></methodCall>",
        b"<methodCall><methodName>m.n</methodName><params/></methodCall>",
        b'<?xml version="1.0" encoding="utf-8" ?> <!-- c --> <methodCall> <methodName>m.n</methodName> </methodCall> ',
        b"  <methodCall><params/><methodName>m.<![CDATA[n]]></methodName></methodCall>",
        b"\xef\xbb\xbf<methodCall><methodName>m.n</methodName></methodCall>",
    ],
)
def test_documents(body: bytes) -> None:
    assert loads_call(body) == strict.read_call(body) == ("m.n", ())


@pytest.mark.parametrize(
    "body",
    [
        b"<methodCall/>",
        b"<methodCall><methodName></methodName></methodCall>",
        b"<methodResponse><params/></methodResponse>",
        b"<html/>",
        b"<x><methodCall><methodName>m.n</methodName></methodCall></x>",
    ],
)
def test_what_calls_nothing(body: bytes) -> None:
    with pytest.raises(NoMethodName):
        loads_call(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"<methodCall><methodName>m.n</methodName>",
        b"<methodCall><methodName>m.n</methodName></methodCall><x/>",
        b"<methodCall><methodName>m</methodName><methodName>n</methodName></methodCall>",
        b"<methodCall><methodName>m.n</methodName><x/></methodCall>",
        b"<methodCall><methodName>\xff</methodName></methodCall>",
        b"<!DOCTYPE x><methodCall><methodName>m.n</methodName></methodCall>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><methodCall><methodName>&a;</methodName></methodCall>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><methodCall><methodName>m.n</methodName></methodCall>',
    ],
)
def test_what_is_no_document(body: bytes) -> None:
    with pytest.raises(CodecError):
        loads_call(body)


def nested(depth: int) -> bytes:
    return call("<value><array><data>" * depth + "<value>x</value>" + "</data></array></value>" * depth)


def test_some_hundred_levels_are_read_and_can_be_shown() -> None:
    _, (value,) = loads_call(nested(700))
    assert repr(value).count("[") == 700
    assert codec.dumps_response(value).count(b"<array>") == 700


def test_absurd_depth_is_refused_at_once() -> None:
    begin = time.process_time()
    with pytest.raises(CodecError):
        loads_call(nested(100_000))
    assert time.process_time() - begin < 1


def test_absurd_numbers_of_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "MAX_VALUES", 10)
    assert len(strict.read_call(call(*["<value/>"] * 10))[1]) == 10
    with pytest.raises(CodecError):
        strict.read_call(call(*["<value/>"] * 11))


def test_large_honest_calls_are_read() -> None:
    text = "x" * 5_000_000
    assert loads_call(call(f"<value>{text}</value>"))[1] == (text,)
    assert len(loads_call(call(*["<value>x</value>"] * 10_000))[1]) == 10_000


ANSWERS: list[Any] = [
    "text",
    "",
    "<&>\"' \n\t",
    1,
    -(2**31),
    2**31 - 1,
    True,
    False,
    1.5,
    [],
    {},
    [1, "a", [True, {"x": []}]],
    {"a": 1, "b": "<", "c": True},
    {"only": "text"},
    {"only": 5},
    {"<%s>": "%d", "é": 1},
    [{"a": "x", "b": index} for index in range(3)],
]


@pytest.mark.parametrize("value", ANSWERS)
def test_answers_are_what_clients_read(value: Any) -> None:
    body = codec.dumps_response(value)
    assert xmlrpc.client.loads(body) == ((value,), None)
    assert lean.loads_response(body) == value
    assert codec.response_text(value).encode() == body


def test_derived_types_are_written_like_their_base() -> None:
    class Word(str):
        pass

    class Number(int):
        pass

    value = [Word("a"), Number(5), OrderedDict(b=1), (1, 2), b"bytes", datetime.datetime(2026, 1, 2, 3, 4, 5)]
    ((got,), _) = xmlrpc.client.loads(codec.dumps_response(value), use_builtin_types=True)
    assert got == ["a", 5, {"b": 1}, [1, 2], b"bytes", datetime.datetime(2026, 1, 2, 3, 4, 5)]
    ((got,), _) = xmlrpc.client.loads(codec.dumps_response([xmlrpc.client.DateTime("20260102T03:04:05")]))
    assert got == [xmlrpc.client.DateTime("20260102T03:04:05")]


@pytest.mark.parametrize("value", [None, object, object(), {1: 2}, {"a": None}, [None], {None: 1, "x": 2}])
def test_what_cannot_be_carried(value: Any) -> None:
    with pytest.raises(TypeError):
        codec.dumps_response(value)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, [2**40], {"a": 2**31}, {"a": -(2**31) - 1, "b": 1}])
def test_long_numbers_cannot_be_carried(value: Any) -> None:
    with pytest.raises(OverflowError):
        codec.dumps_response(value)


def test_text_is_made_safe_and_the_replacement_is_visible() -> None:
    text = "a\x1b[1m\x00\x7f\udc80\ufffe\t\nb"
    safe = "a\u241b[1m\u2400\x7f\ufffd\ufffd\t\nb"
    assert lean.loads_response(codec.dumps_response(text)) == safe
    assert xmlrpc.client.loads(codec.dumps_response({"k": text, "l": 1}))[0][0] == {"k": safe, "l": 1}
    assert xmlrpc.client.loads(codec.dumps_response({"k": [text]}))[0][0] == {"k": [safe]}


def test_long_text_is_written_whole() -> None:
    text = "<é\U0001f600\x00" * 50_000
    assert xmlrpc.client.loads(codec.dumps_response([text, 1]))[0][0] == [text.replace("\x00", "\u2400"), 1]


def test_faults() -> None:
    body = codec.dumps_fault(10, "BAD_NAME: <\x1b>")
    with pytest.raises(xmlrpc.client.Fault) as theirs:
        xmlrpc.client.loads(body)
    with pytest.raises(lean.Fault) as ours:
        lean.loads_response(body)
    for fault in (theirs.value, ours.value):
        assert (fault.faultCode, fault.faultString) == (10, "BAD_NAME: <\u241b>")
    assert str(ours.value) == "<Fault 10: 'BAD_NAME: <\u241b>'>"


def test_structs_of_any_number_of_shapes_are_written() -> None:
    shapes = [{f"{number}": number, "x": "y"} for number in range(300)]
    for _ in range(2):
        assert lean.loads_response(codec.dumps_response(shapes)) == shapes


def test_prepared_values_are_written_as_they_stand() -> None:
    part = codec.dump_value({"a": "<"})
    assert xmlrpc.client.loads(codec.dumps_response([part, "x"]))[0][0] == [{"a": "<"}, "x"]


def test_answers_of_other_servers_are_read_too() -> None:
    assert (
        lean.loads_response(b"<methodResponse><params><param><value>a&#13;</value></param></params></methodResponse>")
        == "a\r"
    )
    theirs = xmlrpc.client.dumps(({"a": [1, "x", {"b": 1.5}]},), methodresponse=True).encode()
    assert lean.loads_response(theirs) == {"a": [1, "x", {"b": 1.5}]}


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"<methodResponse/>", b"\xff", codec.dumps_response(1)[:-20]])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError):
        lean.loads_response(body)


def test_calls_carry_what_xml_can() -> None:
    params = ["<&>\r\n\x01é", 1, True, 1.5, [1, {"a": ("x",)}]]
    assert loads_call(lean.dumps_call("m.n", params)) == ("m.n", ("<&>\r\n\ufffdé", 1, True, 1.5, [1, {"a": ["x"]}]))
    with pytest.raises(TypeError):
        lean.dumps_call("m.n", [None])
    with pytest.raises(OverflowError):
        lean.dumps_call("m.n", [2**31])


def test_tags_of_absurd_length_are_refused() -> None:
    attributes = " ".join(f'a{number}="b"' for number in range(2000))
    with pytest.raises(CodecError):
        loads_call(call(f"<value {attributes}/>"))
    text = "a b" * 10_000
    assert loads_call(call(f"<value><![CDATA[< {text}]]></value>"))[1] == ("< " + text,)


@pytest.mark.parametrize("params", [
    "", "<value><string>a&amp;b</string></value>", "<value>a</value>", "<value></value>", "<value><int>1</int></value>",
    "<value>a</value>\n<value>b</value>", "<value></value><value><string>b</string></value>",
    "<value>a</value><value>b</value><value>c</value>",
])
@pytest.mark.parametrize("name", ["<value>supervisor.x</value>", "<value><string>s&lt;x</string></value>"])
def test_items_of_a_multicall_mean_what_the_strict_reader_says(name: str, params: str) -> None:
    item = (f"<value><struct>\n<member><name>methodName</name>{name}</member><member><name>params</name>"
            f"<value><array><data>\n{params}</data></array></value></member>\n</struct></value>")
    body = ("<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>"
            f"{item}\n{item}</data></array></value></param></params></methodCall>").encode()
    found = codec.loads_call(body)
    assert found == strict.read_call(body)
    assert len(found[1][0]) == 2


def test_a_remembered_call_gives_nobody_what_another_has_changed() -> None:
    for value in ("<struct></struct>", "<array><data></data></array>"):
        params = f"<params><param><value>{value}</value></param></params>"
        body = f"<methodCall><methodName>a.b</methodName>{params}</methodCall>"
        first = codec.loads_call(body.encode())[1][0]
        first["x" if isinstance(first, dict) else slice(0)] = "1"
        assert not codec.loads_call(body.encode())[1][0]
