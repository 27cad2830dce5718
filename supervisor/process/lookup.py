"""Finding a process by the name that a call, a page or an address gives.

Promise: any text is answered. Must not know what is done with the process.
"""

from __future__ import annotations

from supervisor.hints import Any
from supervisor.names import split_namespec

__all__ = ["find_process"]


def find_process(supervisord: Any, namespec: str) -> tuple[Any, Any]:
    """(group, process); (group, None) when a whole group is meant, (None, None) when there is nothing of that name."""
    group_name, process_name = split_namespec(namespec)
    group = supervisord.process_groups.get(group_name)
    if group is None or process_name is None:
        return group, None
    process = group.processes.get(process_name)
    return (None, None) if process is None else (group, process)
