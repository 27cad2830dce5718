"""Events and their listeners, with real processes."""

from __future__ import annotations

import time

import pytest

from tests.harness import Child, Daemon, eventually


def next_event(listener: Child) -> tuple[dict[str, str], str]:
    """Say READY and read one event."""
    listener.tell("out", "READY\n")
    return read_event(listener)


def read_event(listener: Child) -> tuple[dict[str, str], str]:
    head = dict(token.split(":", 1) for token in listener.tell("readline").split())
    return head, listener.tell("read", int(head["len"]))


def ok(listener: Child) -> None:
    listener.tell("out", "RESULT 2\nOK")


def listening(daemon: Daemon, config: str = "", **options: object) -> Child:
    """A daemon with one puppet that listens."""
    daemon.start(daemon.listener("l", **options) + config, probe=None)
    return daemon.child("l")


def send(daemon: Daemon, text: str) -> None:
    daemon.call("sendRemoteCommEvent", "t", text)


def test_a_life_in_events(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0}, b={"startsecs": 30, "startretries": 0})
    child = daemon.child("a")
    starting = daemon.wait_event("PROCESS_STATE_STARTING", processname="a")
    assert starting.payload == "processname:a groupname:a from_state:STOPPED tries:0"
    running = daemon.wait_event("PROCESS_STATE_RUNNING", processname="a")
    assert running.payload == f"processname:a groupname:a from_state:STARTING pid:{child.pid}"
    child.tell("exit", 3)
    exited = daemon.wait_event("PROCESS_STATE_EXITED", processname="a")
    assert exited.payload == f"processname:a groupname:a from_state:RUNNING expected:0 pid:{child.pid}"
    daemon.child("b").tell("exit", 0)
    backoff = daemon.wait_event("PROCESS_STATE_BACKOFF", processname="b")
    assert backoff.payload == "processname:b groupname:b from_state:STARTING tries:1"
    fatal = daemon.wait_event("PROCESS_STATE_FATAL", processname="b")
    assert fatal.payload == "processname:b groupname:b from_state:BACKOFF"


def test_a_stop_in_events(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0})
    child = daemon.child("a")
    daemon.wait_state("a", "RUNNING")
    daemon.call("stopProcess", "a")
    stopping = daemon.wait_event("PROCESS_STATE_STOPPING", processname="a")
    assert stopping.payload == f"processname:a groupname:a from_state:RUNNING pid:{child.pid}"
    stopped = daemon.wait_event("PROCESS_STATE_STOPPED", processname="a")
    assert stopped.payload == f"processname:a groupname:a from_state:STOPPING pid:{child.pid}"


def test_the_daemon_and_its_groups_in_events(daemon: Daemon) -> None:
    daemon.start(a={"autostart": "false"})
    assert daemon.wait_event("PROCESS_GROUP_ADDED", groupname="probe").payload == "groupname:probe\n"
    daemon.wait_event("PROCESS_GROUP_ADDED", groupname="a")
    assert daemon.wait_event("SUPERVISOR_STATE_CHANGE_RUNNING").payload == ""
    daemon.call("removeProcessGroup", "a")
    assert daemon.wait_event("PROCESS_GROUP_REMOVED").payload == "groupname:a\n"
    daemon.call("addProcessGroup", "a")
    daemon.wait_event("PROCESS_GROUP_ADDED", groupname="a")


def test_the_daemon_tells_its_end_before_anything_is_stopped(daemon: Daemon) -> None:
    daemon.start(a={"startsecs": 0})
    child = daemon.child("a")
    child.tell("report", "SIGTERM")
    daemon.signal(15)
    daemon.wait_event("SUPERVISOR_STATE_CHANGE_STOPPING")
    daemon.wait_event("PROCESS_STATE_STOPPING", processname="a")
    child.wait_signal("SIGTERM")
    daemon.call("sendRemoteCommEvent", "while", "stopping")
    assert daemon.wait_event("REMOTE_COMMUNICATION", type="while").data == "stopping"
    child.tell("exit", 0)
    assert daemon.wait() == 0


