"""Tickers, the watch over names, and leftovers of an earlier daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.engine import namewatch
from supervisor.engine.clock import Clock
from supervisor.engine.leftovers import Leftover, leftovers, living_groups
from supervisor.engine.loop import Loop
from supervisor.engine.namewatch import NameWatch
from supervisor.engine.system import System
from supervisor.engine.ticker import Ticker, timeslice
from supervisor.poller import Poller
from tests.fakes import FakeLog, fake_loop


@given(st.integers(1, 10000), st.floats(0, 1e10))
def test_timeslice_is_the_multiple_below(period: int, when: float) -> None:
    got = timeslice(period, when)
    assert got % period == 0
    assert got <= when < got + period


def test_ticks_come_on_the_boundary() -> None:
    loop, poller, clock, _ = fake_loop()
    clock.set_wall(1003.25)
    seen: list[tuple[int, float]] = []
    ticker = Ticker(loop, 5, lambda when: seen.append((when, clock.wall())))
    ticker.start()
    for _ in range(3):
        loop.turn()
    assert seen == [(1005, 1005.0), (1010, 1010.0), (1015, 1015.0)]
    assert poller.waits == [1.75, 5, 5]
    ticker.stop()
    loop.turn()
    assert poller.waits[-1] is None


def test_long_periods_look_at_the_wall_clock_now_and_then() -> None:
    loop, poller, clock, _ = fake_loop()
    clock.set_wall(3600.0)
    seen: list[int] = []
    ticker = Ticker(loop, 3600, seen.append)
    ticker.start()
    loop.turn()
    assert seen == []
    clock.set_wall(7190.0)
    loop.turn()
    loop.turn()
    assert seen == [7200]
    assert max(wait or 0 for wait in poller.waits) <= 60


@given(st.lists(st.floats(-1e5, 1e5), max_size=8))
def test_a_clock_that_is_set_makes_no_burst(jumps: list[float]) -> None:
    loop, _, clock, _ = fake_loop()
    clock.set_wall(1e6)
    seen: list[int] = []
    ticker = Ticker(loop, 5, seen.append)
    ticker.start()
    for jump in jumps:
        clock.set_wall(max(0.0, clock.wall() + jump))
        before = len(seen)
        loop.turn()
        assert len(seen) - before <= 1
    assert all(when % 5 == 0 for when in seen)


def test_a_small_step_back_repeats_no_tick() -> None:
    loop, _, clock, _ = fake_loop()
    clock.set_wall(1004.0)
    seen: list[int] = []
    Ticker(loop, 5, seen.append).start()
    loop.turn()
    clock.set_wall(1004.5)
    loop.turn()
    loop.turn()
    assert seen == [1005, 1010]


@pytest.fixture
def real_loop() -> Loop:
    return Loop(Poller(), Clock(), FakeLog())


def until(loop: Loop, found: list[str]) -> None:
    deadline = loop.clock.now() + 10
    while not found and loop.clock.now() < deadline:
        loop.turn(longest=1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
@pytest.mark.parametrize("how", ["unlink", "rename", "replace", "folder", "move", "move all"])
def test_a_swept_name_is_noticed(tmp_path: Path, real_loop: Loop, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(namewatch, "_SETTLE", 0.001)
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    path = folder / "name"
    path.write_text("")
    lost: list[str] = []
    watch = NameWatch(real_loop, System(), lost.append)
    watch.watch(str(path))
    neighbour = folder / "neighbour"
    neighbour.write_text("")
    neighbour.unlink()
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside").rename(tmp_path / "besides")
    real_loop.turn(longest=0)
    assert lost == []
    if how == "unlink":
        path.unlink()
    elif how == "rename":
        path.rename(folder / "other")
    elif how == "replace":
        (folder / "other").write_text("")
        (folder / "other").rename(path)
    elif how == "move":
        folder.rename(tmp_path / "moved")
    elif how == "move all":
        folder.parent.rename(tmp_path / "moved")
    else:
        path.unlink()
        folder.rmdir()
    until(real_loop, lost)
    assert lost == [str(path)]
    watch.close()
    real_loop.poller.close()


def test_without_notification_one_look_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namewatch, "_inotify_init", lambda: -1)
    loop, poller, _, _ = fake_loop()
    path = tmp_path / "name"
    path.write_text("")
    lost: list[str] = []

    def restore(gone: str) -> None:
        lost.append(gone)
        path.write_text("")
        watch.watch(gone)

    watch = NameWatch(loop, System(), restore)
    watch.watch(str(path))
    loop.turn()
    assert (poller.waits, lost) == ([60], [])
    path.unlink()
    loop.turn()
    assert lost == [str(path)]
    loop.turn()
    assert (poller.waits, len(lost)) == ([60, 60, 60], 1)
    watch.close()
    loop.turn()
    assert poller.waits[-1] is None


def test_what_cannot_be_restored_is_tried_ever_more_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namewatch, "_inotify_init", lambda: -1)
    loop, poller, _, _ = fake_loop()
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "name"
    path.write_text("")
    tries: list[str] = []

    def restore(gone: str) -> None:
        tries.append(gone)
        if folder.exists():
            path.write_text("")
            watch.watch(gone)

    watch = NameWatch(loop, System(), restore)
    watch.watch(str(path))
    path.unlink()
    folder.rmdir()
    for _ in range(10):
        loop.turn()
    assert poller.waits == [60, 1, 2, 4, 5, 5, 5, 5, 5, 5]
    folder.mkdir()
    loop.turn()
    assert len(tries) == 11 and path.exists()
    loop.turn()
    loop.turn()
    assert (poller.waits[-1], len(tries)) == (60, 11)
    path.unlink()
    folder.rmdir()
    for _ in range(3):
        loop.turn()
    assert poller.waits[-2:] == [1, 2]
    watch.close()


def process(proc: Path, pid: int, ppid: int, **variables: str) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (odd ) name) S {ppid} 1 1")
    (folder / "environ").write_text("".join(f"{name}={value}\0" for name, value in variables.items()))


def child(url: str = "unix:///s", name: str = "cat", group: str = "cat") -> dict[str, str]:
    variables = {"PATH": "/bin", "SUPERVISOR_ENABLED": "1"}
    variables |= {"SUPERVISOR_PROCESS_NAME": name, "SUPERVISOR_GROUP_NAME": group}
    return variables | ({"SUPERVISOR_SERVER_URL": url} if url else {})


def test_leftovers_are_found_by_the_url_they_were_given(tmp_path: Path) -> None:
    process(tmp_path, os.getpid(), 50, **child())
    process(tmp_path, 50, 1, **child())
    process(tmp_path, 60, 1, **child())
    process(tmp_path, 61, 60, **child(name="helper"))
    process(tmp_path, 62, 1, **child(url="unix:///another"))
    process(tmp_path, 63, 1, PATH="/bin")
    (tmp_path / "64").mkdir()
    (tmp_path / "meminfo").write_text("")
    assert leftovers(System(), "unix:///s", (), str(tmp_path)) == [
        Leftover(60, "cat", "cat"),
        Leftover(61, "cat", "helper"),
    ]


def test_without_a_url_orphans_of_known_names_count(tmp_path: Path) -> None:
    process(tmp_path, 60, 1, **child(url=""))
    process(tmp_path, 61, 77, **child(url=""))
    process(tmp_path, 62, 1, **child(url="", name="other"))
    assert leftovers(System(), None, [("cat", "cat")], str(tmp_path)) == [Leftover(60, "cat", "cat")]


def test_a_group_lives_while_one_of_it_is_no_zombie(tmp_path: Path) -> None:
    for pid, state, group in ((60, "Z", 50), (61, "S", 51), (62, "Z", 51), (63, "R", 53)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) b) {state} 1 {group} 0")
    assert living_groups(System(), {50, 51, 52}, str(tmp_path)) == {51}
    assert living_groups(System(), {50, 51}, str(tmp_path / "none")) == {50, 51}


def test_no_proc_no_leftovers(tmp_path: Path) -> None:
    assert leftovers(System(), "unix:///s", (), str(tmp_path / "none")) == []
