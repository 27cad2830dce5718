"""Converters from configuration text to values, and the socket addresses of FastCGI programs.

Each converter takes text and returns a value or raises ValueError with a text people know; no option is named here.
The names are public: plugins import them. Must not know: sections, files, processes.
"""

from __future__ import annotations

from supervisor.datatypes.files import (
    colon_separated_user_group,
    existing_directory,
    existing_dirpath,
    gid_for_uid,
    logfile_name,
    name_to_gid,
    name_to_uid,
)
from supervisor.datatypes.pairs import (
    dict_of_key_value_pairs,
)
from supervisor.datatypes.sockets import (
    InetStreamSocketConfig,
    SocketAddress,
    SocketConfig,
    UnixStreamSocketConfig,
)
from supervisor.datatypes.values import (
    FALSY_STRINGS,
    TRUTHY_STRINGS,
    RangeCheckedConversion,
    SuffixMultiplier,
    boolean,
    byte_size,
    inet_address,
    integer,
    list_of_exitcodes,
    list_of_ints,
    list_of_strings,
    octal_type,
    port_number,
    url,
)
from supervisor.datatypes.words import (
    LOGFILE_AUTOS,
    LOGFILE_NONES,
    LOGFILE_SYSLOGS,
    SIGNUMS,
    Automatic,
    RestartUnconditionally,
    RestartWhenExitUnexpected,
    Syslog,
    auto_restart,
    logging_level,
    process_or_group_name,
    profile_options,
    signal_number,
)

__all__ = [
    "Automatic",
    "FALSY_STRINGS",
    "InetStreamSocketConfig",
    "LOGFILE_AUTOS",
    "LOGFILE_NONES",
    "LOGFILE_SYSLOGS",
    "RangeCheckedConversion",
    "RestartUnconditionally",
    "RestartWhenExitUnexpected",
    "SIGNUMS",
    "SocketAddress",
    "SocketConfig",
    "SuffixMultiplier",
    "Syslog",
    "TRUTHY_STRINGS",
    "UnixStreamSocketConfig",
    "auto_restart",
    "boolean",
    "byte_size",
    "colon_separated_user_group",
    "dict_of_key_value_pairs",
    "existing_directory",
    "existing_dirpath",
    "gid_for_uid",
    "inet_address",
    "integer",
    "list_of_exitcodes",
    "list_of_ints",
    "list_of_strings",
    "logfile_name",
    "logging_level",
    "name_to_gid",
    "name_to_uid",
    "octal_type",
    "port_number",
    "process_or_group_name",
    "profile_options",
    "signal_number",
    "url",
]
