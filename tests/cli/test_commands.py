"""What each command prints and writes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import Cli

import archdsl
from archdsl.cli.output import written
from archdsl.errors import WriteError


def test_check_has_a_line_per_network(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "two.arch"
    path.write_text("network a { input 3; fc 4 }\nnetwork b { input 4; fc 3 }\n")
    result = cli("check", path)
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines() == [f"ok {path}:a", f"ok {path}:b"]
    assert cli("check", f"{path}:b").out.splitlines() == [f"ok {path}:b"]
    assert cli("check", "-q", path).out == ""


def test_check_reports_every_spec(cli: Cli, small: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.arch").write_text("input 3x8x8\nconvv 3x3\n")
    result = cli("check", tmp_path / "bad.arch", small, tmp_path / "missing.arch")
    assert result.status == 1
    assert result.out == f"ok {small}:small\n"
    assert "bad.arch:2:1" in result.err
    assert "did you mean `conv`?" in result.err
    assert "missing.arch" in result.err


def test_check_takes_a_file_of_blocks_alone(cli: Cli, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "library.arch"
    path.write_text("block unit { conv 3x3 8; relu }\n")
    result = cli("check", path, small)
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines() == [f"ok {path}, of blocks alone", f"ok {small}:small"]
    assert cli("compile", path).status == 1


def test_check_as_json(cli: Cli, small: Path) -> None:
    assert json.loads(cli("check", "--json", small).out) == {
        "networks": [f"{small}:small"],
        "errors": [],
    }


def test_summary(cli: Cli, small: Path) -> None:
    result = cli("summary", small)
    assert (result.status, result.err) == (0, "")
    assert result.out == f"{archdsl.load(small).summary()}\n"


@pytest.fixture
def unmet(tmp_path: Path) -> Path:
    """A spec whose expectation does not hold: it has 108 + 4 + 40 + 10 parameters."""
    path = tmp_path / "unmet.arch"
    path.write_text("input 3x8x8\nconv 3x3 4; gap; fc 10\nexpect params == 161\n")
    return path


def test_a_spec_that_is_not_as_it_expects_is_not_compiled(
    cli: Cli, unmet: Path, tmp_path: Path
) -> None:
    for command in (["check"], ["compile", "-o", str(tmp_path / "build")]):
        result = cli(*command, unmet)
        assert (result.status, result.out) == (1, "")
        assert "unmet.arch:3:8" in result.err
        assert "161 expected, 162 found: 1 more" in result.err
    assert not (tmp_path / "build").exists()
    (error,) = json.loads(cli("check", "--json", unmet).out)["errors"]
    assert (error["code"], error["label"]) == ("A603", "161 expected, 162 found: 1 more")


def test_a_spec_that_is_not_as_it_expects_can_be_looked_at(
    cli: Cli, unmet: Path, tmp_path: Path
) -> None:
    shown = cli("summary", unmet)
    assert shown.status == 1
    assert "parameters  162" in shown.out
    assert "161 expected, 162 found" in shown.err
    (error,) = json.loads(cli("summary", "--json", unmet).out)["errors"]
    assert error["code"] == "A603"
    assert cli("draw", unmet, "-o", tmp_path / "unmet.gv").status == 0
    assert cli("lint", unmet).status == 0


def test_summary_for_machines(cli: Cli, small: Path) -> None:
    data = json.loads(cli("summary", small, "--json", "-p", "classes=7").out)
    assert data["params"] == 3 * 8 * 9 + 8 + 8 * 7 + 7
    rows = list(csv.DictReader(io.StringIO(cli("summary", small, "--csv").out)))
    assert [row["path"] for row in rows] == ["conv1", "relu1", "maxpool1", "gap1", "fc1"]


def test_parameters_are_expressions(cli: Cli, small: Path) -> None:
    result = cli("summary", small, "--json", "-p", "classes = 2 * (3 + 4)")
    assert json.loads(result.out)["outputs"] == {"out": [14]}


def test_compile_writes_and_lists(cli: Cli, small: Path, tmp_path: Path) -> None:
    result = cli("compile", small, "-o", tmp_path / "out" / "deep")
    assert (result.status, result.err) == (0, "")
    names = {"small.py", "small.onnx", "small.svg", "small.json"}
    assert {p.name for p in (tmp_path / "out" / "deep").iterdir()} == names
    listed = [line.split()[1] for line in result.out.splitlines() if line.startswith("wrote ")]
    assert {Path(path).name for path in listed} == names
    assert str(archdsl.load(small).summary()) in result.out


def test_compile_emits_what_is_asked(cli: Cli, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = cli("compile", small, "-o", out, "--emit", "torch, json", "--emit", "gv", "--json")
    data = json.loads(result.out)
    assert {p.name for p in out.iterdir()} == {"small.py", "small.json", "small.gv"}
    for file in data["files"]:
        assert Path(file["path"]).stat().st_size == file["bytes"]
    assert data["summary"]["params"] == archdsl.load(small).summary().params
    assert (out / "small.py").read_text() == archdsl.load(small).torch_source()
    assert (out / "small.json").read_text() == archdsl.load(small).graph.to_json()


def test_compile_twice_gives_the_same_bytes(cli: Cli, small: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert cli("compile", small, "-o", tmp_path / name, "--seed", 3, "-q").out == ""
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_seed_reaches_the_weights(cli: Cli, small: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        cli("compile", small, "-o", tmp_path / str(seed), "--emit", "onnx", "--seed", seed)
    files = [(tmp_path / str(seed) / "small.onnx").read_bytes() for seed in (0, 1)]
    assert files[0] != files[1]


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("gv", b"")]
)
def test_draw(cli: Cli, small: Path, tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / "pictures" / f"net.{ending}"
    result = cli("draw", small, "-o", path)
    assert (result.status, result.err) == (0, "")
    assert path.read_bytes().startswith(start)
    assert result.out.startswith(f"wrote {path}")


def test_draw_has_a_default_place(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small.parent)
    assert cli("draw", small.name).status == 0
    assert (small.parent / "build" / "small.svg").exists()


def test_the_file_of_weights_is_listed_when_it_was_written(tmp_path: Path) -> None:
    model, weights = tmp_path / "x.onnx", tmp_path / "x.onnx.data"
    weights.write_text("of an earlier run")
    assert [f.path for f in written(model, lambda: model.write_text("1"))] == [model]

    def both() -> tuple[Path, ...]:
        model.write_text("1")
        weights.write_text("of this run")
        return model, weights

    assert [f.path for f in written(model, both)] == [model, weights]


def test_a_file_that_another_command_removed_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="removed it since"):
        written(tmp_path / "a.onnx", lambda: None)
