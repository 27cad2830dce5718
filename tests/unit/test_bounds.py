"""What is cut so that an answer stays within its bound."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl

import pytest

from supervisor.web import handler
from supervisor.web.text import escape
from supervisor.xmlrpc import bounds
from supervisor.xmlrpc.answers import safe_text

ALPHABETS = ["words ", "&<>", "\0\x1b", "a\x9f", "\"'", "\ufffe\u20ac", "a\U0001f600\ud800",
             "".join(map(chr, range(300)))]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("write", [safe_text, escape])
@pytest.mark.parametrize("end", [False, True])
def test_what_fits_is_kept(alphabet: str, write: object, end: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(write)
    monkeypatch.setattr(bounds, "_SLICE", 700)
    monkeypatch.setattr(bounds, "_STEP", 16)
    text = "".join(random.Random(1).choices(alphabet, k=2000))
    size = len(write(text).encode("utf-8", "replace"))
    for room in (size * 2, size, size - 1, size // 2, 100, 0):
        kept = bounds.fitting(text, room, write, end)
        assert text.endswith(kept) if end else text.startswith(kept)
        taken = len(write(kept).encode("utf-8", "replace"))
        assert taken <= room
        assert kept == text or taken > room - 16 * 6
        assert (kept == text) == (size <= room)


def test_forms_are_decoded_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_STEP", 5)
    choose = random.Random(1).choices
    for _ in range(300):
        text = "".join(choose(["%41", "%", "%%", "%4", "%c3%a9", "%ff", "+", "a", "\u00e9", "&", "=", "0"], k=40))
        assert handler._pairs(text) == parse_qsl(text, errors="replace")
    with pytest.raises(ValueError):
        handler._pairs("a=b&" * 1000)
