"""The names that plugins import, the parameters they pass and the values they count on.

Changing a row needs a note in CHANGES.rst: other people's programs stop working by it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import xmlrpc.client
from typing import Any

import pytest

# Module -> names that can be imported from it. Dotted ones are looked up on the class.
NAMES = {
    "childutils": """
        EventListenerProtocol EventListenerProtocol.fail EventListenerProtocol.ok EventListenerProtocol.ready
        EventListenerProtocol.send EventListenerProtocol.wait ProcessCommunicationsProtocol
        ProcessCommunicationsProtocol.send ProcessCommunicationsProtocol.stderr ProcessCommunicationsProtocol.stdout
        eventdata getRPCInterface getRPCTransport get_asctime get_headers listener pcomm""",
    "compat": """
        Fault PY2 as_bytes as_string httplib import_spec is_text_stream resource_filename unicode xmlrpclib""",
    "confecho": "main",
    "datatypes": """
        Automatic FALSY_STRINGS InetStreamSocketConfig LOGFILE_AUTOS LOGFILE_NONES LOGFILE_SYSLOGS
        RangeCheckedConversion RestartUnconditionally RestartWhenExitUnexpected SIGNUMS SocketAddress SocketConfig
        SuffixMultiplier Syslog TRUTHY_STRINGS UnixStreamSocketConfig auto_restart boolean byte_size
        colon_separated_user_group dict_of_key_value_pairs existing_directory existing_dirpath gid_for_uid
        inet_address integer list_of_exitcodes list_of_ints list_of_strings logfile_name logging_level name_to_gid
        name_to_uid octal_type port_number process_or_group_name profile_options signal_number url""",
    "dispatchers": """
        ANSI_ESCAPE_BEGIN ANSI_TERMINATORS PDispatcher PEventListenerDispatcher
        PEventListenerDispatcher.READY_FOR_EVENTS_TOKEN PEventListenerDispatcher.RESULT_TOKEN_START PInputDispatcher
        POutputDispatcher POutputDispatcher._log RejectEvent default_handler find_prefix_at_end stripEscapes""",
    "events": """
        Event EventRejectedEvent EventTypes ProcessCommunicationEvent ProcessCommunicationStderrEvent
        ProcessCommunicationStdoutEvent ProcessGroupAddedEvent ProcessGroupEvent ProcessGroupRemovedEvent
        ProcessLogEvent ProcessLogStderrEvent ProcessLogStdoutEvent ProcessStateBackoffEvent ProcessStateEvent
        ProcessStateExitedEvent ProcessStateFatalEvent ProcessStateRunningEvent ProcessStateStartingEvent
        ProcessStateStartingOrBackoffEvent ProcessStateStoppedEvent ProcessStateStoppingEvent
        ProcessStateUnknownEvent RemoteCommunicationEvent SupervisorRunningEvent SupervisorStateChangeEvent
        SupervisorStoppingEvent TICK_EVENTS Tick3600Event Tick5Event Tick60Event TickEvent callbacks clear
        getEventNameByType notify register subscribe unsubscribe""",
    "http": """
        LogWrapper NOT_DONE_YET deferring_chunked_producer deferring_composite_producer deferring_globbing_producer
        deferring_hooked_producer deferring_http_channel deferring_http_request encrypted_dictionary_authorizer
        logtail_handler make_http_servers mainlogtail_handler supervisor_af_inet_http_server
        supervisor_af_unix_http_server supervisor_auth_handler supervisor_http_server tail_f_producer""",
    "http_client": "CR CRLF HTTPHandler LF Listener PY2",
    "loggers": """
        BoundIO FileHandler Handler Handler.emit LOG_LEVELS_BY_NUM LevelsByDescription LevelsByName LogRecord Logger
        RotatingFileHandler RotatingFileHandler.doRollover StreamHandler SyslogHandler SyslogHandler.emit
        getLevelNumByDescription getLogger handle_boundIO handle_file handle_stdout handle_syslog""",
    "medusa.asyncore_25": "compact_traceback",
    "medusa.default_handler": "default_handler",
    "medusa.filesys": "os_filesystem",
    "medusa.http_date": "build_http_date",
    "medusa.http_server": "get_header http_date",
    "options": """
        BadCommand ClientOptions ClientOptions.getServerProxy Config Dummy EventListenerConfig
        EventListenerPoolConfig FastCGIGroupConfig FastCGIProcessConfig NoPermission NotExecutable NotFound Options
        PY2 ProcessConfig ProcessConfig.create_autochildlogs ProcessConfig.make_process ProcessException
        ProcessGroupConfig ServerOptions ServerOptions._processes_from_section ServerOptions.cleanup_fds
        ServerOptions.close_httpservers ServerOptions.get_signal ServerOptions.kill ServerOptions.process_config
        ServerOptions.processes_from_section ServerOptions.read_config ServerOptions.realize SignalReceiver
        UnhosedConfigParser UnhosedConfigParser.saneget VERSION decode_wait_status expand make_namespec
        normalize_path readFile signame split_namespec tailFile""",
    "pidproxy": "PidProxy main",
    "poller": "BasePoller KQueuePoller PollPoller Poller SelectPoller implements_kqueue implements_poll",
    "process": """
        EventListenerPool FastCGIProcessGroup FastCGISubprocess PY2 ProcessGroup ProcessGroupBase ProcessStates
        STOPPED_STATES Subprocess Subprocess._assertInState Subprocess._spawn_as_child Subprocess.change_state
        Subprocess.finish Subprocess.get_execv_args Subprocess.get_state Subprocess.give_up Subprocess.kill
        Subprocess.signal Subprocess.spawn Subprocess.stop Subprocess.stop_report Subprocess.transition
        Subprocess.write getProcessStateDescription new_serial""",
    "rpcinterface": """
        API_VERSION RUNNING_STATES SIGNALLABLE_STATES STOPPED_STATES SupervisorNamespaceRPCInterface
        SupervisorNamespaceRPCInterface._getAllProcesses SupervisorNamespaceRPCInterface._getGroupAndProcess
        SupervisorNamespaceRPCInterface._interpretProcessInfo SupervisorNamespaceRPCInterface._update
        SupervisorNamespaceRPCInterface.getAllProcessInfo
        SupervisorNamespaceRPCInterface.getProcessInfo SupervisorNamespaceRPCInterface.readLog
        SupervisorNamespaceRPCInterface.startProcess VERSION isNotRunning isRunning isSignallable make_allfunc
        make_main_rpcinterface""",
    "socket_manager": "Proxy ReferenceCounter SocketManager",
    "states": """
        EventListenerStates ProcessStates RUNNING_STATES SIGNALLABLE_STATES STOPPED_STATES SupervisorStates
        _process_states_by_code getEventListenerStateDescription getProcessStateDescription
        getSupervisorStateDescription""",
    "supervisorctl": """
        ClientOptions Controller Controller.exec_cmdloop Controller.get_server_proxy Controller.get_supervisor
        Controller.onecmd Controller.output Controller.upcheck ControllerPluginBase DEAD_PROGRAM_FAULTS
        DefaultControllerPlugin DefaultControllerPlugin._startresult LSBInitExitStatuses LSBStatusExitStatuses
        check_encoding fgthread get_names main not_all_langs""",
    "supervisord": """
        Supervisor Supervisor.add_process_group Supervisor.diff_to_active Supervisor.get_process_map
        Supervisor.get_state Supervisor.main Supervisor.reap Supervisor.remove_process_group Supervisor.run
        Supervisor.runforever SupervisorStates getSupervisorStateDescription go main profile timeslice""",
    "templating": """
        AUTOCLOSE HTMLXMLParser IGNOREEND MeldTreeBuilder PY2 PyHelper Replace diffreduce do_parse doctype encode
        fixtag insert_doctype insert_meld_ns_decl intersection melditerator parse_html parse_htmlstring parse_xml
        parse_xmlstring prefeed sharedlineage""",
    "web": """
        DeferredWebProducer MeldView OKView PY2 StatusView StatusView.make_callback TailView VERSION VIEWS
        ViewContext supervisor_ui_handler""",
    "xmlrpc": """
        AttrDict DeferredXMLRPCResponse Faults PY2 RPCError RootRPCInterface SupervisorTransport
        SystemNamespaceRPCInterface UnixStreamHTTPConnection capped_int getFaultDescription gettags make_datetime
        supervisor_xmlrpc_handler traverse xmlrpc_marshal xmlrpclib""",
}

# Callable -> parameters as others pass them: names in order, with their defaults (``...``: some default).
PARAMETERS = {
    "childutils.EventListenerProtocol.fail": "stdout=...",
    "childutils.EventListenerProtocol.ok": "stdout=...",
    "childutils.EventListenerProtocol.ready": "stdout=...",
    "childutils.EventListenerProtocol.send": "data, stdout=...",
    "childutils.EventListenerProtocol.wait": "stdin=..., stdout=...",
    "childutils.ProcessCommunicationsProtocol.send": "msg, fp=...",
    "childutils.ProcessCommunicationsProtocol.stderr": "msg",
    "childutils.ProcessCommunicationsProtocol.stdout": "msg",
    "childutils.eventdata": "payload",
    "childutils.getRPCInterface": "env",
    "childutils.getRPCTransport": "env",
    "childutils.get_asctime": "now=None",
    "childutils.get_headers": "line",
    "compat.as_bytes": "s, encoding='utf8'",
    "compat.as_string": "s, encoding='utf8'",
    "datatypes.RangeCheckedConversion": "conversion, min=None, max=None",
    "datatypes.SocketAddress": "s",
    "datatypes.SuffixMultiplier": "d, default=1",
    "datatypes.boolean": "s",
    "datatypes.existing_dirpath": "v",
    "datatypes.integer": "value",
    "datatypes.list_of_strings": "arg",
    "datatypes.logfile_name": "val",
    "datatypes.logging_level": "value",
    "datatypes.signal_number": "value",
    "dispatchers.PEventListenerDispatcher": "process, channel, fd",
    "dispatchers.POutputDispatcher": "process, event_type, fd",
    "dispatchers.POutputDispatcher._log": "data",
    "dispatchers.default_handler": "event, response",
    "dispatchers.find_prefix_at_end": "haystack, needle",
    "events.EventRejectedEvent": "process, event",
    "events.ProcessCommunicationStdoutEvent": "process, pid, data",
    "events.ProcessGroupAddedEvent": "group",
    "events.ProcessGroupRemovedEvent": "group",
    "events.ProcessLogStdoutEvent": "process, pid, data",
    "events.ProcessStateEvent": "process, from_state, expected=True",
    "events.RemoteCommunicationEvent": "type, data",
    "events.SupervisorRunningEvent": "",
    "events.SupervisorStoppingEvent": "",
    "events.TickEvent": "when, supervisord",
    "events.clear": "",
    "events.getEventNameByType": "requested",
    "events.notify": "event",
    "events.register": "name, event",
    "events.subscribe": "type, callback",
    "events.unsubscribe": "type, callback",
    "http.logtail_handler": "supervisord",
    "http.mainlogtail_handler": "supervisord",
    "http.make_http_servers": "options, supervisord",
    "http.supervisor_auth_handler": "dict, handler, realm='default'",
    "http.tail_f_producer": "request, filename, head",
    "loggers.BoundIO": "maxbytes, buf=b''",
    "loggers.FileHandler": "filename, mode='ab'",
    "loggers.Handler": "stream=None",
    "loggers.Handler.emit": "record",
    "loggers.Handler.setFormat": "fmt",
    "loggers.Handler.setLevel": "level",
    "loggers.Logger": "level=None, handlers=None",
    "loggers.RotatingFileHandler": "filename, mode='ab', maxBytes=536870912, backupCount=10",
    "loggers.StreamHandler": "strm=None",
    "loggers.SyslogHandler": "",
    "loggers.getLevelNumByDescription": "description",
    "loggers.getLogger": "level=None",
    "loggers.handle_boundIO": "logger, fmt, maxbytes=2097152",
    "loggers.handle_file": "logger, filename, fmt, rotating=False, maxbytes=0, backups=0",
    "loggers.handle_stdout": "logger, fmt",
    "loggers.handle_syslog": "logger, fmt",
    "medusa.default_handler.default_handler": "filesystem",
    "medusa.filesys.os_filesystem": "root, wd='/'",
    "medusa.http_date.build_http_date": "when",
    "medusa.http_server.get_header": "head_reg, lines, group=1",
    "options.ClientOptions": "",
    "options.ClientOptions.realize": "args=None, doc=None, progname=None",
    "options.EventListenerPoolConfig":
        "options, name, priority, process_configs, buffer_size, pool_events, result_handler",
    "options.ProcessConfig.make_process": "group=None",
    "options.ProcessGroupConfig": "options, name, priority, process_configs",
    "options.ServerOptions": "",
    "options.ServerOptions._processes_from_section": "parser, section, group_name, klass=None",
    "options.ServerOptions.cleanup_fds": "",
    "options.ServerOptions.get_signal": "",
    "options.ServerOptions.kill": "pid, signal",
    "options.ServerOptions.process_config": "do_usage=True",
    "options.ServerOptions.processes_from_section": "parser, section, group_name, klass=None",
    "options.ServerOptions.read_config": "fp",
    "options.ServerOptions.realize": "args=None, doc=None, progname=None",
    "options.UnhosedConfigParser": "",
    "options.decode_wait_status": "sts",
    "options.expand": "s, expansions, name",
    "options.make_namespec": "group_name, process_name",
    "options.readFile": "filename, offset, length",
    "options.signame": "sig",
    "options.split_namespec": "namespec",
    "options.tailFile": "filename, offset, length",
    "process.Subprocess": "config",
    "process.Subprocess._spawn_as_child": "filename, argv",
    "process.Subprocess.change_state": "new_state, expected=True",
    "process.Subprocess.finish": "pid, sts",
    "process.Subprocess.get_execv_args": "",
    "process.Subprocess.get_state": "",
    "process.Subprocess.give_up": "",
    "process.Subprocess.kill": "sig",
    "process.Subprocess.signal": "sig",
    "process.Subprocess.spawn": "",
    "process.Subprocess.stop": "",
    "process.Subprocess.transition": "",
    "process.Subprocess.write": "chars",
    "process.new_serial": "inst",
    "rpcinterface.SupervisorNamespaceRPCInterface": "supervisord",
    "rpcinterface.SupervisorNamespaceRPCInterface._getAllProcesses": "lexical=False",
    "rpcinterface.SupervisorNamespaceRPCInterface._getGroupAndProcess": "name",
    "rpcinterface.SupervisorNamespaceRPCInterface._interpretProcessInfo": "info",
    "rpcinterface.SupervisorNamespaceRPCInterface._update": "text",
    "rpcinterface.SupervisorNamespaceRPCInterface.getAllProcessInfo": "",
    "rpcinterface.SupervisorNamespaceRPCInterface.getProcessInfo": "name",
    "rpcinterface.SupervisorNamespaceRPCInterface.readLog": "offset, length",
    "rpcinterface.SupervisorNamespaceRPCInterface.startProcess": "name, wait=True",
    "rpcinterface.isRunning": "process",
    "rpcinterface.make_allfunc": "processes, predicate, func",
    "rpcinterface.make_main_rpcinterface": "supervisord",
    "states.getProcessStateDescription": "code",
    "states.getSupervisorStateDescription": "code",
    "supervisorctl.Controller": "options, completekey='tab', stdin=None, stdout=None",
    "supervisorctl.Controller.exec_cmdloop": "args, options",
    "supervisorctl.Controller.get_server_proxy": "namespace=None",
    "supervisorctl.Controller.get_supervisor": "",
    "supervisorctl.Controller.onecmd": "line",
    "supervisorctl.Controller.output": "message",
    "supervisorctl.Controller.upcheck": "",
    "supervisorctl.ControllerPluginBase": "controller",
    "supervisorctl.DefaultControllerPlugin._startresult": "result",
    "supervisorctl.fgthread": "program, ctl",
    "supervisorctl.main": "args=None, options=None",
    "supervisord.Supervisor": "options",
    "supervisord.Supervisor.add_process_group": "config",
    "supervisord.Supervisor.diff_to_active": "",
    "supervisord.Supervisor.get_process_map": "",
    "supervisord.Supervisor.get_state": "",
    "supervisord.Supervisor.reap": "once=False, recursionguard=0",
    "supervisord.Supervisor.remove_process_group": "name",
    "supervisord.main": "args=None, test=False",
    "supervisord.timeslice": "period, when",
    "web.MeldView": "context",
    "web.StatusView": "context",
    "web.StatusView.make_callback": "namespec, action",
    "web.TailView": "context",
    "xmlrpc.RPCError": "code, extra=None",
    "xmlrpc.SupervisorTransport": "username=None, password=None, serverurl=None",
    "xmlrpc.capped_int": "value",
    "xmlrpc.getFaultDescription": "code",
    "xmlrpc.gettags": "comment",
    "xmlrpc.traverse": "ob, method, params",
    "xmlrpc.xmlrpc_marshal": "value",
}

# Attributes that can be read on the class.
CLASS_VALUES = {
    "options.ServerOptions": {"loglevel": ..., "configfile": ..., "here": ..., "nodaemon": ..., "silent": None,
                              "mood": 1, "httpservers": ()},
    "options.ClientOptions": {"serverurl": None},
    "process.Subprocess": {"pid": ..., "laststart": ..., "laststop": ..., "delay": ..., "backoff": 0, "state": ...,
                           "exitstatus": ..., "spawnerr": ..., "group": None, "killing": ...,
                           "administrative_stop": False},
    "supervisord.Supervisor": {"process_groups": None},
    "xmlrpc.SupervisorTransport": {"connection": None},
    "states.ProcessStates": {"STOPPED": 0, "STARTING": 10, "RUNNING": 20, "BACKOFF": 30, "STOPPING": 40,
                             "EXITED": 100, "FATAL": 200, "UNKNOWN": 1000},
    "states.SupervisorStates": {"FATAL": 2, "RUNNING": 1, "RESTARTING": 0, "SHUTDOWN": -1},
    "states.EventListenerStates": {"READY": 10, "BUSY": 20, "ACKNOWLEDGED": 30, "UNKNOWN": 40},
    "xmlrpc.Faults": {"UNKNOWN_METHOD": 1, "INCORRECT_PARAMETERS": 2, "BAD_ARGUMENTS": 3,
                      "SIGNATURE_UNSUPPORTED": 4, "SHUTDOWN_STATE": 6, "BAD_NAME": 10, "BAD_SIGNAL": 11, "NO_FILE": 20,
                      "NOT_EXECUTABLE": 21, "FAILED": 30, "ABNORMAL_TERMINATION": 40, "SPAWN_ERROR": 50,
                      "ALREADY_STARTED": 60, "NOT_RUNNING": 70, "SUCCESS": 80, "ALREADY_ADDED": 90,
                      "STILL_RUNNING": 91, "CANT_REREAD": 92},
    "loggers.LevelsByName": {"CRIT": 50, "ERRO": 40, "WARN": 30, "INFO": 20, "DEBG": 10, "TRAC": 5, "BLAT": 3},
    "loggers.LevelsByDescription": {"critical": 50, "error": 40, "warn": 30, "info": 20, "debug": 10, "trace": 5,
                                    "blather": 3},
    "supervisorctl.LSBInitExitStatuses": {"SUCCESS": 0, "GENERIC": 1, "INVALID_ARGS": 2, "UNIMPLEMENTED_FEATURE": 3,
                                          "INSUFFICIENT_PRIVILEGES": 4, "NOT_INSTALLED": 5, "NOT_RUNNING": 7},
    "supervisorctl.LSBStatusExitStatuses": {"NOT_RUNNING": 3, "UNKNOWN": 4},
    "dispatchers.PEventListenerDispatcher": {"READY_FOR_EVENTS_TOKEN": b"READY\n", "RESULT_TOKEN_START": b"RESULT "},
}

# Class -> a class it must be derived from.
BASES = {
    "options.EventListenerConfig": "options.ProcessConfig",
    "options.FastCGIProcessConfig": "options.ProcessConfig",
    "options.FastCGIGroupConfig": "options.ProcessGroupConfig",
    "options.NotFound": "options.ProcessException",
    "options.NotExecutable": "options.ProcessException",
    "options.BadCommand": "options.ProcessException",
    "options.NoPermission": "options.ProcessException",
    "loggers.StreamHandler": "loggers.Handler",
    "loggers.FileHandler": "loggers.Handler",
    "process.EventListenerPool": "process.ProcessGroupBase",
    "process.FastCGIProcessGroup": "process.ProcessGroup",
    "process.FastCGISubprocess": "process.Subprocess",
    "http.mainlogtail_handler": None,
    "web.TailView": "web.MeldView",
    "web.StatusView": "web.MeldView",
    "dispatchers.POutputDispatcher": "dispatchers.PDispatcher",
    "dispatchers.PInputDispatcher": "dispatchers.PDispatcher",
    "dispatchers.PEventListenerDispatcher": "dispatchers.PDispatcher",
}

# Names that are one object under several spellings.
SAME = [
    ("states.ProcessStates", "process.ProcessStates"),
    ("states.SupervisorStates", "supervisord.SupervisorStates"),
    ("states.getProcessStateDescription", "process.getProcessStateDescription"),
    ("states.getSupervisorStateDescription", "supervisord.getSupervisorStateDescription"),
    ("options.ClientOptions", "supervisorctl.ClientOptions"),
    ("medusa.http_date", "medusa.http_server.http_date"),
]

STANDARD = [("compat.xmlrpclib", "xmlrpc.client"), ("compat.httplib", "http.client"),
            ("xmlrpc.xmlrpclib", "xmlrpc.client")]


def find(path: str) -> Any:
    """The object at a dotted path below the package: the longest part that is a module, then attributes."""
    words = path.split(".")
    for length in range(len(words), 0, -1):
        name = ".".join(["supervisor", *words[:length]])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as exc:
            if not (exc.name or "").startswith("supervisor"):
                raise
            continue
        for word in words[length:]:
            found = getattr(found, word)
        return found
    raise AssertionError(f"nothing of {path} can be imported")


@pytest.mark.parametrize("module", sorted(NAMES))
def test_names_can_be_imported(module: str) -> None:
    home = importlib.import_module(f"supervisor.{module}")
    missing = []
    for name in NAMES[module].split():
        found: Any = home
        for word in name.split("."):
            if not hasattr(found, word):
                missing.append(name)
                break
            found = getattr(found, word)
    assert not missing


def expected_parameters(text: str) -> list[tuple[str, Any]]:
    """(name, default) of a row; inspect.Parameter.empty where there must be none."""
    arguments = ast.parse(f"lambda {text}: 0", mode="eval").body.args  # type: ignore[attr-defined]
    names = [argument.arg for argument in arguments.args]
    defaults = [ast.literal_eval(default) for default in arguments.defaults]
    return list(zip(names, [inspect.Parameter.empty] * (len(names) - len(defaults)) + defaults, strict=True))


@pytest.mark.parametrize("path", sorted(PARAMETERS))
def test_parameters(path: str) -> None:
    target = find(path)
    parameters = list(inspect.signature(target).parameters.values())
    if parameters and parameters[0].name == "self":
        del parameters[0]
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    expected = expected_parameters(PARAMETERS[path])
    assert [one.name for one in positional[: len(expected)]] == [name for name, _ in expected]
    for one, (_, default) in zip(positional, expected, strict=False):
        assert one.kind == one.POSITIONAL_OR_KEYWORD
        if default is ...:
            assert one.default is not one.empty
        elif default is not one.empty:
            assert one.default == default
    extra = positional[len(expected) :] + [one for one in parameters if one.kind == one.KEYWORD_ONLY]
    assert all(one.default is not one.empty for one in extra)


@pytest.mark.parametrize("path", sorted(CLASS_VALUES))
def test_values_on_the_class(path: str) -> None:
    kind = find(path)
    for name, value in CLASS_VALUES[path].items():
        assert hasattr(kind, name), name
        if value is not ...:
            assert getattr(kind, name) == value, name


@pytest.mark.parametrize("path", ["states.ProcessStates", "states.EventListenerStates"])
def test_classes_that_are_read_with_dir_have_nothing_else(path: str) -> None:
    assert {name for name in dir(find(path)) if not name.startswith("_")} == set(CLASS_VALUES[path])


@pytest.mark.parametrize("path", sorted(BASES))
def test_bases(path: str) -> None:
    base = BASES[path]
    assert inspect.isclass(find(path))
    if base is not None:
        assert issubclass(find(path), find(base))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_object_under_several_names(one: str, other: str) -> None:
    assert find(one) is find(other)


@pytest.mark.parametrize(("path", "module"), STANDARD)
def test_modules_of_the_standard_library(path: str, module: str) -> None:
    assert find(path) is importlib.import_module(module)


def test_plugins_describe_a_struct_without_an_instance() -> None:
    describe = find("rpcinterface.SupervisorNamespaceRPCInterface")._interpretProcessInfo
    info = {"state": 20, "pid": 7, "start": 100, "stop": 0, "now": 163, "spawnerr": ""}
    assert describe(None, info) == "pid 7, uptime 0:01:03"
    assert describe(None, {**info, "start": 99.5, "now": 163.25}) == "pid 7, uptime 0:01:03"
    assert describe(None, {**info, "state": 0, "stop": 63.5}) == describe(None, {**info, "state": 0, "stop": 63})
    assert describe(None, {**info, "state": 200, "spawnerr": "no"}) == "no"


def test_states_lists() -> None:
    states = find("states")
    process = states.ProcessStates
    assert states.RUNNING_STATES == (process.RUNNING, process.BACKOFF, process.STARTING)
    assert states.STOPPED_STATES == (process.STOPPED, process.EXITED, process.FATAL, process.UNKNOWN)
    assert states.SIGNALLABLE_STATES == (process.RUNNING, process.STARTING, process.STOPPING)
    assert states._process_states_by_code[20] == "RUNNING"
    assert states.getProcessStateDescription(999) is None


def test_the_version_lets_every_plugin_install() -> None:
    # >=4.3.0 and <4.4 at once, by what is published
    assert find("options.VERSION").startswith("4.3.")


def test_an_rpc_error_has_code_and_text() -> None:
    error = find("xmlrpc.RPCError")
    assert str(error(10)) == "code=10, text='BAD_NAME'"
    assert error(10, "x").text == "BAD_NAME: x" and error(10, 0).text == "BAD_NAME: 0"
    assert error(12345).text == "UNKNOWN"
    assert find("compat.Fault") is xmlrpc.client.Fault
