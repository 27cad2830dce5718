"""Whatever happened to a good configuration: it is read, or refused in words."""

from __future__ import annotations

import pathlib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.config.problems import ConfigError
from supervisor.options import ServerOptions
from tests.config_mutations import GOOD, mutated

QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def written(folder: pathlib.Path, text: str) -> str:
    path = folder / "s.conf"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return str(path)


def test_the_good_one_is_good(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ServerOptions()
    options.realize(["-c", written(tmp_path, GOOD)])
    assert [group.name for group in options.process_group_configs] == ["l", "g", "f"]
    assert capsys.readouterr().err == ""


@QUICK
@given(st.integers(0, 2**32))
def test_a_start_reads_it_or_says_what_is_wrong(
        tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    options = ServerOptions()
    path = written(tmp_path, mutated(GOOD, random.Random(seed)))
    try:
        options.realize(["-c", path], progname="supervisord")
    except SystemExit as end:
        assert end.code == 2
        said = capsys.readouterr().err
        assert said.startswith("Error: ") and said.endswith("For help, use supervisord -h\n")
        assert "s.conf" in said
    else:
        assert all(line.startswith("Warning: ") for line in capsys.readouterr().err.splitlines())
        assert all(config.command is not None for group in options.process_group_configs
                   for config in group.process_configs)


@QUICK
@given(st.integers(0, 2**32))
def test_a_reread_takes_it_or_changes_nothing(tmp_path: pathlib.Path, seed: int) -> None:
    options = ServerOptions()
    options.realize(["-c", written(tmp_path, GOOD)])
    before = options.process_group_configs
    written(tmp_path, mutated(GOOD, random.Random(seed)))
    for reading in (options.groups_now, options.reread, lambda: options.process_config(do_usage=False)):
        try:
            reading()
        except ConfigError as e:
            assert str(e)
            assert options.process_group_configs is before
