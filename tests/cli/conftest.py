"""Runs the command line in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Cli, Result

from archdsl.cli import run

SMALL = """param classes = 10
input 3x32x32
conv 3x3 8; relu; maxpool 2x2
gap; fc classes
"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run archdsl with these arguments."""

    def call(*arguments: object) -> Result:
        status = run([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A spec of one network with one parameter."""
    path = tmp_path / "small.arch"
    path.write_text(SMALL)
    return path
