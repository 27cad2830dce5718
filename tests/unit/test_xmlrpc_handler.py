from __future__ import annotations

import xmlrpc.client
from types import SimpleNamespace
from typing import Any

import pytest

import supervisor.xmlrpc as package
from supervisor.faults import Faults, RPCError
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred
from supervisor.xmlrpc.handler import DeferredXMLRPCResponse, supervisor_xmlrpc_handler
from tests.fakes import FakeLog, fake_loop


class FakeRequest:
    def __init__(self, body: bytes = b"", uri: str = "/RPC2", command: str = "POST") -> None:
        self.uri, self.command, self.body = uri, command, body
        self.closed = False
        self.headers: dict[str, str] = {}
        self.replies: list[tuple[int, Any]] = []

    def __setitem__(self, name: str, value: str) -> None:
        self.headers[name] = value

    def read_body(self, callback: Any, limit: int | None = None) -> None:
        callback(self.body)

    def reply(self, code: int, body: bytes, content_type: str, headers: Any = ()) -> None:
        assert content_type == "text/xml"
        self.replies.append((code, body))

    def error(self, code: int, message: str | None = None) -> None:
        self.replies.append((code, None))

    @property
    def outcome(self) -> Any:
        ((code, body),) = self.replies
        if body is None:
            return code
        try:
            return xmlrpc.client.loads(body)[0][0]
        except xmlrpc.client.Fault as fault:
            return fault.faultCode, fault.faultString


class Interface:
    def __init__(self) -> None:
        self.later = Deferred()

    def echo(self, *values: Any) -> Any:
        return list(values)

    def none(self) -> None:
        return None

    def fault(self) -> None:
        raise RPCError(777, "x")

    def blame(self, text: str) -> None:
        raise RPCError(777, text)

    def crash(self, error: str) -> None:
        raise {"value": ValueError, "exit": SystemExit, "deep": RecursionError, "type": TypeError}[error]("secret text")

    def wait(self) -> Deferred:
        return self.later

    def klass(self) -> type:
        return object


class Scene:
    def __init__(self) -> None:
        self.loop, _, self.clock, _ = fake_loop()
        self.log = FakeLog()
        self.interface = Interface()
        supervisord = SimpleNamespace(loop=self.loop, options=SimpleNamespace(logger=self.log))
        self.handler = supervisor_xmlrpc_handler(supervisord, [("i", self.interface)])

    def request(self, method: str, *params: Any) -> FakeRequest:
        request = FakeRequest(xmlrpc.client.dumps(params, method, allow_none=True).encode())
        self.handler.handle_request(request)
        return request

    def call(self, method: str, *params: Any) -> Any:
        return self.request(method, *params).outcome


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("supervisor.xmlrpc.multicall._SLICE", 60)  # a busy machine cuts no call short
    return Scene()


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("/RPC2", True),
        ("/RPC2/", True),
        ("/RPC2/x", True),
        ("/RPC2?x=y", True),
        ("/RPC2;a=b", True),
        ("/RPC2#f", True),
        ("/%52PC2", True),
        ("/RPC2foo", False),
        ("//RPC2", False),
        ("/rpc2", False),
        ("/", False),
        ("/x?/RPC2", False),
    ],
)
def test_which_paths_are_ours(scene: Scene, uri: str, ours: bool) -> None:
    assert scene.handler.match(FakeRequest(uri=uri)) is ours


def test_only_post(scene: Scene) -> None:
    request = FakeRequest(command="GET")
    scene.handler.handle_request(request)
    assert request.outcome == 405
    assert request.headers == {"Allow": "POST"}


def test_a_call_and_its_trace(scene: Scene) -> None:
    assert scene.call("i.echo", 1, "a") == [1, "a"]
    assert scene.log.lines == [
        ("trace", "XML-RPC method called: i.echo()"),
        ("trace", "XML-RPC method i.echo() returned successfully"),
    ]


def test_a_fault_and_its_trace(scene: Scene) -> None:
    assert scene.call("i.fault") == (777, "UNKNOWN: x")
    assert scene.log.lines[1] == ("trace", "XML-RPC method i.fault() returned fault: [777] UNKNOWN: x")


def test_names_cannot_forge_log_lines(scene: Scene) -> None:
    assert scene.call("i.x\nINFO forged" + "y" * 1000)[0] == Faults.UNKNOWN_METHOD
    told = "x\nINFO forged" + "y" * 1000
    assert scene.call("i.blame", told) == (777, f"UNKNOWN: {told}")
    assert all("\n" not in text and len(text) < 300 for _, text in scene.log.lines)


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<secret", "unmarshallable"), (b"<secret/>", "no method name"), (b"\xff", "unmarshallable")],
)
def test_what_is_no_call_is_400_and_never_shown(scene: Scene, body: bytes, why: str) -> None:
    request = FakeRequest(body)
    scene.handler.handle_request(request)
    assert request.outcome == 400
    assert scene.log.lines == [("error", f"XML-RPC request data '{len(body)} bytes' is invalid: {why}")]


def test_of_requests_that_cannot_be_read_so_many_a_minute_are_told(scene: Scene) -> None:
    for _ in range(1000):
        scene.handler.handle_request(FakeRequest(b"<"))
    told = len(scene.log.lines)
    assert 10 < told < 100
    scene.clock.advance(60)
    scene.handler.handle_request(FakeRequest(b"<"))
    assert scene.log.lines[told:] == [
        ("error", f"XML-RPC request data '1 bytes' is invalid: unmarshallable ({1000 - told} more before it)")]


