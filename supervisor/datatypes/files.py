"""Converters that ask the system: folders, users and groups have to exist.

Must not know: what the files are for.
"""

from __future__ import annotations

import grp
import os
import pwd

from supervisor.datatypes.words import LOGFILE_AUTOS, LOGFILE_NONES, LOGFILE_SYSLOGS, Automatic, Syslog
from supervisor.hints import Any


def existing_directory(v: str) -> str:
    """A folder, ``~`` expanded."""
    path = os.path.expanduser(v)
    if os.path.isdir(path):
        return path
    raise ValueError(f"{v} is not an existing directory")


def existing_dirpath(v: str) -> str:
    """A path whose folder exists, ``~`` expanded; it stays relative when written so."""
    path = os.path.expanduser(v)
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise ValueError(f"The directory named as part of the path {v} does not exist")
    return path


def logfile_name(val: Any) -> Any:
    """Where output goes: None for nowhere, Automatic, Syslog, or a path."""
    lowered = val.lower() if hasattr(val, "lower") else val
    if lowered in LOGFILE_NONES:
        return None
    if lowered in LOGFILE_AUTOS:
        return Automatic
    if lowered in LOGFILE_SYSLOGS:
        return Syslog
    return existing_dirpath(val)


def name_to_uid(name: str) -> int:
    """The number of an existing user, given by name or number."""
    try:
        uid = int(name)
    except ValueError:
        try:
            return pwd.getpwnam(name).pw_uid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid user name {name}")
    try:
        pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid user id {name}")
    return uid


def name_to_gid(name: str) -> int:
    """The number of an existing group, given by name or number."""
    try:
        gid = int(name)
    except ValueError:
        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid group name {name}")
    try:
        grp.getgrgid(gid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid group id {name}")
    return gid


def gid_for_uid(uid: int) -> int:
    """The primary group of a user."""
    return pwd.getpwuid(uid).pw_gid


def colon_separated_user_group(arg: str) -> tuple[int, int]:
    """(uid, gid) of ``user`` or ``user:group``; gid -1 stands for unchanged."""
    user, *rest = arg.split(":")
    try:
        if len(rest) > 1:
            raise ValueError
        return name_to_uid(user), name_to_gid(rest[0]) if rest else -1
    except ValueError:
        raise ValueError(f"Invalid user:group definition {arg}")
