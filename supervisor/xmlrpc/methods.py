"""The methods of the built-in namespaces: one row per method, with its types, parameters and help.

Promise: listMethods, methodSignature, methodHelp and the reference page say what these rows say. A row holds the name
of an attribute and never the function, because plugins replace methods. It must not know how a method works.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Mapping

__all__ = ["METHODS", "Method", "Parameter", "gettags"]


class Parameter(namedtuple("Parameter", "type name text optional", defaults=(False,))):
    """A value with its XML-RPC type, as documentation has it."""

    __slots__ = ()

    type: str
    name: str
    text: str
    optional: bool


class Method(namedtuple("Method", "help result parameters", defaults=((),))):
    """One method: what it is for, what it takes, what it gives."""

    __slots__ = ()

    help: str
    result: Parameter
    parameters: tuple[Parameter, ...]

    @property
    def signature(self) -> list[str]:
        """The type of the result, then those of the parameters."""
        return [self.result.type, *(parameter.type for parameter in self.parameters)]

    @property
    def documentation(self) -> str:
        """The help, then a line ``@param TYPE NAME TEXT`` for each parameter and one ``@return TYPE NAME TEXT``."""
        lines = [self.help, ""]
        lines += [f"@param {p.type} {p.name} {p.text}" for p in self.parameters]
        lines.append(f"@return {self.result.type} {self.result.name} {self.result.text}")
        return "\n".join(lines)


_NAME = Parameter("string", "name", "The process: name, or group:name")
_TARGET = Parameter("string", "name", "The process: name, or group:name; group:* means all of a group")
_GROUP = Parameter("string", "name", "The group")
_WAIT = Parameter("boolean", "wait", "Answer only when it is done", optional=True)
_SIGNAL = Parameter("string", "signal", "Name or number of the signal")
_OFFSET = Parameter("int", "offset", "Where to begin, in bytes; negative: that many from the end")
_LENGTH = Parameter("int", "length", "How many bytes; 0: to the end")
_TAIL_OFFSET = Parameter("int", "offset", "Where the caller has read to, in bytes")
_TAIL_LENGTH = Parameter("int", "length", "How many bytes at most")
_TRUE = Parameter("boolean", "result", "Always true unless it is a fault")
_TEXT = Parameter("string", "result", "The text")
_EACH = Parameter("array", "result", "For each process a struct of name, group, status and description")
_TAIL = Parameter("array", "result", "The text, the size of the log, and whether something was left out")

_READ = (_NAME, _OFFSET, _LENGTH)
_FOLLOW = (_NAME, _TAIL_OFFSET, _TAIL_LENGTH)

_get_version = Method("The version of this interface.", Parameter("string", "version", "Version of the interface"))
_read_log = Method("Read from the activity log of the daemon.", _TEXT, (_OFFSET, _LENGTH))
_read_stdout = Method("Read from the standard output log of a process.", _TEXT, _READ)
_tail_stdout = Method(
    "Read the end of the standard output log of a process; made for asking again with the size that came back.",
    _TAIL,
    _FOLLOW,
)
_clear_logs = Method("Empty the log files of a process. Rotated files stay.", _TRUE, (_NAME,))

_SUPERVISOR: dict[str, Method] = {
    "getAPIVersion": _get_version,
    "getVersion": _get_version,
    "getSupervisorVersion": Method(
        "The version of the daemon's package.", Parameter("string", "version", "Version of the package")
    ),
    "getIdentification": Method(
        "The identifier that the configuration gives this daemon.", Parameter("string", "identifier", "The identifier")
    ),
    "getState": Method(
        "The state of the daemon.", Parameter("struct", "state", "Its number as statecode, its name as statename")
    ),
    "getPID": Method("The process id of the daemon.", Parameter("int", "PID", "The process id")),
    "readLog": _read_log,
    "readMainLog": _read_log,
    "clearLog": Method("Empty the activity log of the daemon. Rotated files stay.", _TRUE),
    "shutdown": Method("Stop every process and end the daemon. Answers before anything stops.", _TRUE),
    "restart": Method(
        "Stop every process, read the configuration again and start afresh, in the same daemon. "
        "Answers before anything stops.",
        _TRUE,
    ),
    "reloadConfig": Method(
        "Read the configuration again and tell how it differs from the active groups, which stay as they are.",
        Parameter("array", "result", "One array of three: the names of added, changed and removed groups"),
    ),
    "addProcessGroup": Method(
        "Make a group of the configuration last read active; what starts by itself is started.", _TRUE, (_GROUP,)
    ),
    "removeProcessGroup": Method("Remove an active group whose processes are all stopped.", _TRUE, (_GROUP,)),
    "startProcess": Method("Start a process.", _TRUE, (_TARGET, _WAIT)),
    "startProcessGroup": Method("Start every process of a group, by priority.", _EACH, (_GROUP, _WAIT)),
    "startAllProcesses": Method("Start every process, by priority.", _EACH, (_WAIT,)),
    "stopProcess": Method("Stop a process.", _TRUE, (_TARGET, _WAIT)),
    "stopProcessGroup": Method("Stop every process of a group, by priority.", _EACH, (_GROUP, _WAIT)),
    "stopAllProcesses": Method("Stop every process, by priority.", _EACH, (_WAIT,)),
    "signalProcess": Method("Send a signal to a process.", _TRUE, (_TARGET, _SIGNAL)),
    "signalProcessGroup": Method("Send a signal to every process of a group.", _EACH, (_GROUP, _SIGNAL)),
    "signalAllProcesses": Method("Send a signal to every process.", _EACH, (_SIGNAL,)),
    "getProcessInfo": Method(
        "What is known of a process.", Parameter("struct", "result", "State, times, files and the like"), (_NAME,)
    ),
    "getAllProcessInfo": Method(
        "What is known of every process, ordered by group and name.",
        Parameter("array", "result", "A struct as of getProcessInfo for each process"),
    ),
    "getAllConfigInfo": Method(
        "The options of every process in the configuration last read, ordered by name.",
        Parameter("array", "result", "A struct of options for each process"),
    ),
    "readProcessStdoutLog": _read_stdout,
    "readProcessLog": _read_stdout,
    "readProcessStderrLog": Method("Read from the standard error log of a process.", _TEXT, _READ),
    "tailProcessStdoutLog": _tail_stdout,
    "tailProcessLog": _tail_stdout,
    "tailProcessStderrLog": Method(
        "Read the end of the standard error log of a process; made for asking again with the size that came back.",
        _TAIL,
        _FOLLOW,
    ),
    "clearProcessLogs": _clear_logs,
    "clearProcessLog": _clear_logs,
    "clearAllProcessLogs": Method("Empty the log files of every process. Rotated files stay.", _EACH),
    "sendProcessStdin": Method(
        "Write text to the standard input of a process.",
        _TRUE,
        (_NAME, Parameter("string", "chars", "The text; it is sent as UTF-8")),
    ),
    "sendRemoteCommEvent": Method(
        "Send an event that listeners of REMOTE_COMMUNICATION receive.",
        _TRUE,
        (Parameter("string", "type", "What kind of event"), Parameter("string", "data", "Its content")),
    ),
}

_SYSTEM: dict[str, Method] = {
    "listMethods": Method("The names of all methods.", Parameter("array", "result", "The names, in order")),
    "methodHelp": Method(
        "What a method is for.",
        Parameter("string", "result", "Its documentation"),
        (Parameter("string", "name", "Name of the method, with its namespace"),),
    ),
    "methodSignature": Method(
        "The types of a method.",
        Parameter("array", "result", "The type of its result, then those of its parameters"),
        (Parameter("string", "name", "Name of the method, with its namespace"),),
    ),
    "multicall": Method(
        "Call several methods one after the other; one that waits is waited for before the next.",
        Parameter("array", "result", "The value of each call, or a struct of faultCode and faultString"),
        (Parameter("array", "calls", "Structs of methodName and params"),),
    ),
}

METHODS: Mapping[str, Mapping[str, Method]] = {"supervisor": _SUPERVISOR, "system": _SYSTEM}

_tag = re.compile(r"@(\S*)\s*(.*)")

Tag = tuple[int, str | None, str | None, str | None, str]


def gettags(comment: str) -> list[Tag]:
    """The parts of a documentation string: (line, tag, type, name, text) of each ``@tag type name text``.

    The first part is the prose before the tags; its tag, type and name are None.
    """
    parts: list[tuple[int, str | None, str | None, str | None, list[str]]] = [(0, None, None, None, [])]
    for number, line in enumerate(comment.split("\n")):
        line = line.strip()
        found = _tag.match(line)
        if found is None:
            if line:
                parts[-1][4].append(line)
            continue
        tag, rest = found.groups()
        words = [*rest.split(None, 2), "", "", ""]
        parts.append((number, tag, words[0], words[1], [words[2]] if words[2] else []))
    return [(number, tag, kind, name, "\n".join(text)) for number, tag, kind, name, text in parts]
