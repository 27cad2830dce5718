"""What the page on many machines shows for tools that are no Python packages, asked for as these tools do."""

from __future__ import annotations

import re
import urllib.parse
import xmlrpc.client

import pytest

from tests.docs.pages import DOCS, blocks
from tests.harness import Daemon

PAGE = DOCS / "many_machines.rst"


def example(language: str, sign: str) -> str:
    """The block of the page in that language with that in it."""
    (text,) = (block.text for block in blocks(PAGE) if block.language == language and sign in block.text)
    return text


def test_the_address_for_telegraf_reaches_the_server_of_the_page(daemon: Daemon) -> None:
    url = urllib.parse.urlsplit(re.findall(r'^ *url = "(\S+)"$', example("toml", "inputs.supervisor"), flags=re.M)[0])
    section = example("ini", f"port={url.hostname}:{url.port}\n")
    assert f"username={url.username}\npassword={url.password}\n" in section
    daemon.start(inet=f"username={url.username}\npassword={url.password}", probe=None, web={"startsecs": 0})
    daemon.wait_state("web", "RUNNING")
    there = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{daemon.port}")
    with xmlrpc.client.ServerProxy(there.geturl()) as server:
        told = server.supervisor.getAllProcessInfo()
        assert isinstance(told, list) and [info["statename"] for info in told] == ["RUNNING"]
        assert server.supervisor.getState() == {"statecode": 1, "statename": "RUNNING"}
        assert server.supervisor.getIdentification() == "supervisor"
    nobody = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{daemon.port}/RPC2")
    with nobody, pytest.raises(xmlrpc.client.ProtocolError):
        nobody.supervisor.getState()
