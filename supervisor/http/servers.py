"""The servers that a configuration asks for, with all their handlers.

Promise: either all of them are open, or none and the reason is told. Knows no request.
"""

from __future__ import annotations

import os
import socket
import sys

import supervisor
from supervisor.config.document import writable_by_others
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.http.handlers.auth import FailedLogins, supervisor_auth_handler
from supervisor.http.handlers.logtail import logtail_handler, mainlogtail_handler
from supervisor.http.handlers.static import default_handler, os_filesystem
from supervisor.http.kinds import Handler
from supervisor.http.listener import CannotListen, supervisor_af_inet_http_server, supervisor_http_server
from supervisor.http.origin import OriginRules
from supervisor.http.parser import DEFAULT_MAX_BODY, DEFAULT_MAX_HEADER
from supervisor.http.passwords import Verifier, encrypted_dictionary_authorizer
from supervisor.http.unixserver import supervisor_af_unix_http_server
from supervisor.late import Late
from supervisor.web.handler import supervisor_ui_handler
from supervisor.xmlrpc.handler import supervisor_xmlrpc_handler

if TYPE_CHECKING:
    import traceback
else:
    traceback = Late("traceback")

__all__ = ["make_http_servers"]

_UI = os.path.join(os.path.dirname(supervisor.__file__), "ui")
# Templates; the pages made of them have other names.
_HIDDEN = (".html",)

Config = dict[str, Any]


def make_http_servers(options: Any, supervisord: Any) -> list[tuple[Config, supervisor_http_server]]:
    """[(config, server)] in the order of options.server_configs. CannotListen if one cannot be made."""
    servers: list[tuple[Config, supervisor_http_server]] = []
    siblings: list[supervisor_http_server] = []
    try:
        for config in options.server_configs:
            server = _make_server(config, options.logger, supervisord.loop)
            servers.append((config, server))
            server.siblings = siblings
            siblings.append(server)
            _install_handlers(server, config, options, supervisord)
    except BaseException:
        for _, server in servers:
            server.close()
        raise
    return servers


def _make_server(config: Config, logger: Any, loop: Any) -> supervisor_http_server:
    limits = {
        "max_header": config.get("max_header_bytes", DEFAULT_MAX_HEADER),
        "max_body": config.get("max_body_bytes", DEFAULT_MAX_BODY),
    }
    if config["family"] == socket.AF_UNIX:
        return supervisor_af_unix_http_server(
            config["file"], config["chmod"], config["chown"], loop, logger, **limits)
    names = [config["host"], socket.gethostname()]
    rules = OriginRules(names, config.get("allowed_hosts", ()), check_host=not config.get("username"))
    return supervisor_af_inet_http_server(config["host"], config["port"], loop, logger, rules=rules, **limits)


def _install_handlers(server: supervisor_http_server, config: Config, options: Any, supervisord: Any) -> None:
    """In the order in which they are asked."""
    handlers: list[Handler] = [
        supervisor_xmlrpc_handler(supervisord, _rpc_interfaces(options, supervisord)),
        logtail_handler(supervisord),
        mainlogtail_handler(supervisord),
        supervisor_ui_handler(supervisord),
        default_handler(os_filesystem(_UI), _HIDDEN),
    ]
    server.get_actions = bool(config.get("get_actions"))
    username = config.get("username")
    if username:
        users = {username: config["password"]}
        verifier, failures = Verifier(encrypted_dictionary_authorizer(users)), FailedLogins()
        handlers = [supervisor_auth_handler(users, each, verifier=verifier, failures=failures) for each in handlers]
    else:
        options.logger.critical(f"Server '{config['section']}' running without any HTTP authentication checking")
    for handler in handlers:
        server.install_handler(handler, True)


def _doubt(name: str, factory: Any, logger: Any) -> None:
    """Tell when others may write the code that now runs with our rights."""
    path = getattr(sys.modules.get(getattr(factory, "__module__", "")), "__file__", None)
    if path is not None and writable_by_others(path):
        logger.warn(f"[rpcinterface:{name}] {path}: others than root may write this code")


def _rpc_interfaces(options: Any, supervisord: Any) -> list[tuple[str, Any]]:
    """One instance of each configured interface, for one server."""
    interfaces = []
    for name, factory, settings in options.rpcinterface_factories:
        try:
            instance = factory(supervisord, **settings)
        except BaseException as error:  # plugins may raise anything
            options.logger.warn(traceback.format_exc())
            section = f"rpcinterface:{name}"
            reason = f"{options.factory_specs.get(section, factory)} raised {type(error).__name__}"
            raise CannotListen(f"Could not make {name} rpc interface: in [{section}] {reason}")
        _doubt(name, factory, options.logger)
        interfaces.append((name, instance))
        options.logger.info(f"RPC interface '{name}' initialized")
    return interfaces
