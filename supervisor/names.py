"""Names of processes as people write them: ``name``, ``group:name``, ``group:*``.

Pure text, no look-up: whether such a process exists is for others to say.
"""

from __future__ import annotations

__all__ = ["make_namespec", "split_namespec"]


def make_namespec(group_name: str, process_name: str) -> str:
    """``name`` when group and process are called the same, else ``group:name``."""
    return process_name if group_name == process_name else f"{group_name}:{process_name}"


def split_namespec(namespec: str) -> tuple[str, str | None]:
    """(group, process) of a namespec, split at its first colon; process None means the whole group.

    >>> split_namespec("cat"), split_namespec("web:1"), split_namespec("web:*"), split_namespec("web:")
    (('cat', 'cat'), ('web', '1'), ('web', None), ('web', None))
    """
    group, colon, process = namespec.partition(":")
    if not colon:
        return group, group
    return group, None if process in ("", "*") else process
