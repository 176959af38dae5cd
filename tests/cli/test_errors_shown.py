"""Exit statuses, where errors go, and that none of them is a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Cli, process

import archdsl.pipeline
from archdsl.cli import cli as group
from archdsl.cli import run
from archdsl.errors import Diagnostic, WriteError

BAD_FILES = {
    "an empty file": b"",
    "only a comment": b"# nothing\n",
    "a binary file": b"\x7fELF\x00\x01",
    "not UTF-8": "input 3x8x8 # caf\xe9\n".encode("latin-1"),
    "an unknown layer": b"input 3x8x8\nconvv 3x3 4\n",
    "an unknown argument": b"input 3x8x8\nconv 3x3 4 strid=2\n",
    "a missing size": b"input 3x8x8\nconv\n",
    "a kernel larger than its input": b"input 3x8x8\nconv 11x11 4 pad=0\n",
    "groups that do not divide": b"input 3x8x8\nconv 3x3 4 groups=2\n",
    "a skip whose shapes differ": b"input 3x8x8\nresidual { conv 3x3 4 stride=2 }\n",
    "an integer of 400 digits": b"input 3x8x8\nconv 3x3 " + b"9" * 400 + b"\n",
    "a billion layers": b"input 3x8x8\nconv 3x3 x(10**9)\n",
    "100,000 braces": b"input 3x8x8\n" + b"{" * 100_000 + b"}" * 100_000,
}


@pytest.mark.parametrize("command", ["check", "summary", "compile", "draw"])
@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_input(cli: Cli, tmp_path: Path, what: str, command: str) -> None:
    (tmp_path / "bad.arch").write_bytes(BAD_FILES[what])
    out = [] if command in ("check", "summary") else ["-o", tmp_path / "made" / "bad.svg"]
    result = cli(command, tmp_path / "bad.arch", *out)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error[A")
    assert "bad.arch" in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("spec", ["missing.arch", ".", "nonesuch", "", "a\0b.arch", "x" * 5000])
def test_no_such_spec(cli: Cli, spec: str) -> None:
    result = cli("check", spec)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error[A")


def test_windows_line_ends_are_fine(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dos.arch").write_bytes(b"\xef\xbb\xbfinput 3x8x8\r\nconv 3x3 4\r\nrelu\r\n")
    assert cli("check", tmp_path / "dos.arch").status == 0


@pytest.mark.parametrize("command", ["compile", "draw"])
def test_a_place_that_cannot_be_written(
    cli: Cli, small: Path, tmp_path: Path, command: str
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = cli(command, small, "-o", blocked / "x.svg")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error[A005]")
    assert blocked.read_text() == "in the way"


def test_what_cannot_be_written_is_known_before_anything_is(
    cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (out / "small.svg").mkdir(parents=True)
    monkeypatch.setattr("archdsl.cli.compile.module", None)  # nothing is built for nothing
    result = cli("compile", small, "-o", out, "--emit", "json,onnx,svg")
    assert result.status == 1
    assert "small.svg" in result.err and [p.name for p in out.iterdir()] == ["small.svg"]


def test_a_later_failure_leaves_whole_files(
    cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "small.svg").write_text("an earlier one")

    def fail(*_: object) -> None:
        raise WriteError(Diagnostic("A005", None, "small.svg: no space left on device"))

    monkeypatch.setattr(archdsl.network.Network, "draw", fail)
    result = cli("compile", small, "-o", out, "--emit", "json,torch,svg")
    assert result.status == 1
    assert "small.svg" in result.err and (out / "small.svg").read_text() == "an earlier one"
    assert (out / "small.json").read_text() == archdsl.load(small).graph.to_json()
    assert (out / "small.py").read_text() == archdsl.load(small).torch_source()
    assert sorted(p.name for p in out.iterdir()) == ["small.json", "small.py", "small.svg"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Usage"),
        (["chekc", "x"], "did you mean `check`?"),
        (["check"], "SPEC"),
        (["check", "--nope", "x"], "--nope"),
        (["summary", "a", "b"], "unexpected extra argument"),
        (["summary", "x", "--csv", "--json"], "--json does not go with --csv"),
        (["summary", "x", "-p", "classes"], "name=value"),
        (["summary", "x", "-p", "=3"], "name=value"),
        (["compile", "x", "--emit", "torhc"], "did you mean `torch`?"),
        (["compile", "x", "--seed", "-1"], "--seed"),
        (["draw", "x", "-o", "x.bmp"], ".svg"),
    ],
)
def test_called_wrongly(cli: Cli, arguments: list[str], told: str) -> None:
    result = cli(*arguments)
    assert (result.status, result.out) == (2, "")
    assert told in result.err


def test_errors_as_json(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.arch").write_text("input 3x8x8\nconvv 3x3\n")
    for command in ("check", "summary", "compile", "draw"):
        result = cli(command, "--json", tmp_path / "bad.arch")
        assert (result.status, result.err) == (1, "")
        (error,) = json.loads(result.out)["errors"]
        assert error["code"] == "A301"


def test_help_names_every_command(cli: Cli) -> None:
    for arguments in (["--help"], ["-h"]):
        result = cli(*arguments)
        assert result.status == 0
        for name in group.list_commands(None):  # pyright: ignore[reportArgumentType]
            assert f"  {name} " in result.out
            assert cli(name, "--help").status == 0


def test_version(cli: Cli) -> None:
    result = cli("--version")
    assert (result.status, result.out) == (0, f"archdsl {archdsl.__version__}\n")


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (ValueError("it is 41"), 1, f"archdsl {archdsl.__version__}, please report"),
        (MemoryError(), 1, "error[A987]: out of memory"),
        (RecursionError(), 1, "nested too deeply"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_nobody_foresaw(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    status: int,
    told: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(archdsl.pipeline, "open_spec", fail)
    result = cli("check", "x")
    assert (result.status, result.out) == (status, "")
    assert told in result.err
    assert len(result.err.strip().splitlines()) <= 3
    assert "Traceback" not in result.err
    if isinstance(raised, ValueError):
        assert "Traceback" in cli("check", "-v", "x").err


# In a process of its own: what belongs to terminals, pipes and signals


def test_the_module_runs(small: Path) -> None:
    result = process("check", small)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"ok {small}:small\n", "")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """More than a pipe holds, and nobody reads it."""
    (tmp_path / "long.arch").write_text("input 3x8x8\n" + "conv 3x3 4; relu\n" * 2000)
    command = [sys.executable, "-m", "archdsl", "summary", str(tmp_path / "long.arch"), "--csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout and child.stderr
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        child.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(small: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "archdsl", "summary", str(small)]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1
    assert result.stderr == b"archdsl: the output cannot be written: no space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupt(tmp_path: Path) -> None:
    fifo = tmp_path / "ready"
    fifo.touch()
    (tmp_path / "long.arch").write_text("input 3x8x8\n" + "conv 3x3 4; relu\n" * 4900)
    code = (
        "import signal, sys, archdsl.cli, pathlib, archdsl.pipeline as p; before = p.open_spec\n"
        # A job in the background of a shell, as this may be, inherits that it ignores SIGINT.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def told(*a, **k):\n"
        f"    pathlib.Path({str(fifo)!r}).write_text('now')\n"
        "    while True: before(*a, **k)\n"
        "p.open_spec = told; archdsl.cli.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "check", str(tmp_path / "long.arch")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        while not fifo.read_text():
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    assert (child.returncode, out, err.strip()) == (130, b"", b"interrupted")


def on_a_terminal(*arguments: object, **environment: str) -> str:
    """What archdsl prints where both of its outputs are a terminal."""
    import pty

    master, terminal = pty.openpty()
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "COLUMNS")}
    child = subprocess.Popen(
        [sys.executable, "-m", "archdsl", *map(str, arguments)],
        stdin=terminal, stdout=terminal, stderr=terminal,
        env={**inherited, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )  # fmt: skip
    os.close(terminal)
    text = b""
    try:
        while block := os.read(master, 65536):
            text += block
    except OSError:  # how Linux ends the stream when the other side has closed
        pass
    os.close(master)
    child.wait()
    return text.decode()


RED = "\x1b[1;31m"


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_colour_is_for_terminals(tmp_path: Path) -> None:
    (tmp_path / "bad.arch").write_text("input 3x8x8\nconvv 3x3\n")
    assert RED in on_a_terminal("check", tmp_path / "bad.arch")
    assert "\x1b[" not in on_a_terminal("check", tmp_path / "bad.arch", NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("check", tmp_path / "bad.arch", TERM="dumb")
    assert "\x1b[" not in process("check", tmp_path / "bad.arch").stderr


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_the_table_fits_the_terminal(small: Path) -> None:
    from rich.cells import cell_len
    from rich.text import Text

    for columns in (50, 100):
        shown = on_a_terminal("summary", small, COLUMNS=str(columns))
        lines = Text.from_ansi(shown.replace("\r", "")).plain.splitlines()
        assert max(map(cell_len, lines)) <= columns
        assert any("conv1" in line for line in lines)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_names_that_cannot_be_printed(tmp_path: Path, encoding: str) -> None:
    """A path need not be text, and a terminal need not have every character."""
    (tmp_path / "bad.arch").write_text("input 3x8x8\n\N{SNOWMAN} # \N{SNOWMAN}\n", encoding="utf-8")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.arch")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = process("check", odd, tmp_path / "bad.arch", env=environment)
    assert result.returncode == 1
    assert result.stderr.count("error[A") == 2
    assert "Traceback" not in result.stderr


def test_run_takes_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["archdsl", "check", str(small)])
    assert run() == 0
    assert capsys.readouterr().out == f"ok {small}:small\n"
