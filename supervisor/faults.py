"""XML-RPC faults: the numbers and the exception that carries one to a client.

Leaf module. Plugins add codes of their own as attributes of Faults, so names are looked up when
they are needed and never copied into a table at import.
"""

from __future__ import annotations

__all__ = ["DEAD_PROGRAM_FAULTS", "Faults", "RPCError", "getFaultDescription"]


class Faults:
    """Fault codes, and the ``status`` codes of result structs."""

    UNKNOWN_METHOD = 1
    INCORRECT_PARAMETERS = 2
    BAD_ARGUMENTS = 3
    SIGNATURE_UNSUPPORTED = 4
    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    BAD_SIGNAL = 11
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    SUCCESS = 80
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
    CANT_REREAD = 92


DEAD_PROGRAM_FAULTS = (Faults.SPAWN_ERROR, Faults.ABNORMAL_TERMINATION, Faults.NOT_RUNNING)


def getFaultDescription(code: int) -> str:
    """The name of a fault code, ``UNKNOWN`` for a number that nobody named."""
    for name, number in vars(Faults).items():
        if number == code and not name.startswith("_"):
            return name
    return "UNKNOWN"


# Characters of what a fault adds to its name.
_LONGEST_EXTRA = 8 * 1024 * 1024


class RPCError(Exception):
    """An answer that is a fault: ``code`` is its number, ``text`` its name, with ``: extra`` unless that is None."""

    def __init__(self, code: int, extra: object = None) -> None:
        self.code = code
        self.text = getFaultDescription(code)
        if extra is not None:
            extra = str(extra)
            if len(extra) > _LONGEST_EXTRA:
                extra = extra[:_LONGEST_EXTRA] + "..."
            self.text = f"{self.text}: {extra}"

    def __str__(self) -> str:
        return f"code={self.code!r}, text={self.text!r}"
