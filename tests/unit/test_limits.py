from __future__ import annotations

import resource

import pytest

from supervisor.engine.limits import LimitError, require_limits
from tests.fakes import FakeSystem

INFINITY = resource.RLIM_INFINITY


class LimitedSystem(FakeSystem):
    def __init__(self, files: tuple[int, int], processes: tuple[int, int] = (INFINITY, INFINITY)) -> None:
        super().__init__()
        self.limits = {resource.RLIMIT_NOFILE: files, resource.RLIMIT_NPROC: processes}

    def getrlimit(self, which: int) -> tuple[int, int]:
        return self.limits[which]

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        self.record("setrlimit", limits)
        self.limits[which] = limits


def test_enough_is_left_alone() -> None:
    assert require_limits(LimitedSystem((1024, 4096), (200, 200)), 1024, 200) == []


def test_the_soft_limit_is_raised_within_the_hard_one() -> None:
    system = LimitedSystem((256, 4096), (100, INFINITY))
    assert require_limits(system, 1024, 200) == [
        "Increased RLIMIT_NOFILE limit to 1024",
        "Increased RLIMIT_NPROC limit to 200",
    ]
    assert system.called("setrlimit") == [((1024, 4096),), ((200, INFINITY),)]


def test_the_hard_limit_is_raised_where_permitted() -> None:
    system = LimitedSystem((256, 512))
    require_limits(system, 1024, 200)
    assert system.called("setrlimit") == [((1024, 1024),)]


def test_a_refusal_tells_both_numbers() -> None:
    system = LimitedSystem((256, 512))
    system.fail("setrlimit", PermissionError(1, "no"))
    with pytest.raises(LimitError) as refused:
        require_limits(system, 1024, 200)
    assert str(refused.value) == (
        "The minimum number of file descriptors required to run this process is 1024 as per the "
        '"minfds" command-line argument or config file setting. The current environment will only allow you to open '
        "512 file descriptors.  Either raise the number of usable file descriptors in your environment (see "
        "README.rst) or lower the minfds setting in the config file to allow the process to start."
    )


def test_processes_are_called_by_their_own_words() -> None:
    system = LimitedSystem((INFINITY, INFINITY), (10, 10))
    system.fail("setrlimit", PermissionError(1, "no"))
    with pytest.raises(LimitError) as refused:
        require_limits(system, 1024, 200)
    assert str(refused.value) == (
        "The minimum number of available processes required to run this program is 200 as per the "
        '"minprocs" command-line argument or config file setting. The current environment will only allow you to open '
        "10 processes.  Either raise the number of usable processes in your environment (see README.rst) or lower "
        "the minprocs setting in the config file to allow the program to start."
    )
