"""Groups: order, membership that changes, sockets, and how configurations become live objects."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from supervisor import events
from supervisor import process as package
from supervisor.config.model import FastCGIGroupConfig, ProcessGroupConfig
from supervisor.datatypes import UnixStreamSocketConfig
from supervisor.process import world as worlds
from supervisor.process.fastcgi import FastCGIProcessGroup, FastCGISubprocess
from supervisor.process.group import ProcessGroup
from supervisor.states import ProcessStates, SupervisorStates
from tests.unit.process_world import Scene

S = ProcessStates


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    worlds.install(made.world)
    yield made
    worlds.install(None)
    made.close()


def group_of(scene: Scene, *configs, **changes) -> ProcessGroup:
    group = ProcessGroupConfig(None, "g", 999, list(configs)).make_group()
    scene.processes.extend(group.processes.values())
    return group


def test_autostart_follows_the_configuration_and_leaves_room(scene):
    group = group_of(scene, *[scene.config(name=name, priority=priority, startsecs=0)
                              for name, priority in (("b", 5), ("c", 9), ("a", 1))],
                     scene.config(name="off", autostart=False))
    group.transition()
    assert not scene.system.children
    scene.settle()
    assert [text for text in scene.log.texts if text.startswith("spawned")] == [
        f"spawned: '{name}' with pid {pid}" for name, pid in (("b", 101), ("c", 102), ("a", 103))]
    assert group.processes["off"].state == S.STOPPED


def test_stopping_all_goes_from_the_highest_number(scene):
    names = ["b", "c", "a", "d", "waiting"]
    group = group_of(scene, *[scene.config(name=name, priority=5 if name == "b" else 999, startsecs=0)
                              for name in names])
    for process in group.processes.values():
        process.spawn()
    scene.settle()
    group.processes["waiting"].change_state(S.BACKOFF)
    group.stop_all()
    assert [text.split()[1] for text in scene.log.texts if text.startswith("killing")] == ["d", "a", "c", "b"]
    assert group.processes["waiting"].state == S.FATAL
    assert [process.config.name for process in group.get_unstopped_processes()] == ["b", "c", "a", "d"]


def test_members_come_and_go_while_it_works(scene):
    group = group_of(scene, scene.config(name="a"), scene.config(name="b"))
    new = scene.process(name="new")
    group.processes["b"].watch(lambda *_: None)

    def change(process, state):
        group.processes.pop("b", None)
        group.processes["new"] = new

    group.processes["a"].watch(change)
    for process in list(group.processes.values()):
        process.spawn()
    group.transition()
    scene.settle()
    assert new.pid and set(group.processes) == {"a", "new"}
    assert group.get_dispatchers() == {**group.processes["a"].dispatchers, **new.dispatchers}


def test_a_removed_group_starts_nothing_any_more(scene):
    group = group_of(scene, scene.config(name="a", startsecs=0))
    process = group.processes["a"]
    process.spawn()
    scene.settle()
    scene.reap(process, 1 << 8)
    assert process.restart_pending()
    group.before_remove()
    scene.pass_time(5)
    assert process.state == S.EXITED and not process.pid


def test_rounds_respect_the_pause_of_a_hopeless_program(scene):
    group = group_of(scene, scene.config(name="a", startsecs=0))
    process = group.processes["a"]
    process.spawn()
    for _ in range(4):
        scene.settle()
        while not process.pid:
            scene.loop.turn(1)
        scene.reap(process, 1 << 8)
    group.transition()
    scene.loop.turn(0)
    assert not process.pid and process.restart_pending()


def test_a_stop_before_the_first_round_is_final(scene):
    group = group_of(scene, scene.config(name="a"))
    process = group.processes["a"]
    assert process.restart_pending() and process.stop() is None
    group.transition()
    scene.pass_time(1)
    assert not process.pid and not process.restart_pending()


def test_nothing_starts_while_the_daemon_goes_down(scene):
    group = group_of(scene, scene.config(name="a"))
    scene.settings.mood = SupervisorStates.SHUTDOWN
    group.transition()
    scene.settle()
    assert group.processes["a"].state == S.STOPPED


def test_makers(scene):
    config = scene.config(name="a")
    lone = config.make_process()
    assert lone.group is None and lone.world is scene.world
    group = group_of(scene, config)
    member = config.make_process(group)
    assert type(group) is ProcessGroup and type(member) is package.Subprocess and member.group is group


def test_public_names_are_there():
    for name in package.__all__:
        assert hasattr(package, name), name


def test_a_world_is_needed():
    with pytest.raises(RuntimeError, match="World"):
        package.Subprocess(SimpleNamespace(name="x"))


class TestFastCGI:
    @pytest.fixture
    def socket_config(self, tmp_path):
        return UnixStreamSocketConfig(str(tmp_path / "s"), mode=0o600)

    def listens(self, config) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(config.path)
            except OSError:
                return False
            return True

    def test_one_socket_for_all_while_one_lives(self, scene, socket_config):
        members = [scene.config(name=name, socket_config=socket_config, startsecs=0) for name in "ab"]
        group = FastCGIGroupConfig(None, "g", 999, members, socket_config).make_group()
        scene.processes.extend(group.processes.values())
        assert type(group) is FastCGIProcessGroup and not self.listens(socket_config)
        assert scene.log.texts == [f"Creating socket {socket_config.url}", f"Closing socket {socket_config.url}"]
        a, b = group.processes.values()
        a.spawn()
        b.spawn()
        assert self.listens(socket_config)
        stdins = {call[6] for call in scene.system.called("fork_exec")}
        assert len(stdins) == 1 and a.pipes["stdin"] is None
        with pytest.raises(OSError):
            a.write(b"x")
        scene.reap(a)
        assert self.listens(socket_config)
        scene.reap(b)
        assert not self.listens(socket_config)
        assert scene.log.texts.count(f"Closing socket {socket_config.url}") == 2

    def test_members_of_other_groups_share_it_too(self, scene, socket_config):
        group = group_of(scene, scene.config(name="plain"), *[
            scene.config(name=name, socket_config=socket_config) for name in "ab"])
        assert [type(one) is FastCGISubprocess for one in group.processes.values()] == [False, True, True]
        for process in group.processes.values():
            process.spawn()
        plain, *sharing = group.processes.values()
        assert plain.pipes["stdin"] is not None
        assert {call[6] for call in scene.system.called("fork_exec")[1:]} == {sharing[0].fcgi_sock.fileno()}
        for process in group.processes.values():
            scene.reap(process)
        assert not self.listens(socket_config)

    def test_a_failed_start_lets_go(self, scene, socket_config):
        process = scene.process(socket_config=socket_config)
        process.group = group_of(scene)
        scene.system.fail("fork_exec", OSError(11, ""))
        scene.system.fail("fork", OSError(11, ""))
        assert process.spawn() is None and not self.listens(socket_config)
        assert [text.split(":")[0] for text in scene.log.texts] == [
            "Creating socket unix", "spawnerr", "Closing socket unix"]

    def test_a_command_that_cannot_be_run_fails_with_the_socket_held(self, scene, socket_config):
        process = scene.process(socket_config=socket_config, command="/no/such")
        process.group = group_of(scene)
        assert process.spawn() is None and not self.listens(socket_config)
        assert scene.log.texts == [
            f"Creating socket {socket_config.url}", "spawnerr: can't find command '/no/such'",
            f"Closing socket {socket_config.url}"]

    def test_a_start_within_a_failed_one_keeps_the_socket(self, scene, socket_config):
        process = scene.process(socket_config=socket_config)
        process.group = group_of(scene)
        scene.system.fail("fork_exec", OSError(11, ""))
        scene.system.fail("fork", OSError(11, ""))

        def again(event):
            events.unsubscribe(events.ProcessStateBackoffEvent, again)
            process.spawn()

        events.subscribe(events.ProcessStateBackoffEvent, again)
        process.spawn()
        assert process.pid and self.listens(socket_config)
        scene.reap(process)
        assert not self.listens(socket_config)

    def test_a_socket_that_cannot_be_made(self, scene, tmp_path):
        gone = UnixStreamSocketConfig(str(tmp_path / "gone" / "s"))
        with pytest.raises(ValueError, match=f"Could not create FastCGI socket {gone.url}: .*No such file"):
            group_of(scene, scene.config(name="a", socket_config=gone))
        process = scene.process(socket_config=gone)
        process.group = group_of(scene)
        assert process.spawn() is None
        assert process.spawnerr == "unknown error making dispatchers for 'cat': ENOENT"

    def test_an_owner_it_cannot_have_is_a_failed_start(self, scene, socket_config, monkeypatch):
        def refuse() -> None:
            raise ValueError("Could not change ownership/permissions of socket file: no")

        process = scene.process(socket_config=socket_config)
        process.group = group_of(scene)
        monkeypatch.setattr(socket_config, "create_and_bind", refuse)
        assert process.spawn() is None
        assert process.spawnerr == (
            "unknown error making dispatchers for 'cat': Could not change ownership/permissions of socket file: no")
