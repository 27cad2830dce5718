"""A socket that is shared."""

from __future__ import annotations

import socket

import pytest

from supervisor.datatypes import InetStreamSocketConfig
from supervisor.socket_manager import ReferenceCounter, SocketManager
from tests.fakes import FakeLog


@pytest.fixture
def config():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return InetStreamSocketConfig("127.0.0.1", port, backlog=5)


def test_open_exactly_while_held(config):
    log = FakeLog()
    manager = SocketManager(config, log)
    first, second = manager.hold(), manager.hold()
    assert first.fileno() == second.fileno() and first.getsockname() == config.addr()
    first.release()
    first.release()
    with socket.create_connection(config.addr()):
        pass
    second.release()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(config.addr())
    assert log.texts == [f"Creating socket {config.url}", f"Closing socket {config.url}"]
    manager.hold().release()
    assert len(log.texts) == 4


def test_one_that_cannot_listen_is_not_held(config):
    taken = config.create_and_bind()
    taken.listen()
    manager = SocketManager(config)
    for _ in range(2):
        with pytest.raises(OSError):
            manager.hold()
    assert manager.holders.count == 0
    taken.close()
    manager.hold().release()


def test_given_back_too_often():
    counter = ReferenceCounter(lambda: None, lambda: None)
    with pytest.raises(ValueError):
        counter.give_back()
