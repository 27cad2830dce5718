from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from supervisor.engine.clock import Clock
from supervisor.engine.loop import Loop
from supervisor.engine.signals import CAUGHT, SignalDoor, SignalReceiver, forget_handlers, stay_deaf
from supervisor.engine.system import System
from supervisor.poller import Poller
from tests.fakes import FakeLog


@pytest.fixture
def handlers() -> Iterator[None]:
    saved = {sig: signal.getsignal(sig) for sig in CAUGHT}
    yield
    for sig, handler in saved.items():
        signal.signal(sig, handler)


def test_each_kind_is_noted_once_and_in_order() -> None:
    receiver = SignalReceiver()
    for sig in (15, 17, 15, 1, 17):
        receiver.receive(sig, None)
    assert len(receiver) == 3
    assert [receiver.get_signal() for _ in range(4)] == [15, 17, 1, None]
    receiver.receive(15, None)
    assert receiver.get_signal() == 15


def test_a_signal_wakes_the_loop(handlers: None) -> None:
    loop = Loop(Poller(), Clock(), FakeLog())
    receiver = SignalReceiver()
    got: list[int | None] = []

    def deliver() -> None:
        while receiver:
            got.append(receiver.get_signal())

    door = SignalDoor(loop, System(), deliver)
    door.open(receiver.receive)
    try:
        # Comes while the loop is asleep, without a descriptor or a deadline to wake it.
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert signal.getsignal(signal.SIGUSR2) == receiver.receive
        loop.call_later(0.001, os.kill, os.getpid(), signal.SIGUSR2)
        loop.turn()
        loop.turn()
        assert got == [signal.SIGUSR2]
        for sig in (signal.SIGHUP, signal.SIGCHLD, signal.SIGHUP):
            os.kill(os.getpid(), sig)
        loop.turn()
        assert got[1:] == [signal.SIGHUP, signal.SIGCHLD]
        loop.turn(longest=0)
        assert len(got) == 3
    finally:
        door.close()
        loop.poller.close()


@pytest.mark.parametrize("ask", ["call_soon", "call_background", "call_later"])
def test_another_thread_wakes_the_loop(ask: str) -> None:
    system = System()
    loop = Loop(Poller(), Clock(), FakeLog())
    door = SignalDoor(loop, system, lambda: None)
    came: list[str] = []
    call: Any = partial(getattr(loop, ask), *([0.001] if ask == "call_later" else []))
    asleep = threading.Event()

    def other() -> None:
        asleep.wait()
        call(came.append, "x")

    thread = threading.Thread(target=other)
    thread.start()
    loop.call_soon(asleep.set)
    while not came:
        loop.turn()  # would sleep for ever
    thread.join()
    door.close()
    loop.poller.close()


def test_signals_that_were_blocked_are_heard(handlers: None) -> None:
    loop = Loop(Poller(), Clock(), FakeLog())
    receiver = SignalReceiver()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    door = SignalDoor(loop, System(), lambda: None)
    try:
        door.open(receiver.receive)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
        signal.raise_signal(signal.SIGTERM)
        assert receiver.get_signal() == signal.SIGTERM
    finally:
        door.close()
        loop.poller.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_closed_the_handlers_still_take_note(handlers: None) -> None:
    loop = Loop(Poller(), Clock(), FakeLog())
    receiver = SignalReceiver()
    door = SignalDoor(loop, System(), lambda: None)
    door.open(receiver.receive)
    door.close()
    os.kill(os.getpid(), signal.SIGHUP)
    assert receiver.get_signal() == signal.SIGHUP
    assert signal.set_wakeup_fd(-1) == -1
    loop.poller.close()


def test_a_child_forgets_the_handlers(handlers: None) -> None:
    signal.signal(signal.SIGUSR2, lambda *_: None)
    forget_handlers(System())
    assert {signal.getsignal(sig) for sig in CAUGHT} == {signal.SIG_DFL}


def test_at_the_end_requests_are_ignored_and_the_dead_are_not(handlers: None) -> None:
    forget_handlers(System())
    stay_deaf(System())
    os.kill(os.getpid(), signal.SIGTERM)
    assert {sig for sig in CAUGHT if signal.getsignal(sig) != signal.SIG_IGN} == {signal.SIGCHLD}
