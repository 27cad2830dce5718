"""Becoming another user, completely and for good.

Promise: user, group and supplementary groups are all changed or an error says which could not be.
Knows not who asks: the daemon itself or a child about to run its program.
"""

from __future__ import annotations

import pwd

from supervisor.engine.system import System

__all__ = ["PrivilegeError", "drop_privileges"]


class PrivilegeError(Exception):
    """The text is meant for people."""


def drop_privileges(system: System, user: int | str) -> int | None:
    """Become user (name or number). The uid, or None when that is who we are already and nothing was done."""
    entry = _look_up(system, user)
    current = system.getuid()
    if current == entry.pw_uid:
        return None
    if current != 0:
        raise PrivilegeError("Can't drop privilege as nonroot user")
    groups = system.getgrouplist(entry.pw_name, entry.pw_gid)
    # The primary group first; the order means nothing to the kernel but is what `id` shows.
    groups = [entry.pw_gid, *(gid for gid in groups if gid != entry.pw_gid)]
    try:
        system.setgroups(groups)
    except OSError:
        raise PrivilegeError("Could not set groups of effective user")
    try:
        system.setgid(entry.pw_gid)
    except OSError:
        raise PrivilegeError("Could not set group id of effective user")
    # As root this sets the real, effective and saved id, and the kernel clears every capability.
    system.setuid(entry.pw_uid)
    return entry.pw_uid


def _look_up(system: System, user: int | str) -> pwd.struct_passwd:
    try:
        uid = int(user)
    except ValueError:
        try:
            return system.getpwnam(str(user))
        except KeyError:
            raise PrivilegeError(f"Can't find username {user!r}")
    try:
        return system.getpwuid(uid)
    except (KeyError, OverflowError):
        raise PrivilegeError(f"Can't find uid {uid!r}")
