"""Which method a name means, and the methods about methods.

Promise: only bound methods without a leading underscore, directly in a namespace, can be reached by a name; the number
of arguments is checked before a method runs. It must not know of HTTP, nor of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import FunctionType, MethodType

from supervisor import xmlrpc as package
from supervisor.faults import Faults, RPCError
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.xmlrpc.methods import METHODS, Method
from supervisor.xmlrpc.multicall import Multicall

if TYPE_CHECKING:
    import inspect
else:
    inspect = Late("inspect")

__all__ = ["RootRPCInterface", "SystemNamespaceRPCInterface", "find_method", "traverse"]

# As inspect names it; a module that is too large for one number.
_CO_VARARGS = 0x04


class RootRPCInterface:
    """The root of all names: one attribute for each namespace."""

    def __init__(self, subinterfaces: Iterable[tuple[str, Any]]) -> None:
        for name, interface in subinterfaces:
            setattr(self, name, interface)


def _resolve(root: object, method: str) -> MethodType:
    namespace, _, name = method.partition(".")
    if name and name[0] != "_" and namespace[:1] != "_":
        interface = vars(root).get(namespace)
        try:
            function = getattr(interface, name, None)
        except Exception:  # an attribute of a plugin that is computed, and fails
            function = None
        if isinstance(function, MethodType):
            return function
    raise RPCError(Faults.UNKNOWN_METHOD)


def find_method(root: object, method: str, count: int) -> MethodType:
    """The bound method that ``namespace.name`` means now, which takes that many arguments.

    RPCError UNKNOWN_METHOD when there is none, INCORRECT_PARAMETERS when it takes another number.
    """
    function = _resolve(root, method)
    try:
        fits = _takes(function.__func__, count)
    except TypeError:  # a callable that cannot be remembered
        fits = _takes.__wrapped__(function.__func__, count)
    if not fits:
        raise RPCError(Faults.INCORRECT_PARAMETERS)
    return function


@lru_cache(maxsize=256)
def _takes(plain: Callable[..., Any], count: int) -> bool:
    """Whether what is behind a method takes so many arguments besides self."""
    if isinstance(plain, FunctionType) and not hasattr(plain, "__wrapped__") and not plain.__code__.co_kwonlyargcount:
        code = plain.__code__
        most = code.co_argcount - 1
        least = most - len(plain.__defaults__ or ())
        return least <= count and (count <= most or bool(code.co_flags & _CO_VARARGS))
    try:
        signature = inspect.signature(plain)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(None, *range(count))
    except TypeError:
        return False
    return True


def traverse(ob: object, method: str, params: Sequence[Any]) -> Any:
    """Call the method of that name with these parameters."""
    return find_method(ob, method, len(params))(*params)


class SystemNamespaceRPCInterface:
    """The ``system`` namespace."""

    def __init__(self, namespaces: Iterable[tuple[str, Any]]) -> None:
        self.namespaces: dict[str, Any] = dict(namespaces)
        self.namespaces["system"] = self

    def _listMethods(self) -> dict[str, Any]:
        """The documentation of each listed method, by name: a row of the table, or the text of a plugin's method."""
        listed: dict[str, Any] = {}
        for namespace, interface in self.namespaces.items():
            rows = METHODS.get(namespace, {})
            kind = type(interface)
            for name in vars(kind):
                function = getattr(kind, name, None)
                if name[0] != "_" and callable(function):
                    listed[f"{namespace}.{name}"] = function
            for name, row in rows.items():
                if callable(getattr(kind, name, None)):
                    listed[f"{namespace}.{name}"] = row
        return listed

    def listMethods(self) -> list[str]:
        return sorted(self._listMethods())

    def _described(self, name: object) -> Any:
        described = self._listMethods().get(name) if isinstance(name, str) else None
        if described is None:
            raise RPCError(Faults.SIGNATURE_UNSUPPORTED)
        return described

    def methodHelp(self, name: object) -> str:
        described = self._described(name)
        return described.documentation if isinstance(described, Method) else str(described.__doc__)

    def methodSignature(self, name: object) -> list[str]:
        described = self._described(name)
        if isinstance(described, Method):
            return described.signature
        # Plugins replace gettags in the package.
        tags = package.gettags(str(described.__doc__))
        result = [kind or "" for _, tag, kind, _, _ in tags if tag == "return"]
        if not result:
            raise RPCError(Faults.SIGNATURE_UNSUPPORTED)
        return [result[0], *(kind or "" for _, tag, kind, _, _ in tags if tag == "param")]

    def multicall(self, calls: Any) -> Any:
        """The results as a list, or a Deferred when one of the calls has to wait."""
        work = Multicall(calls, self._find)
        work.run()
        return work() if work.settled else work

    def _find(self, method: str, count: int) -> MethodType:
        return find_method(RootRPCInterface(self.namespaces.items()), method, count)
