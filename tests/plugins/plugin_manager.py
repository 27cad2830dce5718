"""A plugin that takes a daemon over, as managers do that are built on one: programs tell when they are ready through a
socket of the plugin's own, starts are quick, output goes to its log, HUP is its own, and a dead main program ends all.
"""

import os
import signal
import socket
import struct
import time

from supervisor import events
from supervisor.compat import as_string
from supervisor.dispatchers import POutputDispatcher
from supervisor.medusa.asyncore_25 import compact_traceback
from supervisor.options import ServerOptions, split_namespec
from supervisor.process import Subprocess
from supervisor.states import RUNNING_STATES, ProcessStates, SupervisorStates
from supervisor.xmlrpc import Faults, RPCError

READY_BY_ITSELF = "notify"


def waits(process):
    return (process.config.environment or {}).get("X-SUPERVISORD-TYPE") == READY_BY_ITSELF


class Notices:
    """The dispatcher of a datagram socket that programs tell their state to."""

    closed = False

    def __init__(self, supervisord, path):
        self.supervisord = supervisord
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sock.bind(path)
        self.sock.setblocking(False)

    def readable(self):
        return True

    def writable(self):
        return False

    def flush(self):
        pass

    def close(self):
        pass

    def handle_write_event(self):
        raise AssertionError

    def handle_error(self):
        where, kind, value, _ = compact_traceback()
        self.supervisord.options.logger.error(f"{kind.__name__} {value} in {where[1]}")

    def handle_read_event(self):
        data, ancillary, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(12))
        pid = next(struct.unpack("iii", piece[:12])[0] for _, _, piece in ancillary)
        for group in self.supervisord.process_groups.values():
            for process in group.processes.values():
                if process.pid == pid:
                    self.told(process, data)

    def told(self, process, data):
        if data == b"READY=1" and process.state == ProcessStates.STARTING:
            process._assertInState(ProcessStates.STARTING)
            process.change_state(ProcessStates.RUNNING)
        elif data == b"FAIL":
            raise ValueError("told to fail")
        process.noticed = data


def make(supervisord, **options):
    """The factory of the whole; gives no interface."""
    if hasattr(supervisord, "notices"):
        return None
    supervisord.notices = Notices(supervisord, options["socket"])
    logger = supervisord.options.logger

    own_map = supervisord.get_process_map

    def get_process_map(*args):
        found = own_map(*args)
        found[supervisord.notices.sock.fileno()] = supervisord.notices
        return found

    supervisord.get_process_map = get_process_map

    own_signal = ServerOptions.get_signal

    def get_signal(self):
        sig = own_signal(self)
        if sig == signal.SIGHUP:
            logger.info("manager got HUP")
            return None
        return sig

    ServerOptions.get_signal = get_signal

    own_transition = Subprocess.transition

    def transition(self):
        if self.state == ProcessStates.STARTING and waits(self):
            # A start is over when the program says so; the daemon is to think that it has just begun.
            self.laststart = time.time() + 1
        return own_transition(self)

    Subprocess.transition = transition

    own_spawn = Subprocess._spawn_as_child

    def _spawn_as_child(self, filename, argv):
        if waits(self):
            os.environ["NOTIFY_SOCKET"] = options["socket"]
        return own_spawn(self, filename, argv)

    Subprocess._spawn_as_child = _spawn_as_child

    own_finish = Subprocess.finish

    def finish(self, pid, sts):
        own_finish(self, pid, sts)
        if waits(self) and self.state == ProcessStates.STOPPED and not self.administrative_stop:
            self.change_state(ProcessStates.FATAL)
        logger.info(f"manager saw the end of {self.config.name}: {self.state}")

    Subprocess.finish = finish

    def _log(self, data):
        for line in as_string(data).splitlines():
            logger.info(f"[{self.process.config.name}:{self.channel}] {line}")

    POutputDispatcher._log = _log

    def ended(event):
        if event.process.config.name == "main":
            logger.critical(f"main is down: {event.process.spawnerr}")
            supervisord.options.mood = SupervisorStates.SHUTDOWN

    events.subscribe(events.ProcessStateFatalEvent, ended)
    return None


class Quick:
    """An interface that starts without waiting for the loop."""

    def __init__(self, supervisord):
        self.supervisord = supervisord

    def startProcess(self, name):
        if self.supervisord.options.mood < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)
        group, name = split_namespec(name)
        process = self.supervisord.process_groups[group].processes[name]
        process.get_execv_args()
        if process.get_state() in RUNNING_STATES:
            raise RPCError(Faults.ALREADY_STARTED, name)
        process.spawn()
        self.supervisord.reap()
        if process.spawnerr:
            raise RPCError(Faults.SPAWN_ERROR, process.spawnerr)
        process.transition()
        return process.pid


def make_quick(supervisord):
    return Quick(supervisord)
