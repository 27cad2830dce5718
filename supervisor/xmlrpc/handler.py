"""The HTTP handler of XML-RPC: a request's body becomes a call, its result an answer, now or later.

Promise: whatever a client sends is answered, with 400 for what is no call and a fault for a call that cannot be;
5xx means that a method failed. Bodies never reach the log. It must not know what the methods do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from types import MethodType

from supervisor import xmlrpc as package
from supervisor.engine.seldom import Seldom
from supervisor.engine.traces import in_full
from supervisor.faults import Faults, RPCError
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.xmlrpc import codec
from supervisor.xmlrpc.deferred import NOT_DONE_YET, Deferred, adopt, is_deferred
from supervisor.xmlrpc.multicall import Multicall
from supervisor.xmlrpc.namespaces import RootRPCInterface, SystemNamespaceRPCInterface, find_method

if TYPE_CHECKING:
    from urllib import parse as urls
else:
    urls = Late("urllib.parse")

__all__ = ["DeferredXMLRPCResponse", "supervisor_xmlrpc_handler", "xmlrpc_marshal"]

# Characters in the log of what a client names.
_LONGEST_SHOWN = 200
# Lines of the log about requests that cannot be read.
_INVALID_A_MINUTE = 60
_TRACE = 5


def xmlrpc_marshal(value: Any) -> str:
    """A whole answer, as text: a fault for what has faultCode and faultString, else the value."""
    if hasattr(value, "faultCode") and hasattr(value, "faultString"):
        return codec.fault_text(value.faultCode, value.faultString)
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return codec.response_text(value)


def _is_ours() -> bool:
    """Whether nobody replaced xmlrpc_marshal in the package."""
    return vars(package).get("xmlrpc_marshal", xmlrpc_marshal) is xmlrpc_marshal


def _write_value(value: Any) -> bytes:
    if _is_ours():
        return codec.dumps_response(value)
    return _bytes(package.xmlrpc_marshal(value))


def _write_fault(code: int, text: str) -> bytes:
    if _is_ours():
        return codec.dumps_fault(code, text)
    return _bytes(package.xmlrpc_marshal(package.xmlrpclib.Fault(code, text)))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def _shown(text: str) -> str:
    """What a client has written, for the log: one line, not too long."""
    if len(text) > _LONGEST_SHOWN:
        text = text[:_LONGEST_SHOWN] + "..."
    return text if text.isprintable() else ascii(text)[1:-1]


class supervisor_xmlrpc_handler:
    """Answers POST to /RPC2."""

    path = "/RPC2"
    IDENT = "Supervisor XML-RPC Handler"

    def __init__(self, supervisord: Any, subinterfaces: Iterable[tuple[str, Any]]) -> None:
        self.supervisord = supervisord
        interfaces = list(subinterfaces)
        if "system" not in dict(interfaces):
            interfaces.append(("system", SystemNamespaceRPCInterface(interfaces)))
        self.rpcinterface = RootRPCInterface(interfaces)
        self._invalid = Seldom(_INVALID_A_MINUTE)

    def match(self, request: Any) -> bool:
        """Whether the path is /RPC2 or lies below it."""
        uri = request.uri
        if "%" in uri:
            uri = urls.unquote(uri.partition("?")[0])
        return uri.startswith(self.path) and uri[len(self.path) : len(self.path) + 1] in ("", "/", "?", ";", "#")

    def handle_request(self, request: Any) -> None:
        if request.command == "POST":
            request.read_body(partial(self._body_arrived, request))
        else:
            request["Allow"] = "POST"
            request.error(405)

    def _body_arrived(self, request: Any, body: bytes | bytearray) -> None:
        self.continue_request(body, request)

    def continue_request(self, data: bytes | bytearray, request: Any) -> None:
        """Answer the call that the body of the request makes, as soon as there is an answer."""
        logger = self.supervisord.options.logger
        try:
            method, params = self.loads(data)
        except codec.TextTooLong as error:
            request.reply(200, _write_fault(Faults.INCORRECT_PARAMETERS, f"INCORRECT_PARAMETERS: {error}"), "text/xml")
            return
        except codec.CodecError as error:
            why = "no method name" if isinstance(error, codec.NoMethodName) else "unmarshallable"
            more = self._invalid.more(self.supervisord.loop.clock.now())
            if more is not None:
                logger.error(f"XML-RPC request data '{len(data)} bytes' is invalid: {why}{more}")
            request.error(400)
            return
        if isinstance(data, bytearray):
            data.clear()  # it may be megabytes, and nobody needs it any more
        shown = _shown(method)
        tracing = logger.level <= _TRACE
        if tracing:
            logger.trace(f"XML-RPC method called: {shown}()")
        try:
            value = self.call(method, params)
            if callable(value) and is_deferred(value):
                adopt(self.supervisord.loop, value).then(partial(self._settled, request, shown))
                return
            body = _write_value(value)
        except RPCError as error:
            fault = error.code, error.text
        except BaseException as error:  # foreign code may raise anything; its text is for the log alone
            self._report(method, error)
            request.error(500)
            return
        else:
            if tracing:
                logger.trace(f"XML-RPC method {shown}() returned successfully")
            request.reply(200, body, "text/xml")
            return
        # Not before the arguments are gone that the frames of the error hold: both may be megabytes.
        del params
        self._answer_fault(request, shown, *fault)

    def _report(self, method: str, error: BaseException) -> None:
        self.supervisord.options.logger.critical(
            f"Handling XML-RPC request for {_shown(method)}() raised an unexpected exception: {in_full(error)}")

    def loads(self, data: bytes | bytearray) -> tuple[str, tuple[Any, ...]]:
        """(method, parameters) of a body; CodecError when it is no call."""
        return codec.loads_call(data)

    def call(self, method: str, params: Sequence[Any]) -> Any:
        """What the method gives: a value, or a callable that is to be asked for it."""
        find, dump = (self._find_written, codec.dump_value) if _is_ours() else (self._find, None)
        if method == "system.multicall":
            function = self._find(method, len(params))
            if isinstance(function.__self__, SystemNamespaceRPCInterface):
                # Results are kept in the form in which they are sent, so that their size is known.
                work = Multicall(params[0], find, self.supervisord.loop, dump, self._report)
                work.run()
                return work() if work.settled else work
        return find(method, len(params))(*params)

    def _find(self, method: str, count: int) -> MethodType:
        return find_method(self.rpcinterface, method, count)

    def _find_written(self, method: str, count: int) -> MethodType:
        """The same, or what gives its results as XML already."""
        function = self._find(method, count)
        write = codec.writer_of(function.__func__)
        return function if write is None else MethodType(write, function.__self__)

    def _settled(self, request: Any, shown: str, answer: Deferred) -> None:
        logger = self.supervisord.options.logger
        try:
            body = _write_value(answer())
        except RPCError as fault:
            self._answer_fault(request, shown, fault.code, fault.text)
        except BaseException as error:  # foreign code may raise anything; its text is for the log alone
            logger.error(f"XML-RPC response callback error:{in_full(error)}")
            if not request.closed:
                request.error(500)
        else:
            logger.trace(f"XML-RPC method {shown}() returned successfully")
            if not request.closed:
                request.reply(200, body, "text/xml")

    def _answer_fault(self, request: Any, shown: str, code: int, text: str) -> None:
        logger = self.supervisord.options.logger
        if logger.level <= _TRACE:
            logger.trace(f"XML-RPC method {shown}() returned fault: [{code:d}] {_shown(text)}")
        if not request.closed:
            request.reply(200, _write_fault(code, text), "text/xml")


class DeferredXMLRPCResponse:
    """A producer for plugins: asks a callback for the answer to a request and sends it."""

    def __init__(self, request: Any, callback: Any) -> None:
        self.request = request
        self.callback = callback
        self.delay = float(getattr(callback, "delay", Deferred.delay))
        self.finished = False

    def more(self) -> Any:
        """NOT_DONE_YET until the callback has the answer, which is then sent as a whole; b'' from then on."""
        if self.finished:
            return b""
        try:
            value = self.callback()
            if value is NOT_DONE_YET:
                return NOT_DONE_YET
            body = _write_value(value)
        except RPCError as fault:
            body = _write_fault(fault.code, fault.text)
        except Exception as error:
            self.finished = True
            logger = self.request.channel.server.logger
            logger.log("XML-RPC response callback error", in_full(error))
            self.request.error(500)
            return b""
        self.getresponse(body)
        return b""

    def getresponse(self, body: bytes | str) -> None:
        """Send the answer."""
        self.finished = True
        self.request.reply(200, _bytes(body), "text/xml")
