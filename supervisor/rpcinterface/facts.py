"""What is known of one process: as a struct for plugins, as the XML of that struct, and as what a list shows of it.

Promise: the same members for every process; a thousand take a few milliseconds. Must not know who asks.
"""

from __future__ import annotations

import time
from functools import lru_cache

from supervisor.hints import Any
from supervisor.rpcinterface.base import by_name
from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.xmlrpc.codec import dump_value, is_plain, safe_text
from supervisor.xmlrpc.values import INT_MAX, capped_int

__all__ = ["Brief", "Facts", "all_process_briefs", "as_struct", "as_xml", "describe", "process_brief", "process_facts"]

# Group, name, state, start, description, and whether there is a failure to be looked into.
Brief = tuple[str, str, int, int, str, bool]

# The values of a process's struct, in this order.
Facts = tuple[str, str, int, int, int, int, str, str, int, str, str, str, int, str]
_MEMBERS = (
    "name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus", "logfile",
    "stdout_logfile", "stderr_logfile", "pid", "description",
)


def process_facts(group_name: str, process: Any, now: float) -> Facts:
    """All that a struct tells of a process at this second."""
    config = process.config
    name = config.name
    state = process.get_state()
    start, stop, now = int(process.laststart), int(process.laststop), int(now)
    if not (0 <= start <= INT_MAX and 0 <= stop <= INT_MAX and 0 <= now <= INT_MAX):
        start, stop, now = capped_int(start), capped_int(stop), capped_int(now)
    spawnerr = process.spawnerr or ""
    pid = process.pid
    stdout, stderr = config.stdout_logfile, config.stderr_logfile
    if type(stdout) is not str:
        stdout = ""
    return (
        name, group_name, start, stop, now, state, getProcessStateDescription(state) or "", spawnerr,
        process.exitstatus or 0, stdout, stdout, stderr if type(stderr) is str else "", pid,
        describe(name, state, pid, start, stop, now, spawnerr),
    )


def as_struct(facts: Facts) -> dict[str, Any]:
    """The struct of a process."""
    return dict(zip(_MEMBERS, facts, strict=True))


def as_xml(facts: Facts) -> str:
    """The XML of the struct of a process.

    Nothing of it is kept: what lies between texts that come and go would keep their memory from being given back.
    """
    name, group, start, stop, now, state, statename, spawnerr, status, log, stdout, stderr, pid, description = facts
    try:
        texts = "".join((name, group, statename, spawnerr, log, stdout, stderr, description))
    except TypeError:  # a plugin has put something else there
        return dump_value(as_struct(facts)).text()
    if not type(state) is type(status) is type(pid) is int:
        return dump_value(as_struct(facts)).text()
    if not is_plain(texts):
        name, group, statename, spawnerr, log, stdout, stderr, description = map(
            safe_text, (name, group, statename, spawnerr, log, stdout, stderr, description))
    return (
        "<value><struct>\n"
        f"<member>\n<name>name</name>\n<value><string>{name}</string></value>\n</member>\n"
        f"<member>\n<name>group</name>\n<value><string>{group}</string></value>\n</member>\n"
        f"<member>\n<name>start</name>\n<value><int>{start}</int></value>\n</member>\n"
        f"<member>\n<name>stop</name>\n<value><int>{stop}</int></value>\n</member>\n"
        f"<member>\n<name>now</name>\n<value><int>{now}</int></value>\n</member>\n"
        f"<member>\n<name>state</name>\n<value><int>{state}</int></value>\n</member>\n"
        f"<member>\n<name>statename</name>\n<value><string>{statename}</string></value>\n</member>\n"
        f"<member>\n<name>spawnerr</name>\n<value><string>{spawnerr}</string></value>\n</member>\n"
        f"<member>\n<name>exitstatus</name>\n<value><int>{status}</int></value>\n</member>\n"
        f"<member>\n<name>logfile</name>\n<value><string>{log}</string></value>\n</member>\n"
        f"<member>\n<name>stdout_logfile</name>\n<value><string>{stdout}</string></value>\n</member>\n"
        f"<member>\n<name>stderr_logfile</name>\n<value><string>{stderr}</string></value>\n</member>\n"
        f"<member>\n<name>pid</name>\n<value><int>{pid}</int></value>\n</member>\n"
        f"<member>\n<name>description</name>\n<value><string>{description}</string></value>\n</member>\n"
        "</struct></value>"
    )


def all_process_briefs(supervisord: Any) -> list[Brief]:
    """What a list shows of all processes, by group and name."""
    now = supervisord.loop.clock.wall()
    return [process_brief(group.config.name, process, now) for group, process in by_name(supervisord)]


def process_brief(group_name: str, process: Any, now: float) -> Brief:
    """What a list shows of one process."""
    name, group, start, _, _, state, _, spawnerr, *_, description = process_facts(group_name, process, now)
    return group, name, state, start, description, bool(spawnerr)


def describe(name: str, state: int, pid: int, start: float, stop: float, now: float, spawnerr: str) -> str:
    """One phrase about a process, for people. Plugins bring times with fractions."""
    if state == ProcessStates.RUNNING:
        return f"pid {pid}, uptime {_uptime(int(now - start))}"
    if state in (ProcessStates.FATAL, ProcessStates.BACKOFF):
        return spawnerr or f'unknown error (try "tail {name}")'
    if state in (ProcessStates.STOPPED, ProcessStates.EXITED):
        return _local(stop) if start else "Not started"
    return ""


@lru_cache(maxsize=1024)
def _uptime(seconds: int) -> str:
    seconds = max(seconds, 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} day{'s' if days > 1 else ''}, {hours}:{minutes:02d}:{seconds:02d}"


@lru_cache(maxsize=1024)
def _local(moment: float) -> str:
    return time.strftime("%b %d %I:%M %p", time.localtime(moment))
