"""The server's address among the variables of a child."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.process.environment import child_environment


@pytest.mark.parametrize(
    ("of_program", "of_daemon", "expected"),
    [(None, "unix:///s", b"unix:///s"), ("http://x:1", "unix:///s", b"http://x:1"), ("", "unix:///s", None),
     (None, None, None)])
def test_the_address_of_the_server(monkeypatch: pytest.MonkeyPatch, of_program: str | None, of_daemon: str | None,
                                   expected: bytes | None) -> None:
    monkeypatch.delenv("SUPERVISOR_SERVER_URL", raising=False)
    config = SimpleNamespace(name="a", serverurl=of_program, environment=None)
    world: Any = SimpleNamespace(settings=SimpleNamespace(serverurl=of_daemon))
    assert child_environment(config, None, world).get(b"SUPERVISOR_SERVER_URL") == expected
