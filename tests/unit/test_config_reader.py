"""The ini dialect, and expansion."""

from __future__ import annotations

import configparser

import pytest

from supervisor.config.expand import expand
from supervisor.config.parser import UnhosedConfigParser
from supervisor.config.reader import SyntaxProblem, decode, merged, read_sections


def options(text: str) -> dict[str, dict[str, str]]:
    return merged(read_sections(text, "F"), lambda name: True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("K = v", "v"),
        ("k: v", "v"),
        ("k=a=b", "a=b"),
        ("k=v ; remark", "v"),
        ("k=v # remark", "v"),
        ("k=a;b", "a;b"),
        ('k=sh -c "a ; b"', 'sh -c "a'),
        ("k=a\n  b\n\tc", "a\nb\nc"),
        ("k=a\n\n  b\n; x\n  # y\n  c", "a\n\nb\nc"),
        ("k=a\n\n", "a"),
        ("k=1\nk=2", "2"),
        ("k=", ""),
        ("k=\n  a", "\na"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert options("[s]\n" + text) == {"s": {"k": value}}


def test_sections() -> None:
    text = "[a] ignored\nx=1\n[DEFAULT]\nd=9\n[ b ]\n[a]\ny=2\n[a]b]\n"
    assert options(text) == {"a": {"d": "9", "x": "1", "y": "2"}, " b ": {"d": "9"}, "a]b": {"d": "9"}}


def test_all_bad_lines_are_told() -> None:
    with pytest.raises(SyntaxProblem) as problem:
        read_sections("[s]\nfoo\nk=v\n[broken=1\n=x\n", "F")
    assert str(problem.value) == ("Source contains parsing errors: 'F'\n\t[line  2]: 'foo\\n'"
                                  "\n\t[line  4]: '[broken=1\\n'\n\t[line  5]: '=x\\n'")


def test_text_before_the_first_section() -> None:
    with pytest.raises(SyntaxProblem) as problem:
        read_sections("; fine\na=b\n[s]\n", "F")
    assert str(problem.value) == "File contains no section headers.\nfile: 'F', line: 2\n'a=b\\n'"


def test_nul_is_refused_with_its_line() -> None:
    with pytest.raises(SyntaxProblem, match="line 2"):
        read_sections("[s]\nk=\0\n", "F")


def test_byte_order_mark_and_line_ends() -> None:
    assert options(decode(b"\xef\xbb\xbf[s]\r\nk=\xc3\xa9\rj=1\n")) == {"s": {"k": "é", "j": "1"}}
    with pytest.raises(UnicodeDecodeError):
        decode("[s]\nk=é".encode("utf-16"))


@pytest.mark.parametrize(
    ("text", "value"), [("%%", "%"), ("%(a)s-%(n)02d", "x-07"), ("%(n)s", "7"), ("none", "none")])
def test_expansion(text: str, value: str) -> None:
    assert expand(text, {"a": "x", "n": 7}, "s.o") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%(b)s", "Format string '%(b)s' for 's.o' contains names ('b') which cannot be expanded. "
                  "Available names: ENV_SECRET, a"),
        ("%(a)Y", "Format string '%(a)Y' for 's.o' is badly formatted: unsupported format character 'Y' (0x59) "
                  "at index 4"),
        ("%(a", "Format string '%(a' for 's.o' is badly formatted: incomplete format key"),
        ("100%", "Format string '100%' for 's.o' is badly formatted: incomplete format"),
        ("%s", "Format string '%s' for 's.o' is badly formatted: a conversion has no (name)"),
        ("%(a)99999999s", "Format string '%(a)99999999s' for 's.o' is badly formatted: a number is too wide"),
    ],
)
def test_refused_expansion(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        expand(text, {"a": "x", "ENV_SECRET": "y"}, "s.o")
    assert str(refusal.value) == words
    assert "ENV_SECRET" not in refusal.value.discreet  # type: ignore[attr-defined]


def test_the_public_parser() -> None:
    parser = UnhosedConfigParser()
    parser.read_string("[a]\nb=1%(x)s\nc=3;x ;foo\n", "src")
    parser.expansions = {"x": "9"}
    assert parser.saneget("a", "b") == "19"
    assert parser.saneget("a", "b", expansions={"x": "k"}) == "1k"
    assert parser.saneget("a", "b", do_expand=False) == "1%(x)s"
    assert parser.saneget("a", "zz", "%(x)s") == "9"
    assert parser.saneget("a", "c") == "3;x"
    assert parser.saneget("a", "zz", None) is None
    with pytest.raises(configparser.NoOptionError):
        parser.saneget("a", "zz")
    with pytest.raises(configparser.NoSectionError):
        parser.saneget("q", "zz", 5)


def test_the_public_parser_is_a_raw_config_parser() -> None:
    parser = UnhosedConfigParser()
    parser.add_section("made")
    parser.set("made", "k", "v")
    parser["made"]["j"] = "w"
    parser.read_string("[read]\nx=1\n[DEFAULT]\nd=2\n")
    parser["read"]["y"] = "3"
    assert parser.sections() == ["made", "read"]
    assert dict(parser["made"]) == {"k": "v", "j": "w", "d": "2"}
    assert parser.items("read") == [("d", "2"), ("x", "1"), ("y", "3")]
    assert parser.texts("read") == {"d": "2", "x": "1", "y": "3"}
    assert parser.has_option("read", "d") and not parser.has_option("read", "q")
    assert parser.remove_section("read") and not parser.remove_section("read")
    with pytest.raises(KeyError):
        parser["read"]


def test_the_place_of_an_option_is_known() -> None:
    parser = UnhosedConfigParser()
    parser.read_string("[a]\n\nb=1\n[DEFAULT]\nd=1\n", "F")
    assert str(parser.place("a", "b")) == "F:3"
    assert str(parser.place("a")) == "F:1"
    assert str(parser.place("a", "d")) == "F:5"
    assert str(parser.place("nope", "x")) == ""


def test_repeats_are_noted() -> None:
    parser = UnhosedConfigParser()
    parser.read_string("[a]\nb=1\nb=2\n[c]\n[a]\nb=3\n", "F")
    assert parser.repeats == [
        "F:3: [a] b: option given before in this section",
        "F:5: [a]: section defined before, at F:1",
        "F:6: [a] b: option given before, at F:3",
    ]
    assert parser.saneget("a", "b") == "3"


def test_a_section_belongs_to_the_file_that_began_it() -> None:
    parser = UnhosedConfigParser()
    parser.load("[a]\nb=1\n", "first", is_file=True)
    parser.load("[a]\nc=2\n", "second", is_file=True)
    assert parser.section_to_file == {"a": "first"}
    assert str(parser.place("a", "c")) == "second:2"
