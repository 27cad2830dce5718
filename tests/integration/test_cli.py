"""The programs from outside: exit status, streams and first lines of what is refused."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

from supervisor.version import VERSION


def run(program: str, *words: str, cwd: pathlib.Path, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = {program!r}; from supervisor.{program} import main; main()",
         *words], cwd=cwd, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-x"], "option -x not recognized"),
        (["--nope"], "option --nope not recognized"),
        (["-c"], "option -c requires argument"),
        (["--config"], "option --configuration requires argument"),
        (["--nodaemon=1"], "option --nodaemon must not have an argument"),
        (["--m"], "option --m not a unique prefix"),
        (["-e", "foo"], "invalid value for -e 'foo': bad logging level name 'foo'"),
        (["--logl", "foo"], "invalid value for --loglevel 'foo': bad logging level name 'foo'"),
        (["-n", "--nodae"], "conflicting command line option '--nodaemon'"),
        (["-n", "foo", "-x"], "positional arguments are not supported: ['foo', '-x']"),
        (["x", "-e", "foo"], "positional arguments are not supported: ['x', '-e', 'foo']"),
        (["-e", "foo", "-h"], "invalid value for -e 'foo': bad logging level name 'foo'"),
        (["-q/nope"], "invalid value for -q '/nope': /nope is not an existing directory"),
        (["-c", "nope"], "could not find config file nope"),
    ],
)
def test_refused_command_lines(tmp_path: pathlib.Path, words: list[str], message: str) -> None:
    status, out, err = run("supervisord", *words, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert err == f"Error: {message}\nFor help, use supervisord -h\n"


@pytest.mark.parametrize("words", [["-h"], ["-?"], ["--help"], ["-h", "-e", "foo"], ["-nh"]])
def test_help(tmp_path: pathlib.Path, words: list[str]) -> None:
    status, out, err = run("supervisord", *words, cwd=tmp_path)
    assert (status, err) == (0, "")
    assert out.splitlines()[2] == "Usage: supervisord [options]"
    entries = re.findall(r"(?m)^(-.*?) -- ", out)
    assert entries[0] == "-c/--configuration FILENAME"
    assert entries[-2:] == ["--minprocs NUM ", "--profile_options OPTIONS"]
    assert len(entries) == 20
    assert re.search(r"(?m)^--check: ", out)


@pytest.mark.parametrize("words", [["-v"], ["--vers"]])
def test_version(tmp_path: pathlib.Path, words: list[str]) -> None:
    assert run("supervisord", *words, cwd=tmp_path) == (0, f"{VERSION}\n", "")


def test_nothing_found_on_the_search_path(tmp_path: pathlib.Path) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "supervisord"
    script.write_text("from supervisor.options import ServerOptions\no = ServerOptions()\n"
                      "o.searchpaths = o.searchpaths[:4]\no.realize()\n")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=20,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert (f"Error: No config file found at default paths ({tmp_path}/etc/supervisord.conf, "
            f"{tmp_path}/supervisord.conf, supervisord.conf, etc/supervisord.conf); use the -c option to specify a "
            "config file at a different path") in said
    assert ("UserWarning: Supervisord is running as root" in done.stderr) == (os.getuid() == 0)


@pytest.mark.parametrize("content", [
    b"\x7fELF\x02\x01\x01\x00\x00", b"\xff\xfe[\x00s\x00", b"[supervisord]\n[program:a\ncommand=x\n", b"", b"\n\n",
    "[supervisord]\nidentifier=é".encode("latin-1"), b"[supervisord]\n[include]\nfiles=.\n",
    b"[supervisord]\n[program:a]\ncommand=x\nnumprocs=99999999\nprocess_name=%(process_num)d\n"])
def test_broken_files_end_with_a_message(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "s.conf").write_bytes(content)
    status, out, err = run("supervisord", "-n", "-c", "s.conf", cwd=tmp_path)
    assert (status, out) == (2, "")
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    assert sorted(os.listdir(tmp_path)) == ["s.conf"]


def test_check_in_a_program(tmp_path: pathlib.Path) -> None:
    (tmp_path / "s.conf").write_bytes(b"\xef\xbb\xbf\r\n[supervisord]\r\n[program:\xc3\xa9]\r\ncommand=/bin/cat")
    status, out, err = run("supervisord", "--check", "--strict", "-c", "s.conf", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert "no errors; warnings: 0, processes: 1, groups: 1" in out
    assert sorted(os.listdir(tmp_path)) == ["s.conf"]


def test_the_sample(tmp_path: pathlib.Path) -> None:
    status, out, err = run("confecho", "--whatever", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert out.startswith("; ")
    assert "[supervisord]\n" in out
