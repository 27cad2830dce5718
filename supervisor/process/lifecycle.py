"""The life of a process as a table: (state, what happened or is wished) -> (next state, orders).

Promise: pure - no clock, no operating system, no log; a pair that cannot be is an error that names both.
Must not know what judged the inputs or who carries out the orders.
"""

from __future__ import annotations

from collections import namedtuple
from enum import Enum

from supervisor.states import ProcessStates, getProcessStateDescription

__all__ = ["Do", "Impossible", "In", "STEPS", "Step", "figure", "step"]

_S = ProcessStates


class In(Enum):
    """What happened, already judged against startsecs, startretries and exitcodes, or what is wished."""

    START = "start"
    SPAWNED = "spawned"
    SPAWN_FAILED = "spawn failed"
    STAYED_UP = "stayed up for startsecs"
    DIED_EARLY = "died within startsecs"
    RETRIES_SPENT = "no retries left"
    EXITED = "exited"
    CALLED_OFF = "called off"
    STOP = "stop"
    STOP_OVERDUE = "stopwaitsecs over"
    SIGNAL_FAILED = "signal failed"

    # By identity: what Enum has for it is Python code, and the table is looked up at each step.
    __hash__ = object.__hash__


class Do(Enum):
    """What has to be done, in the order of the row. TELL takes the new state and announces it."""

    TELL = "tell"
    COUNT_FAILURE = "count the failure"
    FORGET_FAILURES = "forget failures"
    SPAWN = "spawn"
    SEND_STOP = "send the signal"
    SEND_KILL = "send SIGKILL"
    ARM_STARTSECS = "wait startsecs"
    ARM_BACKOFF = "wait longer each time"
    ARM_RESTART = "restart if wanted"
    ARM_STOPWAIT = "wait stopwaitsecs"
    ARM_KILLWAIT = "wait stopwaitsecs, a second at least"
    BURY = "forget the pid, close its pipes"
    DISARM = "wait no more"

    __hash__ = object.__hash__


class Step(namedtuple("Step", "to orders")):
    """One row's right side."""

    __slots__ = ()

    to: int
    orders: tuple[Do, ...]


class Impossible(AssertionError):
    """There is no such row."""


_spawn = Step(_S.STARTING, (Do.DISARM, Do.TELL, Do.SPAWN))
_stop = Step(_S.STOPPING, (Do.TELL, Do.ARM_STOPWAIT, Do.SEND_STOP))
_lost = Step(_S.UNKNOWN, (Do.DISARM, Do.TELL))
_dead = Step(_S.STOPPED, (Do.DISARM, Do.TELL, Do.BURY))
_held = Step(_S.STOPPED, (Do.DISARM, Do.TELL))

STEPS: dict[tuple[int, In], Step] = {
    (_S.STOPPED, In.START): _spawn,
    (_S.EXITED, In.START): _spawn,
    (_S.FATAL, In.START): _spawn,
    (_S.BACKOFF, In.START): _spawn,
    (_S.STARTING, In.SPAWNED): Step(_S.STARTING, (Do.ARM_STARTSECS,)),
    (_S.STARTING, In.SPAWN_FAILED): Step(_S.BACKOFF, (Do.COUNT_FAILURE, Do.TELL, Do.ARM_BACKOFF)),
    (_S.STARTING, In.DIED_EARLY): Step(_S.BACKOFF, (Do.COUNT_FAILURE, Do.TELL, Do.BURY, Do.ARM_BACKOFF)),
    # By a subscriber of the very event that says STARTING: there is no child yet.
    (_S.STARTING, In.CALLED_OFF): _held,
    (_S.STARTING, In.STAYED_UP): Step(_S.RUNNING, (Do.DISARM, Do.FORGET_FAILURES, Do.TELL)),
    (_S.STARTING, In.STOP): _stop,
    (_S.STARTING, In.SIGNAL_FAILED): _lost,
    (_S.RUNNING, In.EXITED): Step(_S.EXITED, (Do.FORGET_FAILURES, Do.TELL, Do.BURY, Do.ARM_RESTART)),
    (_S.RUNNING, In.STOP): _stop,
    (_S.RUNNING, In.SIGNAL_FAILED): _lost,
    (_S.BACKOFF, In.STOP): Step(_S.STOPPED, (Do.DISARM, Do.FORGET_FAILURES, Do.TELL)),
    (_S.BACKOFF, In.RETRIES_SPENT): Step(_S.FATAL, (Do.DISARM, Do.FORGET_FAILURES, Do.TELL)),
    (_S.STOPPING, In.STOP): Step(_S.STOPPING, (Do.SEND_STOP,)),
    (_S.STOPPING, In.STOP_OVERDUE): Step(_S.STOPPING, (Do.ARM_KILLWAIT, Do.SEND_KILL)),
    (_S.STOPPING, In.EXITED): _dead,
    (_S.STOPPING, In.SIGNAL_FAILED): _lost,
    # Only while the restart of an exited program is due, or its first start: it is held down then.
    (_S.EXITED, In.STOP): _held,
    (_S.STOPPED, In.STOP): Step(_S.STOPPED, (Do.DISARM,)),
    # It could not be signalled, but its end is seen all the same.
    (_S.UNKNOWN, In.EXITED): _dead,
}


def step(state: int, what: In) -> Step:
    """The row for this pair."""
    found = STEPS.get((state, what))
    if found is None:
        raise Impossible(f"{getProcessStateDescription(state) or state} does not know {what.name}")
    return found


def figure() -> str:
    """The table as a drawing in Graphviz' language."""
    labels: dict[tuple[int, int], list[str]] = {}
    for (state, what), row in STEPS.items():
        labels.setdefault((state, row.to), []).append(what.value)
    lines = ["digraph lifecycle {", "    rankdir=LR;", "    node [shape=box, style=rounded];"]
    for (state, to), words in labels.items():
        names = getProcessStateDescription(state), getProcessStateDescription(to)
        lines.append('    {} -> {} [label="{}"];'.format(*names, "\\n".join(words)))
    lines.append("}")
    return "\n".join(lines) + "\n"
