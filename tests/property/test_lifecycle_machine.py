"""Any order of things happening to a process, against what must always hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from supervisor.process.lifecycle import STEPS, Do, Impossible, In, step
from supervisor.states import ProcessStates

S = ProcessStates
WITH_CHILD = (S.RUNNING, S.STOPPING, S.UNKNOWN)
ARMS = (Do.ARM_STARTSECS, Do.ARM_BACKOFF, Do.ARM_RESTART, Do.ARM_STOPWAIT, Do.ARM_KILLWAIT)
ENDS = (In.DIED_EARLY, In.EXITED)


class Life(RuleBasedStateMachine):
    """Carries out orders on a model: a child or none, a timer or none, failures, the last state told."""

    def __init__(self) -> None:
        super().__init__()
        self.state = self.told = S.STOPPED
        self.child = self.spawning = self.armed = False
        self.failures = 0

    @rule(what=st.sampled_from(In))
    def happens(self, what: In) -> None:
        # What the world does not let happen: a child dies only if there is one, and an answer to a spawn comes once.
        if (what in ENDS and not self.child) or (what in (In.SPAWNED, In.SPAWN_FAILED)) != self.spawning:
            return
        if what is In.CALLED_OFF or (what in (In.STOP, In.STAYED_UP, In.SIGNAL_FAILED)
                                     and self.state == S.STARTING and not self.child):
            return
        try:
            to, orders = step(self.state, what)
        except Impossible:
            assert (self.state, what) not in STEPS
            return
        if what is In.SPAWNED:
            self.child = True
        self.spawning = False
        self.state = to
        for order in orders:
            self.carry_out(order)

    def carry_out(self, order: Do) -> None:
        if order is Do.TELL:
            self.told = self.state
        elif order is Do.SPAWN:
            assert not self.child, "two children of one process"
            self.spawning = True
        elif order is Do.BURY:
            assert self.child
            self.child = False
        elif order in (Do.SEND_STOP, Do.SEND_KILL):
            assert self.child
        elif order is Do.COUNT_FAILURE:
            self.failures += 1
        elif order is Do.FORGET_FAILURES:
            self.failures = 0
        elif order in ARMS:
            self.armed = True
        elif order is Do.DISARM:
            self.armed = False

    @invariant()
    def the_state_was_told(self) -> None:
        assert self.told == self.state

    @invariant()
    def a_child_where_there_must_be_one_and_only_there(self) -> None:
        if self.state in WITH_CHILD:
            assert self.child
        elif self.state == S.STARTING:
            assert self.child != self.spawning
        else:
            assert not self.child

    @invariant()
    def a_timer_where_something_has_to_happen_by_itself(self) -> None:
        if self.state in (S.BACKOFF, S.STOPPING) or (self.state == S.STARTING and self.child):
            assert self.armed
        elif self.state != S.EXITED:
            assert not self.armed

    @invariant()
    def failures_only_on_the_way_up(self) -> None:
        if self.state in (S.RUNNING, S.EXITED, S.FATAL):
            assert self.failures == 0
        if self.state == S.BACKOFF:
            assert self.failures > 0


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
