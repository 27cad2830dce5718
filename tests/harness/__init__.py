"""Real daemons for tests: the ``daemon`` fixture, puppets and the probe.

    def test_unexpected_exit_is_restarted(daemon):
        daemon.start(once={"startsecs": 0, "autorestart": "unexpected"})
        first = daemon.child("once")                        # waits until the puppet has called home
        daemon.wait_event("PROCESS_STATE_RUNNING", processname="once")
        first.tell("exit", 3)
        event = daemon.wait_event("PROCESS_STATE_EXITED", processname="once")
        assert event["expected"] == "0"
        assert daemon.child("once").pid != first.pid

The daemon
    ``daemon.start(config="", supervisord="", unix="", inet=None, probe=..., **puppets)`` writes a configuration into
    ``daemon.dir`` and starts ``supervisord -n``; it returns when the server answers. ``config`` is further text of
    sections, ``supervisord`` and ``unix`` are further lines of these sections, ``inet`` (lines, or '') asks for an inet
    server as well (``daemon.port``), ``puppets`` are programs by name with their options. In all texts ``@dir@``,
    ``@python@``, ``@port@`` and ``@puppet@`` (a command line) are replaced. ``daemonize=True`` leaves out -n, ``args``
    and ``env`` add to command line and environment. ``daemon.run(*args)`` is for a supervisord that is to end at once.
    ``daemon.configure(...)`` takes the same texts and writes the file only (before a reread).
    ``daemon.stop()`` ends it in order and returns its status; ``daemon.kill()`` is kill -9 and expects leftovers.

Talking to it
    ``daemon.rpc`` is a proxy over the unix socket (``daemon.rpc.supervisor.getState()``), ``daemon.call("getState")``
    the same in short; ``daemon.proxy()`` a new connection, ``daemon.inet_proxy(user, password)`` one over TCP.
    ``daemon.ctl("status")`` runs supervisorctl: ``.returncode``, ``.stdout``, ``.stderr``.
    ``daemon.log()`` is the activity log, ``daemon.wait_log(text)`` waits for text in it, ``daemon.read(name)`` reads a
    file of ``daemon.dir``.

Puppets
    A puppet connects to the test and does what it is told. ``daemon.child(name)`` is the next one of that process name
    that called home. ``child.tell(verb, *args)`` returns what it answers: verbs are the functions of puppet.py (exit,
    out, err, ignore, report, close, spawn, readline, read, value, ...). ``child.wait_signal()`` waits for a signal
    that it was told to report; ``child.gone()`` waits for its end.
    ``daemon.listener(name, events=...)`` is the text of an [eventlistener:] section whose program is a puppet.

The probe
    An event listener named ``probe`` (PROCESS_STATE, PROCESS_GROUP, SUPERVISOR_STATE_CHANGE, REMOTE_COMMUNICATION,
    unless ``probe="..."`` says otherwise; ``probe=None`` for none) that copies its events here.
    ``daemon.wait_event(name, **tokens)`` returns the first event not yet returned that fits; ``event["pid"]`` is a
    token of header or payload, ``event.data`` what follows the payload's first line, ``event.head`` the header.

Every wait has one generous deadline, because only a failure reaches it: DEADLINE. ``eventually(check)`` is for what
cannot be read or waited for otherwise. Tear-down ends the daemon in order, kills what is left by pid, and fails the
test if something was left, if the daemon had died, or if a traceback stands in its log (``daemon.tolerate(text)``).
"""

from tests.harness.daemon import DEADLINE, Child, Daemon, Event, eventually

__all__ = ["DEADLINE", "Child", "Daemon", "Event", "eventually"]
