"""What a person sees who starts supervisord without any configuration."""

from __future__ import annotations

import io

import pytest

from supervisor.options import ServerOptions


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refusal(stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    options = ServerOptions()
    options.searchpaths = ["/nowhere/supervisord.conf"]
    options.stderr = stderr
    with pytest.raises(SystemExit) as ended:
        options.realize([], progname="supervisord")
    assert ended.value.code == 2
    return stderr.getvalue().splitlines()


def test_a_person_is_told_how_to_get_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, help = refusal(Terminal(), monkeypatch)
    assert "(/nowhere/supervisord.conf)" in looked and "-h" in help
    assert looked.endswith("; to get one: echo_supervisord_conf > supervisord.conf")


def test_scripts_see_the_two_lines_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, help = refusal(io.StringIO(), monkeypatch)
    assert looked == ("Error: No config file found at default paths (/nowhere/supervisord.conf); use the -c option to "
                      "specify a config file at a different path")
    assert help.startswith("For help, use")
