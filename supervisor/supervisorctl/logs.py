"""tail, maintail and logs: ends of logs, and logs as they grow.

Promise: text of a log never reaches a terminal with control characters in it, unless --raw asks for that; to a file or
pipe it goes as it came, bytes of a stream too.
"""

from __future__ import annotations

from supervisor.faults import Faults
from supervisor.names import split_namespec
from supervisor.supervisorctl.colours import name_painter
from supervisor.supervisorctl.link import CallFault, UnknownProtocol
from supervisor.supervisorctl.logends import DEFAULT_BYTES, last_bytes, last_lines, pieces
from supervisor.supervisorctl.output import OutputGone
from supervisor.supervisorctl.printer import Printer
from supervisor.supervisorctl.safetext import encoding_warning, log_text, one_line, raw_text
from supervisor.supervisorctl.stream import CannotRead, ReaderLeft, Stream, follow
from supervisor.supervisorctl.targets import BadWords, each_process, take_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.supervisorctl.logends import Read
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

LOGS_LINES = 10
CHANNELS = ("stdout", "stderr")
TOO_MANY = "Error: too many arguments"
TO_LEAVE = "==> Press Ctrl-C to exit <=="


class Wish:
    """What is to be seen of a log: how much of its end, or all that comes."""

    __slots__ = ("follow", "bytes", "lines", "raw")

    def __init__(self, words: list[str]) -> None:
        """Takes --raw and -n LINES out of the words, wherever they are."""
        self.follow = False
        self.bytes = DEFAULT_BYTES
        self.raw = bool(take_flags(words, ("--raw",)))
        self.lines: int | None = None
        if "-n" in words:
            at = words.index("-n")
            number = words[at + 1] if at + 1 < len(words) else ""
            if not _is_number(number):
                raise BadWords("Error: -n requires a number of lines")
            self.lines = int(number)
            del words[at : at + 2]

    def modify(self, modifier: str) -> None:
        """Take -f or -BYTES into account."""
        if modifier == "-f":
            if self.lines is not None:
                raise BadWords("Error: -n and -f do not go together")
            self.follow = True
        else:
            try:
                self.bytes = int(modifier[1:]) if modifier.startswith("-") else -1
            except ValueError:
                self.bytes = -1
            if self.bytes < 0:
                raise BadWords(f"Error: bad argument {one_line(modifier)}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def tail(session: Session, command: Command, words: list[str]) -> None:
    """Show or follow the end of a process' log."""
    if not session.upcheck():
        return
    wish, name, channel = _tail_words(words)
    if wish.follow:
        follow_path(session, f"/logtail/{name}/{channel}", wish.raw)
        return
    method = "readProcessStdoutLog" if channel == "stdout" else "readProcessStderrLog"
    phrases = {
        Faults.BAD_NAME: "no such process name",
        Faults.NO_FILE: "no log file",
        Faults.FAILED: "unknown error reading log",
    }
    warn_about_encoding(session)
    show_end(session, wish, lambda *part: str(session.call(method, name, *part)), one_line(name), phrases)


def _tail_words(words: list[str]) -> tuple[Wish, str, str]:
    if not words:
        raise BadWords("Error: too few arguments", usage=True)
    wish = Wish(words)
    if len(words) > 3:
        raise BadWords(TOO_MANY, usage=True)
    modifier = words.pop(0) if words and (words[0].startswith("-") or len(words) == 3) else None
    if not words:
        raise BadWords("Error: tail requires process name")
    channel = words[1].lower() if len(words) == 2 else "stdout"
    if channel not in CHANNELS:
        raise BadWords(f"Error: bad channel '{one_line(words[1])}'")
    if modifier is not None:
        wish.modify(modifier)
    return wish, words[0], channel


def maintail(session: Session, command: Command, words: list[str]) -> None:
    """Show or follow the end of the activity log."""
    if not session.upcheck():
        return
    wish = Wish(words)
    if len(words) > 1:
        raise BadWords(TOO_MANY, usage=True)
    for modifier in words:
        wish.modify(modifier)
    if wish.follow:
        follow_path(session, "/mainlogtail", wish.raw)
        return
    phrases = {Faults.NO_FILE: "no log file", Faults.FAILED: "unknown error reading log"}
    show_end(session, wish, lambda *part: str(session.call("readLog", *part)), "supervisord", phrases)


def show_end(session: Session, wish: Wish, read: Read, name: str, phrases: dict[int, str]) -> None:
    """Print the end of a log, or what is wrong with it."""
    make = text_maker(session, wish)
    try:
        if wish.lines is not None:
            session.write(make(last_lines(read, wish.lines)))
        elif wish.bytes:
            session.write(make(last_bytes(read, wish.bytes)))
        else:
            for piece in pieces(read):
                session.write(make(piece))
    except CallFault as fault:
        if fault.code not in phrases:
            raise
        session.fail(f"{name}: ERROR ({phrases[fault.code]})")
    else:
        session.output("")


def text_maker(session: Session, wish: Wish) -> Callable[[str], str]:
    """What has to be done with text of a log before it is printed."""
    if wish.raw:
        return raw_text
    return log_text if session.on_terminal() else str


def warn_about_encoding(session: Session) -> None:
    """Say so when the output may not be able to show what a log holds."""
    warning = encoding_warning()
    if warning is not None:
        session.output(warning)


def follow_path(session: Session, path: str, raw: bool) -> None:
    """Print a log as it grows until Ctrl-C, or until the server ends it."""
    warn_about_encoding(session)
    session.output(TO_LEAVE)
    follow_logs(session, [(path, "")], raw)


def follow_logs(session: Session, logs: list[tuple[str, str]], raw: bool) -> None:
    """Print several logs as they grow, each line behind the prefix of its log when there is one."""
    streams: dict[Stream, Printer] = {}
    url = session.options.serverurl
    try:
        for path, prefix in logs:
            streams[Stream(session.link, path)] = Printer(session, raw, prefix)
        try:
            follow(streams, output=session.pipe())
        finally:
            for printer in streams.values():
                printer.finish()
    except ReaderLeft:
        raise OutputGone() from None
    except CannotRead as problem:
        session.fail(one_line(str(problem)))
    except UnknownProtocol:
        raise
    except ValueError as problem:
        session.fail(f"{url} Cannot read, {problem}")
    except OSError as problem:
        session.fail(f"{url} Cannot connect, error: {problem}")
    except KeyboardInterrupt:
        session.output("")
    finally:
        for stream in streams:
            stream.close()


def logs(session: Session, command: Command, words: list[str]) -> None:
    """Show or follow the logs of several processes, each line behind its name."""
    if not session.upcheck():
        return
    wish = Wish(words)
    if take_flags(words, ("-f",)):
        wish.modify("-f")
    if words and words[0].startswith("-"):
        raise BadWords(f"Error: bad argument {one_line(words[0])}")
    infos = session.call("getAllProcessInfo")
    everything = {(info["group"], info["name"]): info for info in infos}
    names = each_process(words or ["all"], infos)
    width = max(map(len, map(one_line, names)), default=0)
    paint = name_painter() if session.on_terminal() else lambda number, name: name
    followed = []
    for number, name in enumerate(names):
        prefix = paint(number, f"{one_line(name):<{width}} | ")
        info = everything.get(split_namespec(name))
        if info is None:
            session.fail(f"{one_line(name)}: ERROR (no such process name)")
        elif not info["stdout_logfile"]:
            continue
        elif wish.follow:
            followed.append((f"/logtail/{name}/stdout", prefix))
        else:
            _show_named(session, wish, name, prefix)
    if followed:
        follow_logs(session, followed, wish.raw)


def _show_named(session: Session, wish: Wish, name: str, prefix: str) -> None:
    lines = LOGS_LINES if wish.lines is None else wish.lines
    try:
        text = last_lines(lambda *part: str(session.call("readProcessStdoutLog", name, *part)), lines)
    except CallFault as fault:
        if fault.code != Faults.NO_FILE:
            raise
        return
    if text:
        text = text_maker(session, wish)(text)
        session.output("\n".join(f"{prefix}{line}" for line in text.split("\n")))