def test_a_remote_event_with_any_text(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait_state("probe", "RUNNING")
    for kind, data in (("t", "one\ntwo"), ("", ""), ("ü: x", "é" * 1000), (5, {"a": 1})):
        daemon.call("sendRemoteCommEvent", kind, data)
        assert daemon.wait_event("REMOTE_COMMUNICATION").payload == f"type:{kind}\n{data}"


def test_header_and_serials(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l") + daemon.listener("m", events="REMOTE_COMMUNICATION,TICK_3600"), probe=None,
                 supervisord="identifier=me")
    one, two = daemon.child("l"), daemon.child("m")
    send(daemon, "é")
    send(daemon, "b")
    heads: dict[str, list[dict[str, str]]] = {"l": [], "m": []}
    for listener in (one, two):
        for payload in ("type:t\né", "type:t\nb"):
            listener.tell("out", "READY\n")
            line = listener.tell("readline")
            head = dict(token.split(":", 1) for token in line.split())
            assert [*head] == ["ver", "server", "serial", "pool", "poolserial", "eventname", "len"]
            assert head["ver"] == "3.0" and head["server"] == "me" and head["pool"] == listener.name
            assert head["eventname"] == "REMOTE_COMMUNICATION"
            assert int(head["len"]) == len(payload)
            assert listener.tell("read", len(payload.encode())) == payload.encode().decode("latin-1")
            heads[listener.name].append(head)
            ok(listener)
    assert [head["poolserial"] for head in heads["l"]] == ["0", "1"]
    assert [head["serial"] for head in heads["l"]] == [head["serial"] for head in heads["m"]]


def test_the_protocol_in_pieces(daemon: Daemon) -> None:
    listener = listening(daemon)
    for byte in "READY\n":
        listener.tell("out", byte)
    send(daemon, "a")
    assert read_event(listener)[1] == "type:t\na"
    send(daemon, "b")
    for byte in "RESULT 2\nOKREADY\n":
        listener.tell("out", byte)
    assert read_event(listener)[1] == "type:t\nb"
    listener.tell("out", "RESULT 2\nOKREADY\n")
    send(daemon, "c")
    assert read_event(listener)[1] == "type:t\nc"


def test_a_rejected_event_comes_again_with_its_numbers(daemon: Daemon) -> None:
    listener = listening(daemon)
    send(daemon, "a")
    first = next_event(listener)
    listener.tell("out", "RESULT 4\nFAIL")
    assert next_event(listener) == first
    ok(listener)
    send(daemon, "b")
    assert next_event(listener)[1] == "type:t\nb"
    daemon.wait_log("WARN l: event was rejected")


def test_a_rejected_event_stays_in_its_pool(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l") + daemon.listener("m", events="TICK_3600") + daemon.listener("n"), probe=None)
    listener, other, third = daemon.child("l"), daemon.child("m"), daemon.child("n")
    other.tell("out", "READY\n")
    send(daemon, "a")
    next_event(third)
    ok(third)
    third.tell("out", "READY\n")
    for _ in range(3):
        next_event(listener)
        listener.tell("out", "RESULT 4\nFAIL")
    daemon.wait_log("WARN l: event was rejected", 3)
    log = daemon.log()
    assert "for pool m" not in log and "for pool n" not in log
    assert log.count("sent to listener n") == 1 and log.count("sent to listener m") == 0


def test_an_event_outlives_its_listener(daemon: Daemon) -> None:
    listener = listening(daemon, autorestart=True)
    send(daemon, "a")
    first = next_event(listener)
    listener.tell("exit", 0)
    again = daemon.child("l")
    assert next_event(again) == first
    daemon.wait_log("rebuffering event 0 for pool l (buf size=0, max=10)")


def test_an_answer_in_the_pipe_counts_when_its_listener_dies(daemon: Daemon) -> None:
    listener = listening(daemon, autorestart=True)
    send(daemon, "a")
    next_event(listener)
    ok(listener)
    listener.tell("exit", 0)
    again = daemon.child("l")
    send(daemon, "b")
    assert next_event(again)[1] == "type:t\nb"


def test_nothing_is_sent_before_startsecs_are_over(daemon: Daemon) -> None:
    daemon.start(daemon.program("l", "eventlistener", events="REMOTE_COMMUNICATION", startsecs=1), probe=None)
    listener = daemon.child("l")
    send(daemon, "a")
    assert next_event(listener)[1] == "type:t\na"
    assert daemon.info("l")["statename"] == "RUNNING"


@pytest.mark.parametrize("said", ["JUNKJUNK", "READY\nREADY\n", "READY\nRESULT 2\nOK", "\0" * 6])
def test_a_violation_before_an_event_makes_it_unknown(daemon: Daemon, said: str) -> None:
    listener = listening(daemon)
    listener.tell("out", said)
    daemon.wait_log("WARN l: has entered the UNKNOWN state and will no longer receive events")
    send(daemon, "a")
    assert daemon.info("l")["statename"] == "RUNNING"
    assert "sent to listener" not in daemon.log()
    daemon.call("stopProcess", "l")
    daemon.call("startProcess", "l")
    assert next_event(daemon.child("l"))[1] == "type:t\na"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("RESULT x\nOK", "RESULT x"),
        ("RESULT -3\nOK", "RESULT -3"),
        ("XXXXXXX2\nOK", "XXXXXXX2"),
        ("READY\n", "READY"),
        ("RESULT 99999999999999999999\n", "RESULT 99999999999999999999"),
        ("\xff\xfe\n", "Undecodable: b'\\xff\\xfe'"),
    ],
)
def test_a_bad_answer_makes_it_unknown_and_gives_the_event_back(daemon: Daemon, answer: str, line: str) -> None:
    listener = listening(daemon)
    send(daemon, "a")
    next_event(listener)
    listener.tell("out", answer)
    daemon.wait_log(f"WARN l: bad result line: '{line}'")
    daemon.wait_log("DEBG l: BUSY -> UNKNOWN")
    daemon.wait_log("rebuffering event 0 for pool l (buf size=0, max=10)")


