"""pidproxy: runs a command that puts itself into the background, and passes signals on to the pid in its pid file.

The end of the command is noticed at once and its exit status handed on. Must not know: supervisord.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from supervisor.printing import show

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
PATIENCE = 5.0          # seconds that an end is waited for after it was asked for
NOT_EXECUTABLE, NOT_FOUND = 126, 127
LARGEST = 2**31 - 1     # process number

USAGE = """\
pidproxy -- run a command and pass signals on to the process named in its pid file.

The command is started; a TERM, HUP, INT, USR1, USR2 or QUIT that arrives here is
sent to the process whose number stands in the pid file at that moment.

Usage: %s <pidfile name> <command> [<cmdarg1> ...]
"""


class PidProxy:
    """One command and its pid file."""

    def __init__(self, args: Sequence[str]) -> None:
        """``args`` is a whole command line; ValueError when it is too short."""
        if len(args) < 3:
            raise ValueError("too few arguments")
        self.pidfile = args[1]
        self.command = os.path.abspath(args[2])
        self.words = list(args[2:])
        self.pid = 0
        self.ended = False
        self.status = 0         # negative: the signal that ended it

    def go(self) -> int:
        """Runs the command to its end; its exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)     # none may come before there is somebody to tell
        try:
            self.pid = os.posix_spawn(self.command, self.words, os.environ, setsigmask=())
        except FileNotFoundError:
            return self._refused(NOT_FOUND, "not found")
        except OSError as e:
            return self._refused(NOT_EXECUTABLE, str(e.strerror))
        else:
            for number in FORWARDED:
                signal.signal(number, self.passtochild)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        self._reap(0)
        return 128 - self.status if self.status < 0 else self.status

    def _refused(self, status: int, reason: str) -> int:
        print(f"Can't run {self.command}: {reason}", file=sys.stderr)
        return status

    def _reap(self, flags: int) -> bool:
        """Whether our child has ended; without flags it is waited for, going on after each signal passed on."""
        if not self.ended:
            try:
                pid, status = os.waitpid(self.pid, flags)
            except ChildProcessError:       # a signal handler was quicker
                return True
            if pid:
                self.ended = True
                self.status = os.waitstatus_to_exitcode(status)
        return self.ended

    def passtochild(self, sig: int, frame: FrameType | None = None) -> None:
        """Sends a signal on; after one that ends things, waits a while for that end and leaves."""
        target = self._target()
        if target:
            try:
                os.kill(target, sig)
            except ProcessLookupError:
                target = self._direct_child()     # the pid file is older than its process
                if target:
                    os.kill(target, sig)
            except OSError as e:
                print(f"Can't send {signal.Signals(sig).name} to pid {target}: {e.strerror}", flush=True)
        if sig in ENDING:
            self._wait_for_end(target)
            sys.exit(0)

    def _target(self) -> int:
        """The process to tell: the one of the pid file, our own child while that file cannot be read; 0 for none."""
        try:
            with open(self.pidfile, encoding="ascii") as f:
                pid = int(f.read(64).strip())
        except (OSError, ValueError):
            print(f"Can't read child pidfile {self.pidfile}!", flush=True)
            return self._direct_child()
        return pid if 1 < pid <= LARGEST and pid != os.getpid() else self._direct_child()

    def _direct_child(self) -> int:
        return 0 if self._reap(os.WNOHANG) else self.pid

    def _wait_for_end(self, target: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while target and self._alive(target) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _alive(self, pid: int) -> bool:
        if pid == self.pid:
            return not self._reap(os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass
        return True


def main() -> None:
    """The program."""
    try:
        proxy = PidProxy(sys.argv)
    except ValueError:
        show(USAGE % (sys.argv[0] if sys.argv else "pidproxy") + "\n")
        sys.exit(1)
    sys.exit(proxy.go())


if __name__ == "__main__":
    main()
