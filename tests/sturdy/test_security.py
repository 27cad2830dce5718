"""What people without the right can try, and what must come of it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import pathlib
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor.http import passwords
from tests.harness import Daemon, eventually
from tests.sturdy.measure import loop_cpu, only_root
from tests.sturdy.raw import Raw, call, get, others_served, post

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

SECRET = "Tr0ub4dor&3 é"
QUICK = {"startsecs": 0}
OFF = {"autostart": False, "startsecs": 0}


def pbkdf2(password: str, rounds: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", rounds)
    return f"{{PBKDF2-SHA256}}{rounds}${base64.b64encode(b'salt').decode()}${base64.b64encode(digest).decode()}"


def basic(user: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


RIGHT = basic("admin", SECRET)
LOGIN = f"username=admin\npassword={SECRET}"


@pytest.fixture(scope="module")
def locked() -> Iterator[Daemon]:
    daemon = Daemon()
    try:
        yield daemon.start(unix=LOGIN, inet=LOGIN, loglevel="blather", probe=None, off=OFF, on=QUICK)
    finally:
        daemon.close()


@pytest.fixture(scope="module")
def open_one() -> Iterator[Daemon]:
    """Without a password."""
    daemon = Daemon()
    try:
        yield daemon.start(inet="", probe=None, off=OFF, on={**QUICK, "stdout_logfile": "@dir@/on.log"})
    finally:
        daemon.close()


def get_pid(daemon: Daemon, *headers: str) -> Any:
    with Raw(daemon.port) as client:
        return client.ask(post(call("supervisor.getPID"), *headers)).outcome


# --- passwords


PATHS = ["/", "/index.html", "/tail.html?processname=on", "/ok.html", "/RPC2", "/logtail/on", "/logtail/on/stderr",
         "/mainlogtail", "/stylesheets/supervisor.css", "/images/icon.png", "/nothing", "/%00", "*",
         "/index.html?processname=off&action=start"]
BAD = ["", "Basic", "Basic ", "Basic =", f"Basic {base64.b64encode(b'admin').decode()}", basic("admin", "")[15:],
       basic("", SECRET)[15:], basic("admin", SECRET + "x")[15:], basic("Admin", SECRET)[15:],
       basic("admin", SECRET[:-1])[15:], "Digest username=admin", "Bearer " + SECRET, "Negotiate YII",
       "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), "Basic " + base64.b64encode(b":").decode(), "basic x:y"]


@pytest.mark.parametrize("where", ["unix", "inet"])
def test_every_path_method_and_socket_asks_first(locked: Daemon, where: str) -> None:
    for path in PATHS:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
            with Raw(locked.socket if where == "unix" else locked.port) as client:
                client.send(get(path, "Content-Length: 0", method=method))
                answer = client.answer(body=method != "HEAD")
                assert answer is not None and answer.status == 401, (method, path, answer)
                assert answer.headers["www-authenticate"].startswith("Basic ")
                assert client.ended()


@pytest.mark.parametrize("number", range(len(BAD)))
def test_wrong_credentials_have_no_effect(locked: Daemon, number: int) -> None:
    for body in (call("supervisor.startProcess", "off"), call("supervisor.shutdown"), b"\xff"):
        with Raw(locked.socket) as client:
            assert client.ask(post(body, f"Authorization: {BAD[number]}")).status in (400, 401, 429)
    with Raw(locked.socket) as client:
        info = client.ask(post(call("supervisor.getProcessInfo", "off"), RIGHT)).value
    assert info["statename"] == "STOPPED"


def test_huge_and_unreadable_credentials(locked: Daemon) -> None:
    for credentials, status in (("x" * 400_000, 431), ("*" * 1000, 401), ("é" * 10, 400)):
        with Raw(locked.port) as client:
            assert client.ask(get("/", f"Authorization: Basic {credentials}")).status in (status, 429)


def test_a_body_without_credentials_is_not_waited_for(locked: Daemon) -> None:
    with Raw(locked.port) as client:
        assert client.ask(post(b"", length=10_000_000)).status == 401


def test_who_guesses_is_slowed_down_and_the_right_password_is_never_locked_out(daemon: Daemon) -> None:
    daemon.start(inet=LOGIN, probe=None)
    statuses = []
    for number in range(60):
        with Raw(daemon.port) as client:
            statuses.append(client.ask(get("/", basic("admin", f"guess{number}"))).status)
        if number % 20 == 0:
            assert get_pid(daemon, RIGHT) == daemon.pid
    assert statuses[0] == 401 and statuses[-1] == 429
    assert get_pid(daemon, RIGHT) == daemon.pid
    told = [line for line in daemon.log().splitlines() if "failed login" in line]
    assert 1 <= len(told) <= 2 and "127.0.0.1" in told[0]


def test_a_password_in_no_place(daemon: Daemon) -> None:
    """Neither as it is, nor encoded, nor its hash: not in logs, pages, faults, process lists or environments."""
    hashed = pbkdf2(SECRET, 1000)
    daemon.start(unix=LOGIN, inet=f"username=admin\npassword={hashed}", loglevel="blather", probe=None, on=QUICK)
    child = daemon.child("on")
    texts = [str(child.tell("value", "dict(os.environ)"))]
    for place in (daemon.socket, daemon.port):
        for header in (RIGHT, basic("admin", SECRET + "x"), basic("admin", "*"), f"Authorization: Basic {SECRET}",
                       f"Authorization: Digest {SECRET}"):
            for request in (get("/", header), get("/nothing", header, method="TRACE"), post(b"<", header),
                            post(call("supervisor.nothing"), header), post(call("supervisor.getAllConfigInfo"), header),
                            post(call("supervisor.reloadConfig"), header),
                            post(call("supervisor.readLog", 0, 0), header)):
                with Raw(place) as client:
                    answer = client.ask(request)
                texts.append(f"{answer.headers} {answer.body.decode(errors='replace')}")
    eventually(lambda: "failed login" in daemon.log())
    texts += [daemon.log(), daemon.read("out"), daemon.read("err")]
    for pid in (daemon.pid, *daemon.descendants()):
        texts += [pathlib.Path(f"/proc/{pid}/{name}").read_text(errors="replace") for name in ("cmdline", "environ")]
    every = "\n".join(texts)
    for secret in (SECRET, "Tr0ub4dor", RIGHT[21:], base64.b64encode(SECRET.encode()).decode(), hashed,
                   hashed.rpartition("$")[2], hashlib.sha1(SECRET.encode()).hexdigest()):
        assert secret not in every, every[max(0, every.index(secret) - 300):][:600]


def test_supervisorctl_shows_no_password(daemon: Daemon) -> None:
    daemon.start(unix=LOGIN, probe=None, on=QUICK)
    daemon.conf.write_text(daemon.conf.read_text().replace(
        "[supervisorctl]", f"[supervisorctl]\nusername=admin\npassword={SECRET}"))
    for command in (["status"], ["pid"], ["nothing"], ["help"], ["reread"]):
        done = daemon.ctl(*command)
        assert SECRET not in done.stdout + done.stderr
    assert "on " in daemon.ctl("status").stdout


@pytest.mark.parametrize("section", ["inet_http_server", "unix_http_server:two", "supervisorctl"])
@pytest.mark.parametrize("line", [
    f"password={SECRET}%(x)s", f"password=50%{SECRET}", f"password={SECRET}%", f"password {SECRET}",
    f"password=x\n{SECRET}", f"pasword={SECRET}", f"password=\npassword={SECRET}"])
def test_a_password_that_is_written_wrongly_is_not_told(daemon: Daemon, section: str, line: str) -> None:
    """The message names file, line and option: that is enough to find it."""
    wrong = f"\n[{section}]\nusername=admin\nserverurl=unix:///nowhere\n{line}\n"
    daemon.start(probe=None)
    good = daemon.conf.read_text().replace("[supervisorctl]\n", "[supervisorctl:of-the-daemon]\n")
    daemon.conf.write_text(good + wrong)
    with Raw(daemon.socket) as client:
        told = client.ask(post(call("supervisor.reloadConfig"))).body.decode()
    daemon.signal(signal.SIGHUP)
    eventually(lambda: "configuration not reloaded" in daemon.log() or "supervisord started" in
               daemon.log().partition("SIGHUP")[2])
    checked = daemon.run("--check", "-c", str(daemon.conf))
    asked = daemon.ctl("status")
    told += daemon.log() + checked.stdout + checked.stderr + asked.stdout + asked.stderr
    assert "Tr0ub4dor" not in told, told[told.index("Tr0ub4dor") - 300:][:600]


@pytest.mark.parametrize("stored", [SECRET, "{SHA}" + hashlib.sha1(SECRET.encode()).hexdigest(),
                                    "{SHA256}" + hashlib.sha256(SECRET.encode()).hexdigest(), pbkdf2(SECRET, 2)],
                         ids=["plain", "sha", "sha256", "pbkdf2"])
def test_passwords_are_compared_in_constant_time(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verdict on a password is one of compare_digest, on the whole of it."""
    verdicts: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        verdicts.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(passwords, "compare_digest", compare)
    authorizer = passwords.encrypted_dictionary_authorizer({"admin": stored})
    for password, right in ((SECRET, True), ("x" + SECRET[1:], False), (SECRET[:-1] + "è", False)):
        verdicts.clear()
        assert authorizer.authorize(("admin", password)) is right
        assert len(verdicts) == 2 and len(set(verdicts[1])) == 1
    # Who does not exist takes a comparison, too.
    verdicts.clear()
    assert not authorizer.authorize(("nobody", SECRET))
    assert len(verdicts) == 2