def test_endless_input_is_cut_off(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l", stdout_logfile="NONE"), probe=None, loglevel="info")
    listener = daemon.child("l")
    send(daemon, "a")
    next_event(listener)
    before = resident(daemon.pid)
    listener.tell("flood", 1, 60_000_000, "x" * 1000)
    daemon.wait_log("WARN l: bad result line: 'xxx")
    assert resident(daemon.pid) - before < 20_000_000
    assert daemon.call("getState")["statename"] == "RUNNING"


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_a_listener_that_does_not_read_harms_nobody(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l", buffer_size=5))
    listener = daemon.child("l")
    daemon.wait_state("probe", "RUNNING")
    listener.tell("out", "READY\n")
    for number in range(40):
        send(daemon, "x" * 200_000)
        listener.tell("out", "RESULT 2\nOKREADY\n")
        assert daemon.wait_event("REMOTE_COMMUNICATION", type="t"), number
    assert daemon.call("getState")["statename"] == "RUNNING"


def test_an_event_larger_than_the_pipe(daemon: Daemon) -> None:
    listener = listening(daemon)
    send(daemon, "x" * 3_000_000)
    listener.tell("out", "READY\n")
    head = dict(token.split(":", 1) for token in listener.tell("readline").split())
    assert listener.tell("read", int(head["len"])) == "type:t\n" + "x" * 3_000_000
    ok(listener)
    daemon.wait_log("l: event was processed")


def test_overflow_drops_the_oldest_and_tells_once_a_second(daemon: Daemon) -> None:
    listener = listening(daemon, buffer_size=3)
    begun = time.monotonic()
    for number in range(50):
        send(daemon, str(number))
    periods = time.monotonic() - begun + 1
    assert [next_and_ok(listener) for _ in range(3)] == ["type:t\n47", "type:t\n48", "type:t\n49"]
    lines = [line for line in daemon.log().splitlines() if "ERRO pool l event buffer overflowed" in line]
    assert lines[0].endswith("discarding event 0")
    assert len(lines) <= periods + 1


def next_and_ok(listener: Child) -> str:
    payload = next_event(listener)[1]
    ok(listener)
    return payload


def test_output_as_events(daemon: Daemon) -> None:
    daemon.start(probe="PROCESS_LOG,PROCESS_COMMUNICATION",
                 a={"stdout_events_enabled": True, "stderr_events_enabled": True, "stdout_capture_maxbytes": "1KB",
                    "stdout_logfile": "NONE"})
    child = daemon.child("a")
    child.tell("out", "hello\n")
    event = daemon.wait_event("PROCESS_LOG_STDOUT")
    assert event.payload == f"processname:a groupname:a pid:{child.pid} channel:stdout\nhello\n"
    child.tell("err", "oh\n")
    assert daemon.wait_event("PROCESS_LOG_STDERR").payload.endswith(" channel:stderr\noh\n")
    child.tell("out", "<!--XSUPERVISOR:BEGIN-->between<!--XSUPERVISOR:END-->")
    event = daemon.wait_event("PROCESS_COMMUNICATION_STDOUT")
    assert event.payload == f"processname:a groupname:a pid:{child.pid}\nbetween"
    assert not [one for one in daemon.seen() if "between" in one.payload]


def test_a_character_split_between_two_writes(daemon: Daemon) -> None:
    daemon.start(probe="PROCESS_LOG", a={"stdout_events_enabled": True})
    child = daemon.child("a")
    for byte in "é\n".encode():
        child.tell("out", bytes([byte]))
    data = ""
    while not data.endswith("\n"):
        data += daemon.wait_event("PROCESS_LOG_STDOUT").data
    assert data == "é\n"


def test_length_in_bytes(daemon: Daemon) -> None:
    listener = listening(daemon, event_len="bytes")
    send(daemon, "é")
    head, payload = next_event(listener)
    assert head["len"] == "9" and payload == "type:t\né".encode().decode("latin-1")


def test_a_broken_listener_is_restarted_when_its_section_says_so(daemon: Daemon) -> None:
    listener = listening(daemon, restart_unknown=True)
    listener.ask("out", "JUNKJUNK")
    again = daemon.child("l")
    assert again.pid != listener.pid
    send(daemon, "a")
    assert next_event(again)[1] == "type:t\na"


def test_one_that_dies_on_every_event_is_slowed_down(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l", autorestart=True, command="/bin/sh -c 'echo READY; read line'"), probe=None)
    send(daemon, "a")
    daemon.wait_log("rebuffering event 0", 5)
    assert daemon.call("getState")["statename"] == "RUNNING"


def test_ticks(daemon: Daemon) -> None:
    daemon.start(probe="TICK_5")
    event = daemon.wait_event("TICK_5")
    assert event.payload == f"when:{int(event['when'])}" and int(event["when"]) % 5 == 0
    assert abs(time.time() - int(event["when"])) < 5


def test_types_are_found_in_any_case_and_unknown_ones_are_refused(daemon: Daemon) -> None:
    daemon.start(probe="remote_communication, Process_State")
    send(daemon, "a")
    daemon.wait_event("REMOTE_COMMUNICATION")
    daemon.stop()
    daemon.configure(probe="NO_SUCH")
    result = daemon.run("-n", "-c", str(daemon.conf))
    assert result.returncode != 0
    assert "Unknown event type NO_SUCH in [eventlistener:probe] events" in result.stderr


def test_result_handler_of_a_plugin(daemon: Daemon) -> None:
    listener = listening(daemon, result_handler="plugin_patches:judge")
    send(daemon, "a")
    first = next_event(listener)
    listener.tell("out", "RESULT 5\nagain")
    assert next_event(listener) == first
    listener.tell("out", "RESULT 8\nanything")
    daemon.wait_log("l: event was processed")
    send(daemon, "b")
    next_event(listener)
    listener.tell("out", "RESULT 5\nraise")
    daemon.wait_log("WARN l: event caused an error")
    daemon.wait_log("DEBG l: BUSY -> UNKNOWN")


def test_a_pool_of_several(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l", numprocs=2, process_name="%(program_name)s_%(process_num)d"), probe=None)
    one, two = daemon.child("l_0"), daemon.child("l_1")
    for listener in (one, two):
        listener.tell("out", "READY\n")
        daemon.wait_log(f"{listener.name}: ACKNOWLEDGED -> READY")
    send(daemon, "a")
    send(daemon, "b")
    assert read_event(one)[1] == "type:t\na"
    assert read_event(two)[1] == "type:t\nb"
    ok(two)
    two.tell("out", "READY\n")
    send(daemon, "c")
    assert read_event(two)[1] == "type:t\nc"


def test_events_wait_for_a_stopped_listener(daemon: Daemon) -> None:
    listener = listening(daemon)
    listener.tell("out", "READY\n")
    daemon.wait_state("l", "RUNNING")
    daemon.call("stopProcess", "l")
    send(daemon, "a")
    daemon.call("startProcess", "l")
    assert next_event(daemon.child("l"))[1] == "type:t\na"


def test_delivery_is_quick(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait_state("probe", "RUNNING")

    def once() -> float:
        begun = time.monotonic()
        daemon.call("sendRemoteCommEvent", "t", "x")
        daemon.wait_event("REMOTE_COMMUNICATION")
        return time.monotonic() - begun

    assert min(once() for _ in range(20)) < 0.1


def test_a_listener_closing_its_output_is_left_out(daemon: Daemon) -> None:
    daemon.start(daemon.listener("l", numprocs=2, process_name="%(program_name)s_%(process_num)d"), probe=None)
    one, two = daemon.child("l_0"), daemon.child("l_1")
    one.tell("out", "READY\n")
    daemon.wait_log("l_0: ACKNOWLEDGED -> READY")
    one.tell("close", 1)
    eventually(lambda: "(stdout)>" in daemon.log(), "the end of the pipe")
    send(daemon, "a")
    assert next_event(two)[1] == "type:t\na"
