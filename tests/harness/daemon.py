"""One supervisord of a test: its configuration, the ways to talk to it, its puppets and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
import xmlrpc.client
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

DEADLINE = 30.0
STEP = 0.01

HERE = pathlib.Path(__file__).parent
PLUGINS = HERE.parent / "plugins"
CTL = "from supervisor.supervisorctl import main; main()"
MARK = "SUPERVISOR_TEST_MARK"
# Set while coverage is measured: that of the daemons is measured too.
MEASURING = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
PROBED = "PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION"

T = TypeVar("T")


def eventually(check: Callable[[], T], what: object = "", seconds: float = DEADLINE) -> T:
    """Call check until it gives something true, and return that; AssertionError when it never does."""
    deadline = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what or check}")
        time.sleep(STEP)
    return value


def hold_port() -> socket.socket:
    """A socket that is bound to a free TCP port of this machine and does not listen. While it is open a server that
    sets SO_REUSEADDR can have the port, but the kernel chooses it for nobody else."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def alive(pid: int) -> bool:
    """Whether there is such a process, zombies not counted."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def marked(mark: str) -> list[int]:
    """The pids of all processes that carry a mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if wanted in pathlib.Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry))
    return [pid for pid in found if alive(pid)]


class Event:
    """An event that the probe copied."""

    def __init__(self, head: str, payload: str) -> None:
        self.head = dict(token.split(":", 1) for token in head.split())
        self.name = self.head["eventname"]
        self.payload = payload
        first, _, self.data = payload.partition("\n")
        self.tokens = dict(token.split(":", 1) for token in first.split(" ") if ":" in token)

    def __getitem__(self, token: str) -> str:
        return self.tokens[token] if token in self.tokens else self.head[token]

    def fits(self, name: str, tokens: dict[str, object]) -> bool:
        return self.name == name and all(
            {**self.head, **self.tokens}.get(token) == str(value) for token, value in tokens.items()
        )

    def __repr__(self) -> str:
        return f"<{self.name} {self.payload!r}>"


class _Line:
    """A connection of a puppet or probe, cut into JSON lines."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.hello: dict[str, Any] | None = None
        self.messages: list[dict[str, Any]] = []
        self.ended = False
        self._rest = b""

    def receive(self) -> None:
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.ended = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if self.hello is None:
                self.hello = message
            else:
                self.messages.append(message)


class Child:
    """A puppet that has called home."""

    def __init__(self, line: _Line, switchboard: Switchboard) -> None:
        assert line.hello is not None
        self._line = line
        self._switchboard = switchboard
        self.hello = line.hello
        self.name: str = line.hello["name"]
        self.pid: int = line.hello["pid"]

    def tell(self, verb: str, *args: Any) -> Any:
        """Have it do something; what it answers. For ``exit`` and ``die`` its end is waited for."""
        words = [arg.decode("latin-1") if isinstance(arg, bytes) else arg for arg in args]
        self._line.sock.sendall(json.dumps([verb, *words]).encode() + b"\n")
        if verb in ("exit", "die"):
            self.gone()
            return None
        return self.answer()

    def ask(self, verb: str, *args: Any) -> None:
        """Have it do something and do not wait; answer() brings the answer."""
        words = [arg.decode("latin-1") if isinstance(arg, bytes) else arg for arg in args]
        self._line.sock.sendall(json.dumps([verb, *words]).encode() + b"\n")

    def answer(self) -> Any:
        message = self._take(lambda message: "signal" not in message, "an answer")
        assert "error" not in message, message["error"]
        return message["answer"]

    def wait_signal(self, name: str | None = None) -> str:
        """The next signal that it reported."""
        return self._take(lambda message: message.get("signal") in ([name] if name else [*signal.Signals.__members__]),
                          f"signal {name}")["signal"]

    def signalled(self) -> list[str]:
        """The signals that it has reported by now and nobody has waited for."""
        self._switchboard.pump(0)
        return [message["signal"] for message in self._line.messages if "signal" in message]

    def gone(self) -> None:
        """Wait until it has ended."""
        self._switchboard.until(lambda: self._line.ended, f"the end of {self.name}")
        eventually(lambda: not alive(self.pid), f"the end of {self.name}")

    def _take(self, fits: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            for message in self._line.messages:
                if fits(message):
                    self._line.messages.remove(message)
                    return message
            assert not self._line.ended, f"{self.name} ended; waited for {what}"
            return None

        found = self._switchboard.until(look, what)
        assert found is not None
        return found


class Switchboard:
    """The socket that puppets and probes call, and their connections. Read only while something is waited for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(512)
        self.lines: list[_Line] = []

    def pump(self, timeout: float) -> None:
        """Take in what has arrived; wait for something at most timeout seconds."""
        while True:
            poll = select.poll()
            by_fd = {line.sock.fileno(): line for line in self.lines if not line.ended}
            for fd in (self._listening.fileno(), *by_fd):
                poll.register(fd, select.POLLIN)
            ready = poll.poll(timeout * 1000)
            if not ready:
                return
            for fd, _ in ready:
                if fd in by_fd:
                    by_fd[fd].receive()
                else:
                    self.lines.append(_Line(self._listening.accept()[0]))
            timeout = 0

    def until(self, look: Callable[[], T], what: object) -> T:
        """Take in messages until look gives something true."""
        deadline = time.monotonic() + DEADLINE
        self.pump(0)
        while not (value := look()):
            left = deadline - time.monotonic()
            if left < 0:
                raise AssertionError(f"never came: {what}")
            self.pump(min(left, 0.5))
        return value

    def close(self) -> None:
        self._listening.close()
        for line in self.lines:
            line.sock.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=DEADLINE * 2)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, headers: list[tuple[str, str]]) -> None:
        super().__init__(headers=headers)
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if not self._connection or self._connection[1] is None:
            self._connection = host, _UnixConnection(self._path)
        return self._connection[1]


