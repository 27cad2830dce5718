"""Programs of others that drive a daemon from outside, or write its configuration."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from tests.ecosystem.conftest import Installed

pytestmark = [pytest.mark.ecosystem, pytest.mark.timeout(600)]  # the first test waits for installations

OFF = {"autostart": "false", "startsecs": 0}


def outcome(daemon: Installed, command: list[object], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], env=daemon.environment(env), cwd=daemon.dir, capture_output=True, text=True,
        check=False, timeout=300,
    )


def play(
    daemon: Installed, clients: pathlib.Path, collection: pathlib.Path, *tasks: dict[str, str]
) -> list[tuple[str, str]]:
    """Run tasks of the supervisorctl module in one playbook: (how it went, what was told) of each."""
    common = {"supervisorctl_path": daemon.program_of("supervisorctl"), "config": str(daemon.conf)}
    results = ", ".join(f"task_{number}" for number in range(len(tasks)))
    steps: list[dict[str, object]] = [
        {"community.general.supervisorctl": {**common, **task}, "register": f"task_{number}", "ignore_errors": True}
        for number, task in enumerate(tasks)
    ]
    written = {"content": "{{ [" + results + "] | to_json }}", "dest": str(daemon.dir / "played")}
    steps.append({"ansible.builtin.copy": written})
    book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}]
    (daemon.dir / "book.json").write_text(json.dumps(book))
    result = outcome(
        daemon,
        [clients / "bin" / "ansible-playbook", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}",
         daemon.dir / "book.json"],
        ANSIBLE_COLLECTIONS_PATH=str(collection), ANSIBLE_PIPELINING="true",
    )
    assert result.returncode == 0, result
    return [
        ("failed" if told.get("failed") else "changed" if told["changed"] else "same", told.get("msg", ""))
        for told in json.loads(daemon.read("played"))
    ]


def test_ansible(daemon: Installed, clients: pathlib.Path, collection: pathlib.Path) -> None:
    daemon.start("[group:g]\nprograms=b", probe=None, a={"startsecs": 0}, b=OFF)
    child = daemon.child("a")
    child.tell("report", "SIGUSR1")
    *played, (nobody, why) = play(
        daemon, clients, collection,
        {"name": "a", "state": "started"},
        {"name": "a", "state": "signalled", "signal": "USR1"},
        {"name": "a", "state": "restarted"},
        {"name": "a", "state": "stopped"},
        {"name": "a", "state": "stopped"},
        {"name": "a", "state": "started"},
        {"name": "g:", "state": "started"},
        {"name": "nobody", "state": "started"},
    )
    assert [how for how, _ in played] == ["same", "changed", "changed", "changed", "same", "changed", "changed"]
    assert nobody == "failed" and "no such process" in why
    assert child.wait_signal() == "SIGUSR1"
    assert daemon.child("a").pid != child.pid
    daemon.child("a")
    daemon.child("g:b")

    daemon.configure(probe=None, a={"startsecs": 0}, c=OFF)
    present, absent = {"name": "c", "state": "present"}, {"name": "c", "state": "absent"}
    played = play(daemon, clients, collection, present, present, absent, absent, present)
    assert [how for how, _ in played] == ["changed", "same", "changed", "same", "changed"]
    assert daemon.state("c") == "STOPPED"


# Salt's own loader, once: each line is a list of function and arguments, each answer a line.
SALT = """
import json, sys
import salt.client, salt.config
options = salt.config.minion_config(sys.argv[1])
caller = salt.client.Caller(mopts=options)
for line in sys.stdin:
    function, *words = json.loads(line)
    print(json.dumps(caller.cmd("supervisord." + function, *words, bin_env=sys.argv[2], conf_file=sys.argv[3])))
    sys.stdout.flush()
