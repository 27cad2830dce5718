from __future__ import annotations

import inspect

import pytest

from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.xmlrpc.methods import METHODS, Method, gettags
from supervisor.xmlrpc.namespaces import SystemNamespaceRPCInterface

CLASSES = {"supervisor": SupervisorNamespaceRPCInterface, "system": SystemNamespaceRPCInterface}
ROWS = [(ns, name, row) for ns, rows in METHODS.items() for name, row in rows.items()]


@pytest.mark.parametrize(("namespace", "name", "row"), ROWS)
def test_each_row_describes_the_method_that_is_there(namespace: str, name: str, row: Method) -> None:
    parameters = list(inspect.signature(getattr(CLASSES[namespace], name)).parameters.values())[1:]
    assert [p.name for p in parameters] == [p.name for p in row.parameters]
    assert [p.default is not p.empty for p in parameters] == [p.optional for p in row.parameters]


@pytest.mark.parametrize("namespace", CLASSES)
def test_each_public_method_has_a_row(namespace: str) -> None:
    public = {name for name in dir(CLASSES[namespace]) if not name.startswith("_")}
    unlisted = {"planConfig", "updateGroupMembers"} if namespace == "supervisor" else set()
    assert public == set(METHODS[namespace]) | unlisted


@pytest.mark.parametrize(("namespace", "name", "row"), ROWS)
def test_documentation_reads_back_as_the_signature(namespace: str, name: str, row: Method) -> None:
    tags = gettags(row.documentation)
    assert [kind for _, tag, kind, _, _ in tags if tag == "return"] == row.signature[:1]
    assert [kind for _, tag, kind, _, _ in tags if tag == "param"] == row.signature[1:]
    assert tags[0][4] == row.help


def test_there_are_as_many_as_promised() -> None:
    assert [len(METHODS[namespace]) for namespace in ("supervisor", "system")] == [37, 4]
    system = SystemNamespaceRPCInterface([("supervisor", SupervisorNamespaceRPCInterface(None))])
    assert len(system.listMethods()) == 41
    assert system.methodSignature("supervisor.startProcess") == ["boolean", "string", "boolean"]
    assert system.methodSignature("supervisor.tailProcessStdoutLog") == ["array", "string", "int", "int"]
    assert system.methodSignature("supervisor.signalAllProcesses") == ["array", "string"]
    assert system.methodSignature("supervisor.getState") == ["struct"]


def test_tags() -> None:
    text = "Does a thing\nand more\n\n@param string name   The name, it\n  goes on\n\n  too\n@return int\n@x\ntext @y"
    assert gettags(text) == [
        (0, None, None, None, "Does a thing\nand more"),
        (3, "param", "string", "name", "The name, it\ngoes on\ntoo"),
        (7, "return", "int", "", ""),
        (8, "x", "", "", "text @y"),
    ]
    assert gettags("") == [(0, None, None, None, "")]
    assert gettags("@ a b c") == [(0, None, None, None, ""), (0, "", "a", "b", "c")]
