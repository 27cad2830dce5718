from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from supervisor import poller as module
from supervisor.poller import BasePoller, EpollPoller, KQueuePoller, Poller, PollPoller, SelectPoller

KINDS: list[type[BasePoller]] = [SelectPoller]
if module.implements_poll():
    KINDS.append(PollPoller)
if module.implements_epoll():
    KINDS.append(EpollPoller)
if module.implements_kqueue():
    KINDS.append(KQueuePoller)


@pytest.fixture(params=KINDS)
def poller(request: pytest.FixtureRequest) -> Iterator[BasePoller]:
    made: BasePoller = request.param()
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def test_the_best_one_of_this_machine_is_the_default() -> None:
    assert Poller is KINDS[-1]


def test_readiness(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.register_readable(reader)
    assert poller.poll(0) == ([], [])
    os.write(writer, b"x")
    assert poller.poll(None) == ([reader], [])
    poller.register_writable(writer)
    assert poller.poll(1) == ([reader], [writer])


def test_registrations_last_and_can_be_repeated(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    poller.register_readable(reader)
    poller.register_readable(reader)
    assert [poller.poll(0) for _ in range(3)] == [([reader], [])] * 3
    poller.unregister_readable(reader)
    assert poller.poll(0) == ([], [])


def test_taking_back_what_was_never_registered_is_no_error(poller: BasePoller, pipe: tuple[int, int]) -> None:
    poller.unregister_readable(pipe[0])
    poller.unregister_writable(999)
    assert poller.poll(0) == ([], [])


def test_both_interests_are_independent(poller: BasePoller) -> None:
    import socket

    one, other = socket.socketpair()
    with one, other:
        fd = one.fileno()
        poller.register_readable(fd)
        poller.register_writable(fd)
        assert poller.poll(0) == ([], [fd])
        other.send(b"x")
        assert poller.poll(0) == ([fd], [fd])
        poller.unregister_writable(fd)
        assert poller.poll(0) == ([fd], [])
        poller.unregister_readable(fd)


def test_a_hang_up_shows_as_what_is_registered(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.register_readable(reader)
    os.close(writer)
    assert poller.poll(0) == ([reader], [])


def test_a_reader_gone_shows_as_writable(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    while True:
        os.set_blocking(writer, False)
        try:
            os.write(writer, b"x" * 65536)
        except BlockingIOError:
            break
    poller.register_writable(writer)
    assert poller.poll(0) == ([], [])
    os.close(reader)
    assert poller.poll(0) == ([], [writer])


def test_a_descriptor_closed_without_a_word_is_never_spun_on(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    poller.register_readable(reader)
    copy = os.dup(reader)
    os.close(reader)
    try:
        for _ in range(2):
            poller.unregister_readable(reader)
            poller.poll(0)
        assert poller.poll(0) == ([], [])
    finally:
        os.close(copy)


def test_a_number_handed_out_again_can_be_registered_again(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.register_readable(reader)
    os.close(reader)
    again, other_writer = os.pipe()
    try:
        assert again == reader
        poller.unregister_readable(reader)
        poller.register_readable(again)
        os.write(other_writer, b"x")
        assert poller.poll(1) == ([again], [])
    finally:
        poller.unregister_readable(again)
        os.close(other_writer)


def test_daemonizing_keeps_the_registrations(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.register_readable(reader)
    poller.before_daemonize()
    poller.after_daemonize()
    os.write(writer, b"x")
    assert poller.poll(1) == ([reader], [])


def test_a_bad_descriptor_is_refused_without_trace() -> None:
    made = EpollPoller() if module.implements_epoll() else SelectPoller()
    if isinstance(made, EpollPoller):
        with pytest.raises(OSError):
            made.register_readable(999)
    assert 999 not in made.readables
    made.close()


def test_waits_of_any_length(poller: BasePoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.register_readable(reader)
    os.write(writer, b"x")
    assert poller.poll(1e12) == ([reader], [])
