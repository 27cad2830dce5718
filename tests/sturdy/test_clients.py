"""Clients that are not ours: of the standard library, curl, Node and ab; over IPv4, IPv6 and local sockets."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterator

import pytest

from tests.harness import DEADLINE, Daemon, eventually
from tests.sturdy.raw import call

QUICK = {"startsecs": 0, "stdout_logfile": "@dir@/on.log"}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture(scope="module")
def served() -> Iterator[Daemon]:
    daemon = Daemon()
    try:
        more = f"[inet_http_server:six]\nport=[::1]:{daemon.port}" if has_ipv6() else ""
        yield daemon.start(more, inet="", on=QUICK, off={"autostart": False, "startsecs": 0})
    finally:
        daemon.close()


def run(daemon: Daemon, *command: str, input: bytes = b"") -> bytes:
    done = subprocess.run(command, input=input, capture_output=True, cwd=daemon.dir, timeout=DEADLINE * 3)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6(served: Daemon) -> None:
    with xmlrpc.client.ServerProxy(f"http://[::1]:{served.port}/RPC2") as proxy:
        assert proxy.supervisor.getPID() == served.pid
        assert len(proxy.system.listMethods()) == 41  # type: ignore[arg-type]
    connection = http.client.HTTPConnection("::1", served.port)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    done = served.ctl("-s", f"http://[::1]:{served.port}", "pid", config=False)
    assert done.stdout.strip() == str(served.pid), done


def test_the_standard_library(served: Daemon) -> None:
    with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{served.port}/RPC2", allow_none=True) as proxy:
        assert proxy.supervisor.startProcess("off") is True
        with pytest.raises(xmlrpc.client.Fault, match="ALREADY_STARTED: off"):
            proxy.supervisor.startProcess("off")
        assert proxy.supervisor.stopProcess("off") is True
        assert proxy.system.multicall([{"methodName": "supervisor.getPID", "params": []}]) == [served.pid]
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    for _ in range(3):
        connection.request("GET", "/ok.html")
        assert connection.getresponse().read() == b"OK"
    connection.request("POST", "/RPC2", body=iter([call("supervisor.getPID")[:20], call("supervisor.getPID")[20:]]),
                       headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert xmlrpc.client.loads(connection.getresponse().read())[0] == (served.pid,)
    connection.close()


@needs("curl")
@pytest.mark.parametrize("options", [
    [], ["--http1.0"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"], ["--compressed"],
    ["-H", "Connection: close"],
], ids=str)
def test_curl(served: Daemon, options: list[str]) -> None:
    for where in (["--unix-socket", served.socket, "http://any"], [f"http://127.0.0.1:{served.port}"],
                  [f"http://localhost:{served.port}"],
                  *([["-g", f"http://[::1]:{served.port}"]] if has_ipv6() else [])):
        *where, url = where
        plain = options if "Transfer" not in str(options) else []
        assert run(served, "curl", "-sS", "--fail", *plain, *where, f"{url}/ok.html", f"{url}/ok.html") == b"OKOK"
        answer = run(served, "curl", "-sS", "--fail", *options, *where, "--data-binary", "@-", f"{url}/RPC2",
                     input=call("supervisor.getPID"))
        assert xmlrpc.client.loads(answer)[0] == (served.pid,)
        assert b"Allow: POST" in run(served, "curl", "-sSi", *plain, *where, f"{url}/RPC2")
        assert b" 200 " in run(served, "curl", "-sSI", *plain, *where, f"{url}/images/icon.png")


@needs("curl")
def test_curl_uploads_megabytes(served: Daemon) -> None:
    """It asks first whether it may send so much."""
    body = call("supervisor.getProcessInfo", "n" * 5_000_000)
    answer = run(served, "curl", "-sS", "--unix-socket", served.socket, "--data-binary", "@-", "http://any/RPC2",
                 input=body)
    with pytest.raises(xmlrpc.client.Fault, match="BAD_NAME: n+"):
        xmlrpc.client.loads(answer)
    refused = run(served, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", served.socket,
                  "--data-binary", "@-", "http://any/RPC2", input=bytes(20_000_000))
    assert refused == b"413"


@needs("curl")
def test_curl_follows_a_log(served: Daemon) -> None:
    child = served.child("on")
    child.tell("out", "first\n")
    eventually(lambda: "first" in served.read("on.log"))
    process = subprocess.Popen(["curl", "-sSN", "--unix-socket", served.socket, "http://any/logtail/on"],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        for number in range(100):
            child.tell("out", f"{number}\n")
            assert process.stdout.readline() == b"%d\n" % number
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


NODE = r"""
const http = require('http'), net = require('net');
const [port, path] = process.argv.slice(1);
const call = name => `<?xml version="1.0"?><methodCall><methodName>${name}</methodName><params/></methodCall>`;
const agent = new http.Agent({keepAlive: true, maxSockets: 4});
function ask(where, options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({agent, ...where, ...options}, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', data => text += data);
      response.on('end', () => resolve([response.statusCode, text]));
    });
    request.on('error', reject);
    request.end(body);
  });
}
async function main() {
  const results = [];
  for (const where of [{host: '127.0.0.1', port}, {socketPath: path}]) {
    const rpc = {method: 'POST', path: '/RPC2', headers: {'Content-Type': 'text/xml'}};
    const many = await Promise.all(Array.from({length: 50}, () => ask(where, rpc, call('supervisor.getPID'))));
    const [status, page] = await ask(where, {path: '/'});
    const [missing] = await ask(where, {path: '/nothing'});
    results.push({pids: [...new Set(many.map(([status, text]) => status + ' ' + text.match(/<int>(\d+)</)[1]))],
                  status, page: page.includes('</html>'), missing});
  }
  const pipelined = await new Promise(resolve => {
    const socket = net.connect(path); let text = '';
    socket.on('data', data => text += data); socket.on('end', () => resolve(text));
    socket.write('GET /ok.html HTTP/1.1\r\n\r\n'.repeat(20) + 'GET /ok.html HTTP/1.1\r\nConnection: close\r\n\r\n');
  });
  results.push((pipelined.match(/\r\n\r\nOK/g) || []).length);
  agent.destroy();
  console.log(JSON.stringify(results));
}
main();
"""


@needs("node")
def test_node(served: Daemon) -> None:
    *places, pipelined = json.loads(run(served, "node", "-e", NODE, str(served.port), served.socket))
    assert pipelined == 21
    for place in places:
        assert place == {"pids": [f"200 {served.pid}"], "status": 200, "page": True, "missing": 404}


@needs("ab")
@pytest.mark.parametrize("options", [[], ["-k"]], ids=str)
def test_ab(served: Daemon, options: list[str]) -> None:
    (served.dir / "call").write_bytes(call("supervisor.getAllProcessInfo"))
    url = f"http://127.0.0.1:{served.port}"
    for more in (["-n", "3000", "-c", "100", f"{url}/ok.html"],
                 ["-n", "1500", "-c", "50", "-p", "call", "-T", "text/xml", f"{url}/RPC2"],
                 ["-n", "300", "-c", "20", f"{url}/"]):
        # -l: the time of day is in the answers, and their lengths may differ.
        told = run(served, "ab", "-q", "-l", *options, *more).decode()
        assert re.search(r"Failed requests: +0\n", told), told
        assert "Non-2xx" not in told
        if options:
            assert re.search(rf"Keep-Alive requests: +{more[1]}\n", told), told


def test_telnet_like_clients(served: Daemon) -> None:
    """A person types a request, with line ends as terminals send them."""
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        for line in ("", "GET /ok.html HTTP/1.0", "Host: localhost", ""):
            client.sendall(f"{line}\r\n".encode())
        assert client.makefile("rb").read().endswith(b"\r\n\r\nOK")


def test_both_ways_of_supervisorctl(served: Daemon) -> None:
    for url in (f"unix://{served.socket}", f"http://127.0.0.1:{served.port}", f"http://localhost:{served.port}"):
        done = subprocess.run([sys.executable, "-c", "from supervisor.supervisorctl import main; main()", "-s", url,
                               "status", "on"], capture_output=True, text=True, timeout=DEADLINE, cwd=served.dir)
        assert done.stdout.startswith("on ") and "RUNNING" in done.stdout, done
