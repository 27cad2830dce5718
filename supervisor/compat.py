"""Old names for plugins: what once hid the differences of Python versions.

Promise: each name means what it always did. Nothing of ours imports this module.
"""

from __future__ import annotations

import _thread as thread
import base64
import configparser as ConfigParser
import html.entities as htmlentitydefs
import http.client as httplib
import importlib
import io
import os
import string
import sys
import syslog
import urllib.parse as urllib
import urllib.parse as urlparse
import xmlrpc.client as xmlrpclib
from hashlib import md5, sha1
from html import escape
from html.parser import HTMLParser
from io import StringIO
from xmlrpc.client import Fault

from supervisor.hints import Any

__all__ = [
    "ConfigParser",
    "Fault",
    "HTMLParser",
    "PY2",
    "StringIO",
    "StringTypes",
    "as_bytes",
    "as_string",
    "basestring",
    "decodestring",
    "encodestring",
    "escape",
    "htmlentitydefs",
    "httplib",
    "import_spec",
    "is_text_stream",
    "letters",
    "long",
    "maxint",
    "md5",
    "raw_input",
    "resource_filename",
    "sha1",
    "syslog",
    "thread",
    "unichr",
    "unicode",
    "urllib",
    "urlparse",
    "xmlrpclib",
]

PY2 = False

long = int
unicode = str
unichr = chr
basestring = str
StringTypes = (str,)
raw_input = input
maxint = sys.maxsize
letters = string.ascii_letters


def as_bytes(s: str | bytes, encoding: str = "utf8") -> bytes:
    """Text encoded; bytes as they are."""
    return s if isinstance(s, bytes) else s.encode(encoding)


def as_string(s: str | bytes, encoding: str = "utf8") -> str:
    """Bytes decoded; text as it is."""
    return s if isinstance(s, str) else s.decode(encoding)


def encodestring(s: str) -> str:
    """Text as base64 text, in lines."""
    return as_string(base64.encodebytes(as_bytes(s)))


def decodestring(s: str) -> str:
    """The text behind base64 text."""
    return as_string(base64.decodebytes(as_bytes(s)))


def is_text_stream(stream: Any) -> bool:
    """Whether text can be written to a stream."""
    return isinstance(stream, io.TextIOBase)


def resource_filename(package: str, path: str) -> str:
    """Where a data file of a package lies."""
    return os.path.join(os.path.dirname(str(importlib.import_module(package).__file__)), path)


def import_spec(spec: str) -> Any:
    """What ``module:name`` names, or the module itself without a colon."""
    module, _, names = spec.partition(":")
    found: Any = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)
    return found