def test_costly_hashes_do_not_stall_the_loop(daemon: Daemon) -> None:
    """A verified password is remembered; wrong ones wait for each other and not everybody for them."""
    daemon.start(inet=f"username=admin\npassword={pbkdf2(SECRET, 300_000)}", probe=None)
    assert get_pid(daemon, RIGHT) == daemon.pid
    with contextlib.ExitStack() as clients:
        daemon.signal(signal.SIGSTOP)  # so that the guesses are all there before the first has been looked at for long
        guesses = [clients.enter_context(Raw(daemon.port)) for _ in range(40)]
        for number, client in enumerate(guesses):
            client.send(get("/", basic("admin", f"guess{number}")))
        daemon.signal(signal.SIGCONT)
        with others_served(daemon):
            before = loop_cpu(daemon.pid)
            assert get_pid(daemon, RIGHT) == daemon.pid
            assert loop_cpu(daemon.pid) - before < 1
            *oldest, newest = [answer and answer.status for answer in map(Raw.answer, (*guesses[:4], guesses[-1]))]
        # The oldest are turned away, but for those that were the newest before all were there.
        assert {429} <= set(oldest) <= {429, 401}
        assert newest == 401


# --- requests that somebody else's page caused


FOREIGN = [
    ["Origin: http://evil.example"], ["Origin: null"], ["Origin: http://127.0.0.1:1"], ["Origin: https://127.0.0.1"],
    ["Origin: file://"], ["Origin: http://127.0.0.1:@port@.evil.example"],
    ["Origin: http://127.0.0.1:@port@@evil.example"],
    ["Origin:"], ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site"], ["Referer: http://evil.example/"],
    ["Referer: http://evil.example/?http://127.0.0.1:@port@/"], ["Origin: null", "Referer: http://127.0.0.1:@port@/"],
    ["Origin: http://evil.example", "Origin: http://127.0.0.1:@port@"],
]
READS = [get("/"), get("/tail.html?processname=on"), get("/logtail/on"), get("/mainlogtail"),
         get("/index.html?processname=off&action=start"), get("/?action=stopall")]


