"""Fixtures for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from supervisor.logfile import backlog
from tests.harness import Daemon

# How long an example takes never decides.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell ignores these for what it runs in the background, and a program keeps what it inherits as ignored: then no
# Ctrl-C would reach the programs under test.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_trouble_of_other_tests() -> None:
    """The lines about failing logs are limited for the whole process: each test begins with none told."""
    backlog._recently.clear()
    backlog._backlogs.clear()
    backlog.Backlog.kept_by_all = 0


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A supervisord to be started by the test; see tests/harness."""
    with_daemon = Daemon()
    try:
        yield with_daemon
    finally:
        with_daemon.close()
