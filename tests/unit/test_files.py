"""Which files that are there already are taken for ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from supervisor.engine.files import open_ours
from supervisor.engine.system import System

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")

SOMEBODY, OTHER = 12345, 12346


@pytest.mark.parametrize(("folder_owner", "folder_mode", "owner", "names", "refusal"), [
    (0, 0o755, 0, 2, None),                                # nobody else could have made the second one
    (0, 0o755, SOMEBODY, 2, None),
    (0, 0o777, 0, 2, errno.EMLINK),
    (0, 0o1777, 0, 2, errno.EMLINK),
    (0, 0o775, 0, 2, errno.EMLINK),
    (SOMEBODY, 0o755, 0, 2, errno.EMLINK),
    (SOMEBODY, 0o755, OTHER, 2, errno.EMLINK),
    (SOMEBODY, 0o755, SOMEBODY, 2, None),                  # of their own in a folder of their own
    (0, 0o1777, 0, 1, None),
    (0, 0o1777, SOMEBODY, 1, errno.EPERM),
    (SOMEBODY, 0o1777, SOMEBODY, 1, None),
    (0, 0o777, SOMEBODY, 1, None),                         # not sticky: the same rule as the kernel's
    (0, 0o775, SOMEBODY, 1, None),
    (SOMEBODY, 0o755, OTHER, 1, None),
])
def test_whose_file_where(
    tmp_path: Path, folder_owner: int, folder_mode: int, owner: int, names: int, refusal: int | None
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "file"
    path.write_text("")
    if names > 1:
        os.link(path, tmp_path / "second name")
    os.chown(path, owner, 0)
    os.chown(folder, folder_owner, 0)
    folder.chmod(folder_mode)
    before = len(os.listdir("/proc/self/fd"))
    if refusal is None:
        os.close(open_ours(System(), str(path), os.O_WRONLY | os.O_CREAT))
    else:
        with pytest.raises(OSError, match="not using a file") as error:
            open_ours(System(), str(path), os.O_WRONLY | os.O_CREAT)
        assert error.value.errno == refusal
    assert len(os.listdir("/proc/self/fd")) == before


class ProtectedLinks(System):
    """As with fs.protected_symlinks=1: such a link is followed on the way to something, but not at its end."""

    @staticmethod
    def stat(path: str) -> os.stat_result:
        if os.path.islink(path) and os.lstat(path).st_uid == SOMEBODY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return os.stat(path)


@pytest.mark.parametrize("system", [System(), ProtectedLinks()], ids=["any kernel", "protected links"])
def test_what_is_behind_a_planted_link_is_not_opened(tmp_path: Path, system: System) -> None:
    """Nor a link of ours that lies there followed."""
    shared, ours = tmp_path / "shared", tmp_path / "ours"
    shared.mkdir()
    shared.chmod(0o1777)
    ours.mkdir()
    (ours / "file").symlink_to(tmp_path / "target")
    (shared / "way").symlink_to(ours)
    os.lchown(shared / "way", SOMEBODY, SOMEBODY)
    with pytest.raises(OSError, match=f"not following a link that user id {SOMEBODY} put there"):
        open_ours(system, str(shared / "way" / "file"), os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match=f"not following a link that user id {SOMEBODY} put there"):
        open_ours(system, str(shared / "way" / "new"), os.O_WRONLY | os.O_CREAT)
    assert os.listdir(ours) == ["file"] and not (tmp_path / "target").exists()
