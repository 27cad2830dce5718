"""A supervised program that does what a test tells it. Run by path: standard library only, nothing of ours.

usage: puppet.py SOCKET. Calls home with one JSON line, then gets lines ``[verb, args...]`` and answers each with a line
``{"answer": ...}`` or ``{"error": ...}``. Bytes travel as latin-1 text. Ends when the test hangs up.
"""

import json
import os
import signal
import socket
import sys
import time


class Puppet:
    def __init__(self, path):
        self._home = socket.socket(socket.AF_UNIX)
        self._home.connect(path)
        self.say(
            kind="puppet",
            name=os.environ.get("SUPERVISOR_PROCESS_NAME", ""),
            group=os.environ.get("SUPERVISOR_GROUP_NAME", ""),
            pid=os.getpid(),
            ppid=os.getppid(),
            argv=sys.argv,
            cwd=os.getcwd(),
        )

    def say(self, **message):
        self._home.sendall(json.dumps(message).encode() + b"\n")

    def serve(self):
        for line in self._home.makefile("rb"):
            verb, *args = json.loads(line)
            try:
                self.say(answer=getattr(self, verb)(*args))
            except Exception as exc:
                self.say(error=repr(exc))

    # Verbs

    def exit(self, status=0):
        """End at once with this status; no answer."""
        os._exit(int(status))

    def die(self, name="SIGKILL"):
        """Send this signal to itself."""
        os.kill(os.getpid(), getattr(signal, name))

    def out(self, text):
        """Write to standard output."""
        return self.write(1, text)

    def err(self, text):
        """Write to standard error."""
        return self.write(2, text)

    def write(self, fd, text):
        data = memoryview(text.encode("latin-1"))
        while data:
            data = data[os.write(fd, data) :]

    def flood(self, fd, size, line="0123456789abcdef\n"):
        """Write size bytes, made of repetitions of line."""
        block = line.encode("latin-1") * (65536 // len(line) + 1)
        while size > 0:
            size -= os.write(fd, block[:size] if size < len(block) else block)

    def read(self, count):
        """So many bytes of standard input, fewer at its end."""
        data = b""
        while len(data) < count:
            piece = os.read(0, count - len(data))
            if not piece:
                break
            data += piece
        return data.decode("latin-1")

    def readline(self):
        """One line of standard input, '' at its end."""
        data = b""
        while not data.endswith(b"\n"):
            piece = os.read(0, 1)
            if not piece:
                break
            data += piece
        return data.decode("latin-1")

    def ignore(self, *names):
        """Ignore these signals."""
        for name in names:
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def report(self, *names):
        """Tell the test of each of these signals instead of ending."""
        for name in names:
            signal.signal(getattr(signal, name), lambda number, frame: self.say(signal=signal.Signals(number).name))

    def on(self, name, *steps):
        """When this signal comes, take steps ([verb, args...])."""

        def act(number, frame):
            for verb, *args in steps:
                getattr(self, verb)(*args)

        signal.signal(getattr(signal, name), act)

    def close(self, *fds):
        """Close these descriptors."""
        for fd in fds:
            os.close(fd)

    def spawn(self, *how):
        """Fork a child that waits for its end; its pid. ``setsid``: in a session of its own; ``silent``: without the
        puppet's standard descriptors; ``stubborn``: ignores SIGTERM."""
        pid = os.fork()
        if pid == 0:
            self._home.close()
            if "setsid" in how:
                os.setsid()
            if "stubborn" in how:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if "silent" in how:
                for fd in (0, 1, 2):
                    os.close(fd)
            while True:
                time.sleep(1000)
        return pid

    def signals(self):
        """Masks of ignored and blocked signals, from the kernel; but for 32 and 33, which glibc keeps for itself: its
        posix_spawn leaves them ignored in children, and theirs inherit that."""
        with open("/proc/self/status") as status:
            rows = dict(line.split(":", 1) for line in status)
        return {name: int(rows[name], 16) & ~(3 << 31) for name in ("SigIgn", "SigBlk")}

    def fds(self):
        """Its open descriptors, but for the line to the test."""
        found = []
        for fd in range(1024):
            try:
                os.fstat(fd)
            except OSError:
                continue
            if fd != self._home.fileno():
                found.append(fd)
        return found

    def value(self, expression):
        """The value of any Python expression (os and sys are at hand); what JSON cannot carry comes as text."""
        value = eval(expression, {"os": os, "sys": sys, "signal": signal, "time": time})
        try:
            json.dumps(value)
        except TypeError:
            return str(value)
        return value


if __name__ == "__main__":
    Puppet(sys.argv[1]).serve()
