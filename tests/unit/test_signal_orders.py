from __future__ import annotations

import signal
from typing import Any

import pytest

from supervisor.daemon.orders import SignalOrders
from supervisor.engine.signals import SignalReceiver
from supervisor.states import SupervisorStates
from tests.fakes import FakeClock, FakeLog


class Options:
    def __init__(self) -> None:
        self.logger = FakeLog()
        self.mood = SupervisorStates.RUNNING
        self.signal_receiver = SignalReceiver()

    def get_signal(self) -> int | None:
        return self.signal_receiver.get_signal()


class Daemon:
    """Writes down what it is ordered."""

    def __init__(self) -> None:
        self.options: Any = Options()
        self.clock = FakeClock()
        self.broken = ""
        self.orders = SignalOrders(self)

    def now(self) -> float:
        return self.clock.now()

    def reap(self) -> None:
        self.options.logger.info("<reaped>")

    def hasten(self) -> None:
        self.options.logger.info("<hastened>")

    def reopen_logs(self) -> None:
        self.options.logger.info("<reopened>")

    def request_restart(self) -> None:
        if self.broken:
            raise ValueError(self.broken)
        self.options.mood = SupervisorStates.RESTARTING


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def send(daemon: Daemon, *signals: int) -> list[str]:
    """What the log says to signals that came together."""
    for sig in signals:
        daemon.options.signal_receiver.receive(sig, None)
    daemon.options.logger.lines.clear()
    daemon.orders.deliver()
    return list(daemon.options.logger.texts)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_requests_to_end(daemon: Daemon, name: str) -> None:
    assert send(daemon, getattr(signal, name)) == [f"received {name} indicating exit request"]
    assert daemon.options.mood == SupervisorStates.SHUTDOWN


def test_all_within_a_second_are_one_request_and_later_ones_hasten(daemon: Daemon) -> None:
    send(daemon, signal.SIGTERM)
    daemon.clock.advance(0.9)
    assert send(daemon, signal.SIGINT, signal.SIGTERM) == [
        "received SIGINT indicating exit request",
        "received SIGTERM indicating exit request",
    ]
    daemon.clock.advance(0.2)
    assert send(daemon, signal.SIGTERM) == ["received SIGTERM indicating exit request", "<hastened>"]


def test_hup_reloads(daemon: Daemon) -> None:
    assert send(daemon, signal.SIGHUP) == ["received SIGHUP indicating restart request"]
    assert daemon.options.mood == SupervisorStates.RESTARTING


def test_hup_during_a_shutdown_is_ignored(daemon: Daemon) -> None:
    assert send(daemon, signal.SIGTERM, signal.SIGHUP)[1:] == [
        "ignored SIGHUP indicating restart request (shutdown in progress)"
    ]
    assert daemon.options.mood == SupervisorStates.SHUTDOWN


def test_a_request_to_end_turns_a_reload_into_a_shutdown(daemon: Daemon) -> None:
    send(daemon, signal.SIGHUP, signal.SIGTERM)
    assert daemon.options.mood == SupervisorStates.SHUTDOWN


def test_hup_with_a_broken_configuration_changes_nothing(daemon: Daemon) -> None:
    daemon.broken = "a problem"
    assert send(daemon, signal.SIGHUP) == ["received SIGHUP indicating restart request"]
    assert daemon.options.mood == SupervisorStates.RUNNING


def test_deaths_are_seen_to_before_the_line_about_the_signal(daemon: Daemon) -> None:
    assert send(daemon, signal.SIGCHLD) == ["<reaped>", "received SIGCHLD indicating a child quit"]


def test_usr2_reopens_the_logs_after_its_lines(daemon: Daemon) -> None:
    assert send(daemon, signal.SIGUSR2) == [
        "received SIGUSR2 indicating log reopen request",
        "supervisord logreopen",
        "<reopened>",
    ]


def test_other_signals_leave_no_line_in_ordinary_logs(daemon: Daemon) -> None:
    assert send(daemon, signal.SIGWINCH) == []


def test_a_replaced_get_signal_may_swallow_one_and_the_rest_still_arrives(daemon: Daemon) -> None:
    original = daemon.options.get_signal

    def without_hup() -> int | None:
        sig: int | None = original()
        return None if sig == signal.SIGHUP else sig

    daemon.options.get_signal = without_hup
    assert send(daemon, signal.SIGHUP, signal.SIGTERM) == ["received SIGTERM indicating exit request"]
