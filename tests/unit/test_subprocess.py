"""A process on a fake clock and a fake system: what is told, logged, sent and armed."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator

import pytest

from supervisor.datatypes import RestartUnconditionally
from supervisor.process.subprocess import LONGEST_PAUSE, Subprocess
from supervisor.states import ProcessStates, SupervisorStates
from tests.unit.process_world import Scene

S = ProcessStates
KILLED = 9


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def running(scene: Scene, **changes) -> Subprocess:
    process = scene.process(startsecs=0, **changes)
    process.spawn()
    scene.settle()
    assert process.state == S.RUNNING
    return process


class TestStarting:
    def test_a_start_is_told_logged_and_stays_up(self, scene):
        process = scene.process(startsecs=2)
        pid = process.spawn()
        assert pid == process.pid and scene.world.pidhistory[pid] is process
        assert process.laststart == scene.clock.wall() and process.exitstatus is None
        scene.pass_time(1.9)
        assert process.state == S.STARTING
        scene.pass_time(0.2)
        assert process.state == S.RUNNING
        assert scene.log.texts == [
            f"spawned: 'cat' with pid {pid}",
            "success: cat entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)",
        ]
        assert scene.told == [("STARTING", S.STOPPED, {"tries": 0}), ("RUNNING", S.STARTING, {"pid": pid})]

    def test_a_second_start_is_refused(self, scene):
        process = running(scene)
        assert process.spawn() is None
        assert scene.log.lines[-1] == ("warn", "process 'cat' already running")
        assert len(scene.system.children) == 1

    def test_without_startsecs_even_what_died_at_once_has_run(self, scene):
        process = scene.process(startsecs=0, autorestart=False)
        process.spawn()
        scene.reap(process, 3 << 8)
        assert scene.states == ["STARTING", "RUNNING", "EXITED"]
        assert [text.split(":")[0] for text in scene.log.texts if not text.startswith("fd ")] == [
            "spawned", "success", "exited"]
        assert scene.log.lines[-1] == ("warn", "exited: cat (exit status 3; not expected)")
        assert process.spawnerr == "Bad exit code 3" and process.exitstatus == 3 and process.pid == 0

    def test_without_startsecs_all_that_are_due_are_spawned_before_the_first_one_runs(self, scene):
        for name in "ab":
            scene.process(name=name, startsecs=0, autostart=True).queue()
        scene.settle()
        assert [text.partition(" with ")[0].partition(" entered ")[0] for text in scene.log.texts] == [
            "spawned: 'a'", "spawned: 'b'", "success: a", "success: b"]

    def test_a_wall_clock_that_jumps_changes_nothing(self, scene):
        process = scene.process(startsecs=5)
        process.spawn()
        scene.clock.set_wall(scene.clock.wall() + 86400)
        scene.loop.turn(0)
        process.transition()
        assert process.state == S.STARTING
        scene.clock.set_wall(1)
        scene.pass_time(5.1)
        assert process.state == S.RUNNING

    def test_a_plugin_that_moves_laststart_delays_running(self, scene):
        process = scene.process(startsecs=1)
        process.spawn()
        process.laststart = scene.clock.wall() + 30
        scene.pass_time(30)
        assert process.state == S.STARTING
        scene.pass_time(2)
        assert process.state == S.RUNNING

    def test_laststart_in_the_future_at_the_end_is_not_too_quick(self, scene):
        process = scene.process(startsecs=1, autorestart=False)
        pid = process.spawn()
        process.laststart = scene.clock.wall() + 30
        scene.reap(process)
        assert scene.states == ["STARTING", "RUNNING", "EXITED"]
        assert any(f"process 'cat' ({pid}) laststart time is in the future" in text for text in scene.log.texts)

    @pytest.mark.parametrize("changes, reason", [
        ({"command": "'"}, "can't parse command \"'\": No closing quotation"),
        ({"command": ""}, "command is empty"),
        ({"command": "no-such-command"}, "can't find command 'no-such-command'"),
        ({"command": "/"}, "command at '/' is a directory"),
        ({"command": "/etc/passwd"}, "command at '/etc/passwd' is not executable"),
    ])
    def test_what_cannot_be_run_is_a_failed_start(self, scene, changes, reason):
        process = scene.process(**changes)
        assert process.spawn() is None
        assert (process.state, process.spawnerr, process.backoff) == (S.BACKOFF, reason, 1)
        assert scene.log.lines == [("info", f"spawnerr: {reason}")]
        assert scene.states == ["STARTING", "BACKOFF"]

    @pytest.mark.parametrize("code, reason", [
        (errno.EMFILE, "too many open files to spawn 'cat'"),
        (errno.ENFILE, "unknown error making dispatchers for 'cat': ENFILE"),
    ])
    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_no_descriptors_leak_whichever_pipe_fails(self, scene, monkeypatch, code, reason, after):
        before = set(os.listdir("/proc/self/fd"))
        made = []

        def pipe() -> tuple[int, int]:
            if len(made) == after:
                raise OSError(code, os.strerror(code))
            made.append(os.pipe())
            return made[-1]

        monkeypatch.setattr(scene.system, "pipe", pipe, raising=False)
        process = scene.process()
        assert process.spawn() is None and process.spawnerr == reason
        assert set(os.listdir("/proc/self/fd")) == before
        assert process.pipes == {} and process.dispatchers == {}

    @pytest.mark.parametrize("code, reason", [
        (errno.EAGAIN, "Too many processes in process table to spawn 'cat'"),
        (errno.ENOMEM, "unknown error during fork for 'cat': ENOMEM"),
    ])
    def test_no_child_leaks_nothing(self, scene, code, reason):
        before = set(os.listdir("/proc/self/fd"))
        scene.system.fail("fork_exec", OSError(code, ""))
        scene.system.fail("fork", OSError(code, ""))
        process = scene.process()
        assert process.spawn() is None and process.spawnerr == reason
        assert set(os.listdir("/proc/self/fd")) == before

    def test_a_log_that_cannot_be_opened_is_a_failed_start(self, scene, tmp_path):
        before = set(os.listdir("/proc/self/fd"))
        process = scene.process(stderr_logfile=str(tmp_path / "gone" / "log"))
        assert process.spawn() is None
        assert process.spawnerr == "unknown error making dispatchers for 'cat': ENOENT"
        assert set(os.listdir("/proc/self/fd")) == before

    def test_a_subscriber_of_the_start_may_call_it_off(self, scene):
        process = scene.process()
        process.watch(lambda one, state: one.stop() if state == S.STARTING else None)
        assert process.spawn() is None
        assert process.state == S.STOPPED and not scene.system.children

    def test_a_subscriber_that_raises_is_told_and_nothing_else(self, scene):
        process = scene.process(startsecs=0)
        process.watch(lambda one, state: 1 // 0)
        process.spawn()
        scene.settle()
        assert process.state == S.RUNNING
        assert sum("ZeroDivisionError" in text for text in scene.log.texts) == 2


class TestBackoff:
    def test_waits_grow_until_it_is_given_up(self, scene):
        process = scene.process(startretries=2, startsecs=1)
        starts = []
        process.spawn()
        for _ in range(3):
            starts.append(scene.clock.now())
            scene.reap(process, 1 << 8)
            assert process.state == S.BACKOFF
            assert process.spawnerr == "Exited too quickly (process log may have details)"
            if process.backoff <= 2:
                scene.pass_time(process.backoff)
        scene.settle()
        assert [b - a for a, b in zip(starts, starts[1:], strict=False)] == pytest.approx([1, 2], abs=0.05)
        assert process.state == S.FATAL and process.backoff == 0
        assert [extra["tries"] for name, _, extra in scene.told if name == "BACKOFF"] == [1, 2, 3]
        assert scene.log.texts[-1] == "gave up: cat entered FATAL state, too many start retries too quickly"
        scene.pass_time(60)
        assert process.state == S.FATAL

    def test_retries_of_any_size(self, scene):
        process = scene.process(startretries=10**30)
        process.spawn()
        scene.reap(process, 1 << 8)
        scene.pass_time(1)
        assert process.state == S.STARTING

    def test_a_stop_is_final_and_forgets_failures(self, scene):
        process = scene.process()
        process.spawn()
        scene.reap(process, 1 << 8)
        assert process.stop() is None
        assert process.state == S.STOPPED and process.backoff == 0
        assert scene.told[-1] == ("STOPPED", S.BACKOFF, {"pid": 0})
        scene.pass_time(30)
        assert process.state == S.STOPPED

    def test_a_stop_between_deadline_and_spawn_is_final(self, scene):
        process = scene.process()
        process.spawn()
        scene.reap(process, 1 << 8)
        scene.clock.advance(5)
        process._due()  # the timer fires, the spawn waits for room
        process.stop()
        scene.settle()
        assert process.state == S.STOPPED

    def test_nothing_is_retried_while_the_daemon_goes_down(self, scene):
        process = scene.process()
        process.spawn()
        scene.reap(process, 1 << 8)
        scene.settings.mood = SupervisorStates.SHUTDOWN
        scene.pass_time(5)
        assert process.state == S.BACKOFF
        process.give_up()
        assert process.state == S.FATAL and "gave up" not in scene.log.texts[-1]


class TestExit:
    def test_an_unexpected_exit_is_restarted_at_once(self, scene):
        process = running(scene)
        scene.clock.advance(5)
        scene.reap(process, 2 << 8)
        assert process.state == S.EXITED and process.restart_pending()
        scene.settle()
        assert process.state == S.RUNNING
        assert scene.told[2] == ("EXITED", S.RUNNING, {"expected": 0, "pid": 101})

    def test_an_expected_exit_is_final(self, scene):
        process = running(scene, exitcodes=[0, 2])
        scene.reap(process, 2 << 8)
        scene.pass_time(5)
        assert process.state == S.EXITED and process.spawnerr is None and not process.restart_pending()
        assert scene.log.lines[-1] == ("info", "exited: cat (exit status 2; expected)")

    def test_autorestart_is_read_at_the_time(self, scene):
        process = running(scene)
        process.config.autorestart = False
        scene.reap(process, 2 << 8)
        scene.pass_time(5)
        assert process.state == S.EXITED
        process.config.autorestart = RestartUnconditionally
        process.transition()
        assert process.pid

    def test_death_by_signal(self, scene):
        process = running(scene, autorestart=False)
        scene.reap(process, KILLED)
        assert process.exitstatus == -1
        assert scene.log.lines[-1] == ("warn", "exited: cat (terminated by SIGKILL; not expected)")

    def test_an_exit_about_to_restart_can_be_stopped(self, scene):
        process = running(scene, autorestart=RestartUnconditionally)
        scene.reap(process)
        assert process.stop() is None
        assert process.state == S.STOPPED
        scene.pass_time(5)
        assert process.state == S.STOPPED and not scene.system.children[1:]

    def test_programs_that_die_at_once_are_restarted_more_and_more_slowly(self, scene):
        process = scene.process(startsecs=0, autorestart=RestartUnconditionally)
        process.spawn()
        pauses = []
        for _ in range(8):
            died = scene.clock.now()
            scene.reap(process)
            while not process.pid:
                scene.loop.turn(1)
            pauses.append(scene.clock.now() - died)
        assert pauses[0] == 0 and pauses[1] > 0
        assert sorted(pauses) == pauses and pauses[-1] == pytest.approx(LONGEST_PAUSE, abs=0.001)
        scene.clock.advance(0.02)  # this one lived
        scene.reap(process)
        scene.settle()
        assert process.pid

    def test_watchers_find_no_pid_and_events_do(self, scene):
        process = running(scene, autorestart=False)
        seen = []
        process.watch(lambda one, state: seen.append((state, one.pid, one.dispatchers)))
        scene.reap(process)
        assert seen == [(S.EXITED, 0, {})]
        assert scene.told[-1][2]["pid"] == 101

    def test_all_output_is_read_before_the_end_is_told(self, scene, tmp_path):
        log = tmp_path / "log"
        process = scene.process(startsecs=0, stdout_logfile=str(log), autorestart=False)
        process.spawn()
        # What the child would write: through a second pipe put in the place of its own.
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.dup2(reader, process.pipes["stdout"])
        os.write(writer, b"x" * 60000)
        os.close(writer)
        os.close(reader)
        sizes = []
        process.watch(lambda one, state: sizes.append(log.stat().st_size) if state == S.EXITED else None)
        scene.reap(process)
        assert sizes == [60000]

    def test_a_plugin_that_moved_it_elsewhere_is_obeyed(self, scene):
        process = running(scene)
        process.change_state(S.FATAL)
        scene.reap(process)
        assert process.state == S.FATAL and process.pid == 0
        scene.pass_time(3)
        assert process.state == S.FATAL


class TestStopping:
    def test_the_signal_then_sigkill_again_and_again(self, scene):
        process = running(scene, stopwaitsecs=3, stopsignal=signal.SIGINT)
        scene.log.lines.clear()
        pid = process.pid
        assert process.stop() is None
        assert process.killing and process.administrative_stop
        scene.pass_time(7)
        assert scene.system.called("kill") == [(pid, 2), (pid, 9), (pid, 9)]
        assert scene.log.lines[:3] == [
            ("debug", f"killing cat (pid {pid}) with signal SIGINT"),
            ("warn", f"killing 'cat' ({pid}) with SIGKILL"),
            ("debug", f"killing cat (pid {pid}) with signal SIGKILL"),
        ]
        scene.reap(process, KILLED)
        assert process.state == S.STOPPED and not process.killing
        assert scene.log.lines[-1] == ("warn", "stopped: cat (terminated by SIGKILL)")
        scene.pass_time(10)
        assert len(scene.system.called("kill")) == 3

    def test_no_patience_at_all_does_not_spin(self, scene):
        process = running(scene, stopwaitsecs=0)
        process.stop()
        scene.pass_time(2.5)
        assert [sig for _, sig in scene.system.called("kill")] == [15, 9, 9, 9]

    @pytest.mark.parametrize("stop, kill, calls", [
        (False, False, ["kill", "kill"]), (True, True, ["killpg", "killpg", "kill"]),
        (False, True, ["kill", "killpg", "kill"]),
    ])
    def test_whom_the_signals_reach(self, scene, stop, kill, calls):
        process = running(scene, stopasgroup=stop, killasgroup=kill, stopwaitsecs=1)
        process.stop()
        scene.pass_time(1.5)
        assert [call[0] for call in scene.system.calls if call[0] in ("kill", "killpg")] == calls
        words = [" process group" if call == "killpg" else "" for call in calls]
        assert f"killing cat (pid 101){words[0]} with signal SIGTERM" in scene.log.texts
        assert f"killing cat (pid 101){words[1]} with signal SIGKILL" in scene.log.texts

    def test_a_pid_that_vanished_is_an_ordinary_end(self, scene):
        process = running(scene)
        scene.system.fail("kill", ProcessLookupError(errno.ESRCH, "No such process"))
        assert process.stop() is None
        assert process.state == S.STOPPING
        assert scene.log.lines[-1][0] == "debug" and "probably just exited on its own" in scene.log.texts[-1]
        scene.reap(process)
        assert process.state == S.STOPPED

    def test_a_signal_that_fails_leaves_unknown_until_its_end(self, scene):
        process = running(scene, autorestart=RestartUnconditionally)
        scene.system.fail("kill", PermissionError(errno.EPERM, "Operation not permitted"))
        assert "unknown problem" in (process.stop() or "")
        assert process.state == S.UNKNOWN and not process.killing
        assert scene.log.lines[-1][0] == "critical"
        assert scene.log.texts[-1].startswith("unknown problem killing cat (101):Traceback")
        scene.reap(process)
        assert process.state == S.STOPPED and process.pid == 0

    def test_another_signal(self, scene):
        process = running(scene)
        assert process.signal(signal.SIGUSR1) is None
        assert scene.system.called("kill") == [(101, signal.SIGUSR1)]
        assert scene.log.texts[-1] == "sending cat (pid 101) sig SIGUSR1"
        assert process.state == S.RUNNING

    def test_another_signal_that_fails(self, scene):
        process = running(scene)
        scene.system.fail("kill", PermissionError(errno.EPERM, "Operation not permitted"))
        assert process.signal(signal.SIGUSR1)
        assert scene.log.texts[-1].startswith("unknown problem sending sig cat (101):Traceback")

    def test_nothing_to_stop(self, scene):
        process = scene.process(autostart=False)
        assert process.stop() == "attempted to kill cat with sig SIGTERM but it wasn't running"
        assert process.signal(1) is not None
        assert process.state == S.STOPPED and scene.told == []

    def test_an_end_that_was_asked_for_is_not_restarted(self, scene):
        process = running(scene, autorestart=RestartUnconditionally)
        process.stop()
        scene.system.fail("killpg", ProcessLookupError(errno.ESRCH, "No such process"))
        scene.reap(process)
        scene.pass_time(5)
        assert process.state == S.STOPPED and process.spawnerr is None
        assert scene.log.lines[-1] == ("info", "stopped: cat (exit status 0)")

    def test_waiting_is_told_every_two_seconds(self, scene):
        process = running(scene)
        process.stop()
        for _ in range(5):
            process.stop_report()
            scene.clock.advance(1)
        assert scene.log.texts.count("waiting for cat to stop") == 3

    def test_what_outlives_a_stop_is_told_once(self, scene):
        process = running(scene)
        process.stop()
        scene.reap(process)
        scene.pass_time(1)
        assert [line for line in scene.log.lines if "still running" in line[1]] == [
            ("warn", "cat was stopped, but processes it started are still running (process group 101); "
                     "stopasgroup=true stops them with it")]

    def test_a_killed_group_is_not_told(self, scene):
        process = running(scene, killasgroup=True, stopwaitsecs=1)
        process.stop()
        scene.pass_time(1.5)
        scene.reap(process, KILLED)
        scene.pass_time(1)
        assert not [text for text in scene.log.texts if "still running" in text]

    def test_what_dies_with_it_is_not_told(self, scene):
        process = running(scene)
        process.stop()
        scene.reap(process)  # the group is still there
        scene.system.fail("killpg", ProcessLookupError(errno.ESRCH, "No such process"))
        scene.pass_time(1)
        assert not [text for text in scene.log.texts if "still running" in text]


    def test_looking_for_what_is_left_costs_the_same_however_many_were_stopped(self, scene, monkeypatch):
        listed = []
        monkeypatch.setattr(scene.system, "listdir", lambda path: listed.append(path) or ["self"])
        for _ in range(3):
            process = running(scene)
            process.stop()
            scene.reap(process)
        assert scene.world.aftermath.pending()
        scene.pass_time(1)
        assert listed == ["/proc"] and not scene.world.aftermath.pending()


class TestOnItsOwn:
    def test_autostart_once(self, scene):
        process = scene.process()
        assert process.wants_spawn()
        process.transition()
        assert process.state == S.STARTING
        process.stop()
        scene.reap(process)
        process.transition()
        assert process.state == S.STOPPED
        process.laststart = 0
        process.transition()
        assert process.state == S.STARTING

    def test_an_autostart_that_waits_for_room_can_be_stopped(self, scene):
        process = scene.process()
        process.queue()
        assert process.restart_pending() and process.stop() is None
        scene.settle()
        process.transition()
        assert process.state == S.STOPPED and not process.restart_pending()
        assert process.spawn()

    def test_no_autostart_while_the_daemon_goes_down(self, scene):
        scene.settings.mood = SupervisorStates.RESTARTING
        process = scene.process()
        process.transition()
        assert process.state == S.STOPPED

    def test_replaced_methods_are_reached(self, scene, monkeypatch):
        calls = []
        for name in ("spawn", "transition"):
            own = getattr(Subprocess, name)
            monkeypatch.setattr(Subprocess, name, lambda self, own=own, name=name: (calls.append(name), own(self))[1])
        process = scene.process(startsecs=1)
        process.queue()
        scene.settle()
        assert calls == ["transition", "spawn"]
        scene.pass_time(1.5)
        assert calls == ["transition", "spawn", "transition"] and process.state == S.RUNNING


class TestInput:
    def test_reaches_the_child(self, scene):
        process = scene.process(startsecs=0)
        keep: list[int] = []
        scene.system.fork_exec = lambda *args: (keep.append(os.dup(args[6])), 500)[1]
        process.spawn()
        process.write(b"hello")
        assert os.read(keep[0], 100) == b"hello"
        os.close(keep[0])

    def test_is_refused_without_a_child_and_under_a_stop(self, scene):
        process = scene.process(startsecs=0)
        for step in (lambda: None, process.spawn, process.stop):
            step()
            if process.state == S.STARTING:
                continue
            with pytest.raises(OSError) as failure:
                process.write(b"x")
            assert failure.value.errno == errno.EPIPE


def test_further_attributes_and_order(scene):
    process, other = scene.process(), scene.process(priority=1)
    process.anything = 1
    assert sorted([process, other]) == [other, process]
    assert process != scene.process()
    assert repr(process) == f"<Subprocess at {id(process)} with name cat in state STOPPED>"


def test_watching_ends(scene):
    process, seen = scene.process(), []
    process.watch(lambda one, state: seen.append(state))
    process.unwatch(print)
    process.unwatch(process._watchers[0])
    process.change_state(S.FATAL)
    assert seen == [] and scene.states == ["FATAL"]
    assert process.change_state(S.FATAL) is False


def test_assert_in_state(scene):
    process = scene.process()
    process._assertInState(S.STOPPED, S.EXITED)
    with pytest.raises(AssertionError, match="STOPPED.*RUNNING"):
        process._assertInState(S.RUNNING)
