"""supervisord: builds everything once, runs the loop, owns the groups, shuts down.

Promise: a turn costs what happened in it, not what is supervised; what comes from outside - a signal, a plugin,
a broken configuration - never ends the daemon unless it was asked to end.
Must not know how a program is run or a request is answered.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from supervisor import events, http
from supervisor.daemon import reaper
from supervisor.daemon.ending import Ending
from supervisor.daemon.foreign import ForeignDispatchers
from supervisor.daemon.orders import SignalOrders
from supervisor.daemon.startup import (
    StartError,
    become_user,
    go_to_background,
    make_logger,
    refuse_second_instance,
    report_leftovers,
    starting,
    tell_notes,
    without_rotation,
)
from supervisor.daemon.ticks import Ticks
from supervisor.engine.clock import Clock
from supervisor.engine.daemonize import Readiness
from supervisor.engine.housekeeping import fill_standard_descriptors
from supervisor.engine.loop import Loop, Timer
from supervisor.engine.pidfile import PidFile, PidFileHeld
from supervisor.engine.settled import break_up, settle_down
from supervisor.engine.signals import SignalDoor, stay_deaf
from supervisor.engine.system import System
from supervisor.engine.ticker import timeslice
from supervisor.engine.traces import one_line
from supervisor.hints import Any
from supervisor.logfile import attend, settle, system_log
from supervisor.options import ServerOptions
from supervisor.poller import Poller
from supervisor.process import Subprocess
from supervisor.process import world as worlds
from supervisor.process.world import World
from supervisor.states import SupervisorStates, getSupervisorStateDescription

__all__ = [
    "Supervisor",
    "SupervisorStates",
    "getSupervisorStateDescription",
    "go",
    "main",
    "profile",
    "timeslice",
]

# Plugins replace these on the class and expect them to be called regularly.
_OWN_STEPS = (Subprocess.spawn, Subprocess.transition)
# How often that is, in seconds; also how long the loop sleeps at most for a replaced get_process_map.
_PLUGIN_PERIOD = 1.0
# How long to wait for memory, in seconds.
_NO_MEMORY = 0.05
# What last answers get to leave by when everything is down, and what dies with the programs to be gone, in seconds.
_FAREWELL = 0.25
_GLANCE = 0.02
_NOT_RELOADED = "configuration not reloaded, the old one stays in force"


class Supervisor:
    """One run of the daemon: from reading the configuration to a shutdown or a reload."""

    process_groups: dict[str, Any] = None  # type: ignore[assignment]
    loop: Loop
    world: World

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self.system = System()
        self.clock = Clock()
        self._ending: Ending | None = None
        self._down = False
        self._running = False
        self._plugin_timer: Timer | None = None

    # From start to end

    def main(self) -> None:
        """Everything, in the order that keeps a mistaken second instance from doing harm."""
        options = self.options
        self.system.umask(options.umask)
        options.cleanup_fds()
        become_user(options, self.system)
        options.logger = make_logger(options)
        self._pidfile = PidFile(self.system, options.pidfile)
        try:
            with without_rotation(options.logger):
                tell_notes(options)
                unclean = options.first and refuse_second_instance(options, self._pidfile) is not None
            if not options.nocleanup:
                options.clear_autochildlogdir()
            self.run(unclean)
        except StartError as exc:
            options.logger.critical(str(exc))
            raise

    def run(self, unclean: bool = False) -> None:
        """Groups, servers, background, pid file, and then the loop until the end."""
        options = self.options
        self.process_groups = {}
        events.clear()
        with starting():
            self._build()
        readiness = Readiness(self.system)
        try:
            with starting():
                self._add_configured_groups()
                self._open_servers()
                self._door.open(options.signal_receiver.receive)
                if options.first and not options.nodaemon:
                    readiness = go_to_background(options, self.system, self.loop.poller)
                self._write_pidfile()
                if unclean:
                    report_leftovers(options, self.system)
            readiness.ready()
            settle_down()
            self.runforever()
        except StartError as exc:
            readiness.failed(2, f"Error: {exc}\n")
            raise
        finally:
            self._clean_up()

    def runforever(self) -> None:
        """Turn after turn until everything is down."""
        self._running = True
        self._notify(events.SupervisorRunningEvent())
        self._ticks.start()
        # What came while nobody was listening yet.
        self.loop.call_soon(self._orders.deliver)
        self.loop.call_soon(self.reap)
        self.loop.call_soon(self._transition_all)
        if self.options.test:
            self._turn(0.0)
            return
        while not self._down:
            try:
                self._turn()
            except MemoryError:
                time.sleep(_NO_MEMORY)  # not even enough to look what is ready: others may give some back
        deadline = self.clock.now() + _FAREWELL
        while (self.loop.busy or self.world.aftermath.pending()) and self.clock.now() < deadline:
            self.loop.turn(_GLANCE)

    def get_state(self) -> int:
        """What the daemon is about: one of SupervisorStates."""
        return self.options.mood

    def request_restart(self) -> None:
        """Reload the configuration and start everything anew.

        When that is broken nothing happens but a line in the log and ValueError.
        """
        if self.options.mood == SupervisorStates.RUNNING:
            try:
                self.options.reread()
            except ValueError as exc:
                for line in str(exc).splitlines():
                    self.options.logger.error(f"{_NOT_RELOADED}: {line}")
                raise
            self.options.mood = SupervisorStates.RESTARTING

    # Groups

    def add_process_group(self, config: Any) -> bool:
        """Make the group of a configuration; False when there is one of that name."""
        name = config.name
        if name in self.process_groups:
            return False
        config.after_setuid()
        group = config.make_group()
        self.process_groups[name] = group
        self._notify(events.ProcessGroupAddedEvent(name))
        if self._running:
            self.loop.call_soon(group.transition)
        return True

    def remove_process_group(self, name: str) -> bool:
        """Forget a group; False while a member is not stopped."""
        group = self.process_groups[name]
        if group.get_unstopped_processes():
            return False
        group.before_remove()
        del self.process_groups[name]
        self._notify(events.ProcessGroupRemovedEvent(name))
        return True

    def diff_to_active(self) -> tuple[list[Any], list[Any], list[Any]]:
        """(added, changed, removed) configurations of groups: those last read against those in force."""
        read = self.options.process_group_configs
        active = {group.config.name: group.config for group in self.process_groups.values()}
        added = [config for config in read if config.name not in active]
        changed = [config for config in read if config.name in active and config != active[config.name]]
        names = {config.name for config in read}
        removed = [config for name, config in active.items() if name not in names]
        return added, changed, removed

    def get_process_map(self) -> dict[int, Any]:
        """Descriptor -> dispatcher of every process; plugins put their own function in place to add to it."""
        return {fd: found for group in self.process_groups.values() for fd, found in group.get_dispatchers().items()}

    # What the loop calls

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:
        """See to every child that died, whoever started it."""
        more = reaper.reap(self.system, self.options.logger, self.options.pidhistory, once)
        if more and not once:
            self.loop.call_soon(self.reap)

    def reopen_logs(self) -> None:
        """Close and open again the activity log and those of living processes."""
        for owner in (*self.options.logger.handlers, *self.process_groups.values()):
            reopen = getattr(owner, "reopen", None) or getattr(owner, "reopenlogs", None)
            try:
                if reopen is not None:
                    reopen()
            except BaseException as exc:
                self._tell_failure(f"reopening the logs of {owner!r}", exc)

    def hasten(self) -> None:
        """Be less patient with what was told to stop."""
        if self._ending is not None:
            self._ending.hasten()

    def now(self) -> float:
        """Monotonic time."""
        return self.clock.now()

    def _transition_all(self) -> None:
        for group in sorted(self.process_groups.values(), key=lambda group: group.config.priority):
            self.loop.call_soon(group.transition)

    # One turn

    def _turn(self, longest: float | None = None) -> None:
        if self._process_map_is_replaced():
            self._foreign.refresh(self.get_process_map, _OWN_MAP(self))
            longest = _PLUGIN_PERIOD if longest is None else longest
        if self._plugin_timer is None and (Subprocess.spawn, Subprocess.transition) != _OWN_STEPS:
            self._plugin_timer = self.loop.call_later(_PLUGIN_PERIOD, self._step_for_plugins)
        self.loop.turn(longest)
        # Looked at here, because a plugin may set the mood by hand.
        if self.options.mood < SupervisorStates.RUNNING and self._ending is None:
            self._ending = Ending(self.loop, self.options.logger, self.process_groups, self._is_down)
            self._notify(events.SupervisorStoppingEvent())
            self._ending.begin()

    def _is_down(self) -> None:
        self._down = True

    def _step_for_plugins(self) -> None:
        self._plugin_timer = None
        self._transition_all()

    def _process_map_is_replaced(self) -> bool:
        return "get_process_map" in self.__dict__ or type(self).get_process_map is not _OWN_MAP

    # Parts of main and run

    def _build(self) -> None:
        options = self.options
        self.loop = Loop(Poller(), self.clock, options.logger)
        options.mood_set = partial(self.loop.call_soon, bool)  # a turn in which it is looked at
        attend(self.loop)
        system_log.attend(self.loop, options.logger.warn)
        self.world = World(
            loop=self.loop,
            system=self.system,
            clock=self.clock,
            log=options.logger,
            pidhistory=options.pidhistory,
            settings=options,
        )
        worlds.install(self.world)
        self._orders = SignalOrders(self)
        self._door = SignalDoor(self.loop, self.system, self._orders.deliver)
        self._ticks = Ticks(self.loop, self._tick)
        self._foreign = ForeignDispatchers(self.loop, options.logger)

    def _add_configured_groups(self) -> None:
        try:
            for config in sorted(self.options.process_group_configs, key=lambda one: (one.priority, one.name)):
                self.add_process_group(config)
        except ValueError as exc:
            raise StartError(str(exc))

    def _open_servers(self) -> None:
        try:
            self.options.httpservers = http.make_http_servers(self.options, self)
        except (http.CannotListen, ValueError, OSError) as exc:
            raise StartError(str(exc))

    def _write_pidfile(self) -> None:
        pid = self.system.getpid()
        try:
            self._pidfile.write(pid)
        except PidFileHeld as exc:
            raise StartError(str(exc))
        except OSError:
            self.options.logger.critical(f"could not write pidfile {self.options.pidfile}")
        else:
            self.options.unlink_pidfile = True
            self.options.logger.info(f"supervisord started with pid {pid}")

    def _clean_up(self) -> None:
        break_up()
        self._running = False
        self._ticks.stop()
        self._foreign.forget_all()
        self.options.close_httpservers()
        self._pidfile.remove()
        self._door.close()
        settle()
        system_log.settle()
        self.loop.poller.close()

    def _tick(self, kind: type[events.TickEvent], when: int) -> None:
        self._notify(kind(when, self))

    def _notify(self, event: events.Event) -> None:
        """What a plugin's subscriber raises is told; it stops nothing."""
        try:
            events.notify(event)
        except BaseException as exc:
            self._tell_failure(f"a subscriber to {type(event).__name__}", exc)

    def _tell_failure(self, what: str, exc: BaseException) -> None:
        self.options.logger.critical(f"uncaptured python exception in {what} ({one_line(exc)})")


