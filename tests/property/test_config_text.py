"""Our readers against the standard library's, on anything that looks a little like a configuration."""

from __future__ import annotations

import configparser
import shlex

from hypothesis import given
from hypothesis import strategies as st

from supervisor import datatypes
from supervisor.config.reader import SyntaxProblem, merged, read_sections
from supervisor.process.commands import split_command
from supervisor.process.errors import BadCommand

LINES = st.lists(
    st.sampled_from([
        "[a]", "[b]", "[DEFAULT]", "[a] x", "[a]]", "k=v", "k: v", "K = v ; c", "  cont", "\tcont=2", "", "; c", " # c",
        "  ; x", "k", "k=", "k=a;b", "k = a # b ; c", " k2=1", "  [a]", "k==x", "k:=x", " ", "k=v\x0b", "é = ü"]),
    max_size=12)


@given(LINES, st.booleans())
def test_sections_are_those_of_configparser(lines: list[str], last_newline: bool) -> None:
    text = "\n".join(["[first]", *lines]) + "\n" * last_newline
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        parser.read_string(text, "F")
        expected: object = {section: dict(parser.items(section)) for section in parser.sections()}
    except configparser.Error as e:
        expected = str(e)
    try:
        found: object = merged(read_sections(text, "F"), lambda name: True)
    except SyntaxProblem as e:
        found = str(e)
    if isinstance(expected, str):
        assert isinstance(found, str)
        assert found.splitlines()[:2] == expected.splitlines()[:2]
    else:
        assert found == expected


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        merged(read_sections(text, "F"), lambda name: True)
    except SyntaxProblem as e:
        assert "'F'" in str(e)


@given(st.text(alphabet="Ab1=,\"'\\ /é\n(:$;#", max_size=20))
def test_pairs_are_those_of_a_posix_shell_reader_where_both_take_them(text: str) -> None:
    try:
        found = datatypes.dict_of_key_value_pairs(text)
    except ValueError:
        return
    lexer = shlex.shlex(text, posix=True)
    lexer.wordchars += "/.+-():"
    words = list(lexer)
    assert found == dict(zip(words[0::4], words[2::4], strict=False))


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(max_size=20).filter(
    lambda text: "\0" not in text), max_size=5))
def test_quoted_pairs_come_back(pairs: dict[str, str]) -> None:
    text = ",".join('{}="{}"'.format(key, value.replace("\\", "\\\\").replace('"', '\\"'))
                    for key, value in pairs.items())
    assert datatypes.dict_of_key_value_pairs(text) == pairs


@given(st.text(alphabet="ab'\"\\ \t\n#\x0bé", max_size=20))
def test_commands_are_split_as_a_posix_shell_reader_does(command: str) -> None:
    try:
        expected: object = shlex.split(command) or "command is empty"
    except ValueError as e:
        expected = f"can't parse command {command!r}: {e}"
    try:
        assert split_command(command) == expected
    except BadCommand as e:
        assert e.args[0] == expected
