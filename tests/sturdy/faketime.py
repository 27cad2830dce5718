"""A wall clock that jumps, for daemons of tests; the monotonic one goes on as always."""

from __future__ import annotations

import pathlib

LIBRARY = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def environment(folder: pathlib.Path) -> dict[str, str]:
    """For processes whose clock is as far ahead as jump said last."""
    jump(folder, 0)
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(folder / "offset"),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def jump(folder: pathlib.Path, days: int) -> None:
    """From now on the time is so many days ahead of the real one."""
    # In one piece: a child may read it at any moment.
    (folder / "offset.new").write_text(f"{days:+d}d")
    (folder / "offset.new").rename(folder / "offset")
