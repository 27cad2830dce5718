"""supervisorctl on a terminal of its own, for tests that type."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pexpect

from tests.harness.daemon import CTL, DEADLINE, Daemon

PROMPT = "supervisor> "
Open = Callable[..., Any]


@contextlib.contextmanager
def terminals(daemon: Daemon) -> Iterator[Open]:
    """Gives what opens supervisorctl with these words and variables, so wide; all of them are closed at the end."""
    opened: list[Any] = []

    def open_shell(*args: str, columns: int = 120, **env: str) -> Any:
        child = pexpect.spawn(sys.executable, ["-c", CTL, "-c", str(daemon.conf), *args], timeout=DEADLINE,
                              encoding="utf-8", env=daemon.environment(env), dimensions=(40, columns))
        child.delaybeforesend = None
        opened.append(child)
        return child

    yield open_shell
    for child in opened:
        child.close(force=True)


def ask(child: Any, line: str) -> str:
    """Type a line; what is shown until the next prompt."""
    child.sendline(line)
    child.expect_exact(f"{line}\r\n")
    child.expect_exact(PROMPT)
    return str(child.before)
