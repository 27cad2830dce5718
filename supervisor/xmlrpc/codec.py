"""The wire format: requests are read, answers are written; both sides of it under one name.

Promise: strict, bounded and fast. The parts have modules of their own. It must not know what methods do.
"""

from __future__ import annotations

from supervisor.xmlrpc.answers import (
    Marshalled,
    dump_value,
    dumps_fault,
    dumps_response,
    fault_text,
    is_plain,
    marshalled_list,
    response_text,
    safe_text,
    write_result_with,
    writer_of,
)
from supervisor.xmlrpc.lean import dumps_call, loads_response
from supervisor.xmlrpc.requests import loads_call
from supervisor.xmlrpc.strict import MAX_DEPTH, MAX_VALUES, CodecError, NoMethodName, TextTooLong

__all__ = [
    "CodecError",
    "MAX_DEPTH",
    "MAX_VALUES",
    "Marshalled",
    "NoMethodName",
    "TextTooLong",
    "dump_value",
    "dumps_call",
    "dumps_fault",
    "dumps_response",
    "fault_text",
    "is_plain",
    "loads_call",
    "loads_response",
    "marshalled_list",
    "response_text",
    "safe_text",
    "write_result_with",
    "writer_of",
]
