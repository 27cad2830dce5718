"""Any mixture of commands, deaths, failures and time, against what must hold for a process and its children."""

from __future__ import annotations

import errno

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.states import ProcessStates
from tests.unit.process_world import Scene

S = ProcessStates
STARTABLE = (S.STOPPED, S.EXITED, S.FATAL, S.BACKOFF)
ENDED = (S.STOPPED, S.EXITED, S.FATAL, S.BACKOFF)


class Processes(RuleBasedStateMachine):
    """One process on fakes. `asked` is whether anything since the last stop gives it a reason to run."""

    @initialize(
        startsecs=st.sampled_from([0, 1, 5]), startretries=st.integers(0, 3), stopwaitsecs=st.sampled_from([0, 1, 4]),
        autorestart=st.sampled_from([False, RestartUnconditionally, RestartWhenExitUnexpected]),
        autostart=st.booleans(), as_group=st.booleans(),
    )
    def begin(self, startsecs, startretries, stopwaitsecs, autorestart, autostart, as_group):
        self.scene = Scene()
        self.process = self.scene.process(
            startsecs=startsecs, startretries=startretries, stopwaitsecs=stopwaitsecs, autorestart=autorestart,
            autostart=autostart, killasgroup=as_group)
        self.seen = [S.STOPPED]
        self.process.watch(lambda one, state: self.seen.append(state))
        self.held = not autostart
        if autostart:
            self.process.queue()

    def teardown(self):
        if hasattr(self, "scene"):
            self.scene.close()

    @precondition(lambda self: self.process.state in STARTABLE)
    @rule()
    def start(self):
        self.held = False
        self.process.spawn()

    @precondition(lambda self: self.process.state in STARTABLE)
    @rule(code=st.sampled_from([errno.EAGAIN, errno.ENOMEM]))
    def start_without_a_child(self, code):
        self.scene.system.fail("fork_exec", OSError(code, ""))
        self.scene.system.fail("fork", OSError(code, ""))
        self.held = False
        assert self.process.spawn() is None

    @rule()
    def stop(self):
        if self.process.state != S.UNKNOWN and self.process.stop() is None:
            self.held = True

    @precondition(lambda self: self.process.pid and self.process.state != S.UNKNOWN)
    @rule(vanished=st.booleans())
    def stop_that_fails(self, vanished):
        error = ProcessLookupError(errno.ESRCH, "") if vanished else PermissionError(errno.EPERM, "")
        self.scene.system.failures.pop("kill", None)
        self.scene.system.fail("kill", error)
        self.process.stop()
        self.scene.system.failures.clear()
        self.held = True

    @precondition(lambda self: self.process.pid)
    @rule(status=st.sampled_from([0, 1 << 8, 9, 15]))
    def die(self, status):
        pid = self.process.pid
        self.scene.system.children.remove(pid)
        self.scene.reap(self.process, status)

    @rule(seconds=st.sampled_from([0.001, 0.1, 1.0, 1.1, 6.0]))
    def wait(self, seconds):
        self.scene.pass_time(seconds)

    @rule()
    def look(self):
        self.process.transition()

    @rule(jump=st.sampled_from([-86400.0, 86400.0]))
    def clock_jumps(self, jump):
        self.scene.clock.set_wall(self.scene.clock.wall() + jump)

    @invariant()
    def one_child_at_most_and_we_know_it(self):
        if hasattr(self, "scene"):
            assert self.scene.system.children == ([self.process.pid] if self.process.pid else [])

    @invariant()
    def pid_and_state_agree(self):
        if hasattr(self, "scene"):
            assert bool(self.process.pid) == (self.process.state not in ENDED)
            assert bool(self.process.dispatchers) == bool(self.process.pid)

    @invariant()
    def a_stop_is_final(self):
        if hasattr(self, "scene") and self.held:
            assert self.process.state in (*ENDED, S.STOPPING, S.UNKNOWN)
            assert not self.process.restart_pending() and self.process.state != S.BACKOFF

    @invariant()
    def every_change_was_told_once(self):
        if hasattr(self, "scene"):
            assert self.seen[-1] == self.process.state
            assert all(a != b for a, b in zip(self.seen, self.seen[1:], strict=False))


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
