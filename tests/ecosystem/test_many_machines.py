"""The examples of the page on many machines, carried out by the tools they are written for."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest

from tests.docs.pages import blocks
from tests.docs.test_many_machines import PAGE, example
from tests.ecosystem.conftest import Installed
from tests.ecosystem.test_packages import own_address, own_name
from tests.harness import eventually

pytestmark = [pytest.mark.ecosystem, pytest.mark.timeout(600)]  # the first test waits for installations

WORKER = "[program:worker]\ncommand=sleep 1000\nstartsecs=0\n"


@pytest.fixture
def site(daemon: Installed) -> Installed:
    """A daemon that reads conf.d as /etc/supervisor has it, with nothing in it yet."""
    (daemon.dir / "conf.d").mkdir()
    daemon.start("[include]\nfiles = conf.d/*.conf", probe=None)
    return daemon


def moved(text: str, site: Installed) -> str:
    """An example with the folder of the test's daemon instead of the system's."""
    return (text.replace("/etc/supervisor/supervisord.conf", str(site.conf))
            .replace("/etc/supervisor", str(site.dir)))


def run(site: Installed, *command: object, **env: str) -> str:
    """What a tool says that finds our programs on its PATH."""
    path = f"{pathlib.Path(site.python).parent}:{os.environ['PATH']}"
    done = subprocess.run([str(word) for word in command], env=site.environment({"PATH": path, **env}), cwd=site.dir,
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done
    return done.stdout


def test_ansible(site: Installed, clients: pathlib.Path, collection: pathlib.Path) -> None:
    text = moved(example("yaml", "hosts: app"), site).replace("become: true", "gather_facts: false")
    (site.dir / "play.yml").write_text(text)
    (site.dir / "worker.conf.j2").write_text(WORKER)

    def play() -> str:
        inventory = f"app ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        (site.dir / "hosts").write_text(inventory)
        return run(site, clients / "bin" / "ansible-playbook", "-i", "hosts", "play.yml",
                   ANSIBLE_COLLECTIONS_PATH=str(collection))

    assert "changed=2" in play()
    pid = site.wait_state("worker", "RUNNING")["pid"]
    assert "changed=0" in play()
    assert site.info("worker")["pid"] == pid
    (site.dir / "worker.conf.j2").write_text(f"{WORKER}priority=5\n")
    assert "changed=2" in play()
    assert site.wait_state("worker", "RUNNING")["pid"] != pid


def test_salt(site: Installed, salt: pathlib.Path) -> None:
    (site.dir / "worker.sls").write_text(moved(example("yaml", "salt://"), site))
    (site.dir / "worker.conf").write_text(WORKER)
    (site.dir / "minion").write_text(
        f"root_dir: {site.dir}\nfile_client: local\nlog_file: {site.dir}/salt.log\nid: here\n"
        f"file_roots: {{base: [{site.dir}]}}\nenable_gpu_grains: false\nenable_fqdns_grains: false\n")

    def apply() -> list[bool]:
        told = json.loads(run(site, salt / "bin" / "salt-call", "--local", "-c", site.dir, "--out=json",
                              "state.apply", "worker"))["local"]
        assert all(state["result"] for state in told.values()), told
        return [bool(state["changes"]) for state in told.values()]

    assert apply() == [True, True]
    pid = site.wait_state("worker", "RUNNING")["pid"]
    assert apply() == [False, False]
    shown = [block.text.splitlines() for block in blocks(PAGE) if "supervisord.status" in block.text]
    told = []
    for line in (line for lines in shown for line in lines):
        _, _, *words = shlex.split(moved(line, site))       # salt and whom it is for
        told.append(json.loads(run(site, salt / "bin" / "salt-call", "--local", "-c", site.dir, "--out=json", *words)))
    assert told[0]["local"]["worker"]["state"] == "RUNNING"
    assert told[1]["local"] == "worker: stopped\nworker: started"
    assert site.info("worker")["pid"] != pid


def test_supvisors(make: Callable[[], Installed]) -> None:
    """Two machines of the page are two daemons of this one, told apart by name and port."""
    address, daemons = own_address(), {"one": make(), "two": make()}
    text = example("ini", "supvisors_list")
    for number, (name, daemon) in enumerate(daemons.items(), 1):
        text = text.replace(f"10.0.0.{number}", f"<{name}>{address}:{daemon.port}")
    for name, daemon in daemons.items():
        daemon.tolerate("supervisorproxy.py")  # it tells of another instance that is not up yet in this way
        daemon.start(text.replace(":60000", f":{daemon.port}"), probe=None, supervisord=f"identifier={name}",
                     env=own_name(daemon, address), **{f"web{name}": {"startsecs": 0}})

    def together() -> bool:
        told = daemons["one"].ctl("sstate").stdout, daemons["one"].ctl("sstatus").stdout
        return "OPERATION" in told[0] and all(f"web{name}" in told[1] for name in daemons)

    eventually(together, "both at work, the programs of both", 60)  # it goes by ticks of five seconds


def test_multivisor(make: Callable[[], Installed]) -> None:
    """A page for the daemons of two machines, here the same one."""
    plugin, pages = example("ini", "multivisor.rpc"), example("text", "[global]")
    machines = [make(), make()]
    for number, daemon in enumerate(machines, 1):
        daemon.start(plugin.replace("9002", str(daemon.port)), probe=None, web={"startsecs": 0})
        pages = pages.replace(f"10.0.0.{number}:9002", f"127.0.0.1:{daemon.port}")
    first = machines[0]
    (first.dir / "multivisor.conf").write_text(pages)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    command = [first.program_of("multivisor"), "-c", "multivisor.conf", "--bind", address]
    with (open(first.dir / "multivisor.log", "wb") as log,
          subprocess.Popen(command, cwd=first.dir, stdout=log, stderr=log) as server):
        try:
            def shown() -> list[str]:
                try:
                    with urllib.request.urlopen(f"http://{address}/api/data", timeout=10) as page:
                        shop = json.load(page)
                except OSError:
                    return []
                assert shop["name"] == "shop"
                return [process["statename"] for name in ("one", "two")
                        for process in shop["supervisors"][name]["processes"].values()]

            eventually(lambda: shown() == ["RUNNING"] * 2, "the programs of both", 60)
            pid = first.info("web")["pid"]
            form = b"uid=one:web:web"
            with urllib.request.urlopen(f"http://{address}/api/process/restart", form, timeout=20) as answer:
                assert answer.status == 200
            eventually(lambda: first.info("web")["pid"] not in (0, pid), "another process")
        finally:
            server.terminate()


def test_nagios(daemon: Installed, clients: pathlib.Path) -> None:
    (shown,) = (block.text for block in blocks(PAGE) if "check_supervisord.py" in block.text)
    install, check = shown.splitlines()
    assert install == "pip install nagios-check-supervisord"        # as the fixture does
    daemon.start(inet="username=admin\npassword=secret", probe=None, web={"startsecs": 0}, worker={"startsecs": 0})
    for name in ("web", "worker"):
        daemon.wait_state(name, "RUNNING")
    program, *words = check.replace("9001", str(daemon.port)).split()
    command = [str(clients / "bin" / program), *words]
    assert run(daemon, *command).startswith("OK")
    daemon.child("worker").tell("exit", 3)
    daemon.wait_state("worker", "EXITED")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout.startswith("WARNING") and "'worker'" in done.stdout, done
