"""What the garbage collector is told about the start."""

from __future__ import annotations

import gc
import weakref

from supervisor.engine.settled import break_up, settle_down


class Knot:
    """Garbage that counting references does not find."""

    def __init__(self) -> None:
        self.self = self


def test_garbage_goes_and_the_rest_is_left_alone():
    kept, gone = Knot(), Knot()
    seen = weakref.ref(gone)
    del gone
    try:
        settle_down()
        assert seen() is None and gc.get_freeze_count() > 0
        assert not any(kept is each for each in gc.get_objects())
        late = weakref.ref(Knot())
        gc.collect()
        assert late() is None
    finally:
        gc.unfreeze()


def test_what_a_run_left_is_collected_when_it_is_over():
    knot = Knot()
    seen = weakref.ref(knot)
    try:
        settle_down()
        del knot
        gc.collect()
        assert seen() is not None
        break_up()
        gc.collect()
        assert seen() is None
    finally:
        gc.unfreeze()
