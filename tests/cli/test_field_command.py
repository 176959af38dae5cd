"""`archdsl summary --field-at`: the report, the picture, and what is said of wrong options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli
from goldens import check_golden

MISALIGNED = """\
input 4x17x12
conv 3x3; relu
concat { conv 3x3 stride=2 | maxpool 2x2 ceil=true }
stage: { conv 5x3 8; relu }
gap; fc 10
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.arch"
    path.write_text(MISALIGNED)
    return path


@pytest.mark.parametrize("form", ["txt", "json"])
def test_golden_report(cli: Cli, spec: Path, form: str) -> None:
    options = ["--field-at", "stage", "--position", "1,5", *(["--json"] if form == "json" else [])]
    result = cli("summary", spec, *options)
    assert (result.status, result.err) == (0, "")
    check_golden(f"cli/field.{form}", result.out)


def test_the_whole_input(cli: Cli, spec: Path) -> None:
    lines = cli("summary", spec, "--field-at", "fc1").out.splitlines()
    assert lines[0] == "small: field at fc1, 10"
    assert lines[2].split(maxsplit=1) == ["field", "the whole input, 17x12"]


def test_measured_and_drawn(cli: Cli, spec: Path, tmp_path: Path) -> None:
    picture = tmp_path / "out" / "field.png"
    options = ["--field-at", "stage", "--effective", "--samples", "2", "-o", picture]
    result = cli("summary", spec, *options)
    assert (result.status, result.err) == (0, "")
    assert "95% of the energy within a diameter of" in result.out
    assert "2 random inputs" in result.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    data = json.loads(cli("summary", spec, *options, "--json").out)
    assert data["effective"]["inputs"] == 2
    assert data["files"] == [{"path": str(picture), "bytes": picture.stat().st_size}]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--position", "1,2"], "--position goes with --field-at"),
        (["--effective"], "--effective goes with --field-at"),
        (["--field-at", "stage", "-o", "x.png"], "-o goes with --effective"),
        (["--field-at", "stage", "--samples", "3"], "--samples goes with --effective"),
        (["--field-at", "stage", "--csv"], "--csv does not go with --field-at"),
        (["--field-at", "stage", "--by", "source"], "--by does not go with --field-at"),
        (["--field-at", "stage", "--position", "1;2"], "is not a row and a column"),
        (["--field-at", "stage", "--position", "1,-2"], "is not a row and a column"),
        (["--field-at", "stage", "--effective", "-o", "x.svg"], "does not end in .png"),
        (["--field-at", "stage", "--effective", "--samples", "0"], "not in the range"),
    ],
)
def test_misuse(cli: Cli, spec: Path, options: list[str], words: str) -> None:
    result = cli("summary", spec, *options)
    assert result.status == 2
    assert words in " ".join(result.err.split())


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--field-at", "stag"], "A305"), (["--field-at", "stage", "--position", "9,0"], "A307")],
)
def test_nothing_there(cli: Cli, spec: Path, options: list[str], code: str) -> None:
    result = cli("summary", spec, *options)
    assert result.status == 1
    assert result.err.startswith(f"error[{code}]")


def test_of_several_inputs_those_that_are_read_are_named(cli: Cli, tmp_path: Path) -> None:
    spec = tmp_path / "several.arch"
    spec.write_text(
        "input a 3x32x32\ninput b 3x64x64\ninput c 7\n@b; q: conv 3x3 8 stride=2\n"
        "@a; p: conv 5x5 8\nconcat { @p | @q }; last: conv 3x3 4\n"
        "@c; v: fc 4; mul { @v | @last }; gap: gap\n"
    )

    def report(at: str) -> str:
        return cli("summary", spec, "--field-at", at).out

    assert "rows 13 to 17, columns 13 to 17 of a's 32x32\n" in report("p")
    assert "rows 29 to 31, columns 29 to 31 of b's 64x64\n" in report("q")
    assert report("last").endswith(" of a's 32x32 and b's 64x64\n")
    assert "all of a's 32x32 and b's 64x64\n" in report("gap")
    assert "nothing of a's 32x32 and b's 64x64\n" in report("v")
