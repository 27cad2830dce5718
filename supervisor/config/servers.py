"""``[supervisord]``, the http servers and the RPC plugins of a configuration.

Each function reads one kind of section into plain values. Must not know: who listens, or what is done with them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

from supervisor.config.context import BAD, Context, SectionReader, where
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.plugins import Unresolvable
from supervisor.config.problems import Problem, did_you_mean
from supervisor.config.tables import (
    INET_HTTP_SERVER,
    RPCINTERFACE,
    SUPERVISORCTL,
    SUPERVISORD,
    TABLES,
    UNIX_HTTP_SERVER,
)
from supervisor.datatypes.passwords import password_doubt
from supervisor.hints import Any

SINGLE = ("supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include")
NAMED = ("program", "fcgi-program", "eventlistener", "group", "rpcinterface", "ctlplugin",
         "unix_http_server", "inet_http_server")
MAIN_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"
# What a host name has none of.
_NO_HOST = frozenset("*/@?#\\ \t")


def normalize_path(v: str) -> str:
    """An absolute path, ``~`` expanded."""
    return os.path.normpath(os.path.abspath(os.path.expanduser(v)))


def sections_of(parser: UnhosedConfigParser, kind: str) -> list[str]:
    """Sections ``kind:name``, in the order of the file."""
    return [section for section in parser.sections() if section.startswith(kind + ":")]


def note_unknown_sections(context: Context, parser: UnhosedConfigParser) -> None:
    """Warns of sections that nobody reads."""
    known = (*SINGLE, *(kind + ":" for kind in NAMED))
    for section in parser.sections():
        kind, colon, name = section.partition(":")
        if not (section in SINGLE or (colon and kind in NAMED)):
            guess = did_you_mean(kind.strip() + colon, known)
            if guess.endswith(":?"):
                guess = guess[:-1] + name.strip() + "?"
            context.note(parser, section, "", "no such section" + guess)
        elif colon and not name.strip():
            context.note(parser, section, "", "the section has no name after the colon")


def read_supervisord(context: Context, parser: UnhosedConfigParser) -> dict[str, Any]:
    """The values of [supervisord] that the file gives; its environment is in force for all sections after it."""
    reader = SectionReader(context, parser, "supervisord", SUPERVISORD)
    reader.note_unknown()
    values = reader.values()
    reader.tell()
    if values["environment"] is not BAD:
        context.environment = values["environment"]
        context.environ.update({"ENV_" + key: text for key, text in context.environment.items()})
        parser.expansions = context.environ
    return {name: value for name, value in values.items() if name in reader.texts and value is not BAD}


def read_plugins(context: Context, parser: UnhosedConfigParser, kind: str) -> list[tuple[str, Any, dict[str, str]]]:
    """(name, factory, keyword arguments) of each plugin section."""
    key = TABLES[kind].rows[0].name
    found = []
    for section in sections_of(parser, kind):
        reader = SectionReader(context, parser, section, TABLES[kind])
        names = context.names("environment")
        values = {}
        for option, text in reader.texts.items():
            try:
                values[option] = parser.saneget(section, option, expansions=names) if "%" in text else text
            except ValueError as e:
                reader.fail(None, e, option)
        spec = values.pop(key, None)
        factory = None
        if not spec and key not in reader.texts:
            reader.fail(None, ValueError(f"section [{section}] does not specify a {key}"))
        elif spec is not None:
            context.specs[section] = spec
            try:
                factory = context.resolve(spec)
            except Unresolvable as e:
                reader.fail(None, ValueError(f"{spec} cannot be resolved within [{section}]: {e}"), key)
        reader.tell()
        if spec == MAIN_FACTORY and kind == RPCINTERFACE.kind:
            reader.note_unknown()
            values = {}
        found.append((section.partition(":")[2], factory, values))
    return found


def note_client_options(context: Context, parser: UnhosedConfigParser) -> None:
    """Warns of unknown options in [supervisorctl], which supervisorctl itself takes in silence."""
    if parser.has_section("supervisorctl"):
        SectionReader(context, parser, "supervisorctl", SUPERVISORCTL).note_unknown()


def read_servers(context: Context, parser: UnhosedConfigParser) -> list[dict[str, Any]]:
    """Where to listen: all inet servers, then all unix ones."""
    return [*_servers(context, parser, "inet_http_server", _inet),
            *_servers(context, parser, "unix_http_server", _unix)]


def _servers(context: Context, parser: UnhosedConfigParser, kind: str,
             address: Callable[[SectionReader, dict[str, Any]], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for section in parser.sections():
        name = section.partition(":")[2] if ":" in section else None
        if section.partition(":")[0] != kind:
            continue
        reader = SectionReader(context, parser, section, TABLES[kind])
        reader.note_unknown()
        values = reader.values()
        if (values["username"] is None) != (values["password"] is None):
            reader.problems.append((TABLES[kind].rank["password"], Problem(
                f"Section [{section}] contains incomplete authentication: If a username or a password is specified, "
                "both the username and password must be specified", where(parser, section))))
        for option, doubt in _doubts(values):
            context.note(parser, section, option, doubt)
        config = {"name": name, "section": section, **address(reader, values)}
        reader.tell()
        for row in TABLES[kind].rows:
            if row.name not in ("file", "port", "chmod", "chown"):
                config[row.name] = values[row.name]
        yield config


def _doubts(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, warning) for what nobody can mean. Nothing of a password is shown."""
    password = values["password"]
    doubt = password_doubt(password) if values["username"] and isinstance(password, str) else None
    if doubt:
        yield "password", f"nobody can log in with this: {doubt}"
    hosts = values["allowed_hosts"]
    for host in hosts if isinstance(hosts, list) else ():
        if host != "*" and set(host) & _NO_HOST:
            yield "allowed_hosts", f"{host!r} is no host name"


def _inet(reader: SectionReader, values: dict[str, Any]) -> dict[str, Any]:
    if "port" not in reader.texts:
        reader.fail(INET_HTTP_SERVER.by_name["port"], ValueError(f"section [{reader.section}] has no port value"))
    host, port = values["port"] if isinstance(values["port"], tuple) else ("", 0)
    return {"family": socket.AF_INET6 if ":" in host else socket.AF_INET, "host": host, "port": port}


def _unix(reader: SectionReader, values: dict[str, Any]) -> dict[str, Any]:
    path = values["file"]
    if not path:
        reader.fail(UNIX_HTTP_SERVER.by_name["file"], ValueError(f"section [{reader.section}] has no file value"))
    return {"family": socket.AF_UNIX, "file": normalize_path(path) if isinstance(path, str) else "",
            "chmod": values["chmod"], "chown": values["chown"]}


def server_url(configs: list[dict[str, Any]]) -> str | None:
    """What programs are told: the first unix server, else the first inet one."""
    for config in configs:
        if config["family"] == socket.AF_UNIX:
            return f"unix://{config['file']}"
    for config in configs:
        host = config["host"] or "localhost"
        return f"http://[{host}]:{config['port']}" if ":" in host else f"http://{host}:{config['port']}"
    return None
