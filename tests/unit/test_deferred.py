from __future__ import annotations

from typing import Any

import pytest

from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt, is_deferred
from tests.fakes import fake_loop


def outcome(answer: Deferred) -> Any:
    try:
        return answer()
    except Exception as error:
        return repr(error)


def test_who_asks_early_is_told_when_it_is_settled_and_who_asks_late_at_once() -> None:
    answer = Deferred()
    told: list[Any] = []
    answer.then(lambda a: told.append(("early", a())))
    assert answer() is NOT_DONE_YET
    assert not told
    answer.settle(5)
    answer.then(lambda a: told.append(("late", a())))
    assert told == [("early", 5), ("late", 5)]
    assert answer() == 5


def test_a_failure_is_raised_to_whoever_calls() -> None:
    answer = Deferred()
    answer.fail(KeyError("x"))
    for _ in range(2):
        with pytest.raises(KeyError):
            answer()


def test_settled_once() -> None:
    answer = Deferred()
    answer.settle(None)
    with pytest.raises(RuntimeError):
        answer.settle(None)
    assert answer() is None


def test_functions_of_plugins_are_asked_again_after_their_delay() -> None:
    loop, _, clock, _ = fake_loop()
    begin = clock.now()
    asked: list[float] = []

    def function() -> Any:
        asked.append(clock.now() - begin)
        return "done" if len(asked) == 3 else NOT_DONE_YET

    function.delay = 0.5  # type: ignore[attr-defined]
    answer = adopt(loop, function)
    while not answer.settled:
        loop.turn()
    assert asked == [0, 0.5, 1.0]
    assert answer() == "done"
    loop.turn(longest=5)
    assert len(asked) == 3


def test_without_delay_the_loop_does_not_spin() -> None:
    loop, _, clock, _ = fake_loop()
    begin = clock.now()
    left = [NOT_DONE_YET] * 10

    def function() -> Any:
        return left.pop() if left else 1

    function.delay = 0  # type: ignore[attr-defined]
    answer = adopt(loop, function)
    while not answer.settled:
        loop.turn()
    assert clock.now() - begin > 0.09


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), RecursionError("deep")])
def test_what_a_function_raises_is_its_answer(error: BaseException) -> None:
    def function() -> Any:
        raise error

    answer = adopt(fake_loop()[0], function)
    with pytest.raises(type(error)):
        answer()


def test_a_deferred_is_adopted_as_it_is() -> None:
    begun: list[object] = []

    class Own(Deferred):
        def begin(self, loop: Any) -> None:
            begun.append(loop)

    loop = fake_loop()[0]
    own = Own()
    assert adopt(loop, own) is own
    assert begun == [loop]


def test_what_counts_as_deferred() -> None:
    assert is_deferred(Deferred())
    assert is_deferred(lambda: 1)
    assert not is_deferred(Deferred)
    assert not is_deferred([])
