"""`archdsl predict` as a user sees it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from classifiers import mean_colour, photo, seeing, softmax
from command import Cli, process
from goldens import check_golden
from PIL import Image

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "olive": (204, 153, 0)}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and pictures at two levels."""
    monkeypatch.chdir(tmp_path)
    mean_colour(Path("m.onnx"))
    for name, colour in COLOURS.items():
        path = (
            Path("pics", name[0], f"{name}.png") if name == "green" else Path("pics", f"{name}.png")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 7), colour).save(path)
    Path("pics/notes.txt").write_text("no picture")
    return tmp_path


def answered(out: str) -> list[str]:
    return [line for line in out.splitlines() if not line.startswith(" ")]


def test_golden_text(cli: Cli) -> None:
    result = cli("predict", "m.onnx", "pics", "--top", 2)
    assert (result.status, result.err) == (0, "")
    check_golden("cli/predict/text.txt", result.out)


def test_golden_csv(cli: Cli) -> None:
    result = cli("predict", "m.onnx", "pics", "--csv", "--top", 2)
    check_golden("cli/predict/table.csv", result.out)
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["label"] for row in rows] == ["green", "red", "red", "green", "red", "green"]


def test_as_lines_of_json(cli: Cli) -> None:
    result = cli("predict", "m.onnx", "pics/olive.png", "pics/red.png", "--json")
    first, second = map(json.loads, result.out.splitlines())
    assert first["picture"] == "pics/olive.png"
    assert [row["label"] for row in first["top"]] == ["red", "green", "blue"]
    wanted = softmax(np.array([8, 6, 0]))
    found = [row["probability"] for row in first["top"]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert second["top"][0]["class"] == 0


def test_golden_bad_pictures_are_told_and_the_others_go_on(cli: Cli) -> None:
    Path("pics/bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    result = cli("predict", "m.onnx", "none.jpg", "pics", "*.gif", "pics/notes.txt")
    assert result.status == 1
    assert answered(result.out) == ["pics/g/green.png", "pics/olive.png", "pics/red.png"]
    check_golden("cli/predict/errors.txt", result.err)
    for form in ("--json", "--csv"):
        assert cli("predict", "m.onnx", "none.jpg", form).status == 1
    lines = cli("predict", "m.onnx", "none.jpg", "pics/red.png", "--json").out.splitlines()
    failed, fine = map(json.loads, lines)
    assert (failed["picture"], failed["errors"][0]["code"]) == ("none.jpg", "A903")
    assert "top" in fine


def test_files_folders_and_patterns_in_their_order(cli: Cli) -> None:
    given = ["pics/red.png", "pics", "pics/*/*.png", "**/o*.png", "pics/?"]
    whole = ["pics/g/green.png", "pics/olive.png", "pics/red.png"]
    wanted = ["pics/red.png", *whole, "pics/g/green.png", "pics/olive.png", "pics/g/green.png"]
    assert answered(cli("predict", "m.onnx", *given, "--top", 1).out) == wanted
    wanted = [*whole, "pics/red.png"]
    assert answered(cli("predict", "m.onnx", "pics", "pics/red.png", "--batch", 1).out) == wanted


def test_a_file_whose_name_is_a_pattern(cli: Cli) -> None:
    Path("pics/red.png").rename("pics/[1].png")
    assert answered(cli("predict", "m.onnx", "pics/[1].png").out) == ["pics/[1].png"]


def test_a_folder_without_pictures(cli: Cli) -> None:
    Path("empty").mkdir()
    Path("empty/loop").symlink_to(".")
    result = cli("predict", "m.onnx", "empty")
    assert result.status == 1
    assert "holds no pictures" in result.err


def test_ten_crops(cli: Cli) -> None:
    seeing(Path("s.onnx"), 6)
    photo(30, 20).save("x.png")
    one, ten = (
        json.loads(cli("predict", "s.onnx", "x.png", "--json", *more).out)["top"][0]["probability"]
        for more in ([], ["--ten-crop"])
    )
    assert one != pytest.approx(ten, abs=1e-3)


def test_how_pictures_are_prepared_can_be_said(cli: Cli) -> None:
    """The logits are 10 (v - mean) / std of red, 1 0 0."""
    options = ["--mean", "0.5", "--std", "1,2,4", "--resize", 12, "--size", "8x8"]
    result = cli("predict", "m.onnx", "pics/red.png", "--json", *options)
    found = {row["label"]: row["probability"] for row in json.loads(result.out)["top"]}
    wanted = softmax(np.array([5, -2.5, -1.25]))
    assert [found[n] for n in ("red", "green", "blue")] == pytest.approx(list(wanted), rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--mean", "a,b"],
        ["--size", "8x8x8"],
        ["--size", "0"],
        ["--size", "-1"],
        ["--top", "0"],
        ["--batch", "0"],
        ["--resize", "0"],
        ["--device", "gpu"],
        ["--json", "--csv"],
    ],
)
def test_called_wrongly(cli: Cli, wrong: list[str]) -> None:
    assert cli("predict", "m.onnx", "pics", *wrong).status == 2


@pytest.mark.parametrize("wrong", [["--std", "0"], ["--mean", "1,2"], ["--mean", "nan"]])
def test_preparations_that_cannot_be(cli: Cli, wrong: list[str]) -> None:
    result = cli("predict", "m.onnx", "pics", *wrong)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error[A904]")


def test_a_model_that_is_none(cli: Cli) -> None:
    result = cli("predict", "pics/red.png", "pics")
    assert (result.status, result.out) == (1, "")
    assert "pics/red.png: it is truncated, damaged, or no ONNX model" in result.err
    (error,) = json.loads(cli("predict", "none.onnx", "pics", "--json").out)["errors"]
    assert error["code"] == "A901"


def test_quiet(cli: Cli) -> None:
    result = cli("predict", "m.onnx", "pics", "none.png", "-q")
    assert (result.status, result.out) == (1, "")
    assert "none.png" in result.err


def test_a_process_of_its_own_prints_results_alone(tmp_path: Path) -> None:
    """What onnxruntime and Pillow like to say is not heard."""
    result = process("predict", tmp_path / "m.onnx", tmp_path / "pics")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(answered(result.stdout)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("quiet", [True, False])
def test_the_bar_is_on_stderr_of_a_terminal(tmp_path: Path, quiet: bool) -> None:
    """The results go on to where stdout leads."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "archdsl", "predict", "m.onnx", "pics", "--csv"]
    run = subprocess.Popen(
        [*command, *(["-q"] if quiet else [])], stdout=subprocess.PIPE, stderr=theirs, text=True,
        cwd=tmp_path, env=os.environ | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how the end of a pseudo-terminal is told
            break
        if not part:
            break
        seen += part
    out, _ = run.communicate(timeout=60)
    os.close(ours)
    assert run.returncode == 0
    assert out.splitlines()[0] == "picture,rank,class,label,probability"
    assert len(out.splitlines()) == 10
    assert (b"3/3" in seen) != quiet
