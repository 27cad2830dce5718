"""Text on its way to a person: control characters are made visible, encodings are never a reason to fail.

Pure but for the check of sys.stdout; knows nothing of actions.
"""

from __future__ import annotations

import sys

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_LINE_ESCAPES = {**_ESCAPES, 0x09: "\t"}
_LOG_ESCAPES = {**_LINE_ESCAPES, 0x0A: "\n"}
# XML-RPC cannot carry control characters: the daemon sends their pictures.
_PICTURES = {0x2400 + code: code for code in range(0x20)}


def one_line(text: str) -> str:
    """The text as one printable line: line ends and control characters become ``\\x0a`` and the like."""
    return text if text.isprintable() else text.translate(_LINE_ESCAPES)


def log_text(text: str) -> str:
    """Text of a log for a terminal: line ends and tabs stay, other control characters become visible."""
    return text if text.isprintable() else text.replace("\r\n", "\n").translate(_LOG_ESCAPES)


def raw_text(text: str) -> str:
    """Text of a log as the program wrote it: pictures of control characters are control characters again."""
    return text if text.isascii() else text.translate(_PICTURES)


def not_all_langs() -> str | None:
    """The encoding of sys.stdout when it cannot write every language, else None."""
    encoding = getattr(sys.stdout, "encoding", None)
    if encoding is None or str(encoding).lower().startswith("utf"):
        return None
    return str(encoding)


def encoding_warning() -> str | None:
    """What to say before text of unknown language is printed, None when there is nothing to say."""
    encoding = not_all_langs()
    if encoding is None:
        return None
    return (
        f"Warning: sys.stdout.encoding is set to {encoding}, so Unicode output may fail. "
        "Check your LANG and PYTHONIOENCODING environment settings."
    )
