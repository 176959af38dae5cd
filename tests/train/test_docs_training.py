"""The commands of docs/training.md run, in the order in which they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from archdsl.cli import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "training.md").read_text()
COMMANDS = re.findall(r"^    archdsl ((?:train|export|predict) .*)$", PAGE, re.M)


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    Image.new("L", (8, 8)).save("digit.png")
    assert len(COMMANDS) >= 6
    for command in COMMANDS:
        assert run(shlex.split(command)) == 0, command
    assert {p.name for p in Path("runs").iterdir()} == {"lenet_digits", "slower", "further"} | {
        "lenet_digits-2",
        "head",
    }


def test_the_page_speaks_of_every_file_and_every_option() -> None:
    from archdsl.cli.train import command
    from archdsl.train import record

    for name in re.findall(r"^\| `([\w.]+)` \|", record.__doc__ or "", re.M):
        assert name.split(".")[0] in PAGE
    common = {"--limit", "--json", "--quiet", "--verbose", "--param"}
    for option in command.params:
        long = [word for word in option.opts if word.startswith("--")]
        assert not long or long[0] in PAGE or long[0] in common, long[0]
