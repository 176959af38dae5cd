"""The commands of docs/onnx.md run, and what the README shows of an export is what it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import archdsl
from archdsl.cli import run

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(r"^    archdsl (export .*)$", (ROOT / "docs" / "onnx.md").read_text(), re.M)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands of the page find what they name."""
    from safetensors.torch import save_file

    monkeypatch.chdir(tmp_path)
    save_file(archdsl.zoo("resnet18").to_torch().state_dict(), "resnet18.safetensors")
    Path("imagenet.txt").write_text("".join(f"class {i}\n" for i in range(1000)))
    return tmp_path


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_run(command: str, folder: Path) -> None:
    assert run(shlex.split(command)) == 0
    assert list(folder.glob("*.onnx"))


def test_the_export_of_the_readme(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(
        r"^    \$ archdsl export resnet18\n((?:    .*\n)+)", (ROOT / "README.md").read_text(), re.M
    )
    assert shown is not None
    assert run(["export", "resnet18"]) == 0
    pairs = zip(shown[1].splitlines(), capsys.readouterr().out.splitlines(), strict=True)
    for stated, printed in pairs:
        assert varying(stated.strip()) == varying(printed)


def varying(line: str) -> str:
    """A line without what differs between machines: the digest, the size of a rounding error."""
    line = re.sub(r"\.[0-9a-f]{16}\.", ".HASH.", line)
    line = re.sub(r"\d\.\de-\d\d(?=,| of)", "E", line)
    return re.sub(r"on the (CPU, as there is no GPU|GPU)\)", "DEVICE", line)