@pytest.mark.parametrize("number", range(len(FOREIGN)))
@pytest.mark.parametrize("actions", ["false", "true"])
def test_a_foreign_page_changes_and_reads_nothing(
    number: int, actions: str, open_one: Daemon, acting_one: Daemon
) -> None:
    daemon = acting_one if actions == "true" else open_one
    headers = [header.replace("@port@", str(daemon.port)) for header in FOREIGN[number]]
    headers.append(f"Host: 127.0.0.1:{daemon.port}")
    requests = [request.replace(b"\r\n\r\n", "\r\n".join(["", *headers, "", ""]).encode()) for request in READS]
    for kind in ("text/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        requests += [post(call("supervisor.startProcess", "off"), *headers, f"Content-Type: {kind}"),
                     post(call("supervisor.readLog", 0, 0), *headers, f"Content-Type: {kind}"),
                     post(b"processname=off&action=start", *headers, f"Content-Type: {kind}", path="/index.html")]
    for request in requests:
        with Raw(daemon.port) as client:
            answer = client.ask(request)
        assert answer.status == 403, (request, answer)
        assert b"supervisord started" not in answer.body
    assert daemon.state("off") == "STOPPED" and daemon.state("on") == "RUNNING"


@pytest.fixture(scope="module")
def acting_one() -> Iterator[Daemon]:
    """Without a password, where links act."""
    daemon = Daemon()
    try:
        yield daemon.start(inet="get_actions=true", probe=None, off=OFF, on=QUICK)
    finally:
        daemon.close()


def test_the_own_page_and_programs_notice_nothing(acting_one: Daemon) -> None:
    port = acting_one.port
    own = [f"Host: localhost:{port}", f"Origin: http://localhost:{port}", "Sec-Fetch-Site: same-origin",
           f"Referer: http://localhost:{port}/index.html"]
    typed = [f"Host: localhost:{port}", "Sec-Fetch-Site: none"]
    for headers in (own, typed, [], [f"Host: 127.0.0.1:{port}"]):
        with Raw(port) as client:
            assert client.ask(get("/", *headers)).status == 200
            assert client.ask(post(call("supervisor.getPID"), *headers)).value == acting_one.pid
    with Raw(port) as client:
        assert client.ask(get("/index.html?processname=off&action=start", *own)).status == 303
    assert acting_one.state("off") == "RUNNING"
    acting_one.call("stopProcess", "off")


