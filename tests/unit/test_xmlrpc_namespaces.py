from __future__ import annotations

import functools
import xmlrpc.client
from typing import Any

import pytest

import supervisor.xmlrpc as package
from supervisor.faults import Faults, RPCError
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt
from supervisor.xmlrpc.multicall import Multicall
from supervisor.xmlrpc.namespaces import RootRPCInterface, SystemNamespaceRPCInterface, traverse
from tests.fakes import fake_loop


class Base:
    def inherited(self) -> str:
        return "inherited"


class Plugin(Base):
    attribute = 5

    def echo(self, value: Any) -> Any:
        """Gives it back.

        @param string value  what to give
        @return string result  the same
        """
        return value

    def optional(self, a: Any, b: Any = 2, *rest: Any) -> Any:
        return [a, b, *rest]

    def named(self, a: Any, *, b: Any = 2) -> Any:
        return [a, b]

    def fail(self) -> None:
        raise RPCError(Faults.BAD_NAME, "mine")

    def crash(self) -> None:
        raise ValueError("boom")

    def wrong(self) -> None:
        raise TypeError("inside")

    @functools.lru_cache  # noqa: B019
    def wrapped(self, a: int) -> int:
        return a

    @property
    def computed(self) -> Any:
        raise OSError("no")

    def _private(self) -> None: ...

    @staticmethod
    def static() -> str:
        return "static"

    @classmethod
    def klass(cls) -> str:
        return "class"

    class Inner:
        pass


ROOT = RootRPCInterface([("p", Plugin())])


@pytest.mark.parametrize(
    ("method", "params", "value"),
    [
        ("p.echo", ["x"], "x"),
        ("p.optional", [1], [1, 2]),
        ("p.optional", [1, 3, 4], [1, 3, 4]),
        ("p.named", [1], [1, 2]),
        ("p.klass", [], "class"),
        ("p.inherited", [], "inherited"),
        ("p.wrapped", [1], 1),
    ],
)
def test_bound_methods_are_called(method: str, params: list[Any], value: Any) -> None:
    assert traverse(ROOT, method, params) == value


@pytest.mark.parametrize(
    "method",
    [
        "",
        "p",
        "p.",
        ".echo",
        "echo",
        "q.echo",
        "p.nope",
        "p._private",
        "p.__init__",
        "p.__class__",
        "p.static",
        "p.attribute",
        "p.computed",
        "p.Inner",
        "p.echo.__call__",
        "p.echo.",
        "p..echo",
        " p.echo",
        "p.echo ",
        "P.echo",
        "__class__.mro",
        "__dict__.get",
    ],
)
def test_anything_else_is_unknown(method: str) -> None:
    with pytest.raises(RPCError) as caught:
        traverse(ROOT, method, [])
    assert caught.value.code == Faults.UNKNOWN_METHOD


@pytest.mark.parametrize(
    ("method", "params"),
    [("p.echo", []), ("p.echo", [1, 2]), ("p.optional", []), ("p.named", [1, 2]), ("p.klass", [1]), ("p.fail", [1])],
)
def test_the_number_of_arguments_is_checked_first(method: str, params: list[Any]) -> None:
    with pytest.raises(RPCError) as caught:
        traverse(ROOT, method, params)
    assert (caught.value.code, caught.value.text) == (Faults.INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS")


def test_a_type_error_inside_a_method_stays_one() -> None:
    with pytest.raises(TypeError):
        traverse(ROOT, "p.wrong", [])


def test_methods_are_looked_up_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plugin, "echo", lambda self, value: ["new", value])
    assert traverse(ROOT, "p.echo", [1]) == ["new", 1]


SYSTEM = SystemNamespaceRPCInterface([("p", Plugin())])


def test_listed_is_what_the_class_itself_defines() -> None:
    names = ["crash", "echo", "fail", "Inner", "klass", "named", "optional", "static", "wrapped", "wrong"]
    system = ["listMethods", "methodHelp", "methodSignature", "multicall"]
    assert SYSTEM.listMethods() == sorted([f"p.{n}" for n in names] + [f"system.{n}" for n in system])


