"""Each package used for what it is made for."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import pytest

from tests.ecosystem.conftest import Installed
from tests.harness import eventually

pytestmark = [pytest.mark.ecosystem, pytest.mark.timeout(600)]  # the first test waits for installations

QUICK = {"startsecs": 0, "autorestart": "true"}


def listener(name: str, command: str, events: str) -> str:
    return f"[eventlistener:{name}]\ncommand={command}\nevents={events}\nbuffer_size=100\n"


def start(daemon: Installed, config: str = "", **rest: Any) -> None:
    daemon.start(config, **{"probe": None, **rest})


def test_the_distribution_is_what_the_packages_asked_for(daemon: Installed) -> None:
    code = "import importlib.metadata as m; print(m.version('supervisor'))"
    told = subprocess.run([daemon.python, "-c", code], capture_output=True, text=True, check=True, cwd=daemon.dir)
    assert told.stdout.startswith("4.3.")
    result = subprocess.run([daemon.python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_superlance_crashmail(daemon: Installed) -> None:
    mailer = daemon.dir / "mailer"
    mailer.write_text(f"#!/bin/sh\ncat > {daemon.dir}/mail\n")
    mailer.chmod(0o755)
    start(
        daemon,
        config=listener("crashmail", f"{daemon.program_of('crashmail')} -a -s {mailer} -m me@example.org",
                        "PROCESS_STATE_EXITED"),
        a={"startsecs": 0},
    )
    daemon.wait_state("a", "RUNNING")
    daemon.wait_state("crashmail", "RUNNING")
    child = daemon.child("a")
    child.tell("exit", 3)
    daemon.wait_file("mail", f"(pid {child.pid})")
    assert "Process a in group a exited unexpectedly" in daemon.read("mail")


class Mailbox:
    """A mail server that takes one message after the other."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # Wakes the thread, which a close alone does not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            # Who sends may be stopped in the middle of it.
            with contextlib.suppress(ConnectionError), connection, connection.makefile("rw", newline="\r\n") as lines:
                self._talk(lines)

    def _talk(self, lines: TextIO) -> None:
        def say(text: str) -> None:
            lines.write(text + "\n")
            lines.flush()

        say("220 here")
        while line := lines.readline():
            if line.upper().startswith("DATA"):
                say("354 go on")
                self.messages.append("".join(iter(lines.readline, ".\r\n")))
            say("250 yes")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.mark.parametrize(
    ("program", "status", "told"),
    [
        ("crashmailbatch", 0, "Process crashed:a (pid {pid}) died unexpectedly"),
        ("fatalmailbatch", 30, "Process fatal:fatal failed to start too many times"),
        ("crashsms", 0, "[crashed:a]({pid}) exited unexpectedly"),
    ],
)
def test_superlance_batches(daemon: Installed, mailbox: Mailbox, program: str, status: int, told: str) -> None:
    command = (f"{daemon.program_of(program)} -t me@example.org -f you@example.org -H {mailbox.address} "
               "-e TICK_5 -i 0.01 -s it-happened")
    start(
        daemon, config=listener("batch", command, "PROCESS_STATE,TICK_5") + "[group:crashed]\nprograms=a\n",
        # The published one may notice a death a second late, and take it for a start.
        a={"startsecs": 0},
        fatal={"command": "/bin/false", "startsecs": 10, "startretries": 0, "autostart": "false"},
    )
    daemon.wait_state("crashed:a", "RUNNING")
    daemon.wait_state("batch", "RUNNING")
    child = daemon.child("a")
    child.tell("exit", 3)
    daemon.fault("startProcess", "fatal")
    eventually(lambda: mailbox.messages, "a mail")
    assert told.format(pid=child.pid) in mailbox.messages[0], mailbox.messages


