"""Reading specs and writing outputs: bounded, and whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl import files
from archdsl.errors import ReadError, WriteError
from archdsl.files import (
    MAX_SPEC_BYTES,
    assembling,
    check_writable,
    read_source,
    replacing,
    write_text,
)
from archdsl.source import Source, Span


def refusal(path: Path | str) -> tuple[str, str]:
    with pytest.raises(ReadError) as caught:
        read_source(path)
    (found,) = caught.value.diagnostics
    assert str(path) in found.label
    return found.code, found.label


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_spec(tmp_path: Path) -> None:
    path = written(tmp_path / "net.arch", "input 3 # é\n".encode())
    source = read_source(path)
    assert (source.text, source.name, source.path) == ("input 3 # é\n", "net.arch", path)
    assert read_source(path, "other").name == "other"


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read_source(written(tmp_path / "a", b"\xef\xbb\xbfinput 3")).text == "input 3"


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (b"input\0 3", "A002", "binary"),
        ("input 3".encode("utf-16"), "A002", "binary"),
        (b"\x7fELF\x02\x01\x01\0", "A002", "binary"),
        (b"input 3\n# caf\xe9", "A002", "line 2"),
        (b"\xff\xfe", "A002", "line 1"),
        (b"x" * (MAX_SPEC_BYTES + 1), "A003", "4,194,304 bytes"),
    ],
    ids=["nul", "utf-16", "elf", "latin-1", "mark", "long"],
)
def test_what_is_no_spec(tmp_path: Path, data: bytes, code: str, told: str) -> None:
    found, label = refusal(written(tmp_path / "a.arch", data))
    assert found == code
    assert told in label


def test_the_longest_spec(tmp_path: Path) -> None:
    path = written(tmp_path / "a.arch", b"#" * MAX_SPEC_BYTES)
    assert len(read_source(path).text) == MAX_SPEC_BYTES


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.arch")[1]
    assert "folder" in refusal(tmp_path)[1]
    assert refusal(written(tmp_path / "file", b"") / "under.arch")[0] == "A001"
    assert refusal("x" * 5000)[0] == "A001"
    assert refusal("a\0b.arch")[0] == "A001"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal(tmp_path / "pipe")[1]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
@pytest.mark.timeout(10)
def test_a_device_is_not_read() -> None:
    assert "not a regular file" in refusal(Path("/dev/zero"))[1]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.arch", b"input 3")
    path.chmod(0)
    assert "permission denied" in refusal(path)[1]


# Writing


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    with pytest.raises(WriteError, match="not a regular file"), replacing(pipe):
        pass
    with pytest.raises(WriteError, match="not a regular file"), assembling(pipe):
        pass
    assert pipe.is_fifo() and [*tmp_path.iterdir()] == [pipe]


def test_the_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


KILLED = """
import os, signal, sys
from archdsl.files import assembling, replacing

with replacing(sys.argv[1]) as temporary, assembling(sys.argv[1]) as (folder, keep):
    temporary.write_text("half")
    (folder / "a").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="a process is asked for with a signal")
def test_what_a_killed_process_has_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert len(list(tmp_path.glob(".a.txt.*.tmp"))) == 2
    kept = tmp_path / f".b.{files._machine()}-{os.getppid()}-abcdefgh.tmp"
    foreign = tmp_path / ".b.00000000-999999999-abcdefgh.tmp"
    others = [kept, foreign, tmp_path / ".b.tmp", tmp_path / "c.abcdefgh-1-abcdefgh.tmp"]
    for other in others:
        other.write_text("of a process that lives, of another machine, of another program")
    files._sweep.cache_clear()
    write_text(path, "whole")
    assert {*tmp_path.iterdir()} == {path, *others}


def test_whether_a_file_can_be_written_is_known_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    check_writable(path)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(WriteError, match="it is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        check_writable(tmp_path / "file" / "a.txt")


@pytest.mark.parametrize("name", ["con", "NUL.onnx", "com1.py", "Aux.tar.gz"])
def test_a_device_of_windows_is_not_written_to(name: str) -> None:
    assert files._DEVICES.fullmatch(name)
    assert not files._DEVICES.fullmatch(f"my{name}")


def test_a_name_that_begins_like_a_device_is_none() -> None:
    assert not any(map(files._DEVICES.fullmatch, ("conv.py", "console", "com10", "auxiliary.svg")))


def test_line_ends_are_the_same_everywhere(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "one\ntwo\n")
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "place", ["file/under.txt", "folder", "x" * 300, "/proc/nowhere/a", "a\0b"]
)
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError) as caught:
        write_text(tmp_path / place, "text")
    (found,) = caught.value.diagnostics
    assert found.code == "A005"
    assert {p.name for p in tmp_path.iterdir()} == {"file", "folder"}
    assert list((tmp_path / "folder").iterdir()) == []


# Places


@given(st.text("ab\n\r", max_size=30), st.integers(0, 30))
def test_positions_are_those_that_an_editor_shows(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    line, column = Source(text).position(offset)
    before = text[:offset].split("\n")
    assert (line, column) == (len(before), len(before[-1]) + 1)


@given(st.text("ab\n\r", max_size=30))
def test_lines_are_those_of_the_text(text: str) -> None:
    source = Source(text)
    found = [source.line(n) for n in range(1, text.count("\n") + 2)]
    assert found == [line.rstrip("\r") for line in text.split("\n")]


def test_a_span() -> None:
    source = Source("input 3\nconv 3x3", "net.arch")
    span = Span(source, 13, 16)
    assert (span.text, span.line, span.column, str(span)) == ("3x3", 2, 6, "net.arch:2:6")