"""


def test_salt(daemon: Installed, salt: pathlib.Path) -> None:
    daemon.start(probe=None, a={"startsecs": 0}, b=OFF)
    daemon.wait_state("a", "RUNNING")
    (daemon.dir / "minion").write_text(
        f"root_dir: {daemon.dir}\nfile_client: local\nlog_file: {daemon.dir}/salt.log\nid: here\n"
        "enable_gpu_grains: false\nenable_fqdns_grains: false\n"
    )
    with subprocess.Popen(
        [salt / "bin" / "python", "-c", SALT, daemon.dir / "minion", pathlib.Path(daemon.python).parent.parent,
         daemon.conf],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=daemon.dir, env=daemon.environment(),
    ) as caller:
        assert caller.stdin is not None and caller.stdout is not None

        def call(*words: str) -> Any:
            print(json.dumps(words), file=caller.stdin, flush=True)
            return json.loads(caller.stdout.readline())  # type: ignore[union-attr]

        pid = daemon.info("a")["pid"]
        assert call("status")["b"]["state"] == "STOPPED"
        assert call("status_raw", "a").split()[:2] == ["a", "RUNNING"]
        assert call("start", "b") == "b: started"
        assert "already started" in call("start", "b")
        status = call("status")
        assert (status["a"]["state"], status["b"]["state"]) == ("RUNNING", "RUNNING")
        assert status["a"]["reason"].startswith(f"pid {pid}, uptime ")
        assert call("restart", "a").splitlines() == ["a: stopped", "a: started"]
        assert daemon.info("a")["pid"] != pid
        assert call("stop", "b") == "b: stopped"
        assert "no such process" in call("start", "nobody")
        assert call("custom", "pid a") == str(daemon.info("a")["pid"])

        daemon.configure(probe=None, a={"startsecs": 0}, c=OFF)
        assert set(call("reread").splitlines()) == {"b: disappeared", "c: available"}
        assert call("add", "c") == "c: added process group"
        assert call("remove", "b") == "b: removed process group"
        assert call("status_bool", "a") is True and call("status_bool", "c") is False
        assert call("update").strip() == ""


def test_honcho_exports_a_configuration(daemon: Installed, clients: pathlib.Path) -> None:
    (daemon.dir / "Procfile").write_text(f"web: exec {daemon.puppet} $PORT %\nworker: exec {daemon.puppet} two\n")
    (daemon.dir / ".env").write_text("GREETING=hello-there\n")
    exported = outcome(
        daemon,
        [clients / "bin" / "honcho", "export", "supervisord", daemon.dir / "exported", "--app", "shop",
         "--concurrency", "web=2,worker=1", "--log", daemon.dir / "logs", "--user", os.environ.get("USER", "root")],
    )
    assert exported.returncode == 0, exported
    (daemon.dir / "logs").mkdir()
    daemon.start("[include]\nfiles = exported/*.conf", probe=None)
    names = {"web.1": "5000", "web.2": "5001", "worker.1": "5100"}
    for name, port in names.items():
        child = daemon.child(f"shop:{name.replace('.', '-')}")
        assert child.tell("value", "os.environ['HONCHO_PROCESS_NAME'], os.environ['PORT'], os.environ['GREETING']") == [
            name, port, "hello-there"]
    assert daemon.ctl("stop", "shop:*").stdout.count(": stopped") == 3


LISTENER = """
const listener = require(process.argv[2]);
listener.on("PROCESS_STATE_EXITED", (headers, data) => {
  process.stderr.write(`${data.groupname}:${data.processname} expected ${data.expected} of ${headers.pool}\\n`);
});
listener.listen(process.stdin, process.stdout);
"""

CLIENTS = """
const [modules, port, socket] = process.argv.slice(2);
const old = require(`${modules}/supervisord`).connect(socket);
const promised = (method, ...words) =>
  new Promise((resolve, reject) => old[method](...words, (error, value) => (error ? reject(error) : resolve(value))));
const { SupervisordClient } = require(`${modules}/node-supervisord`);
const client = new SupervisordClient(`http://127.0.0.1:${port}`, { username: "user", password: "secret" });
(async () => {
  const told = {};
  told.state = (await promised("getState")).statename;
  told.stopped = await promised("stopProcess", "a");
  told.fault = await promised("stopProcess", "a").catch((error) => error.faultCode);
  told.started = await client.startProcess("a", true);
  told.info = (await client.getProcessInfo("a")).statename;
  told.listed = (await client.listMethods()).includes("supervisor.getPID");
  told.sent = await client.sendRemoteCommEvent("kind", "text");
  told.wrong = await client.getProcessInfo("nobody").catch((error) => error.faultString);
  process.stdout.write(JSON.stringify(told));
})();
"""


def test_node(daemon: Installed, node: pathlib.Path) -> None:
    modules = node / "node_modules"
    (daemon.dir / "listener.js").write_text(LISTENER)
    (daemon.dir / "clients.js").write_text(CLIENTS)
    daemon.start(
        f"""
        [eventlistener:node]
        command = node @dir@/listener.js {modules}/supervisord-eventlistener
        events = PROCESS_STATE
        stderr_logfile = @dir@/node.log
        buffer_size = 100
        """,
        inet="username=user\npassword=secret", probe=None, a={"startsecs": 0},
    )
    first = daemon.child("a")  # it has said that it is there, or the stop below could come before it can
    result = outcome(daemon, ["node", daemon.dir / "clients.js", modules, daemon.port, f"unix://{daemon.socket}"])
    assert result.stdout, result
    assert json.loads(result.stdout) == {
        "state": "RUNNING", "stopped": True, "fault": 70, "started": True, "info": "RUNNING", "listed": True,
        "sent": True, "wrong": "BAD_NAME: nobody",
    }
    first.gone()
    daemon.child("a").tell("exit", 3)
    daemon.wait_state("node", "RUNNING")
    daemon.wait_state("a", "EXITED")
    daemon.wait_file("node.log", "a:a expected 0 of node")