def test_superlance_memmon(daemon: Installed) -> None:
    start(
        daemon, config=listener("memmon", f"{daemon.program_of('memmon')} -p a=60MB", "TICK_5"), a=QUICK, b=QUICK
    )
    first, other = daemon.child("a"), daemon.child("b")
    first.tell("value", "setattr(sys, 'hog', b'x' * 100_000_000)")
    assert daemon.child("a").pid != first.pid
    eventually(lambda: first.pid not in daemon.descendants(), "its end")
    assert daemon.info("b")["pid"] == other.pid


def test_superlance_httpok(daemon: Installed) -> None:
    port = daemon.port
    url = f"http://127.0.0.1:{port}/"
    start(
        daemon,
        config=listener("httpok", f"{daemon.program_of('httpok')} -t 1 -p server {url}", "TICK_5"),
        server={**QUICK, "command": f"{daemon.python} -m http.server --bind 127.0.0.1 -d {daemon.dir} {port}",
                "stopwaitsecs": 1},
    )

    def answers() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as page:
            return bool(page.status == 200)
        return False

    eventually(answers, "the server")
    pid = daemon.info("server")["pid"]
    os.kill(pid, signal.SIGSTOP)  # it hangs: connections are made, and nothing comes
    eventually(lambda: daemon.info("server")["statename"] == "STOPPING", "the decision to restart it")
    eventually(lambda: daemon.info("server")["pid"] not in (0, pid), "a new server")
    eventually(answers, "the new server's answer")


def test_dependent_startup(daemon: Installed) -> None:
    waiting: dict[str, object] = {"autostart": "false", "startsecs": 0, "dependent_startup": "true"}
    start(
        daemon,
        config=f"""
        [eventlistener:dependentstartup]
        command={daemon.python} -m supervisord_dependent_startup
        autorestart=unexpected
        startretries=0
        exitcodes=0,3
        events=PROCESS_STATE
        """,
        first={**waiting, "autorestart": "false"},
        second={**waiting, "dependent_startup_wait_for": "first:exited"},
        third={**waiting, "dependent_startup_wait_for": "second:running"},
    )
    first = daemon.child("first")
    assert daemon.state("second") == daemon.state("third") == "STOPPED"
    first.tell("exit", 0)
    daemon.child("second")
    daemon.child("third")
    daemon.wait_state("third", "RUNNING")


def test_twiddler(daemon: Installed) -> None:
    start(
        daemon,
        config="[rpcinterface:twiddler]\n"
               "supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface\n",
        a={"startsecs": 0},
    )
    daemon.wait_state("a", "RUNNING")
    assert daemon.call("twiddler.getGroupNames") == ["a"]
    options = {"command": daemon.puppet, "autostart": "true", "autorestart": "false", "startsecs": "0"}
    assert daemon.call("twiddler.addProgramToGroup", "a", "extra", options) is True
    child = daemon.child("a:extra")
    daemon.wait_state("a:extra", "RUNNING")
    assert daemon.fault("twiddler.addProgramToGroup", "a", "extra", options).faultCode == 10
    assert daemon.fault("twiddler.removeProcessFromGroup", "a", "extra").faultCode == 91
    child.tell("exit", 0)
    daemon.wait_state("a:extra", "EXITED")
    assert daemon.call("twiddler.removeProcessFromGroup", "a", "extra") is True
    assert daemon.fault("getProcessInfo", "a:extra").faultCode == 10
    daemon.call("twiddler.log", "from a client", "WARN")
    daemon.wait_log("WARN from a client")


def test_cache(daemon: Installed) -> None:
    start(
        daemon,
        config="""
        [rpcinterface:cache]
        supervisor.rpcinterface_factory = supervisor_cache.rpcinterface:make_cache_rpcinterface
        [ctlplugin:cache]
        supervisor.ctl_factory = supervisor_cache.controllerplugin:make_cache_controllerplugin
        """,
    )
    assert daemon.call("cache.store", "key", "value") is True
    assert daemon.call("cache.fetch", "key") == "value"
    assert daemon.ctl("cache_fetch", "key").stdout.strip() == "'value'"
    assert daemon.ctl("cache_count").stdout.strip() == "1"
    daemon.ctl("cache_clear")
    assert daemon.call("cache.getCount") == 0
    assert daemon.fault("cache.fetch", "key").faultCode == 10