@pytest.mark.parametrize("error", ["value", "exit", "deep", "type"])
def test_a_method_that_fails_is_500_and_one_entry(scene: Scene, error: str) -> None:
    assert scene.call("i.crash", error) == 500
    ((level, text),) = [line for line in scene.log.lines if line[0] != "trace"]
    assert level == "critical"
    assert "secret text" in text


@pytest.mark.parametrize("method", ["i.none", "i.klass"])
def test_what_cannot_be_sent_is_500(scene: Scene, method: str) -> None:
    assert scene.call(method) == 500


def test_an_answer_that_comes_later(scene: Scene) -> None:
    request = scene.request("i.wait")
    assert not request.replies
    scene.interface.later.settle("there")
    assert request.outcome == "there"


def test_a_fault_that_comes_later(scene: Scene) -> None:
    request = scene.request("i.wait")
    scene.interface.later.fail(RPCError(Faults.SPAWN_ERROR, "a"))
    assert request.outcome == (50, "SPAWN_ERROR: a")


def test_a_failure_that_comes_later(scene: Scene) -> None:
    request = scene.request("i.wait")
    scene.interface.later.fail(ValueError("secret text"))
    assert request.outcome == 500
    level, text = scene.log.lines[-1]
    assert level == "error" and text.startswith("XML-RPC response callback error:Traceback (")


@pytest.mark.parametrize(
    "outcome", [lambda a: a.settle(1), lambda a: a.fail(RPCError(10)), lambda a: a.fail(OSError())]
)
def test_a_client_that_left_is_not_answered(scene: Scene, outcome: Any) -> None:
    request = scene.request("i.wait")
    request.closed = True
    outcome(scene.interface.later)
    assert request.replies == []


def test_multicall(scene: Scene) -> None:
    calls = [{"methodName": "i.echo", "params": [1]}, {"methodName": "i.none"}, {"methodName": "i.fault"}]
    first, second, third = scene.call("system.multicall", calls)
    assert first == [1]
    assert second["faultCode"] == Faults.FAILED
    assert third == {"faultCode": 777, "faultString": "UNKNOWN: x"}
    assert scene.call("system.multicall", []) == []
    assert scene.call("system.multicall", "x")[0] == Faults.INCORRECT_PARAMETERS


def test_what_is_raised_inside_a_multicall_is_one_entry_and_not_for_the_client(scene: Scene) -> None:
    calls = [{"methodName": "i.crash", "params": [kind]} for kind in ("value", "exit", "deep")] * 5
    calls.append({"methodName": "i.echo"})
    *failed, last = scene.call("system.multicall", calls)
    assert failed[0] == {"faultCode": Faults.FAILED, "faultString": "FAILED: <class 'ValueError'>:see the activity log"}
    assert {fault["faultCode"] for fault in failed} == {Faults.FAILED}
    assert "secret" not in str(failed)
    assert last == []
    ((level, text),) = [line for line in scene.log.lines if line[0] != "trace"]
    assert level == "critical"
    assert "i.crash()" in text and "secret text" in text


def test_multicall_that_waits(scene: Scene) -> None:
    request = scene.request("system.multicall", [{"methodName": "i.wait"}, {"methodName": "i.echo"}])
    scene.loop.turn(0)
    assert not request.replies
    scene.interface.later.settle(5)
    scene.loop.turn(0)
    assert request.outcome == [5, []]


def test_xmlrpc_marshal_can_be_replaced_in_the_package(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def marshal(value: Any) -> str:
        if not isinstance(value, xmlrpc.client.Fault):
            value = (value,)
        return xmlrpc.client.dumps(value, methodresponse=True, allow_none=True)

    monkeypatch.setattr(package, "xmlrpc_marshal", marshal)
    assert scene.call("i.none") is None
    assert scene.call("i.fault") == (777, "UNKNOWN: x")
    assert scene.call("system.multicall", [{"methodName": "i.none"}]) == [None]


def test_xmlrpc_marshal() -> None:
    for value in ("a", [1], {"a": 1}, ("only",)):
        expected = value if isinstance(value, tuple) else (value,)
        assert xmlrpc.client.loads(package.xmlrpc_marshal(value))[0] == expected
    with pytest.raises(xmlrpc.client.Fault):
        xmlrpc.client.loads(package.xmlrpc_marshal(package.xmlrpclib.Fault(3, "x")))


def test_public_names() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None or name == "PY2"
    assert set(package.__all__) <= set(dir(package))
    assert package.AttrDict({"a": 1}).a == 1
    assert package.AttrDict().b is None
    assert [package.capped_int(v) for v in ("5", 1e20, -1e20, 2.9)] == [5, 2**31 - 1, -(2**31), 2]
    with pytest.raises(AttributeError):
        _ = package.nope  # type: ignore[attr-defined]


def test_the_producer_for_plugins() -> None:
    answers: list[Any] = [NOT_DONE_YET, 5]
    request = FakeRequest()
    producer = DeferredXMLRPCResponse(request, lambda: answers.pop(0))
    assert producer.more() is NOT_DONE_YET
    assert producer.more() == b""
    assert producer.more() == b""
    assert request.outcome == 5