def test_names_that_were_made_to_lead_here(daemon: Daemon) -> None:
    """DNS rebinding: the browser takes us for the foreign page's own server, only Host tells."""
    daemon.start(inet="allowed_hosts=proxy.example", probe=None)
    assert get_pid(daemon, "Host: evil.example") == "HTTP 403"
    with Raw(daemon.port) as client:
        answer = client.ask(get("/", "Host: evil.example:80", "Sec-Fetch-Site: same-origin"))
    assert answer.status == 403 and b"allowed_hosts" in answer.body
    for host in ("127.0.0.1", f"127.0.0.1:{daemon.port}", "localhost", "[::1]", socket.gethostname(), "proxy.example",
                 "10.0.0.1:8080", "LOCALHOST"):
        assert get_pid(daemon, f"Host: {host}") == daemon.pid
    # Who comes by the file system was let in by it.
    with Raw(daemon.socket) as client:
        assert client.ask(post(call("supervisor.getPID"), "Host: evil.example")).value == daemon.pid


# --- injection


MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=y>&lt;"


def test_pages_show_text_as_text(daemon: Daemon) -> None:
    daemon.start("[group:<script>alert(2)]\nprograms=bad\n[program:<script>alert(3)]\ncommand=/bin/cat\n", probe=None,
                 inet="", supervisord="identifier=<script>alert(4)", on={**QUICK, "stdout_logfile": "@dir@/on.log"},
                 bad={"command": f"/nowhere/{MARKUP.split()[0]}", "startsecs": 0})
    child = daemon.child("on")
    child.tell("out", MARKUP + "\x1b]0;title\x07\x1b[2J\0\n")
    eventually(lambda: MARKUP in daemon.read("on.log"))
    quoted = urllib.parse.quote(MARKUP)
    for path in ("/", f"/?message={quoted}", "/tail.html?processname=on", f"/tail.html?processname={quoted}",
                 f"/{quoted}", f"/index.html?processname={quoted}&action=start", f"/index.html?action={quoted}",
                 f"/tail.html?processname=on&limit={quoted}", f"/logtail/{quoted}"):
        with Raw(daemon.port) as client:
            answer = client.ask(get(path))
        page = answer.body.decode()
        assert "<script>alert" not in page and "<img src=x" not in page, path
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", page), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY" or "frame-ancestors" in answer.headers[
            "content-security-policy"]
        assert "default-src" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("what", ["%0d%0aX-Injected:%201", "%0aX-Injected:%201", "%0d%0a%0d%0a<b>",
                                  "%E5%98%8A%E5%98%8DX:%201", "%00%0dX-Injected:%201"])
def test_no_line_end_reaches_a_header(acting_one: Daemon, what: str) -> None:
    for path in (f"/?message={what}", f"/index.html?processname={what}&action=start", f"/images{what}", f"/{what}",
                 f"/images/..%2fimages{what}", f"/index.html?action={what}&processname=off", f"/logtail/{what}",
                 f"/tail.html?processname={what}"):
        with Raw(acting_one.port) as client:
            answer = client.ask(get(path, f"Host: localhost:{acting_one.port}"))
        assert not [name for name in answer.headers if name.startswith("x-injected") or name == "x"], answer
        assert answer.status < 500


def test_absurd_parameters_are_a_page_or_the_clients_mistake(acting_one: Daemon) -> None:
    words = ["", "0", "-1", "9" * 5000, "1e9", "NaN", "%ff", "%", "%zz", "\u00e9".encode().hex(), "on&processname=off",
             "a" * 60_000, "%F0%9F%98%80", "..%2f..%2f", "*", "on:*", ":", "%26%3d", "[]", "()", "%00", "none", "None"]
    with Raw(acting_one.port) as client:
        for word in words:
            for path in (f"/tail.html?processname=on&limit={word}", f"/tail.html?processname={word}",
                         f"/tail.html?limit={word}", f"/index.html?action={word}", f"/index.html?processname={word}",
                         f"/index.html?processname={word}&action=clearlog",
                         f"/index.html?processname=off&action={word}",
                         f"/?message={word}", f"/?{word}", f"/?{word}={word}", f"/tail.html?{word}&{word}",
                         f"/ok.html?{word}"):
                answer = client.ask(get(path))
                assert answer.status < 500, (path[:200], answer)
            answer = client.ask(post(f"processname={word}&action={word}&token={word}".encode(), path="/index.html"))
            assert answer.status < 500, word[:200]
    assert acting_one.state("on") == "RUNNING"