def test_wildcards(daemon: Installed) -> None:
    start(
        daemon,
        config="[ctlplugin:wildcards]\n"
               "supervisor.ctl_factory = supervisorwildcards.controllerplugin:make_wildcards_controllerplugin\n",
        web1={"startsecs": 0}, web2={"startsecs": 0}, other={"startsecs": 0},
    )
    for name in ("web1", "web2", "other"):
        daemon.wait_state(name, "RUNNING")
    assert "web1: stopped" in daemon.ctl("mstop", "web*").stdout
    assert [daemon.state(name) for name in ("web1", "web2", "other")] == ["STOPPED", "STOPPED", "RUNNING"]
    daemon.ctl("mstart", "web*")
    assert daemon.state("web2") == "RUNNING"


def test_serialrestart(daemon: Installed) -> None:
    factory = "supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin"
    start(
        daemon, config=f"[ctlplugin:serialrestart]\nsupervisor.ctl_factory = {factory}\n",
        a={"startsecs": 0}, b={"startsecs": 0},
    )
    pids = [daemon.wait_state(name, "RUNNING")["pid"] for name in "ab"]
    assert daemon.ctl("serialrestart", "all").stdout.splitlines() == [
        "a: stopped", "a: started", "b: stopped", "b: started"
    ]
    assert not {daemon.info(name)["pid"] for name in "ab"} & set(pids)


def test_superfsmon(daemon: Installed) -> None:
    (daemon.dir / "watched").mkdir()
    start(
        daemon,
        config=f"[program:fsmon]\ncommand={daemon.program_of('superfsmon')} {daemon.dir}/watched a\nstartsecs=1\n",
        a={"startsecs": 0},
    )
    first = daemon.child("a")
    daemon.wait_state("fsmon", "RUNNING")

    def changed() -> bool:
        (daemon.dir / "watched" / "file").write_text(os.urandom(4).hex())
        return daemon.calls("a") > 0

    eventually(changed, "a restart")
    assert daemon.child("a").pid != first.pid


@pytest.mark.parametrize("what", ["tcp_check -p {port} -t 1 -r 1", "http_check -u / -p {port} -t 1 -r 1",
                                  "memory_check -m 60000"])
