"""Plugins that replace what lies deeper: marshalling, the making of processes, handlers by index, log handlers."""

import socket
import xmlrpc.client

from supervisor import events, loggers
from supervisor import xmlrpc as wire
from supervisor.http import supervisor_auth_handler
from supervisor.options import EventListenerConfig, ServerOptions

# What is read before a factory is called has to be replaced when the module is imported.
SEEN = []
_own_processes = ServerOptions._processes_from_section


def _processes_from_section(self, parser, section, group_name, klass=None):
    configs = _own_processes(self, parser, section, group_name, klass)
    SEEN.append(f"{section} of {group_name}{' listens' if klass is EventListenerConfig else ''}")
    for config in configs:
        if parser.has_option(section, "extra"):
            config.command += " " + parser.saneget(section, "extra", "")
    return configs


ServerOptions._processes_from_section = _processes_from_section
ServerOptions.cleanup_fds = lambda self: None


class Interface:
    def __init__(self, supervisord):
        self.supervisord = supervisord

    def nothing(self):
        """@return array result  a list of nothing"""
        return [None, None]

    def seen(self):
        return sorted(set(SEEN))

    def socket(self):
        """@return boolean result  whether the socket made at the first start is open still"""
        return self.supervisord.options.first or TALK.send(b"x") == 1


TALK, _OTHER_END = socket.socketpair()


class Wrapped:
    """In the place of a handler of the server's."""

    def __init__(self, handler, logger):
        self.handler, self.logger = handler, logger

    def match(self, request):
        return self.handler.match(request)

    def handle_request(self, request):
        self.logger.info(f"plugin passes {request.command} {request.uri} on")
        self.handler.handle_request(request)


def make(supervisord, **options):
    if not hasattr(supervisord, "deep"):
        supervisord.deep = True
        wire.xmlrpc_marshal = lambda value: xmlrpc.client.dumps(
            value if isinstance(value, (tuple, xmlrpc.client.Fault)) else (value,),
            methodresponse=True if not isinstance(value, xmlrpc.client.Fault) else None, allow_none=True,
        )
        own_tags = wire.gettags
        wire.gettags = lambda comment: own_tags(comment if "@return" in comment else "@return string made  up")
        own_emit = loggers.Handler.emit

        def emit(self, record):
            record.msg = record.msg.replace("success: ", "SUCCESS BY PLUGIN: ")
            own_emit(self, record)

        loggers.Handler.emit = emit

        def running(event):
            for config, server in supervisord.options.httpservers:
                handler = server.handlers[0]
                assert isinstance(handler, supervisor_auth_handler) == bool(config["username"])
                if isinstance(handler, supervisor_auth_handler):
                    handler.handler = Wrapped(handler.handler, supervisord.options.logger)
                else:
                    server.handlers[0] = Wrapped(handler, supervisord.options.logger)

        events.subscribe(events.SupervisorRunningEvent, running)
    return Interface(supervisord)
