"""Pages from the command line: `draw -o x.html` and `compare -o x.html`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli

import archdsl


def test_draw_writes_a_page(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("draw", small, "-o", tmp_path / "a.html", "-p", "classes=3")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"wrote {tmp_path / 'a.html'}")
    text = (tmp_path / "a.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and '"parameters":{"classes":"3"}' in text


def test_the_table_is_another_page(cli: Cli, tmp_path: Path) -> None:
    assert cli("draw", "--style", "table", "vgg11", "-o", tmp_path / "a.html").status == 0
    assert "<script" not in (tmp_path / "a.html").read_text("utf-8")


def test_python_writes_the_same_page(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert cli("draw", small, "-o", tmp_path / "a.html").status == 0
    archdsl.load(small).report(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_spec_whose_expectations_fail_can_be_looked_at(cli: Cli, tmp_path: Path) -> None:
    spec = tmp_path / "a.arch"
    spec.write_text("input 3x8x8\nfc 2\nexpect params == 1\n")
    assert cli("check", spec).status == 1
    assert cli("draw", spec, "-o", tmp_path / "a.html").status == 0


@pytest.mark.parametrize("command", ["draw", "compare"])
def test_several_networks_are_compared(cli: Cli, tmp_path: Path, command: str) -> None:
    result = cli(command, "resnet18", "resnet34", "-o", tmp_path / "a.html", "--json")
    assert json.loads(result.out)["files"][0]["bytes"] == (tmp_path / "a.html").stat().st_size
    assert "layers alike" in (tmp_path / "a.html").read_text("utf-8")


def test_compare_heeds_the_batch_and_the_names(cli: Cli, small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "small.arch").write_text(small.read_text())
    page = tmp_path / "a.html"
    assert cli("compare", small, other / "small.arch", "--batch", 8, "-o", page).status == 0
    text = page.read_text("utf-8")
    assert '"batch":8' in text
    assert str(other / "small.arch") in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("draw", "lenet", "-o", "a.html", "--depth", "2"), "--depth is for pictures"),
        (("draw", "lenet", "-o", "a.html", "--label-with", "macs"), "--label-with is for pictures"),
        (("compare", "lenet", "mlp", "-o", "a.html", "--markdown"), "no --markdown"),
        (("compare", "lenet", "mlp", "-o", "a.html", "--diff"), "no --diff"),
        (("compare", "lenet", "mlp", "-o", "a.svg"), "ends in none of .html, .htm"),
    ],
)
def test_what_a_page_does_not_take(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    result = cli(*arguments)
    assert result.status == 2
    assert words in result.err


def test_where_it_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.html").mkdir()
    result = cli("draw", "lenet", "-o", tmp_path / "a.html")
    assert result.status != 0 and "error[A005]" in result.err
