"""pidproxy with real processes: exit status, forwarding, and what it does without a good pid file."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

PATIENCE = 10
# Says what it gets; ends on TERM.
PUPPET = """
import os, signal, sys
def told(number, frame):
    os.write(1, (signal.Signals(number).name + "\\n").encode())
    if number == signal.SIGTERM:
        os._exit(3)
for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(each, told)
os.write(1, f"ready {os.getpid()}\\n".encode())
while True:
    signal.pause()
"""


class Proxy:
    """A running pidproxy; every line its command or itself prints can be waited for."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-u", "-m", "supervisor.pidproxy", *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def pidfile(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "pid"


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    started: list[Proxy] = []
    yield started
    for proxy in started:
        if proxy.process.poll() is None:
            proxy.process.kill()
            proxy.process.communicate()


def puppet(proxies: list[Proxy], pidfile: pathlib.Path) -> tuple[Proxy, int]:
    proxy = Proxy(str(pidfile), sys.executable, "-c", PUPPET)
    proxies.append(proxy)
    ready, pid = proxy.line().split()
    assert ready == "ready"
    return proxy, int(pid)


@pytest.mark.parametrize(
    ("words", "status"),
    [(["/bin/sh", "-c", "exit 5"], 5), (["/bin/sh", "-c", "kill -9 $$"], 137), (["/no/such/thing"], 127),
     (["/etc/passwd"], 126), (["/bin/true"], 0)])
def test_the_status_of_the_command_is_handed_on(pidfile: pathlib.Path, words: list[str], status: int) -> None:
    found, _, err = Proxy(str(pidfile), *words).end()
    assert found == status
    assert (words[0] in err) == (status in (126, 127))


def test_usage() -> None:
    status, out, err = Proxy("only-one").end()
    assert (status, err) == (1, "")
    assert "<pidfile name> <command> [<cmdarg1> ...]" in out


def test_the_command_sees_its_name_as_typed(tmp_path: pathlib.Path) -> None:
    link = tmp_path / "sh"
    link.symlink_to("/bin/sh")
    done = subprocess.run([sys.executable, "-m", "supervisor.pidproxy", "pid", "./sh", "-c", "echo $0"], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
                          timeout=PATIENCE, check=True)
    assert done.stdout == "./sh\n"


def test_signals_go_to_the_process_of_the_pid_file(proxies: list[Proxy], pidfile: pathlib.Path) -> None:
    proxy, pid = puppet(proxies, pidfile)
    pidfile.write_text(f"{pid}\n")
    proxy.process.send_signal(signal.SIGHUP)
    assert proxy.line() == "SIGHUP"
    proxy.process.send_signal(signal.SIGUSR1)
    assert proxy.line() == "SIGUSR1"
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.end() == (0, "SIGTERM\n", "")


@pytest.mark.parametrize("content", [None, "", "junk", "1", "0", "-1", "99999999999999999999"])
def test_without_a_good_pid_file_the_child_itself_is_told(proxies: list[Proxy], pidfile: pathlib.Path,
                                                          content: str | None) -> None:
    if content is not None:
        pidfile.write_text(content)
    proxy, _ = puppet(proxies, pidfile)
    proxy.process.send_signal(signal.SIGHUP)
    heard = [proxy.line()]
    if content in (None, "", "junk"):
        assert heard == [f"Can't read child pidfile {pidfile}!"]
        heard.append(proxy.line())
    assert heard[-1] == "SIGHUP"
    proxy.process.send_signal(signal.SIGTERM)
    status, out, err = proxy.end()
    assert (status, out.splitlines()[-1], err) == (0, "SIGTERM", "")


def test_a_stale_pid_is_no_trouble(proxies: list[Proxy], pidfile: pathlib.Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    pidfile.write_text(str(gone.pid))
    proxy, _ = puppet(proxies, pidfile)
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.end() == (0, "SIGTERM\n", "")
