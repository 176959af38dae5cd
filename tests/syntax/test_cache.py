"""The cache of the grammar's tables: safe against others, against damage, and against a race."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.resources import folder
from archdsl.syntax import cache

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")

GRAMMAR = folder("grammar") / "arch.lark"
CHECK = "import archdsl; print(archdsl.parse('input 3; fc 4').graph.outputs[0].shape)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "archdsl"


def load() -> None:
    """The parser, and that it parses."""
    parser = cache.load(GRAMMAR, start=["start", "value"], maybe_placeholders=False)
    assert parser.parse("conv 3x3 64\n", start="start").data == "start"


def tables(home: Path) -> list[Path]:
    return sorted(home.iterdir()) if home.exists() else []


def test_the_tables_are_kept_for_their_owner_alone(home: Path) -> None:
    load()
    (file,) = tables(home)
    assert home.stat().st_mode & 0o077 == 0
    assert file.stat().st_mode & 0o077 == 0
    before = file.stat()
    load()
    after = file.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_the_tables_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tables at hand the grammar is not analysed again."""
    import lark.lark

    load()

    def fail(*_: object) -> None:
        raise AssertionError("the grammar was read again")

    monkeypatch.setattr(lark.lark, "load_grammar", fail)
    load()


def test_another_grammar_has_other_tables(home: Path, tmp_path: Path) -> None:
    load()
    other = tmp_path / "other.lark"
    other.write_text(GRAMMAR.read_text() + "\n// changed\n")
    cache.load(other, start=["start", "value"], maybe_placeholders=False)
    assert len(tables(home)) == 2


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x04K\x01.", b"\0" * 5000])
def test_a_damaged_file_is_replaced(home: Path, content: bytes) -> None:
    load()
    (file,) = tables(home)
    file.write_bytes(content)
    load()
    load()


def test_a_truncated_file_is_replaced(home: Path) -> None:
    load()
    (file,) = tables(home)
    file.write_bytes(file.read_bytes()[:-100])
    load()


HOSTILE = b"cos\nsystem\n(S'touch %s'\ntR."


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_not_read(home: Path, tmp_path: Path, mode: int) -> None:
    """To open a pickle is to run it; what others may have put there is left alone."""
    load()
    (file,) = tables(home)
    touched = tmp_path / "touched"
    hostile = HOSTILE % str(touched).encode()
    file.write_bytes(hostile)
    home.chmod(mode)
    load()
    assert file.read_bytes() == hostile
    assert tables(home) == [file]
    assert not touched.exists()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_not_read(home: Path, tmp_path: Path, mode: int) -> None:
    load()
    (file,) = tables(home)
    touched = tmp_path / "touched"
    file.write_bytes(HOSTILE % str(touched).encode())
    file.chmod(mode)
    load()
    assert not touched.exists()


def test_a_link_is_not_followed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.symlink_to(tmp_path / "elsewhere")
    load()
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(home: Path) -> None:
    home.mkdir(mode=0o700)
    os.chown(home, 12345, 12345)
    load()
    assert tables(home) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (tmp_path / "file" / "under", Path("/proc/nowhere"), Path("\0")):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setattr(os, "environ", {**os.environ, "XDG_CACHE_HOME": str(place)})
        load()


def test_a_file_that_cannot_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "replace", fail)
    load()


def test_no_home_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    load()


def test_processes_at_once(home: Path) -> None:
    """Four start with nothing there; each gets its answer, and one whole file is left."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHECK],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "XDG_CACHE_HOME": str(home.parent)},
        )
        for _ in range(4)
    ]
    answers = [process.communicate() for process in started]
    assert answers == [(b"(4,)\n", b"")] * 4
    (file,) = tables(home)
    assert file.suffix == ".lark"
