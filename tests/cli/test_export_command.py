"""What `archdsl export` prints and writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import onnx
import pytest
from command import Cli

from archdsl.backends.onnx import proof


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "x.onnx"


def test_it_tells_what_it_wrote_and_how_well_it_agrees(cli: Cli, small: Path, out: Path) -> None:
    result = cli("export", small, "-o", out)
    assert (result.status, result.err) == (0, "")
    first, second = result.out.splitlines()
    assert first.startswith(f"wrote {out}")
    assert second.startswith("equals PyTorch: largest difference ")
    assert [p.name for p in out.parent.iterdir()] == ["x.onnx"]
    assert cli("export", small, "-o", out, "-q").out == ""


def test_for_machines(cli: Cli, small: Path, out: Path) -> None:
    found = json.loads(cli("export", small, "-o", out, "--json", "--bisect").out)
    assert found["network"] == "small"
    assert found["files"] == [{"path": str(out), "bytes": out.stat().st_size}]
    assert found["agreement"]["batches"] == [1, 3]
    assert found["agreement"]["relative"] < found["agreement"]["tolerance"]
    assert set(found["differences"]) >= {"conv1", "fc1"}


def test_options_reach_the_file(cli: Cli, small: Path, out: Path) -> None:
    result = cli("export", small, "-o", out, "--opset", 18, "--dynamic-size", "--batch", 2)
    assert result.status == 0
    assert "takes maps of any size" in result.out
    model = onnx.load(out)
    assert model.opset_import[0].version == 18
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_value or d.dim_param for d in shape] == [2, 3, "height", "width"]


def test_blocks_as_functions(cli: Cli, tmp_path: Path) -> None:
    spec, out = tmp_path / "s.arch", tmp_path / "s.onnx"
    spec.write_text("block unit w { conv 3x3 w; relu }\ninput 3x8x8\nunit 4 x3; gap; fc 2")
    result = cli("export", spec, "-o", out, "--functions", "--bisect")
    assert result.status == 0 and "unit3.relu1" in result.out
    model = onnx.load(out)
    assert [f.name for f in model.functions] == ["unit"]
    assert [n.op_type for n in model.graph.node].count("unit") == 3


def test_what_is_no_file_is_not_replaced(cli: Cli, small: Path, tmp_path: Path) -> None:
    """A rename would put a file in the place of a device, such as /dev/null, for good."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = cli("export", small, "-o", pipe)
    assert "A005" in result.err and "not a regular file" in result.err
    assert pipe.is_fifo() and sorted(p.name for p in tmp_path.glob(".*")) == []


def test_a_file_of_classes_that_is_empty(cli: Cli, small: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n \n")
    result = cli("export", small, "-o", tmp_path / "a.onnx", "--classes", names)
    assert result.status == 1 and "A708" in result.err and not (tmp_path / "a.onnx").exists()


def test_weights_and_seeds(cli: Cli, small: Path, out: Path, tmp_path: Path) -> None:
    assert cli("export", small, "-o", out, "--seed", 3).status == 0
    drawn = out.read_bytes()
    cli("compile", small, "-o", tmp_path, "--emit", "weights", "--seed", 3)
    assert cli("export", small, "-o", out, "--weights", tmp_path / "small.safetensors").status == 0
    assert out.read_bytes() == drawn
    assert cli("export", small, "-o", out).status == 0
    assert out.read_bytes() != drawn


def test_a_difference_leaves_no_file(
    cli: Cli, small: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "TOLERANCES", {"float32": -1.0})
    monkeypatch.setattr(proof, "SLACK", -1)
    result = cli("export", small, "-o", out)
    assert result.status == 1
    assert "error[A704]" in result.err and "is the first layer that departs" in result.err
    assert not list(out.parent.iterdir())
    assert cli("export", small, "-o", out, "--no-verify").status == 0


@pytest.mark.parametrize("option", [("--batch", 0), ("--seed", -1), ("--opset", "x")])
def test_called_wrongly(cli: Cli, small: Path, option: tuple[str, object]) -> None:
    assert cli("export", small, *option).status == 2


def test_what_cannot_be(cli: Cli, small: Path, out: Path, tmp_path: Path) -> None:
    assert "17 to 26 can" in cli("export", small, "-o", out, "--opset", 16).err
    assert "it is a folder" in cli("export", small, "-o", tmp_path).err
    assert cli("export", tmp_path / "missing.arch").status == 1
    assert not out.exists()


def test_what_goes_with_the_file(cli: Cli, small: Path, out: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("".join(f"kind {i}\n" for i in range(10)) + "\n\n")
    arguments = ["--classes", names, "--license", "CC0", "--softmax", "--top", 2, "--preprocess"]
    result = cli("export", small, "-o", out, *arguments)
    assert (result.status, result.err) == (0, "")
    model = onnx.load(out)
    found = {p.key: p.value for p in model.metadata_props}
    assert json.loads(found["archdsl.classes"])[-1] == "kind 9"
    assert found["archdsl.license"] == "CC0"
    assert found["archdsl.spec"] == small.read_text()
    assert len(model.graph.output) == 4
    names.write_bytes(b"\xff\n")
    assert "not UTF-8" in cli("export", small, "-o", out, "--classes", names).err
    names.write_text("one\n")
    assert "names of classes are 1" in cli("export", small, "-o", out, "--classes", names).err
    assert cli("export", small, "-o", out, "--classes", tmp_path / "none").status == 1
