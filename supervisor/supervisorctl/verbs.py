"""start, stop, signal and clear as wishes: remote names, phrases for what comes back, exit statuses.

Must not know how a wish is sent, nor which words belong to an action.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.supervisorctl.statuses import LSBInitExitStatuses as Exit


class Verb:
    """How one wish is sent for one process, a group and everything, and what its results are called.

    ``phrases`` has a text and an exit status for each fault code; a text is put between the brackets of
    ``NAME: ERROR (...)``, None shows the text of the fault by itself.
    """

    __slots__ = ("name", "one", "group", "all", "done", "phrases", "waits", "no_group")

    def __init__(
        self,
        name: str,
        one: str,
        group: str | None,
        all: str,
        done: str,
        phrases: dict[int, tuple[str | None, int]],
        waits: bool = False,
        no_group: int = Exit.GENERIC,
    ) -> None:
        self.name = name
        self.one = one
        self.group = group
        self.all = all
        self.done = done
        self.phrases = {**_COMMON, **phrases}
        self.waits = waits
        self.no_group = no_group


_COMMON: dict[int, tuple[str | None, int]] = {
    Faults.BAD_NAME: ("no such process", Exit.GENERIC),
    Faults.SHUTDOWN_STATE: ("supervisor is shutting down", Exit.GENERIC),
}

START = Verb(
    "start",
    "startProcess",
    "startProcessGroup",
    "startAllProcesses",
    "started",
    {
        Faults.NO_FILE: ("no such file", Exit.GENERIC),
        Faults.NOT_EXECUTABLE: ("file is not executable", Exit.GENERIC),
        Faults.ALREADY_STARTED: ("already started", Exit.SUCCESS),
        Faults.SPAWN_ERROR: ("spawn error", Exit.NOT_RUNNING),
        Faults.ABNORMAL_TERMINATION: ("abnormal termination", Exit.NOT_RUNNING),
    },
    waits=True,
    no_group=Exit.INVALID_ARGS,
)
STOP = Verb(
    "stop",
    "stopProcess",
    "stopProcessGroup",
    "stopAllProcesses",
    "stopped",
    {
        Faults.NOT_RUNNING: ("not running", Exit.SUCCESS),
        Faults.FAILED: (None, Exit.GENERIC),
    },
    waits=True,
)
SIGNAL = Verb(
    "signal",
    "signalProcess",
    "signalProcessGroup",
    "signalAllProcesses",
    "signalled",
    {
        Faults.BAD_SIGNAL: ("bad signal name", Exit.GENERIC),
        Faults.NOT_RUNNING: ("not running", Exit.NOT_RUNNING),
        Faults.FAILED: (None, Exit.GENERIC),
    },
)
CLEAR = Verb(
    "clear",
    "clearProcessLogs",
    None,
    "clearAllProcessLogs",
    "cleared",
    {Faults.FAILED: ("failed", Exit.GENERIC)},
)