def test_no_path_leaves_the_folder_of_files(open_one: Daemon) -> None:
    ups = ["..", "%2e%2e", "%2E.", "..%00", "%c0%ae%c0%ae", "%252e%252e", "..;", "\u2025", "....", ".%2e",
           "%u002e%u002e"]
    slashes = ["/", "%2f", "%5c", "\\", "//", "%c0%af", "/./"]
    with Raw(open_one.port) as client:
        for up in ups:
            for slash in slashes:
                for target in ("etc/passwd", "proc/self/environ", "supervisord.py", "__init__.py"):
                    for start in ("/", "/images/", "/stylesheets/", "/RPC2/", "http://x/", ""):
                        path = start + (up + slash) * (1 if target.endswith(".py") else 12) + target
                        answer = client.ask(get(urllib.parse.quote(path, safe="/%;\\:.")))
                        # The root of the folder may be told of with its slash.
                        assert answer.status in (400, 404, 405) or answer.headers["location"] == "/", path
                        assert b"root:" not in answer.body and b"import" not in answer.body
        for path in ("//etc/passwd", "/%2fetc%2fpasswd", "file:///etc/passwd", "/~root/.profile", "/status.html"):
            answer = client.ask(get(path))
            assert answer.status in (400, 404), path


def test_headers_are_never_echoed(open_one: Daemon) -> None:
    for method in ("TRACE", "GET", "OPTIONS", "PUT", "HEAD", "POST"):
        for path in ("/", "/nothing", "/RPC2", "/ok.html", "/logtail/nothing", "/images/icon.png"):
            with Raw(open_one.port) as client:
                client.send(get(path, "Cookie: sesame", "X-Thing: sesame", "Content-Length: 0", "Connection: close",
                                method=method))
                whole = client._file.read()
            assert whole and b"sesame" not in whole