def test_signatures() -> None:
    assert SYSTEM.methodSignature("p.echo") == ["string", "string"]
    assert SYSTEM.methodSignature("system.listMethods") == ["array"]
    assert SYSTEM.methodSignature("system.methodHelp") == ["string", "string"]
    assert SYSTEM.methodSignature("system.multicall") == ["array", "array"]
    for name in ("p.fail", "p.nope", "nope", "", "p._private", 5, [], None):
        with pytest.raises(RPCError) as caught:
            SYSTEM.methodSignature(name)
        assert caught.value.code == Faults.SIGNATURE_UNSUPPORTED


def test_gettags_can_be_replaced_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "gettags", lambda text: [(1, "return", "struct", "", "")])
    assert SYSTEM.methodSignature("p.fail") == ["struct"]


def test_help() -> None:
    assert "@param string value  what to give" in SYSTEM.methodHelp("p.echo")
    assert SYSTEM.methodHelp("p.fail") == "None"
    lines = SYSTEM.methodHelp("system.methodHelp").split("\n")
    assert lines[0]
    assert [line.split()[:3] for line in lines if line.startswith("@")] == [
        ["@param", "string", "name"],
        ["@return", "string", "result"],
    ]
    with pytest.raises(RPCError):
        SYSTEM.methodHelp("p.nope")


def item(name: Any, *params: Any) -> dict[str, Any]:
    return {"methodName": name, "params": list(params)}


def fault(code: int, text: str) -> dict[str, Any]:
    return {"faultCode": code, "faultString": text}


