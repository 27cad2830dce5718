"""Each package used for what it is made for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from typing import Any

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
    mail = eventually(lambda: daemon.read("mail"), "a mail")
    assert "Process a in group a exited unexpectedly" in mail and f"(pid {child.pid})" in mail


def test_superlance_memmon(daemon: Installed) -> None:
    start(
        daemon, config=listener("memmon", f"{daemon.program_of('memmon')} -p a=1KB", "TICK_5"), a=QUICK
    )
    first = daemon.child("a")
    assert daemon.child("a").pid != first.pid
    eventually(lambda: first.pid not in daemon.descendants(), "its end")


def test_superlance_httpok(daemon: Installed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        start(
            daemon, config=listener("httpok", f"{daemon.program_of('httpok')} -t 1 -p a {url}", "TICK_5"), a=QUICK
        )
        first = daemon.child("a")
        assert daemon.child("a").pid != first.pid


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


def test_checks(daemon: Installed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        command = f"{daemon.program_of('supervisor_tcp_check')} -n check -N a -p {taken.getsockname()[1]} -t 1 -r 1"
        start(daemon, config=listener("check", command, "TICK_5"), a=QUICK)
        first = daemon.child("a")
        assert daemon.child("a").pid != first.pid


def test_multivisor(daemon: Installed) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start(
        daemon,
        config=f"[rpcinterface:multivisor]\nsupervisor.rpcinterface_factory = multivisor.rpc:make_rpc_interface\n"
               f"bind = tcp://127.0.0.1:{port}\n",
        a={"startsecs": 0},
    )
    daemon.wait_state("a", "RUNNING")
    code = (
        "import json, sys\n"
        "from multivisor.zerorpc import Client\n"
        "client = Client(sys.argv[1], timeout=10)\n"
        "print(json.dumps([client.getState(), [info['name'] for info in client.getAllProcessInfo()],"
        " client.stopProcess('a')]))\n"
    )
    told = subprocess.run([daemon.python, "-c", code, f"tcp://127.0.0.1:{port}"], capture_output=True, text=True,
                          check=False, timeout=30, cwd=daemon.dir)
    assert told.returncode == 0, told.stderr
    state, names, _ = json.loads(told.stdout)
    assert state["statename"] == "RUNNING" and names == ["a"]
    daemon.wait_state("a", "STOPPED")


def test_supvisors(daemon: Installed) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; asks for the machine's own address
        address = probe.getsockname()[0]
    # It looks its own address up, which not every name service knows.
    (daemon.dir / "sitecustomize.py").write_text(
        f"import socket\nsocket.gethostbyaddr = lambda name: ({address!r}, [], [{address!r}])\n"
    )
    start(
        daemon,
        env={"PYTHONPATH": str(daemon.dir)},
        inet="port=*:@port@\nallowed_hosts=*",
        config=f"""
        [rpcinterface:supvisors]
        supervisor.rpcinterface_factory = supvisors.plugin:make_supvisors_rpcinterface
        supvisors_list = {address}
        event_link = NONE
        [ctlplugin:supvisors]
        supervisor.ctl_factory = supvisors.supvisorsctl:make_supvisors_controller_plugin
        """,
        a={"startsecs": 0},
    )
    daemon.wait_state("a", "RUNNING")
    assert daemon.call("supvisors.get_api_version")
    proxy = daemon.inet_proxy()
    eventually(lambda: proxy.supvisors.get_supvisors_state()["fsm_statename"] == "OPERATION", "its operation")
    assert daemon.call("supvisors.get_process_info", "a:a")[0]["statename"] == "RUNNING"
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}/", timeout=10) as page:
        assert page.status == 200 and b"Supvisors" in page.read()
    result = daemon.ctl("sstate")
    assert result.returncode == 0 and "OPERATION" in result.stdout, result
    own = subprocess.run([daemon.program_of("supvisorsctl"), "-c", str(daemon.conf), "status"], capture_output=True,
                         text=True, check=False, cwd=daemon.dir, timeout=30)
    assert own.returncode == 0 and "RUNNING" in own.stdout, own