def test_checks(daemon: Installed, what: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        program, *words = what.format(port=taken.getsockname()[1]).split()
        command = " ".join([daemon.program_of(f"supervisor_{program}"), "-n check -N a", *words])
        start(daemon, config=listener("check", command, "TICK_5"), a=QUICK, b=QUICK)
        first, other = daemon.child("a"), daemon.child("b")
        if "memory" in what:  # the others have it restarted by themselves, perhaps by now
            first.tell("value", "setattr(sys, 'hog', b'x' * 100_000_000)")
        assert daemon.child("a").pid != first.pid
        assert daemon.info("b")["pid"] == other.pid


def test_multivisor(daemon: Installed) -> None:
    port = daemon.port
    start(
        daemon,
        config=f"[rpcinterface:multivisor]\nsupervisor.rpcinterface_factory = multivisor.rpc:make_rpc_interface\n"
               f"bind = tcp://127.0.0.1:{port}\n",
        a={"startsecs": 0}, b={"autostart": "false", "startsecs": 1},
    )
    daemon.wait_state("a", "RUNNING")
    code = (
        "import json, sys\n"
        "from multivisor.zerorpc import Client\n"
        "client, watching = (Client(sys.argv[1], timeout=20) for _ in range(2))\n"
        "stream = iter(watching.event_stream())\n"
        "next(stream)\n"
        "told = [client.getState(), [info['name'] for info in client.getAllProcessInfo()]]\n"
        "told += [client.stopProcess('a'), client.startProcess('b')]\n"
        "names = []\n"
        "while 'PROCESS_STATE_RUNNING' not in names:\n"
        "    names.append(next(stream)['eventname'])\n"
        "print(json.dumps([*told, names]))\n"
        "client.shutdown()\n"
    )
    told = subprocess.run([daemon.python, "-c", code, f"tcp://127.0.0.1:{port}"], capture_output=True, text=True,
                          check=False, timeout=60, cwd=daemon.dir)
    assert told.returncode == 0, told.stderr
    state, names, _, _, events = json.loads(told.stdout)
    assert state["statename"] == "RUNNING" and names == ["a", "b"]
    assert [name.removeprefix("PROCESS_STATE_") for name in events if name.startswith("PROCESS_STATE_")] == [
        "STOPPING", "STOPPED", "STARTING", "RUNNING"]
    assert daemon.wait() == 0


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; asks for the machine's own address
        return str(probe.getsockname()[0])


def own_name(daemon: Installed, address: str) -> dict[str, str]:
    """The environment in which Supvisors finds the address of this machine, which not every name service knows."""
    (daemon.dir / "sitecustomize.py").write_text(
        f"import socket\nsocket.gethostbyaddr = lambda name: ({address!r}, [], [{address!r}])\n"
    )
    return {"PYTHONPATH": str(daemon.dir)}


def start_supvisors(daemon: Installed, address: str, members: str, identifier: str, **puppets: Any) -> None:
    daemon.tolerate("supervisorproxy.py")  # it tells of another instance that is not up yet in this way
    start(
        daemon,
        f"""
        [rpcinterface:supvisors]
        supervisor.rpcinterface_factory = supvisors.plugin:make_supvisors_rpcinterface
        supvisors_list = {members}
        event_link = NONE
        [ctlplugin:supvisors]
        supervisor.ctl_factory = supvisors.supvisorsctl:make_supvisors_controller_plugin
        """,
        env=own_name(daemon, address),
        supervisord=f"identifier={identifier}",
        inet="port=*:@port@\nallowed_hosts=*",
        **puppets,
    )


def test_supvisors(make: Callable[[], Installed]) -> None:
    address, one, two = own_address(), make(), make()
    members = ",".join(f"<{name}>{address}:{daemon.port}" for name, daemon in (("one", one), ("two", two)))
    start_supvisors(one, address, members, "one", a={"startsecs": 0})
    start_supvisors(two, address, members, "two", b={"startsecs": 0})
    first = one.proxy().supvisors
    for proxy in (first, two.proxy().supvisors):
        def in_operation(proxy: Any = proxy) -> bool:
            states = [info["statename"] for info in proxy.get_all_instances_info()]
            return states == ["RUNNING"] * 2 and proxy.get_supvisors_state()["fsm_statename"] == "OPERATION"

        eventually(in_operation, "both at work", 60)  # it goes by ticks of five seconds

    # Each knows of the other's programs, and acts on them.
    eventually(lambda: first.get_process_info("b:b")[0]["statename"] == "RUNNING", "b as seen from afar")
    assert first.get_process_info("b:b")[0]["identifiers"] == [f"{address}:{two.port}"]
    child = two.child("b")
    assert first.restart_process(0, "b:b", "", True)
    assert two.child("b").pid != child.pid
    assert first.stop_process("b:b", True)
    assert two.state("b") == "STOPPED" and one.state("a") == "RUNNING"

    with urllib.request.urlopen(f"http://127.0.0.1:{one.port}/", timeout=10) as page:
        assert page.status == 200 and b"Supvisors" in page.read()
    result = one.ctl("sstate")
    assert result.returncode == 0 and "OPERATION" in result.stdout, result
    own = subprocess.run([one.program_of("supvisorsctl"), "-c", str(one.conf), "status"], capture_output=True,
                         text=True, check=False, cwd=one.dir, timeout=30)
    assert own.returncode == 0 and "RUNNING" in own.stdout, own