def at_a_terminal(daemon: Daemon, *command: str) -> str:
    """What supervisorctl shows there."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [daemon.python, "-c", "from supervisor.supervisorctl import main; main()", "-c", str(daemon.conf), *command],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=daemon.dir, env=daemon.environment())
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:
        while data := terminal.read(65536):
            shown += data
    assert process.wait(20) is not None
    return shown.decode(errors="replace").replace("\r\n", "\n")


def test_terminals_get_no_control_characters(daemon: Daemon) -> None:
    """What a program can have said or be called: in listings, in logs that are shown, in reasons."""
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\x00\x08\x7f\r"
    daemon.start("[program:bad]\ncommand=/nowhere/x\x1b[2J\nstartsecs=0\n", probe=None,
                 on={**QUICK, "stdout_logfile": "@dir@/on.log", "stderr_logfile": "@dir@/on.err"})
    child = daemon.child("on")
    child.tell("out", f"before {evil} after\n")
    child.tell("err", f"before {evil} after\n")
    eventually(lambda: "after" in daemon.read("on.log") and "after" in daemon.read("on.err"))
    for command in (["status"], ["tail", "on"], ["tail", "on", "stderr"], ["maintail"], ["status", "\x1b[31mx"],
                    ["start", evil.replace("\0", "")], ["avail"], [evil.replace("\0", "")]):
        shown = at_a_terminal(daemon, *command)
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b]", shown), (command, shown)
        assert command[0] != "tail" or "before" in shown
    assert len(daemon.ctl("status").stdout.splitlines()) == 2


# --- files


def modes(folder: pathlib.Path) -> dict[str, int]:
    found = {}
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            found[entry.name] = entry.stat(follow_symlinks=False).st_mode
    return found


@pytest.mark.parametrize("daemonize", [False, True])
def test_nothing_is_open_to_others_at_any_moment(daemon: Daemon, daemonize: bool) -> None:
    """Under the most careless umask: sockets, also under their first names, pid file and logs of all kinds."""
    daemon.configure(probe=None, unix="chmod=0700",
                     a={**QUICK, "stdout_logfile": "AUTO", "stderr_logfile": "@dir@/a.err"})
    mine = {"out", "err", "home.sock", "supervisord.conf"}
    seen: dict[str, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for name, mode in modes(daemon.dir).items():
                seen[name] = seen.get(name, 0) | mode

    watcher = threading.Thread(target=watch)
    watcher.start()
    old = os.umask(0)
    try:
        daemon.launch(daemonize=daemonize)
        daemon.child("a")
        daemon.call("clearLog")
        daemon.call("clearProcessLogs", "a")
        os.unlink(daemon.socket)
        eventually(lambda: os.path.exists(daemon.socket))
    finally:
        os.umask(old)
        done.set()
        watcher.join()
    assert {"s.sock", "supervisord.pid", "supervisord.log", "a.err"} <= set(seen)
    assert [name for name in seen if name.startswith("a-stdout")]
    for name, mode in seen.items():
        if name not in mine:
            assert mode & 0o022 == 0, (name, oct(mode))
            if stat.S_ISSOCK(mode):
                assert mode & 0o077 == 0, (name, oct(mode))


@contextlib.contextmanager
def launched(daemon: Daemon, socket_path: str) -> Iterator[bool]:
    """A start that may be refused; whether it was not."""
    process = subprocess.Popen([daemon.python, "-m", "supervisor.supervisord", "-n", "-c", str(daemon.conf)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=daemon.dir, env=daemon.environment())
    try:
        eventually(lambda: process.poll() is not None or connects(socket_path))
        yield process.poll() is None
    finally:
        process.terminate()
        process.wait(20)


def plant(how: str, name: pathlib.Path, victim: pathlib.Path) -> pathlib.Path:
    """Something put there by somebody else; the name by which it is reached."""
    if how == "way":
        name.parent.rmdir()
        name.parent.symlink_to(victim.parent)
        os.lchown(name.parent, 12345, 12345)
    elif how == "link":
        name.symlink_to(victim)
    elif how == "second name":
        os.link(victim, name)
    elif how == "file":
        name.write_text("")
        name.chmod(0o666)
    else:
        os.mkfifo(name, 0o666)
    if how in ("link", "file", "fifo"):
        os.lchown(name, 12345, 12345)
    return name


@only_root
@pytest.mark.parametrize("how", ["link", "way", "second name", "file", "fifo"])
@pytest.mark.parametrize("which", ["supervisord.log", "supervisord.pid", "a.log", "s.sock"])
def test_what_somebody_planted_is_not_used(daemon: Daemon, which: str, how: str) -> None:
    """Where others may make names their links lead nowhere, and their files take nothing: not for writing, not for
    reading. How the kernel is set does not matter."""
    vault = daemon.dir / "vault"
    vault.mkdir()
    victim = vault / which
    if how != "way" or which == "a.log":
        victim.write_text("precious\n")
        victim.chmod(0o600)
    shared = daemon.dir / "shared"
    shared.mkdir()
    place = shared / "way" if how == "way" else shared
    if how == "way":
        place.mkdir()
    name = plant(how, place / which, victim)
    # Of a file in a folder that is not sticky everybody may take the place at any time.
    shared.chmod(0o1777 if how in ("file", "fifo") else 0o777)
    before = sorted(os.listdir(vault)), victim.exists() and victim.read_text()
    text = daemon.configure(probe=None, a={**OFF, "stdout_logfile": "@dir@/a.log"})
    daemon.conf.write_text(text.replace(f"{daemon.dir}/{which}", str(name)))
    socket_path = str(name) if which == "s.sock" else daemon.socket
    with launched(daemon, socket_path) as up:
        assert up is (which in ("supervisord.pid", "a.log"))
        if up:
            with Raw(socket_path) as client:
                for request in (("supervisor.clearProcessLogs", "a"), ("supervisor.startProcess", "a"),
                                ("supervisor.clearProcessLogs", "a"), ("supervisor.clearLog",),
                                ("supervisor.stopProcess", "a"), ("supervisor.clearProcessLogs", "a")):
                    client.ask(post(call(*request)))
                for request in (("supervisor.readProcessStdoutLog", "a", 0, 0), ("supervisor.readLog", 0, 0),
                                ("supervisor.tailProcessStdoutLog", "a", 0, 100)):
                    assert b"precious" not in client.ask(post(call(*request))).body
                assert b"precious" not in client.ask(get("/tail.html?processname=a&limit=2000")).body
                client.send(get("/logtail/a", "Connection: close"))
                if which == "a.log":
                    assert b" 404 " in client._file.read()
        assert (sorted(os.listdir(vault)), victim.exists() and victim.read_text()) == before
        assert how != "file" or not name.read_text()
    assert (sorted(os.listdir(vault)), victim.exists() and victim.read_text()) == before
    assert os.path.lexists(name) or how == "way"


@only_root
def test_a_folder_of_logs_that_is_replaced_by_a_link(daemon: Daemon) -> None:
    """By somebody who may rename it: nothing is removed, cleared, written or read where the link leads."""
    vault, shared = daemon.dir / "vault", daemon.dir / "shared"
    vault.mkdir()
    for name in ("supervisord.log", "a.log"):
        (vault / name).write_text("precious\n")
    (shared / "way").mkdir(parents=True)
    shared.chmod(0o777)
    text = daemon.configure(probe=None, a={**QUICK, "stdout_logfile": "@dir@/a.log"})
    for name in ("supervisord.log", "a.log"):
        text = text.replace(f"{daemon.dir}/{name}", f"{shared}/way/{name}")
    daemon.conf.write_text(text)
    daemon.launch()
    child = daemon.child("a")
    (shared / "way").rename(shared / "gone")
    (shared / "way").symlink_to(vault)
    os.lchown(shared / "way", 12345, 12345)
    assert daemon.fault("clearLog").faultString.startswith("FAILED")
    assert daemon.fault("clearProcessLogs", "a").faultString.startswith("FAILED")
    assert daemon.fault("readProcessStdoutLog", "a", 0, 0).faultString.startswith("FAILED")
    daemon.signal(signal.SIGUSR2)
    daemon.call("getState")
    child.tell("out", "written\n")
    eventually(lambda: "written" in (shared / "gone" / "a.log").read_text(), "the old log")
    assert sorted((path.name, path.read_text()) for path in vault.iterdir()) == [
        ("a.log", "precious\n"), ("supervisord.log", "precious\n")]


@only_root
def test_automatic_logs_and_shared_sockets_are_made_where_they_belong(daemon: Daemon) -> None:
    """And not where a link planted on the way leads to."""
    victim, shared = daemon.dir / "victim", daemon.dir / "shared"
    victim.mkdir()
    shared.mkdir()
    (shared / "way").symlink_to(victim)
    os.lchown(shared / "way", 12345, 12345)
    shared.chmod(0o1777)
    text = daemon.configure(probe=None, supervisord="identifier=me", a={**OFF, "stdout_logfile": "AUTO"})
    old = victim / "a-stdout---me-abcdefgh.log"
    old.write_text("of another daemon\n")
    daemon.conf.write_text(text.replace(f"childlogdir={daemon.dir}", f"childlogdir={shared}/way"))
    ended = daemon.run("-n", "-c", str(daemon.conf))
    # Where the kernel protects links (fs.protected_symlinks), the folder is none for anybody but 12345.
    assert ended.returncode == 2 and re.search(
        "not following a link that user id 12345 put there|is not an existing directory", ended.stderr)
    assert [*victim.iterdir()] == [old]
    daemon.configure("[fcgi-program:f]\ncommand=/bin/cat\nsocket=unix://@dir@/shared/way/f.sock\n", probe=None)
    ended = daemon.run("-n", "-c", str(daemon.conf))
    assert ended.returncode == 2 and "not following a link that user id 12345 put there" in ended.stderr
    assert [*victim.iterdir()] == [old]


def connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def test_automatic_logs_are_removed_by_our_own_names_only(daemon: Daemon) -> None:
    daemon.configure(probe=None, supervisord="identifier=me", a={**QUICK, "stdout_logfile": "AUTO"})
    victim = daemon.dir / "victim"
    victim.write_text("precious\n")
    ours = daemon.dir / "gone-stdout---me-abcdefgh.log"
    ours.write_text("old\n")
    link = daemon.dir / "link-stdout---me-abcdefgh.log"
    link.symlink_to(victim)
    folder = daemon.dir / "folder-stdout---me-abcdefgh.log"
    folder.mkdir()
    other = daemon.dir / "a-stdout---you-abcdefgh.log"
    other.write_text("theirs\n")
    daemon.launch()
    assert not ours.exists()
    assert victim.read_text() == "precious\n" and folder.is_dir() and other.read_text() == "theirs\n"
    (log,) = daemon.dir.glob("a-stdout---me-*.log")
    assert log.stat().st_mode & 0o077 == 0


# --- users


REGAIN = """
import os, sys
ways = [lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0),
        lambda: os.setgroups([0]), lambda: open("/etc/shadow").close()]
