from __future__ import annotations

import pwd
from typing import Any

import pytest

from supervisor.engine.privileges import PrivilegeError, drop_privileges
from tests.fakes import FakeSystem


def bob() -> pwd.struct_passwd:
    """Made anew each time: one that lives until the interpreter ends makes some versions of it complain."""
    return pwd.struct_passwd(("bob", "x", 501, 20, "", "/home/bob", "/bin/sh"))


class UserSystem(FakeSystem):
    def __init__(self, uid: int = 0) -> None:
        super().__init__()
        self.uid = uid

    def getuid(self) -> int:
        return self.uid

    def getpwnam(self, name: str) -> pwd.struct_passwd:
        if name != "bob":
            raise KeyError(name)
        return bob()

    def getpwuid(self, uid: int) -> pwd.struct_passwd:
        if uid != 501:
            raise KeyError(uid)
        return bob()

    def getgrouplist(self, user: str, gid: int) -> list[int]:
        return [30, gid, 40]

    def setgroups(self, groups: Any) -> None:
        self.record("setgroups", groups)

    def setgid(self, gid: int) -> None:
        self.record("setgid", gid)

    def setuid(self, uid: int) -> None:
        self.record("setuid", uid)


@pytest.mark.parametrize("user", ["bob", 501, "501"])
def test_groups_then_group_then_user(user: int | str) -> None:
    system = UserSystem()
    assert drop_privileges(system, user) == 501
    assert system.calls == [("setgroups", [20, 30, 40]), ("setgid", 20), ("setuid", 501)]


def test_nothing_to_do_for_who_we_are_already() -> None:
    system = UserSystem(uid=501)
    assert drop_privileges(system, "bob") is None
    assert system.calls == []


@pytest.mark.parametrize(
    ("uid", "user", "failing", "text"),
    [
        (0, "eve", None, "Can't find username 'eve'"),
        (0, 77, None, "Can't find uid 77"),
        (1, "bob", None, "Can't drop privilege as nonroot user"),
        (0, "bob", "setgroups", "Could not set groups of effective user"),
        (0, "bob", "setgid", "Could not set group id of effective user"),
    ],
)
def test_refusals(uid: int, user: int | str, failing: str | None, text: str) -> None:
    system = UserSystem(uid)
    if failing:
        system.fail(failing, PermissionError(1, "no"))
    with pytest.raises(PrivilegeError, match=text):
        drop_privileges(system, user)
    assert not system.called("setuid")
