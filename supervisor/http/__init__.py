"""The HTTP server: listeners, connections, handlers.

Promise: no client, however slow or hostile, keeps the loop or another client waiting. Knows no process; what it serves
of them comes from its handlers.
"""

from __future__ import annotations

from supervisor.http.channel import Channel as deferring_http_channel
from supervisor.http.handlers.auth import supervisor_auth_handler
from supervisor.http.handlers.logtail import logtail_handler, mainlogtail_handler, tail_f_producer
from supervisor.http.listener import CannotListen, supervisor_af_inet_http_server, supervisor_http_server
from supervisor.http.logwrapper import LogWrapper
from supervisor.http.passwords import encrypted_dictionary_authorizer
from supervisor.http.producers import (
    deferring_chunked_producer,
    deferring_composite_producer,
    deferring_globbing_producer,
    deferring_hooked_producer,
)
from supervisor.http.request import deferring_http_request
from supervisor.http.servers import make_http_servers
from supervisor.http.unixserver import supervisor_af_unix_http_server
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = [
    "CannotListen",
    "LogWrapper",
    "NOT_DONE_YET",
    "deferring_chunked_producer",
    "deferring_composite_producer",
    "deferring_globbing_producer",
    "deferring_hooked_producer",
    "deferring_http_channel",
    "deferring_http_request",
    "encrypted_dictionary_authorizer",
    "logtail_handler",
    "mainlogtail_handler",
    "make_http_servers",
    "supervisor_af_inet_http_server",
    "supervisor_af_unix_http_server",
    "supervisor_auth_handler",
    "supervisor_http_server",
    "tail_f_producer",
]