_OWN_MAP = Supervisor.get_process_map


def go(options: ServerOptions, spare: ServerOptions | None = None) -> Supervisor:
    """One run with these options; when it cannot start, one with the spare ones or the end with a message."""
    supervisor = Supervisor(options)
    try:
        supervisor.main()
    except StartError as exc:
        if spare is None:
            options.usage(str(exc))
        else:
            if options.logger is not None:
                options.logger.close()
            return go(_as_before(spare, str(exc)))
    return supervisor


def profile(options: ServerOptions, spare: ServerOptions | None = None) -> Supervisor:
    """One run under the profiler, whose figures then go to stdout."""
    sort_order, callers = options.profile_options
    # Loaded for this rare wish only.
    profiler = import_module("cProfile").Profile()
    supervisor: Supervisor = profiler.runcall(go, options, spare)
    stats = import_module("pstats").Stats(profiler)
    stats.strip_dirs().sort_stats(*sort_order)
    if callers:
        stats.print_callers(0.3)
    else:
        stats.print_stats(0.3)
    return supervisor


def _as_before(old: ServerOptions, why: str) -> ServerOptions:
    """Options of an earlier run for one more."""
    old.parse_criticals.extend(f"{_NOT_RELOADED}: {line}" for line in why.splitlines())
    old.mood = SupervisorStates.RUNNING
    return old


def _reloaded(old: ServerOptions) -> ServerOptions:
    """The options of the next run. The file was found good when the reload was asked for; if it was broken since,
    the old configuration goes on."""
    try:
        options = old.reread()
    except ValueError as exc:
        options = _as_before(old, str(exc))
    while options is not old and (sig := old.signal_receiver.get_signal()) is not None:
        options.signal_receiver.receive(sig, None)
    old.logger.close()
    return options


def main(args: Sequence[str] | None = None, test: bool = False) -> None:
    """The program. With test, one turn of one run."""
    fill_standard_descriptors()
    options = ServerOptions()
    options.realize(args)
    options.first = True
    spare = None
    while True:
        options.test = test
        run = profile if options.profile_options else go
        last = run(options, spare)
        before = last.options
        if test:
            break
        if before.mood < SupervisorStates.RESTARTING:
            stay_deaf(last.system)
            break
        options = _reloaded(before)
        options.first = False
        spare = None if options is before else before


if __name__ == "__main__":
    main()
