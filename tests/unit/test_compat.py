"""Old names for plugins."""

from __future__ import annotations

import io
import os
import posixpath

import pytest

from supervisor import compat


def test_text_and_bytes() -> None:
    assert compat.as_bytes("é") == compat.as_bytes("é".encode()) == "é".encode()
    assert compat.as_string("é") == compat.as_string("é".encode()) == "é"
    assert compat.as_bytes("é", "latin-1") == b"\xe9" and compat.as_string(b"\xe9", "latin-1") == "é"
    with pytest.raises(UnicodeDecodeError):
        compat.as_string(b"\xff")


def test_base64() -> None:
    assert compat.encodestring("ab") == "YWI=\n"
    assert compat.decodestring("YWI=\n") == "ab"


def test_is_text_stream() -> None:
    assert compat.is_text_stream(io.StringIO())
    assert not compat.is_text_stream(io.BytesIO())
    assert not compat.is_text_stream(object())
    with open(os.devnull) as text, open(os.devnull, "rb") as binary:
        assert compat.is_text_stream(text) and not compat.is_text_stream(binary)


def test_import_spec() -> None:
    assert compat.import_spec("os") is os
    assert compat.import_spec("os:path") is posixpath
    assert compat.import_spec("os:path.join") is posixpath.join
    with pytest.raises(ImportError):
        compat.import_spec("no_such_module:name")
    with pytest.raises(AttributeError):
        compat.import_spec("os:no_such_name")


def test_resource_filename() -> None:
    assert os.path.exists(compat.resource_filename("supervisor", "demo/supervisord.conf"))


def test_modules_under_their_old_names() -> None:
    assert compat.xmlrpclib.__name__ == "xmlrpc.client" and compat.httplib.__name__ == "http.client"
    assert compat.Fault is compat.xmlrpclib.Fault
    assert compat.unicode is str and compat.long is int and compat.PY2 is False
