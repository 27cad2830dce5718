"""Plugins that replace parts of the daemon while it is being set up. ``what`` names the patch."""

import os
import signal
import socket

from supervisor import events
from supervisor.dispatchers import POutputDispatcher, RejectEvent
from supervisor.options import ServerOptions
from supervisor.process import Subprocess
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.states import ProcessStates
from supervisor.web import VIEWS, MeldView
from supervisor.xmlrpc import Faults, RPCError


def make(supervisord, what, **options):
    if not getattr(supervisord, "patched", False):
        supervisord.patched = True
        globals()[f"patch_{what}"](supervisord, options)


def patch_get_signal(supervisord, options):
    """SIGHUP is somebody else's."""
    original = ServerOptions.get_signal

    def get_signal(self):
        sig = original(self)
        if sig == signal.SIGHUP:
            self.logger.info("plugin swallowed SIGHUP")
            return None
        return sig

    ServerOptions.get_signal = get_signal


def patch_transition(supervisord, options):
    """RUNNING when the program says so, not before; told by a file."""
    original = Subprocess.transition

    def transition(self):
        flag = options.get("flag")
        if self.config.name == "held" and self.state == ProcessStates.STARTING and not os.path.exists(flag):
            self.laststart = __import__("time").time() + 1
        original(self)

    Subprocess.transition = transition


def patch_spawn(supervisord, options):
    """'later' is not started until the flag is there."""
    original = Subprocess.spawn

    def spawn(self):
        if self.config.name == "later" and not os.path.exists(options["flag"]):
            return None
        self.config.environment = {**(self.config.environment or {}), "BY_PLUGIN": "spawn"}
        return original(self)

    Subprocess.spawn = spawn


def patch_child(supervisord, options):
    """Runs in the child, before exec."""
    original = Subprocess._spawn_as_child

    def _spawn_as_child(self, filename, argv):
        os.environ["BY_PLUGIN"] = f"child of {os.getppid()}"
        return original(self, filename, argv)

    Subprocess._spawn_as_child = _spawn_as_child


def patch_finish(supervisord, options):
    original = Subprocess.finish

    def finish(self, pid, sts):
        original(self, pid, sts)
        supervisord.options.logger.info(f"plugin saw the end of {self.config.name}, state {self.state}")

    Subprocess.finish = finish


def patch_log(supervisord, options):
    """All output of programs is the plugin's, whatever logs are configured."""

    def _log(self, data):
        if isinstance(data, bytes):
            data = data.decode()
        if data:
            supervisord.options.logger.warn(f"{self.process.config.name} {self.channel} said {data.strip()}")

    POutputDispatcher._log = _log


class Listening:
    """A dispatcher of a plugin's own descriptor."""

    closed = False

    def __init__(self, supervisord, path):
        self.supervisord = supervisord
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.setblocking(False)

    def readable(self):
        return True

    def writable(self):
        return False

    def handle_read_event(self):
        text = self.sock.recv(4096).decode()
        if text == "raise":
            raise ZeroDivisionError("by the plugin")
        self.supervisord.options.logger.info(f"plugin got {text}")

    def handle_write_event(self):
        raise AssertionError("never asked for")

    def handle_error(self):
        self.supervisord.options.logger.warn("plugin's dispatcher failed")

    def close(self):
        pass

    def flush(self):
        pass


def patch_process_map(supervisord, options):
    """A descriptor of the plugin's in the daemon's loop."""
    original = supervisord.get_process_map
    mine = Listening(supervisord, options["socket"])

    def get_process_map():
        found = original()
        found[mine.sock.fileno()] = mine
        return found

    supervisord.get_process_map = get_process_map


class Page(MeldView):
    content_type = "text/plain"

    def __call__(self):
        form = self.context.form
        where = f"{form['PATH_INFO']}?{form['QUERY_STRING']} {form['CONNECTION_TYPE']}"
        body = f"page of {self.context.supervisord.options.identifier} for {form.get('who')} at {where}"
        return {"headers": {"Content-Type": "text/plain"}, "body": body}


def patch_views(supervisord, options):
    VIEWS["plugin.html"] = {"template": "ui/tail.html", "view": Page, "extra": 1}
    del VIEWS["ok.html"]


class Handler:
    """In front of all the server's handlers."""

    IDENT = "plugin"

    def match(self, request):
        return request.uri.startswith("/plugin/")

    def handle_request(self, request):
        request["Content-Type"] = "text/plain"
        body = f"handled {request.command} {request.uri}"
        request["Content-Length"] = len(body)
        request.push(body)
        request.done()


def patch_handlers(supervisord, options):
    """Servers exist only after the factories ran: done when the loop starts."""

    def running(event):
        for _, server in supervisord.options.httpservers:
            server.install_handler(Handler())

    events.subscribe(events.SupervisorRunningEvent, running)


def patch_start_process(supervisord, options):
    original = SupervisorNamespaceRPCInterface.startProcess

    def startProcess(self, name, wait=True):
        if name == "forbidden" or name.endswith(":forbidden"):
            raise RPCError(Faults.FAILED, f"plugin forbids {name}")
        return original(self, name, wait)

    SupervisorNamespaceRPCInterface.startProcess = startProcess


class Announced(events.Event):
    def __init__(self, text):
        self.text = text

    def payload(self):
        return f"text:{self.text}\n"


# When the module is imported: sections of listeners are read before factories are called.
events.register("ANNOUNCED", Announced)


def patch_events(supervisord, options):
    """A type of its own, sent whenever a process runs."""
    events.subscribe(
        events.ProcessStateRunningEvent, lambda event: events.notify(Announced(event.process.config.name))
    )


def patch_raise(supervisord, options):
    """A subscriber that is always wrong, before any other."""

    def wrong(event):
        if isinstance(event, (events.RemoteCommunicationEvent, events.ProcessLogEvent)):
            raise SystemExit(event.payload())
        raise ZeroDivisionError(type(event).__name__)

    events.subscribe(events.Event, wrong)
    events.callbacks.insert(0, events.callbacks.pop())


def patch_logger(supervisord, options):
    """The daemon's log goes where the plugin wants it as well."""
    logger = supervisord.options.logger
    handlers = list(logger.handlers)

    class Copy:
        level = 20

        def emit(self, record):
            with open(options["copy"], "ab") as copy:
                copy.write(record.asbytes() if hasattr(record, "asbytes") else str(record.msg).encode() + b"\n")

        def flush(self):
            pass

        def close(self):
            pass

    logger.handlers = [*handlers, Copy()]


def judge(event, result):
    """A result handler."""
    if result == b"again":
        raise RejectEvent("again")
    if result == b"raise":
        raise ZeroDivisionError("by the handler")
    if result == b"leave":
        raise SystemExit(1)
