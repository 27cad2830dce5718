"""How much is done, counted instead of timed: calls of Python functions, of the poller and of send."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from supervisor.engine.memory import LARGE, keep_some
from supervisor.xmlrpc import codec
from tests.fakes import fake_loop
from tests.http_site import Site

BODY = b"<methodCall><methodName>supervisor.getState</methodName><params></params></methodCall>"
CALL = b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def calls(function: Callable[[], object]) -> int:
    """The number of Python functions that are called for it."""
    count = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def turn_with(size: int) -> tuple[int, list[float | None]]:
    """One descriptor of many is ready, and there are as many timers, none of them due."""
    loop, poller, _, _ = fake_loop()
    seen: list[int] = []
    for fd in range(100, 100 + size):
        loop.add_reader(fd, lambda: seen.append(1))
        loop.call_later(1000 + fd, seen.clear)
    poller.ready_to_read = [100]
    count = calls(lambda: loop.turn(0))
    assert seen == [1]
    return count, poller.waits


def test_a_turn_costs_what_happened_however_many_wait():
    few, many = turn_with(10), turn_with(1000)
    assert 3 <= few[0] == many[0] <= 20
    assert len(few[1]) == len(many[1]) == 1


def test_an_idle_loop_sleeps_without_a_time_out():
    loop, poller, _, _ = fake_loop()
    for fd in range(100, 1100):
        loop.add_reader(fd, lambda: None)
    loop.call_later(5, lambda: None).cancel()
    loop.turn()
    assert poller.waits == [None]


class CountingSocket(socket.socket):
    """Counts what is asked of the kernel."""

    asked: list[str]

    def recv(self, *args):
        self.asked.append("recv")
        return super().recv(*args)

    def send(self, *args):
        self.asked.append("send")
        return super().send(*args)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What channels ask of their sockets."""
    from supervisor.http.listener import supervisor_http_server

    asked: list[str] = []
    take_in = supervisor_http_server._take_in

    def counting(self, sock, addr):
        same = CountingSocket(sock.family, sock.type, sock.proto, sock.detach())
        same.asked = asked
        take_in(self, same, addr)

    monkeypatch.setattr(supervisor_http_server, "_take_in", counting)
    yield asked


class Answers:
    """Answers any request with so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def match(self, request):
        return True

    def handle_request(self, request):
        if request.command == "POST":
            request.read_body(lambda body: request.reply(200, b"x" * self.size, "text/plain"))
        else:
            request.reply(200, b"x" * self.size, "text/plain")


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def test_a_call_is_one_receive_and_one_send(counted: list[str], site: Site):
    site.server.handlers[:] = [Answers(20)]
    client = site.connect()
    for _ in range(3):
        before = len(counted)
        client.send(CALL)
        client.read(b"x" * 20)
        assert counted[before:] == ["recv", "send"]


def test_a_large_answer_is_sent_in_pieces_as_large_as_the_socket_takes(counted: list[str], site: Site):
    size = 4_000_000
    site.server.handlers[:] = [Answers(size)]
    client = site.connect()
    client.get("/")
    client.read_size(size)
    # The buffers of a local connection hold some hundred thousand bytes.
    assert 1 <= counted.count("send") <= 2 * size // 50_000


FAULTS = """
import resource
from supervisor.engine.memory import keep_some

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        # So many at a time that holes in the heap do not hold them all.
        pieces = [b"x" * size for size in range(100_000, 100_008)]
        del pieces
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

anew = faults(20)
keep_some()
faults(2)
print(anew, faults(20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the malloc of GNU gives memory back and gets it again")
def test_memory_of_a_large_answer_is_there_for_the_next_one():
    done = subprocess.run([sys.executable, "-c", FAULTS], stdout=subprocess.PIPE, text=True, check=True)
    anew, kept = map(int, done.stdout.split())
    assert anew > 1000 and kept < 100


def test_memory_is_kept_once_an_answer_is_large(site: Site):
    keep_some.cache_clear()
    client = site.connect()
    for size, kept in ((LARGE // 2, 0), (LARGE * 2, 1), (LARGE // 2, 1)):
        site.server.handlers[:] = [Answers(size)]
        client.get("/")
        client.read_size(size)
        assert keep_some.cache_info().currsize == kept


def test_writing_an_answer_grows_with_its_structs_alone():
    def struct(number):
        return {"name": f"p{number}", "pid": number, "up": True}

    few = calls(lambda: codec.dumps_response([struct(number) for number in range(10)]))
    many = calls(lambda: codec.dumps_response([struct(number) for number in range(1000)]))
    assert many <= few * 100
    assert many <= 10 * 1000