class Daemon:
    """One supervisord in a directory of its own."""

    def __init__(self, python: str = sys.executable) -> None:
        self.python = python  # whose supervisor is run
        # Not below pytest's directories: a socket's path must be short.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sv"))
        self.conf = self.dir / "supervisord.conf"
        self.logfile = self.dir / "supervisord.log"
        self.pidfile = self.dir / "supervisord.pid"
        self.socket = str(self.dir / "s.sock")
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.events: list[Event] = []
        self._mark = uuid.uuid4().hex
        self._switchboard = Switchboard(str(self.dir / "home.sock"))
        self._taken: list[_Line] = []
        self._closers: list[Any] = []
        self._rpc: xmlrpc.client.ServerProxy | None = None
        self._held: socket.socket | None = None
        self._ended = True
        self._daemonized = False
        self._tolerated: list[str] = []
        self._leftovers_expected = False

    # Configuration

    @property
    def port(self) -> int:
        """The port of the inet server: a free one, kept from everybody else."""
        if self._held is None:
            self._held = hold_port()
        return int(self._held.getsockname()[1])

    @property
    def puppet(self) -> str:
        """The command line of a puppet."""
        return f"{self.python} -I -S {HERE / 'puppet.py'} {self._switchboard.path}"

    def fill(self, text: str) -> str:
        """The text with its @words@ replaced."""
        text = text.replace("@port@", str(self.port)) if "@port@" in text else text
        return (
            text.replace("@dir@", str(self.dir)).replace("@python@", self.python).replace("@puppet@", self.puppet)
        )

    def program(self, name: str, kind: str = "program", **options: object) -> str:
        """The text of a section whose program is a puppet, unless the options say otherwise."""
        rows = {"command": self.puppet, "stopwaitsecs": 5, "autorestart": "false", **options}
        lines = [f"{key}={'true' if value is True else 'false' if value is False else value}"
                 for key, value in rows.items()]
        return "\n".join([f"[{kind}:{name}]", *lines, ""])

    def listener(self, name: str, events: str = "REMOTE_COMMUNICATION", **options: object) -> str:
        """The text of an [eventlistener:] section whose program is a puppet."""
        return self.program(name, "eventlistener", events=events, startsecs=0, **options)

    def configure(
        self,
        config: str = "",
        *,
        supervisord: str = "",
        unix: str | None = "",
        inet: str | None = None,
        probe: str | None = PROBED,
        loglevel: str = "debug",
        **puppets: dict[str, object],
    ) -> str:
        """Write the configuration; its text."""
        def lines(text: str) -> str:
            return textwrap.dedent(text).strip()

        parts = ["[supervisord]", "logfile=@dir@/supervisord.log", "pidfile=@dir@/supervisord.pid",
                 "childlogdir=@dir@", f"loglevel={loglevel}", lines(supervisord)]
        if unix is not None:
            parts += ["[unix_http_server]", "file=@dir@/s.sock", lines(unix)]
        if inet is not None:
            parts += ["[inet_http_server]", "port=127.0.0.1:@port@", lines(inet)]
        parts += ["[rpcinterface:supervisor]",
                  "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
                  "[supervisorctl]", "serverurl=unix://@dir@/s.sock"]
        if probe is not None:
            parts.append(self.program("probe", "eventlistener", startsecs=0, events=probe, buffer_size=10000,
                                      command=f"@python@ -I -S {HERE / 'probe.py'} {self._switchboard.path}"))
        parts += [self.program(name, **options) for name, options in puppets.items()]
        parts.append(lines(config))
        text = self.fill("\n".join(part for part in parts if part) + "\n")
        self.conf.write_text(text, encoding="utf-8")
        return text

    # Starting and ending

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """The small environment that everything is run with."""
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.dir), "TERM": "dumb",
                "PYTHONPATH": str(PLUGINS), "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1",
                MARK: self._mark, **MEASURING, **(extra or {})}

    def start(
        self,
        config: str = "",
        *,
        daemonize: bool = False,
        args: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        **rest: Any,
    ) -> Daemon:
        """Write the configuration (see configure) and start the daemon; back when it answers."""
        self.configure(config, **rest)
        self.launch(*args, daemonize=daemonize, env=env)
        return self

    def launch(self, *args: str, daemonize: bool = False, env: dict[str, str] | None = None) -> None:
        """Start the daemon with the configuration as it is; back when it answers."""
        mode = [] if daemonize else ["-n"]
        with open(self.dir / "out", "ab") as out, open(self.dir / "err", "ab") as err:
            self.process = subprocess.Popen(
                [self.python, "-m", "supervisor.supervisord", *mode, "-c", str(self.conf), *args],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.dir, env=self.environment(env),
                start_new_session=True,
            )
        self._daemonized = daemonize
        if daemonize:
            assert self.process.wait(DEADLINE) == 0, self.read("err")
        eventually(self._is_up, "an answering daemon")
        self.pid = int(self.pidfile.read_text()) if daemonize else self.process.pid
        self._ended = False

    def _is_up(self) -> bool:
        assert self.process is not None
        if not self._daemonized and self.process.poll() is not None:
            raise AssertionError(f"supervisord ended with {self.process.returncode}: {self.read('err')}{self.log()}")
        if not self.pidfile.exists() or not self.pidfile.read_text().strip():
            return False
        with_unix = "[unix_http_server]" in self.conf.read_text()
        with_inet = "[inet_http_server]" in self.conf.read_text()
        with contextlib.suppress(OSError):
            if with_unix:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.socket)
            if with_inet:
                with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE):
                    pass
            return True
        return False

    def run(self, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A supervisord that ends by itself: a refused start, ``-v``, ``--help``."""
        return subprocess.run([self.python, "-m", "supervisor.supervisord", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, cwd=self.dir, env=self.environment(env),
                              timeout=DEADLINE * 2)

    def signal(self, number: int) -> None:
        """Send the daemon a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for the daemon's end; its exit status (0 for one that daemonized)."""
        assert self.process is not None
        self._ended = True
        if self._daemonized:
            eventually(lambda: not alive(self.pid), "the daemon's end")
            return 0
        try:
            return self.process.wait(DEADLINE * 2)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon does not end: {self.log()[-2000:]}")

    def stop(self) -> int:
        """SIGTERM, and wait for the end."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """kill -9; what it leaves behind is no failure of the test."""
        self._leftovers_expected = True
        self.signal(signal.SIGKILL)
        self.wait()

    def descendants(self) -> list[int]:
        """The pids of everything that was started by this daemon, directly or not, and lives."""
        return sorted(set(marked(self._mark)) - {self.pid})

    def tolerate(self, text: str) -> None:
        """A traceback with this text in the log is what the test is about."""
        self._tolerated.append(text)

    def expect_leftovers(self) -> None:
        """Programs that outlive the daemon are what the test is about."""
        self._leftovers_expected = True

    def close(self) -> None:
        """Tear-down."""
        complaints = []
        try:
            complaints += self._end()
        finally:
            left = marked(self._mark)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in left:
                eventually(lambda pid=pid: not alive(pid), f"the end of {pid}")
            if self.process is not None:
                self.process.wait(DEADLINE)
            for closer in self._closers:
                closer("close")()
            self._switchboard.close()
            if self._held is not None:
                self._held.close()
            if left and not self._leftovers_expected:
                complaints.append(f"processes were left: {left}")
            complaints += self._tracebacks()
            shutil.rmtree(self.dir, ignore_errors=True)
        assert not complaints, "\n".join(complaints)

    def _end(self) -> Iterator[str]:
        if self._ended or self.process is None:
            return
        if not alive(self.pid):
            yield f"the daemon died by itself: {self.read('err')[-2000:]}{self.log()[-2000:]}"
            return
        self.signal(signal.SIGTERM)
        try:
            status = self.wait()
            if status:
                yield f"the daemon ended with {status}: {self.log()[-2000:]}"
        except AssertionError as exc:
            yield str(exc)

    def _tracebacks(self) -> Iterator[str]:
        for name in ("supervisord.log", "err"):
            text = self.read(name)
            if "Traceback (most recent" in text and not any(one in text for one in self._tolerated):
                yield f"a traceback in {name}: {text[text.index('Traceback'):][:2000]}"

    # Talking to it

    @property
    def rpc(self) -> xmlrpc.client.ServerProxy:
        """A proxy over the unix socket, kept."""
        if self._rpc is None:
            self._rpc = self.proxy()
        return self._rpc

    def proxy(self, headers: list[tuple[str, str]] | None = None) -> xmlrpc.client.ServerProxy:
        """A new proxy over the unix socket."""
        proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(self.socket, headers or []))
        self._closers.append(proxy)
        return proxy

    def inet_proxy(self, user: str = "", password: str = "") -> xmlrpc.client.ServerProxy:
        """A new proxy over TCP."""
        who = f"{user}:{password}@" if user else ""
        proxy = xmlrpc.client.ServerProxy(f"http://{who}127.0.0.1:{self.port}/RPC2")
        self._closers.append(proxy)
        return proxy

    def call(self, method: str, *args: Any) -> Any:
        """One call; methods without a namespace are supervisor's."""
        return getattr(self.rpc, method if "." in method else f"supervisor.{method}")(*args)

    def fault(self, method: str, *args: Any) -> xmlrpc.client.Fault:
        """The fault that a call must end in."""
        try:
            value = self.call(method, *args)
        except xmlrpc.client.Fault as fault:
            return fault
        raise AssertionError(f"{method} gave {value!r}")

    def ctl(self, *args: str, input: str | None = None, config: bool = True) -> subprocess.CompletedProcess[str]:
        """Run supervisorctl."""
        which = ["-c", str(self.conf)] if config else []
        return subprocess.run([self.python, "-c", CTL, *which, *args], input=input or "",
                              capture_output=True, text=True, cwd=self.dir, env=self.environment(),
                              timeout=DEADLINE * 2)

    def info(self, name: str) -> dict[str, Any]:
        """getProcessInfo."""
        return self.call("getProcessInfo", name)  # type: ignore[no-any-return]

    def state(self, name: str) -> str:
        """The name of the state of a process."""
        return str(self.info(name)["statename"])

    def wait_state(self, name: str, state: str) -> dict[str, Any]:
        """Wait until a process is in this state; its info."""
        def look() -> dict[str, Any] | None:
            info = self.info(name)
            return info if info["statename"] == state else None

        return eventually(look, f"{name} {state}")  # type: ignore[return-value]

    def read(self, name: str) -> str:
        """A file of the directory, '' when there is none."""
        try:
            return (self.dir / name).read_text(encoding="utf-8", errors="backslashreplace")
        except OSError:
            return ""

    def log(self) -> str:
        """The activity log."""
        return self.read("supervisord.log")

    def wait_log(self, text: str, count: int = 1) -> None:
        """Wait until a text stands in the activity log, count times."""
        eventually(lambda: self.log().count(text) >= count, f"{text!r} in the log")

    # Puppets and events

    def child(self, name: str) -> Child:
        """The next puppet of this process name (or group:name) that called home."""
        def look() -> _Line | None:
            for line in self._switchboard.lines:
                hello = line.hello
                if hello and hello["kind"] == "puppet" and line not in self._taken and name in (
                    hello["name"], f"{hello['group']}:{hello['name']}"
                ):
                    return line
            return None

        line = self._switchboard.until(look, f"puppet {name}")
        assert line is not None
        self._taken.append(line)
        return Child(line, self._switchboard)

    def calls(self, name: str) -> int:
        """How many puppets of this name have called home and were not asked for."""
        self._switchboard.pump(0)
        return sum(1 for line in self._switchboard.lines
                   if line.hello and line.hello["name"] == name and line not in self._taken)

    def wait_event(self, event: str, **tokens: object) -> Event:
        """The first event of this name and with these tokens that was not returned before."""
        def look() -> Event | None:
            self._collect()
            for candidate in self.events:
                if candidate.fits(event, tokens):
                    self.events.remove(candidate)
                    return candidate
            return None

        try:
            found = self._switchboard.until(look, f"{event} {tokens}")
        except AssertionError as exc:
            raise AssertionError(f"{exc}; there are {self.events}")
        assert found is not None
        return found

    def seen(self) -> list[Event]:
        """The events that have arrived and were not returned by wait_event."""
        self._switchboard.pump(0)
        self._collect()
        return list(self.events)

    def _collect(self) -> None:
        for line in self._switchboard.lines:
            if line.hello and line.hello["kind"] == "probe":
                self.events += [Event(**message) for message in line.messages]
                line.messages.clear()
