"""Converters of option values that have bounds no public converter has.

Must not know: sections, files.
"""

from __future__ import annotations

from supervisor.datatypes import boolean, byte_size, integer, list_of_strings, octal_type, signal_number

LONGEST = 10**9        # seconds; some thirty years
MOST_PROCESSES = 100_000


def text_without_nul(value: str) -> str:
    """Text that can be handed to the system."""
    if "\0" in value:
        raise ValueError(f"a NUL character stands in {value!r}")
    return value


def seconds(value: str) -> int:
    """Whole seconds that a timer can count."""
    number = integer(value)
    if abs(number) > LONGEST:
        raise ValueError(f"{value} seconds are more than {LONGEST}")
    return number


def waiting_seconds(value: str) -> int:
    """Whole seconds, not less than none."""
    number = seconds(value)
    if number < 0:
        raise ValueError(f"{number} is below lower bound (0)")
    return number


def process_count(value: str) -> int:
    """How many processes one section makes."""
    number = integer(value)
    if not 0 <= number <= MOST_PROCESSES:
        raise ValueError(f"{number} is not a number of processes from 0 to {MOST_PROCESSES}")
    return number


def stop_signal(value: str) -> int:
    """A signal that can end a process."""
    number = signal_number(value)
    if number == 0:
        raise ValueError(f"value {value!r} is not a valid signal number")
    return number


def positive_size(value: str) -> int:
    """A size in bytes that leaves room for something."""
    number = byte_size(value)
    if number < 1:
        raise ValueError(f"{number} is below lower bound (1)")
    return number


def event_length(value: str) -> str:
    """In what the ``len`` of an event's header counts."""
    word = value.strip().lower()
    if word not in ("characters", "bytes"):
        raise ValueError(f"not characters or bytes: {value!r}")
    return word


def permissions(value: str) -> int:
    """The mode of a file."""
    number = octal_type(value)
    if not 0 <= number <= 0o7777:
        raise ValueError(f"{value} can not be converted to an octal type")
    return number


__all__ = ["LONGEST", "MOST_PROCESSES", "boolean", "event_length", "list_of_strings", "permissions", "positive_size",
           "process_count", "seconds", "stop_signal", "text_without_nul", "waiting_seconds"]
