"""`list`, `explain` and `fmt` as a user sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli

from archdsl.codes import CODES
from archdsl.ir import layers
from archdsl.pipeline import zoo_names


def test_list_shows_every_network_with_its_cost_and_paper(cli: Cli) -> None:
    result = cli("list", "--json")
    rows = {row["network"]: row for row in json.loads(result.out)}
    assert set(rows) == set(zoo_names())
    assert rows["vgg16"]["params"] == 138_357_544
    assert rows["vgg16"]["macs"] == 15_470_264_320
    assert "Simonyan" in rows["vgg16"]["paper"]
    text = cli("list").out
    assert all(name in text for name in rows)
    assert text.splitlines()[0].split() == ["network", "params", "macs", "spec", "paper"]


def test_list_of_layers_errors_and_training(cli: Cli) -> None:
    assert {r["layer"] for r in json.loads(cli("list", "layers", "--json").out)} == {
        c.name for c in layers()
    }
    assert {r["code"] for r in json.loads(cli("list", "errors", "--json").out)} == set(CODES)
    assert "optimizer sgd" in cli("list", "training").out


@pytest.mark.parametrize(
    ("word", "shown"),
    [("conv", "## conv"), ("linear", "## fc"), ("a204", "## A204"), ("sgd", "sgd")],
)
def test_explain(cli: Cli, word: str, shown: str) -> None:
    result = cli("explain", word)
    assert result.status == 0
    assert shown in result.out


def test_explain_takes_the_words_of_other_tools(cli: Cli) -> None:
    shown = cli("explain", "BatchNorm2d").out
    assert shown.startswith("`BatchNorm2d` is called `bn` here.\n\n## bn\n")


def test_explain_what_is_not_there(cli: Cli) -> None:
    result = cli("explain", "convv")
    assert result.status == 2
    assert "did you mean `conv`?" in result.err


def test_fmt_changes_shows_and_checks(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("input   3x8x8 ;relu\n")
    assert cli("fmt", "--check", path).status == 1
    shown = cli("fmt", "--diff", path)
    assert (shown.status, "+input 3x8x8; relu" in shown.out) == (1, True)
    assert path.read_text() == "input   3x8x8 ;relu\n", "neither writes"
    assert cli("fmt", path).status == 0
    assert path.read_text() == "input 3x8x8; relu\n"
    assert cli("fmt", "--check", path).status == 0


def test_fmt_leaves_what_does_not_parse(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("input (")
    result = cli("fmt", path)
    assert (result.status, path.read_text()) == (1, "input (")
    assert result.err.startswith("error[A1")


def test_compile_with_weights_and_verify(cli: Cli, tmp_path: Path, small: Path) -> None:
    out = tmp_path / "out"
    assert cli("compile", small, "-o", out, "--emit", "weights").status == 0
    again = cli(
        "compile", small, "-o", out, "--emit", "onnx", "--verify", "-p", "classes=3",
        "--weights", out / "small.safetensors",
    )  # fmt: skip
    assert again.status == 0
    assert "10 outputs in the weights, 3 here; these start fresh" in again.err
    assert "equals PyTorch" in again.out
    wrong = cli("compile", small, "-o", out, "--weights", tmp_path / "none.pth")
    assert (wrong.status, "error[A001]" in wrong.err) == (1, True)


def test_limits_can_be_set(cli: Cli, small: Path) -> None:
    assert "A501" in cli("check", small, "--limit", "layers=2").err
    assert cli("check", small, "--limit", "layers=20").status == 0
    assert cli("check", small, "--limit", "nothing=20").status == 2


def test_card(cli: Cli, tmp_path: Path) -> None:
    found = json.loads(cli("card", "lenet", "-o", tmp_path / "card", "--json").out)
    names = [Path(file["path"]).name for file in found["files"]]
    assert names == ["README.md", "lenet.svg", "lenet.arch"]
    assert cli("card", "lenet", "-o", tmp_path / "card").status == 0  # again, in the same place
