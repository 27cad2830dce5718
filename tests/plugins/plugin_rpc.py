"""An RPC interface as other people write them: options, plain methods, answers that take their time."""

import os
import threading
import time

from supervisor.http import NOT_DONE_YET
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.supervisord import SupervisorStates
from supervisor.xmlrpc import Faults, RPCError

Faults.MADE_UP = 777


class Interface:
    def __init__(self, supervisord, options):
        self.supervisord = supervisord
        self.options = options

    def _update(self, text):
        if self.supervisord.get_state() < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)

    def getOptions(self):
        """The options of the section.

        @return struct options  as the factory got them
        """
        return self.options

    def made(self):
        """How many interfaces this daemon has made.

        @return int count  one for each server
        """
        return self.supervisord.plugin_count

    def after(self, times, value):
        """The value, after it was asked for several times; no delay of its own."""
        return self._deferred(times, value, None)

    def afterDelay(self, times, value, delay):
        """The same with a delay.

        @param int times  how often
        @param string value  the answer
        @param double delay  seconds
        @return string value  the answer
        """
        return self._deferred(times, value, delay)

    def faultAfter(self, times):
        return self._deferred(times, RPCError(Faults.FAILED, "later"), 0.01)

    def errorAfter(self, times):
        return self._deferred(times, ZeroDivisionError("secret"), 0.01)

    def asked(self):
        return self.count

    def _deferred(self, times, value, delay):
        self.count = 0

        def answer():
            self.count += 1
            if self.count <= times:
                return NOT_DONE_YET
            if isinstance(value, Exception):
                raise value
            return value

        if delay is not None:
            answer.delay = delay
        answer.rpcinterface = self
        return answer

    def fault(self, code):
        raise RPCError(code, "on purpose")

    def leave(self):
        raise SystemExit(3)

    def recurse(self):
        return self.recurse()

    def unsendable(self):
        return object()

    def inProcess(self, name):
        """Calls of the built-in interface without a wire."""
        mine = SupervisorNamespaceRPCInterface(self.supervisord)
        group, process = mine._getGroupAndProcess(name)
        return [mine.getState(), mine.getProcessInfo(name)["statename"], group.config.name,
                process.config.name, len(mine.getAllProcessInfo()), [g.config.name for g, _ in mine._getAllProcesses()]]

    def startAndPoll(self, name):
        """A deferred answer of the built-in interface, polled by a plugin's one."""
        deferred = SupervisorNamespaceRPCInterface(self.supervisord).startProcess(name)
        assert callable(deferred)

        def answer():
            value = deferred()
            return NOT_DONE_YET if value is NOT_DONE_YET else ["started", value]

        answer.delay = 0.01
        return answer

    def fromThread(self, name, path):
        """Start a process and end the daemon from a thread of ours, which writes down how that goes."""

        def work():
            interface = SupervisorNamespaceRPCInterface(self.supervisord)
            with open(path, "a", buffering=1) as notes:
                answer = interface.startProcess(name)
                while (value := answer()) is NOT_DONE_YET:
                    time.sleep(0.01)
                notes.write(f"started {value}\n")
                self.supervisord.options.mood = SupervisorStates.SHUTDOWN

        threading.Timer(0.2, work).start()  # when nothing keeps the daemon awake any more
        return True

    def addProcess(self, group, name, command):
        """A process that no file knows, put into a group."""
        supervisord = self.supervisord
        parser_class = self.options.get("parser") or "supervisor.options"
        options_module = __import__(parser_class, fromlist=["UnhosedConfigParser"])
        parser = options_module.UnhosedConfigParser()
        section = f"program:{name}"
        parser.add_section(section)
        parser.set(section, "command", command)
        parser.set(section, "startsecs", "0")
        parser.set(section, "stdout_logfile", "NONE")
        parser.set(section, "stderr_logfile", "NONE")
        configs = supervisord.options.processes_from_section(parser, section, group)
        target = supervisord.process_groups[group]
        for config in configs:
            config.create_autochildlogs()
            target.config.process_configs.append(config)
            target.processes[config.name] = config.make_process(target)
        return [config.name for config in configs]

    def removeProcess(self, group, name):
        target = self.supervisord.process_groups[group]
        del target.processes[name]
        target.config.process_configs[:] = [one for one in target.config.process_configs if one.name != name]
        return True

    def toStdin(self, group, name, text):
        self.supervisord.process_groups[group].processes[name].write(text.encode())
        return True

    def log(self, text):
        for name in ("info", "warn", "debug"):
            getattr(self.supervisord.options.logger, name)(text)
        return os.getpid()


def make(supervisord, **options):
    """The factory: called once for each server."""
    supervisord.plugin_count = getattr(supervisord, "plugin_count", 0) + 1
    return Interface(supervisord, options)


def make_none(supervisord, **options):
    """A factory that only wants the daemon."""
    supervisord.plugin_saw = options


def make_broken(supervisord, **options):
    raise ValueError("no good")


def make_interrupted(supervisord, **options):
    raise KeyboardInterrupt
