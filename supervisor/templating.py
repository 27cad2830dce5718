"""The template engine under its old name: meld3, with the namespace that templates of this package use.

Promise: what plugins import from here is here. Nothing of ours imports this module.
"""

from __future__ import annotations

from meld3 import (
    AUTOCLOSE,
    IGNOREEND,
    HTMLMeldParser,
    MeldTreeBuilder,
    PyHelper,
    Replace,
    diffreduce,
    do_parse,
    doctype,
    encode,
    fixtag,
    insert_doctype,
    insert_meld_ns_decl,
    intersection,
    melditerator,
    prefeed,
    sharedlineage,
)
from meld3 import parse_htmlstring as _parse_htmlstring
from meld3 import parse_xmlstring as _parse_xmlstring

from supervisor.hints import Any
from supervisor.web.templates import own_namespace

__all__ = [
    "AUTOCLOSE",
    "HTMLXMLParser",
    "IGNOREEND",
    "MeldTreeBuilder",
    "PY2",
    "PyHelper",
    "Replace",
    "diffreduce",
    "do_parse",
    "doctype",
    "encode",
    "fixtag",
    "insert_doctype",
    "insert_meld_ns_decl",
    "intersection",
    "melditerator",
    "parse_html",
    "parse_htmlstring",
    "parse_xml",
    "parse_xmlstring",
    "prefeed",
    "sharedlineage",
]

PY2 = False
HTMLXMLParser = HTMLMeldParser


def _text_of(source: Any) -> str:
    """The text of a file, given by path or open."""
    if hasattr(source, "read"):
        text = source.read()
    else:
        with open(source, encoding="utf-8") as file:
            text = file.read()
    return text if isinstance(text, str) else bytes(text).decode("utf-8")


def parse_xml(source: Any) -> Any:
    """The root element of an XML template."""
    return parse_xmlstring(_text_of(source))


def parse_xmlstring(text: str) -> Any:
    return _parse_xmlstring(own_namespace(text))


def parse_html(source: Any, encoding: str | None = None) -> Any:
    """The root element of an HTML template."""
    return parse_htmlstring(_text_of(source), encoding)


def parse_htmlstring(text: str, encoding: str | None = None) -> Any:
    return _parse_htmlstring(own_namespace(text), encoding)
