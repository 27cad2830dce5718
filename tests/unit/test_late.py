"""Modules that are loaded when something of them is asked for."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from supervisor.late import Late

ROOT = pathlib.Path(__file__).parents[2]


def test_an_attribute_is_the_modules_own_and_of_now(monkeypatch):
    import supervisor.version

    late = Late("supervisor.version")
    assert late.VERSION == supervisor.version.VERSION
    monkeypatch.setattr(supervisor.version, "VERSION", "another")
    assert late.VERSION == "another"


def test_what_is_not_there_is_told_as_always():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = Late("supervisor.version").no_such_name
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = Late("supervisor.no_such_module").anything


def test_a_daemon_does_not_load_what_most_runs_never_use():
    code = "import sys, supervisor.supervisord; print(*sys.modules)"
    # Without site: what it loads, as for an installation that can be edited, is not ours.
    run = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(run.stdout.split())
    assert "supervisor.supervisord" in loaded
    heavy = {"_hashlib", "inspect", "traceback", "datetime", "ctypes", "dataclasses", "logging", "subprocess",
             "tempfile", "email", "ssl", "typing",
             "base64", "http.client", "xmlrpc.client", "meld3", "pyexpat", "supervisor.web.registry"}
    assert not loaded & heavy