def test_multicall_gives_bare_values_and_faults_as_structs() -> None:
    assert SYSTEM.multicall(
        [
            item("p.echo", [1]),
            {"methodName": "p.klass", "extra": 1},
            {"methodName": "p.klass", "params": []},
            {"methodName": "p.klass", "params": None},
            item("p.fail"),
            item("p.crash"),
            item("p.echo"),
            {"params": []},
            {"methodName": None},
            item(""),
            item("nope"),
            item("p._private"),
            item("system.multicall", []),
            item(5),
            {"methodName": "p.klass", "params": {"a": 1}},
            {"methodName": "p.klass", "params": "ab"},
        ]
    ) == [
        [1],
        "class",
        "class",
        fault(2, "INCORRECT_PARAMETERS"),
        fault(10, "BAD_NAME: mine"),
        fault(30, "FAILED: <class 'ValueError'>:see the activity log"),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(2, "INCORRECT_PARAMETERS: No methodName"),
        fault(2, "INCORRECT_PARAMETERS: No methodName"),
        fault(1, "UNKNOWN_METHOD"),
        fault(1, "UNKNOWN_METHOD"),
        fault(1, "UNKNOWN_METHOD"),
        fault(2, "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(2, "INCORRECT_PARAMETERS"),
    ]


@pytest.mark.parametrize("calls", [{}, "x", 5, None, [1], [[]], [{}, "x"], True])
def test_multicall_of_something_else_is_a_fault(calls: Any) -> None:
    with pytest.raises(RPCError) as caught:
        SYSTEM.multicall(calls)
    assert caught.value.code == Faults.INCORRECT_PARAMETERS


class Slow:
    def __init__(self) -> None:
        self.started: list[str] = []
        self.answers: dict[str, Deferred] = {}
        self.polls = 0

    def wait(self, name: str) -> Deferred:
        self.started.append(name)
        self.answers[name] = Deferred()
        return self.answers[name]

    def poll(self) -> Any:
        def function() -> Any:
            self.polls += 1
            return self.polls if self.polls > 2 else NOT_DONE_YET

        return function

    def now(self) -> str:
        return "now"


def test_multicall_waits_for_each_call_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.xmlrpc.multicall._SLICE", 1000)  # only what waits divides it
    slow = Slow()
    loop = fake_loop()[0]
    work = SystemNamespaceRPCInterface([("s", slow)]).multicall(
        [item("s.wait", "a"), item("s.now"), item("s.wait", "b"), item("s.poll")]
    )
    assert work() is NOT_DONE_YET
    answer = adopt(loop, work)
    assert slow.started == ["a"]
    slow.answers["a"].settle("A")
    loop.turn(0)
    assert slow.started == ["a", "b"]
    slow.answers["b"].fail(RPCError(10, "b"))
    while not answer.settled:
        loop.turn()
    assert answer() == ["A", "now", fault(10, "BAD_NAME: b"), 3]


def test_multicall_can_be_polled_without_a_loop() -> None:
    slow = Slow()
    work = SystemNamespaceRPCInterface([("s", slow)]).multicall([item("s.poll"), item("s.now"), item("s.wait", "a")])
    assert [work(), work()] == [NOT_DONE_YET, NOT_DONE_YET]
    work()
    assert slow.started == ["a"]
    slow.answers["a"].settle(1)
    assert work() == [3, "now", 1]
    assert work() == [3, "now", 1]


def test_a_long_multicall_lets_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.xmlrpc.multicall._SLICE", -1)
    loop = fake_loop()[0]
    work = Multicall([item("m.n")] * 5, lambda name, count: lambda: name, loop)
    work.run()
    assert not work.settled
    turns = 0
    while not work.settled:
        loop.turn(0)
        turns += 1
    assert work() == ["m.n"] * 5
    assert turns >= 1


class Changing:
    """A namespace one of whose methods replaces another."""

    def told(self) -> str:
        return "old"

    def change(self) -> str:
        self.told = self.newly  # type: ignore[method-assign]
        return "changed"

    def newly(self) -> str:
        return "new"


def test_a_multicall_calls_what_a_name_means_at_each_call() -> None:
    names = "told", "told", "change", "told", "told"
    results = SystemNamespaceRPCInterface([("c", Changing())]).multicall([item(f"c.{name}") for name in names])
    assert results == ["old", "old", "changed", "new", "new"]


def test_what_is_replaced_between_the_slices_of_a_multicall_is_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.xmlrpc.multicall._SLICE", -1)
    changing, loop = Changing(), fake_loop()[0]
    work = Multicall([item("c.told")] * 3, SystemNamespaceRPCInterface([("c", changing)])._find, loop)
    work.run()
    changing.change()
    while not work.settled:
        loop.turn(0)
    assert work() == ["old", "new", "new"]


def test_a_multicall_checks_the_number_of_arguments_of_each_call() -> None:
    assert SystemNamespaceRPCInterface([("c", Changing())]).multicall(
        [item("c.told"), item("c.told", 1), item("c.told"), item("c.told", 1, 2)]
    ) == ["old", fault(2, "INCORRECT_PARAMETERS"), "old", fault(2, "INCORRECT_PARAMETERS")]


def finished(work: Multicall) -> Any:
    """What it answers in the end; one run may be out of time before all is called."""
    while (answer := work()) is NOT_DONE_YET:
        work.run()
    return answer


def test_the_answer_of_a_multicall_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.xmlrpc.multicall.MAX_ANSWER", 3400)
    from supervisor.xmlrpc.codec import dump_value, dumps_response

    called: list[int] = []

    def call() -> str:
        called.append(1)
        return "x" * 400

    work = Multicall([item("m.n")] * 10, lambda name, count: call, fake_loop()[0], dump_value)
    ((results,), _) = xmlrpc.client.loads(dumps_response(finished(work)))
    # The fourth was called and its result did not fit; those after it were not called any more.
    assert len(called) == 5
    assert results[:4] == ["x" * 400] * 4
    assert all(result["faultCode"] == Faults.FAILED for result in results[4:])
    assert len(results) == 10
    assert len(dumps_response(work())) < 3600
    with pytest.raises(RPCError):
        Multicall([item("m.n")] * 20, lambda name, count: call)


def test_what_cannot_be_carried_is_a_fault_of_its_item() -> None:
    from supervisor.xmlrpc.codec import dump_value, dumps_response

    work = Multicall([item("m.n")] * 2, lambda name, count: lambda: object, fake_loop()[0], dump_value)
    ((results,), _) = xmlrpc.client.loads(dumps_response(finished(work)))
    assert [result["faultCode"] for result in results] == [Faults.FAILED] * 2
