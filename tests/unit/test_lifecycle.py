"""The table of a process' life."""

from __future__ import annotations

import pytest

from supervisor.process.lifecycle import STEPS, Do, Impossible, In, figure, step
from supervisor.states import ProcessStates, getProcessStateDescription

S = ProcessStates
ALL = [value for name, value in vars(S).items() if not name.startswith("_")]


def test_every_state_has_a_way_out_and_a_way_in():
    for state in ALL:
        assert any(row.to != state for (here, _), row in STEPS.items() if here == state)
        assert any(row.to == state for (here, _), row in STEPS.items() if here != state)


def test_every_change_of_state_is_told_and_nothing_else():
    for (state, what), row in STEPS.items():
        assert (Do.TELL in row.orders) == (row.to != state), (state, what)
        assert row.orders.count(Do.TELL) <= 1


def test_a_pair_that_cannot_be_names_both():
    with pytest.raises(Impossible, match="RUNNING does not know RETRIES_SPENT"):
        step(S.RUNNING, In.RETRIES_SPENT)


def test_failures_are_counted_before_they_are_told():
    for row in STEPS.values():
        if Do.COUNT_FAILURE in row.orders:
            assert row.to == S.BACKOFF
            assert row.orders.index(Do.COUNT_FAILURE) < row.orders.index(Do.TELL)


def test_the_deadline_of_a_stop_is_set_before_the_signal_that_may_fail():
    assert step(S.RUNNING, In.STOP).orders == (Do.TELL, Do.ARM_STOPWAIT, Do.SEND_STOP)


def test_the_figure_shows_every_row():
    drawn = figure()
    assert drawn.startswith("digraph") and drawn.endswith("}\n")
    for (state, what), row in STEPS.items():
        edge = f"{getProcessStateDescription(state)} -> {getProcessStateDescription(row.to)} "
        line = next(line for line in drawn.splitlines() if edge in line)
        assert what.value in line
