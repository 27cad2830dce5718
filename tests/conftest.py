"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A supervisord to be started by the test; see tests/harness."""
    with_daemon = Daemon()
    try:
        yield with_daemon
    finally:
        with_daemon.close()