got = []
for number, way in enumerate(ways):
    try:
        way()
        got.append(number)
    except OSError:
        pass
print(open("/proc/self/status").read(), "regained:", got, flush=True)
"""


@only_root
@pytest.mark.parametrize("whose", ["daemon", "program"])
def test_a_dropped_privilege_cannot_be_regained(daemon: Daemon, whose: str) -> None:
    """In the daemon and in its programs: every id, group and capability, and no way back."""
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.path.exists(path)), None)
    if python is None:
        pytest.skip("no interpreter that everybody may run")
    daemon.dir.chmod(0o777)
    (daemon.dir / "regain.py").write_text(REGAIN)
    user = {"user": "nobody"} if whose == "program" else {}
    groups = os.getgroups()
    os.setgroups([0, 4242])
    try:
        daemon.start(probe=None, supervisord="user=nobody" if whose == "daemon" else "", a={
            **QUICK, **user, "command": f"{python} -I -S @dir@/regain.py", "stdout_logfile": "@dir@/a.log"})
    finally:
        os.setgroups(groups)
    eventually(lambda: "regained:" in daemon.read("a.log"))
    assert "regained: []" in daemon.read("a.log")
    texts = [daemon.read("a.log")]
    if whose == "daemon":
        texts.append(pathlib.Path(f"/proc/{daemon.pid}/status").read_text())
    nobody = pwd.getpwnam("nobody")
    for text in texts:
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
        assert not {"0", "4242"} & set(status["Groups"].split())
        for kind in ("CapPrm", "CapEff", "CapAmb", "CapInh"):
            assert int(status[kind], 16) == 0, kind


@only_root
def test_an_unprivileged_daemon_runs_nothing_as_somebody_else(daemon: Daemon) -> None:
    """A program that wants another user is refused with a reason; it is not run as who we are."""
    daemon.dir.chmod(0o777)
    wants = {**OFF, "command": "/bin/sh -c 'id > @dir@/id'"}
    daemon.start(probe=None, supervisord="user=nobody", a={**wants, "user": "root"}, b={**wants, "user": "daemon"})
    for name in ("a", "b"):
        daemon.call("startProcess", name)
        daemon.wait_state(name, "EXITED")
        assert "Can't drop privilege as nonroot user" in daemon.info(name)["spawnerr"]
    assert not (daemon.dir / "id").exists()


@only_root
@pytest.mark.parametrize("way", ["mode", "group", "owner", "folder", "include", "above", "link", "link in sticky"])
def test_root_is_warned_of_files_that_others_may_write(daemon: Daemon, way: str) -> None:
    place = daemon.dir / "etc"
    place.mkdir()
    text = daemon.configure(f"[include]\nfiles={place}/more.conf", probe=None)
    path = place / "more.conf"
    path.write_text("[program:x]\ncommand=/bin/cat\nautostart=false\n")
    if way == "mode":
        path.chmod(0o646)
    elif way == "group":
        path.chmod(0o664)
        os.chown(path, 0, 12345)
    elif way == "owner":
        os.chown(path, 12345, 0)
    elif way == "folder":
        place.chmod(0o777)
    elif way == "above":
        text = text.replace(f"{place}/", f"{place}/above/etc/")
        (place / "above" / "etc").mkdir(parents=True)
        (place / "above").chmod(0o777)
        path = path.rename(place / "above" / "etc" / "more.conf")
    elif way.startswith("link"):
        path = path.rename(daemon.dir / "good.conf")
        place.chmod(0o1777 if "sticky" in way else 0o777)
        path = place / "more.conf"
        path.symlink_to(daemon.dir / "good.conf")
        if "sticky" in way:
            os.lchown(path, 12345, 0)
    else:
        path.chmod(0o622)
    daemon.conf.write_text(text)
    try:
        path.read_text()
    except PermissionError:  # the kernel protects links
        assert f"could not read config file {path}: Permission denied" in daemon.run("-c", str(daemon.conf)).stderr
        return
    daemon.launch()
    assert f"{path}: others than root may write" in daemon.log() + daemon.read("err")
    assert f"{daemon.conf}: others" not in daemon.log() + daemon.read("err")


@only_root
def test_root_is_warned_of_plugins_that_others_may_write(daemon: Daemon) -> None:
    place = daemon.dir / "code"
    place.mkdir()
    for name in ("mine", "theirs"):
        (place / f"{name}.py").write_text("class make:\n    def __init__(self, supervisord, **config):\n        pass\n")
    (place / "theirs.py").chmod(0o666)
    daemon.configure("\n".join(f"[rpcinterface:{name}]\nsupervisor.rpcinterface_factory={name}:make"
                               for name in ("mine", "theirs")), probe=None)
    daemon.launch(env={"PYTHONPATH": str(place)})
    daemon.wait_log(f"{place}/theirs.py: others than root may write this code")
    assert "mine.py: others" not in daemon.log()


def test_programs_inherit_what_they_must_and_no_more(daemon: Daemon) -> None:
    """Descriptors 0, 1 and 2, an empty mask and no environment but the daemon's and its section's."""
    daemon.start(probe=None, inet=LOGIN, unix=LOGIN.replace("admin", "other"),
                 a={**QUICK, "environment": 'A="1"'}, b={**QUICK, "environment": 'B="secret"'})
    with Raw(daemon.socket), Raw(daemon.port):
        a, b = daemon.child("a"), daemon.child("b")
        assert a.tell("fds") == b.tell("fds") == [0, 1, 2]
        assert a.tell("signals")["SigBlk"] == 0
        environment = a.tell("value", "dict(os.environ)")
        assert environment["A"] == "1" and "B" not in environment
        ours = set(environment) - set(daemon.environment()) - {"A"}
        assert all(name.startswith("SUPERVISOR_") or name in ("LC_CTYPE", "PWD", "SHLVL", "_") for name in ours), ours
