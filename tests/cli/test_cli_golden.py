"""What a user sees, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Cli
from goldens import check_golden

from archdsl.cli import COMMANDS
from archdsl.resources import folder

MISTAKES = """\
# What is wrong here is told in one run.
param classes = 10
input 3x32x32
convv 3x3 64; relu
conv 3x3 64 strid=2
gap; fc clases
"""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli(*filter(None, [command]), "--help")
    check_golden(f"cli/help/{command or 'archdsl'}.txt", result.out)


@pytest.mark.parametrize("spec", ["alexnet", "lenet", "tiny"])
def test_summary(cli: Cli, spec: str) -> None:
    check_golden(f"cli/summary/{spec}.txt", cli("summary", folder("specs") / f"{spec}.arch").out)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_summary_for_machines(cli: Cli, form: str) -> None:
    result = cli("summary", f"--{form}", folder("specs") / "tiny.arch")
    check_golden(f"cli/summary/tiny.{form}", result.out)


@pytest.mark.parametrize("form", ["txt", "json"])
def test_mistakes(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mistakes.arch").write_text(MISTAKES)
    result = cli("check", "mistakes.arch", *(["--json"] if form == "json" else []))
    check_golden(f"cli/mistakes.{form}", result.err or result.out)
