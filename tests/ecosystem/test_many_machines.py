"""The examples of the page on many machines, carried out by the tools they are written for."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import socket
import subprocess
import sys

import pytest

from tests.docs.pages import blocks
from tests.docs.test_many_machines import PAGE, example
from tests.ecosystem.conftest import Installed
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


def test_multivisor(daemon: Installed) -> None:
    port = daemon.port
    daemon.start(example("ini", "multivisor.rpc").replace("9002", str(port)), probe=None)

    def listens() -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, "the server of the plugin, which a thread opens")


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
