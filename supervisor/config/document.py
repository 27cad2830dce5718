"""A configuration file and the files it includes -> one parser.

Tells missing, unreadable and undecodable files apart, and remembers what was read, so that an unchanged configuration
is recognised without reading it again. Must not know: options, but those of [include].
"""

from __future__ import annotations

import glob
import os
import stat

from supervisor.config.context import Context, SectionReader, file_of, where
from supervisor.config.option import HOST
from supervisor.config.parser import FileProblem, UnhosedConfigParser
from supervisor.config.problems import ConfigError, Problem
from supervisor.config.reader import decode, read_bytes
from supervisor.config.tables import INCLUDE
from supervisor.hints import Any
from supervisor.way import way

NO_SUPERVISORD = ".ini file does not include supervisord section"


class Snapshot:
    """What a reading depended on, as far as files go."""

    def __init__(self) -> None:
        self.contents: dict[str, int] = {}             # path -> hash of its bytes
        self.matches: dict[str, list[str]] = {}        # pattern -> paths

    def still_true(self) -> bool:
        """Whether the files would be read as they were."""
        try:
            return (all(hash(read_bytes(path)) == known for path, known in self.contents.items())
                    and all(sorted(glob.glob(pattern)) == known for pattern, known in self.matches.items()))
        except OSError:
            return False


def writable_by_others(path: str) -> bool:
    """Whether people without our rights may change a file that decides what we run, or put another in its place."""
    if os.geteuid() != 0:
        return False
    try:
        return any(_replaceable(folder, info) for folder, _, info in way(path)) or _open_to_others(os.stat(path))
    except OSError:
        return False  # it has just been replaced


def _replaceable(folder: str, info: os.stat_result) -> bool:
    """Whether others may put something else there: in a sticky folder that is the owner alone."""
    holder = os.stat(folder)
    return info.st_uid != 0 or (not holder.st_mode & stat.S_ISVTX and _open_to_others(holder))


def _open_to_others(facts: os.stat_result) -> bool:
    mode = facts.st_mode
    return facts.st_uid != 0 or bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and facts.st_gid != 0))


def load(configfile: Any, context: Context, parser: UnhosedConfigParser) -> Snapshot:
    """Reads the file and its includes into the parser. Raises ConfigError."""
    snapshot = Snapshot()
    if hasattr(configfile, "read"):
        _parse(configfile.read(), getattr(configfile, "name", "<file>"), context, parser)
    else:
        path = os.fspath(configfile)
        if not os.path.exists(path):
            raise ConfigError([Problem(f"could not find config file {path}")])
        _read(path, context, parser, snapshot)
    context.stop_if_wrong()
    if parser.has_section("include"):
        _include(context, parser, snapshot, str(getattr(configfile, "name", configfile)))
        context.stop_if_wrong()
    if not parser.has_section("supervisord"):
        raise ConfigError([Problem(NO_SUPERVISORD, f" (file: {str(getattr(configfile, 'name', configfile))!r})")])
    context.notes.extend(parser.repeats)
    return snapshot


def _read(path: str, context: Context, parser: UnhosedConfigParser, snapshot: Snapshot,
          here: str | None = None) -> None:
    try:
        data = read_bytes(path)
    except OSError as e:
        context.problems.append(Problem(f"could not read config file {path}", f": {e.strerror or e}"))
        return
    snapshot.contents[os.path.abspath(path)] = hash(data)
    if writable_by_others(path):
        context.notes.append(f"{path}: others than root may write this configuration file")
    try:
        text = decode(data)
    except UnicodeError as e:
        context.problems.append(Problem(str(e), f" (file: {path!r}, line {data[:_start(e)].count(10) + 1})"))
        return
    _parse(text, path, context, parser, here)


def _start(error: UnicodeError) -> int:
    return error.start if isinstance(error, UnicodeDecodeError) else 0


def _parse(text: str, source: str, context: Context, parser: UnhosedConfigParser, here: str | None = None) -> None:
    try:
        parser.load(text, source, True, here)
    except FileProblem as e:
        context.problems.append(Problem(str(e)))


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _include(context: Context, parser: UnhosedConfigParser, snapshot: Snapshot, main_file: str) -> None:
    """Reads the included files; ``here`` is each file's own folder, in the main file too from now on."""
    reader = SectionReader(context, parser, "include", INCLUDE)
    if "files" not in reader.texts:
        raise ConfigError([Problem(".ini file has [include] section, but no files setting", where(parser, "include"))
                           .within("include", file_of(parser, "include"))])
    row = INCLUDE.by_name["files"]
    patterns = reader.value(row, lambda: context.names(HOST))
    reader.tell()
    context.stop_if_wrong()
    reader.note_unknown()
    parser.expand_here(context.here)
    main = parser.get("include", "files")
    for word in patterns.split():
        pattern = os.path.join(context.here, word)
        paths = snapshot.matches[pattern] = sorted(glob.glob(pattern))
        if not paths:
            context.warnings.append(f'No file matches via include "{pattern}"')
        for path in paths:
            context.infos.append(f'Included extra file "{path}" during parsing')
            if _same(path, main_file):
                path = main_file        # one name for one file
            if os.path.abspath(path) in snapshot.contents:
                context.note(parser, "include", "files", f"{path} was read already")
            _read(path, context, parser, snapshot, os.path.dirname(os.path.abspath(path)))
            if parser.get("include", "files") != main:
                context.note(parser, "include", "files", "not followed, for it stands in an included file")
                parser.set("include", "files", main)
                parser.repeats = [text for text in parser.repeats if ": [include]" not in text]
