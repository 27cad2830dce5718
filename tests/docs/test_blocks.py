"""Every example of the documentation is right by itself: configurations load, Python compiles, commands exist."""

from __future__ import annotations

import ast
import os
import pathlib
import pwd
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Callable

import pytest

from supervisor import confecho
from supervisor.clientoptions import CLIENT_SWITCHES
from supervisor.config.cmdline import Switch, parse
from supervisor.config.switches import SERVER_SWITCHES
from supervisor.options import ServerOptions
from supervisor.supervisorctl.table import COMMANDS
from tests.docs.pages import ROOT, Block, all_blocks, pages

HEAD = "[supervisord]\n"
_PATH = re.compile(r"(?<=[=\s:/])/(?:srv|var|run|etc|opt)/[^\s,;\"]*")
_SPEC = re.compile(r"^(?:supervisor\.(?:rpcinterface|ctl)_factory|result_handler)\s*=\s*(\S+):(\S+)$", re.M)


@pytest.fixture
def stub_plugins(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes what a configuration names by module:callable importable."""
    def make(text: str) -> None:
        for found in _SPEC.finditer(text):
            module, name = found.groups()
            if module.startswith("supervisor."):
                continue
            for known in (module.partition(".")[0], module):
                monkeypatch.setitem(sys.modules, known, types.ModuleType(known))
            setattr(sys.modules[module], name, lambda *args, **kw: None)
    return make


def here_instead(text: str, folder: pathlib.Path) -> str:
    """The text with folders and users that this machine need not have replaced."""
    def moved(found: re.Match[str]) -> str:
        path = folder / found[0].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.suffix:
            path.mkdir(exist_ok=True)
        return str(path)

    user = pwd.getpwuid(os.getuid()).pw_name
    text = re.sub(r"^user=.*$", f"user={user}", text, flags=re.M)
    text = re.sub(r"^(chown|socket_owner)=.*$", rf"\1={user}", text, flags=re.M)
    return _PATH.sub(moved, text)


@pytest.mark.parametrize("block", all_blocks("ini"), ids=repr)
def test_configurations_load_without_a_warning(
    block: Block, tmp_path: pathlib.Path, stub_plugins: Callable[[str], None]
) -> None:
    text = here_instead(block.text, tmp_path)
    if "[supervisord]" not in text:
        text = HEAD + text
    stub_plugins(text)
    file = tmp_path / "supervisord.conf"
    file.write_text(text, encoding="utf-8")
    options = ServerOptions()
    options.configfile = str(file)
    options.process_config(do_usage=False)
    assert options.notes == []
    assert [line for line in options.parse_warnings if "No file matches" not in line] == []


def test_the_sample_loads_and_has_all_of_it_commented_in(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "supervisord.conf"
    with file.open("w") as out:
        confecho.main(out)
    options = ServerOptions()
    options.configfile = str(file)
    options.process_config(do_usage=False)
    assert options.notes == []


@pytest.mark.parametrize("block", all_blocks("python"), ids=repr)
def test_python_compiles(block: Block) -> None:
    compile(block.text, repr(block), "exec")


@pytest.mark.parametrize("block", all_blocks("python"), ids=repr)
def test_what_python_imports_of_ours_is_there(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "supervisor":
            scope: dict[str, object] = {}
            exec(compile(ast.Module([node], []), repr(block), "exec"), scope)


def commands(block: Block) -> list[str]:
    """The lines that are typed."""
    joined = block.text.replace("\\\n", " ")
    if block.language == "console":
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
    return [line for line in joined.splitlines() if line.strip()]


SHELL = all_blocks("sh", "console", "bash")


def test_shell_has_no_syntax_error(tmp_path: pathlib.Path) -> None:
    texts = [block.text if block.language == "bash" else "\n".join(commands(block)) for block in SHELL]
    script = "\n".join(f"page_{number}() {{\n{text}\n}}" for number, text in enumerate(texts))
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert not checked.stderr


def runs(block: Block, program: str) -> list[list[str]]:
    """The words after a program of ours, in each place where it is called."""
    found = []
    for line in commands(block):
        for part in re.split(r"\$\(|&&|\|\||[|;()`]", line):
            words = shlex.split(part.split(" > ")[0], comments=True) if part.count('"') % 2 == 0 else []
            while words and ("=" in words[0] or words[0] in ("exec", "sudo")):
                words.pop(0)
            if words and words[0].rpartition("/")[2] == program:
                found.append(words[1:])
    return found


@pytest.mark.parametrize("block", all_blocks("sh", "console"), ids=repr)
def test_commands_have_options_and_actions_that_exist(block: Block) -> None:
    plugins = "".join(other.text for other in all_blocks("python") if other.page == block.page)
    everyone: dict[str, tuple[Switch, ...]] = {"supervisord": SERVER_SWITCHES, "supervisorctl": CLIENT_SWITCHES}
    for program, switches in everyone.items():
        for words in runs(block, program):
            _, rest = parse(switches, words)
            if program == "supervisord":
                assert not rest, words
            elif rest:
                assert rest[0] in COMMANDS or f"do_{rest[0]}" in plugins, words


def test_links_to_other_pages_hold() -> None:
    names = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in pages() if path.name != "README.rst"}
    for path in pages():
        for target in re.findall(r":doc:`(?:[^<`]*<)?([^>`]+)>?`", path.read_text(encoding="utf-8")):
            found = (path.parent / target).resolve().relative_to(ROOT / "docs")
            assert str(found) in names or target.lstrip("/") in names, f"{path.name}: {target}"


def test_pages_are_in_the_contents() -> None:
    index = (ROOT / "docs" / "index.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^   ([a-z_/.]+)$", index, flags=re.M)
    there = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in pages() if path.name != "README.rst"}
    assert set(listed) == there - {"index"}
