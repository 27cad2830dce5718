"""The activity log: form of its lines, levels, handlers, and what plugins replace."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from supervisor import loggers
from supervisor.loggers import (
    BoundIO,
    FileHandler,
    Handler,
    LevelsByDescription,
    Logger,
    LogRecord,
    RotatingFileHandler,
    StreamHandler,
    SyslogHandler,
    getLevelNumByDescription,
    getLogger,
    handle_boundIO,
    handle_file,
    handle_stdout,
    handle_syslog,
)

FORM = "%(asctime)s %(levelname)s %(message)s\n"


def text_logger(level: int = 20, fmt: str = "%(levelname)s %(message)s\n") -> tuple[Logger, io.StringIO]:
    stream = io.StringIO()
    handler = StreamHandler(stream)
    handler.setFormat(fmt)
    handler.setLevel(level)
    return Logger(level, [handler]), stream


def test_a_line(tmp_path: Path) -> None:
    logger = getLogger()
    handle_file(logger, str(tmp_path / "x.log"), FORM)
    logger.info("some é message with 100%")
    line = (tmp_path / "x.log").read_text("utf-8")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO some é message with 100%\n", line)
    logger.close()


def test_times_are_local_and_cut_to_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = loggers._Seconds()
    now = 1_700_000_000.9999
    import time

    expected = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(now)))
    assert seconds.text(now) == f"{expected},999"
    assert seconds.text(1_700_000_000.0) == f"{expected},000"
    assert seconds.text(now + 1).startswith(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(now) + 1)))


def test_levels() -> None:
    logger, stream = text_logger(level=3)
    for name in ("blather", "trace", "debug", "info", "warn", "error", "critical"):
        getattr(logger, name)(name)
    assert stream.getvalue() == (
        "BLAT blather\nTRAC trace\nDEBG debug\nINFO info\nWARN warn\nERRO error\nCRIT critical\n"
    )
    for name in ("blather", "trace", "debug", "info", "warn", "error", "critical"):
        assert getLevelNumByDescription(name) == getattr(LevelsByDescription, name)
    assert getLevelNumByDescription("warning") is None
    assert getLevelNumByDescription("__doc__") is None


def test_lower_levels_are_not_logged() -> None:
    logger, stream = text_logger(level=30)
    for name in ("blather", "trace", "debug", "info"):
        getattr(logger, name)(name)
    logger.log(20, "below the handler's level")
    assert stream.getvalue() == ""


def test_names_are_filled_in_only_when_given() -> None:
    logger, stream = text_logger()
    logger.info("%s of %(this)s")
    logger.info("%(this)s", this="that")
    assert stream.getvalue() == "INFO %s of %(this)s\nINFO that\n"


def test_record() -> None:
    record = LogRecord(20, "x %(a)s", a=1)
    values = record.asdict()
    assert (values["message"], values["levelname"]) == ("x 1", "INFO")
    assert record.asdict() is values


def test_streams_of_bytes_and_of_text() -> None:
    stream = io.BytesIO()
    handler = StreamHandler(stream)
    handler.setFormat("%(message)s\n")
    Logger(20, [handler]).info("é \udcff")
    assert stream.getvalue() == b"\xc3\xa9 \\udcff\n"


def test_what_is_kept_in_memory() -> None:
    logger = getLogger()
    handle_boundIO(logger, "%(message)s\n", maxbytes=8)
    logger.info("one")
    logger.info("second")
    assert logger.getvalue() == b"\nsecond\n"
    logger.handlers[0].remove()
    assert logger.getvalue() == b""
    with pytest.raises(NotImplementedError):
        getLogger().getvalue()


def test_bound_io() -> None:
    kept = BoundIO(5, b"ab")
    kept.write(b"cd")
    assert kept.getvalue() == b"abcd"
    kept.write(b"0123456789")
    assert kept.getvalue() == b"56789"
    with pytest.raises(TypeError):
        kept.write("text")  # type: ignore[arg-type]
    kept.close()
    assert kept.getvalue() == b""


def test_rotation(tmp_path: Path) -> None:
    logger = getLogger()
    handle_file(logger, str(tmp_path / "x.log"), "%(message)s\n", rotating=True, maxbytes=10, backups=2)
    for number in range(5):
        logger.info(f"line {number}")
    logger.close()
    assert (tmp_path / "x.log").read_bytes() == b"line 4\n"
    assert (tmp_path / "x.log.1").read_bytes() == b"line 2\nline 3\n"
    assert (tmp_path / "x.log.2").read_bytes() == b"line 0\nline 1\n"


def test_file_handler(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("old\n")
    handler = FileHandler(str(path))
    assert (handler.baseFilename, handler.mode, handler.closed) == (str(path), "ab", False)
    handler.setFormat("%(message)s\n")
    handler.emit(LogRecord(20, "one"))
    os.rename(path, tmp_path / "old.log")
    handler.reopen()
    handler.emit(LogRecord(20, "two"))
    assert (tmp_path / "old.log").read_text() == "old\none\n"
    assert path.read_text() == "two\n"
    handler.remove()
    assert handler.closed and not path.exists()
    handler.remove()
    handler.emit(LogRecord(20, "nowhere"))
    handler.reopen()
    handler.emit(LogRecord(20, "again"))
    assert path.read_text() == "again\n"
    handler.close()
    handler = FileHandler(str(path), "wb")
    assert path.read_text() == ""
    handler.close()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        handle_file(getLogger(), str(tmp_path), FORM)


def test_rolling_over_by_hand(tmp_path: Path) -> None:
    handler = RotatingFileHandler(str(tmp_path / "x.log"), maxBytes=0, backupCount=1)
    handler.emit(LogRecord(20, "0123456789"))
    handler.doRollover()
    assert not (tmp_path / "x.log.1").exists()
    handler.maxBytes = 10
    handler.doRollover()
    assert (tmp_path / "x.log.1").read_bytes() == b"0123456789"
    handler.close()


def test_replacing_emit_on_the_base_reaches_files_and_streams(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str] = []
    original = Handler.emit

    def emit(self: Handler, record: LogRecord) -> None:
        seen.append(type(self).__name__)
        original(self, record)

    logger, stream = text_logger()
    handle_file(logger, str(tmp_path / "x.log"), "%(message)s\n")
    handle_file(logger, str(tmp_path / "y.log"), "%(message)s\n", rotating=True, maxbytes=100)
    monkeypatch.setattr(Handler, "emit", emit)
    logger.info("hello")
    assert seen == ["StreamHandler", "FileHandler", "RotatingFileHandler"]
    assert stream.getvalue() == "INFO hello\n"
    assert (tmp_path / "y.log").read_text() == "hello\n"
    logger.close()


def test_replacing_emit_by_base_emit_and_rollover(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def emit(self: RotatingFileHandler, record: LogRecord) -> None:
        FileHandler.emit(self, record)
        self.doRollover()

    monkeypatch.setattr(RotatingFileHandler, "emit", emit)
    logger = getLogger()
    handle_file(logger, str(tmp_path / "x.log"), "%(message)s\n", rotating=True, maxbytes=6, backups=1)
    logger.info("first")
    logger.info("x")
    logger.close()
    assert (tmp_path / "x.log.1").read_text() == "first\n"
    assert (tmp_path / "x.log").read_text() == "x\n"


def test_handlers_are_looked_up_at_each_line() -> None:
    logger, stream = text_logger()
    _, other = text_logger()
    logger.handlers = [StreamHandler(other)]
    logger.info("hello")
    assert (stream.getvalue(), other.getvalue()) == ("", "hello")


def test_a_stream_that_fails_is_no_ones_exception(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    logger = Logger(20, [StreamHandler(Broken())])
    logger.info("x")
    closed = io.StringIO()
    handler = StreamHandler(closed)
    logger.handlers = [handler]
    logger.info("x")
    closed.close()
    logger.info("y")
    assert capsys.readouterr().err == ""


def test_mistakes_in_a_format_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    logger, _ = text_logger(fmt="%(nothing)s\n")
    logger.info("x")
    assert "KeyError" in capsys.readouterr().err


def test_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("supervisor.loggers.system_log.write", calls.append)
    logger = getLogger()
    handle_syslog(logger, "%(levelname)s %(message)s")
    logger.info("one\ntwo \0\n")
    assert calls == ["INFO one", "INFO two \0"]
    handle_file(logger, "syslog", "%(message)s")
    assert [type(handler) for handler in logger.handlers] == [SyslogHandler, SyslogHandler]
    logger.handlers[0].reopen()
    logger.close()


def test_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    logger = getLogger()
    handle_stdout(logger, "%(levelname)s %(message)s\n")
    logger.warn("hello")
    assert capsys.readouterr().out == "WARN hello\n"
    logger.close()


def test_the_logs_own_trouble_is_told_in_it_when_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = getLogger()
    handle_file(logger, str(tmp_path / "x.log"), "%(levelname)s %(message)s\n")
    target: Any = logger.handlers[0].stream._target

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    put, target._put = target._put, full
    for number in range(3):
        logger.info(str(number))
    target._put = put
    logger.info("after")
    lines = (tmp_path / "x.log").read_text().splitlines()
    assert [line for line in lines if line.startswith("INFO")] == ["INFO 0", "INFO 1", "INFO 2", "INFO after"]
    told = [line for line in lines if line.startswith("WARN")]
    assert len(told) == 2 and "No space left on device" in told[0] and "can be written again" in told[1]
    logger.close()
