"""archdsl summary: how deep, by source, for which batch, type, optimizer and device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli

import archdsl
from archdsl.analyses import memory
from archdsl.ir.training.learning import Sgd
from archdsl.quantity import show_bytes


def test_depth(cli: Cli) -> None:
    assert "layer1.0.conv1" in cli("summary", "resnet18", "--depth", "all").out
    shallow = cli("summary", "resnet18", "--depth", "1").out
    assert "conv 3x3 64" not in shallow
    assert "layer1" in shallow
    for wrong in ("0", "-1", "some", "1.5"):
        assert cli("summary", "resnet18", "--depth", wrong).status == 2


def test_by_source(cli: Cli) -> None:
    result = cli("summary", "lenet", "--by", "source")
    assert result.out == archdsl.zoo("lenet").annotated_source() + "\n"
    assert cli("summary", "lenet", "--by", "source", "--json").status == 2


def test_memory_for_a_batch(cli: Cli) -> None:
    graph = archdsl.zoo("resnet18").graph
    words = ("--batch", 32, "--dtype", "bf16", "--optimizer", "sgd momentum=0.9")
    data = json.loads(cli("summary", "resnet18", "--json", *words).out)["usage"]
    assert data["inference"]["total"] == memory.inference(graph, "bfloat16").peak(32).total
    training = memory.training(graph, "bfloat16", Sgd(momentum=0.9))
    assert data["training"]["total"] == training.peak(32).total
    assert show_bytes(training.peak(32).total) in cli("summary", "resnet18", *words).out


def test_checkpoint(cli: Cli) -> None:
    words = ("summary", "vit_tiny_patch16_224", "--batch", 64, "--json")
    whole = json.loads(cli(*words).out)["usage"]["training"]["total"]
    less = json.loads(cli(*words, "--checkpoint", "blocks.*").out)["usage"]["training"]["total"]
    assert less < whole / 3
    assert "A305" in cli(*words, "--checkpoint", "block.*").out


def test_fits(cli: Cli) -> None:
    result = cli("summary", "vgg16", "--fits", "8GB")
    graph = archdsl.zoo("vgg16").graph
    at_inference = memory.inference(graph).largest_batch(8 * 10**9)
    in_training = memory.training(graph).largest_batch(8 * 10**9)
    assert (
        f"batch {at_inference:,} at inference, {in_training:,} in training, in 8 GB" in result.out
    )
    assert cli("summary", "vgg16", "--fits", "eight").status == 2


def test_device(cli: Cli) -> None:
    result = cli("summary", "resnet50", "--device", "a100", "--dtype", "bf16", "--batch", 64)
    assert "on NVIDIA A100 SXM 80 GB at best" in result.out
    assert " time\n" in result.out
    assert "time" not in cli("summary", "resnet50").out
    assert cli("summary", "resnet50", "--device", "t4", "--dtype", "bf16").status == 2
    unknown = cli("summary", "resnet50", "--device", "a10")
    assert unknown.status == 1
    assert "did you mean `a100`" in unknown.err


def test_another_input(cli: Cli) -> None:
    larger = json.loads(cli("summary", "resnet18", "--input", "3x448x448", "--json").out)
    usual = json.loads(cli("summary", "resnet18", "--json").out)
    assert larger["inputs"] == {"input": [3, 448, 448]}
    assert larger["params"] == usual["params"]
    assert larger["macs"] - 512_000 == 4 * (usual["macs"] - 512_000)  # all but fc
    assert cli("summary", "alexnet", "--input", "3x30x30").status == 1
    for wrong in ("3x4x5x6", "x", "=3x4x4", "3x-4x4"):
        assert cli("summary", "resnet18", "--input", wrong).status == 2


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.arch"
    path.write_text("input a 8\ninput b 4\nconcat { @a | @b }\nfc 2\n")
    return path


def test_inputs_by_name(cli: Cli, two: Path) -> None:
    data = json.loads(cli("summary", two, "--input", "a=10", "--input", "b=6", "--json").out)
    assert data["inputs"] == {"a": [10], "b": [6]}
    unnamed = cli("summary", two, "--input", "10")
    assert unnamed.status == 1
    assert "has 2 inputs; say which" in unnamed.err
    assert "did you mean" in cli("summary", two, "--input", "aa=10").err


def test_an_equality_is_about_the_specs_own_input(tmp_path: Path) -> None:
    spec = "input 3x8x8; conv 3x3 4; expect macs == 6912, macs >= 6000"
    archdsl.parse(spec)
    assert archdsl.parse(spec, inputs=(3, 16, 16)).summary().macs == 4 * 6912
    with pytest.raises(archdsl.ArchError, match="at least 6,000 expected"):
        archdsl.parse(spec, inputs={"input": (3, 4, 4)})
    with pytest.raises(archdsl.ArchError, match="is no shape"):
        archdsl.parse(spec, inputs=(3, 0, 4))


def test_markdown(cli: Cli) -> None:
    out = cli("summary", "lenet", "--markdown").out
    assert "| parameters | 61,706 |" in out
    assert cli("summary", "lenet", "--markdown", "--csv").status == 2


def test_an_optimizer_that_is_none(cli: Cli) -> None:
    for wrong in ("sgdd", "sgd lr=-1", "sgd }", "sgd; epochs 3; }"):
        result = cli("summary", "lenet", "--optimizer", wrong)
        assert result.status == 1, wrong
        assert "--optimizer:" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--symbolic n --input 3x8x8", "--input does not go with --symbolic"),
        ("--symbolic n --batch 1", "--batch does not go with --symbolic"),
        ("--symbolic n --csv", "--csv does not go with --symbolic"),
        ("--by source --fits 8GB", "--fits does not go with --by source"),
        ("--by source --device a100", "--device does not go with --by source"),
        ("--by source --json", "--json does not go with --by source"),
        ("--csv --fits 8GB", "--fits does not go with --csv"),
        ("--csv --depth 1", "--depth does not go with --csv"),
        ("--json --depth 1", "--depth does not go with --json"),
        ("--json --markdown", "--markdown does not go with --json"),
        ("--field-at conv1 --batch 2", "--batch does not go with --field-at"),
    ],
)
def test_what_would_not_be_heeded_is_refused(cli: Cli, options: str, said: str) -> None:
    result = cli("summary", "lenet", *options.split())
    assert result.status == 2
    assert said in result.err


@pytest.mark.parametrize("text", ["input 3x8x8; identity", "input 3x8x8; flatten"])
def test_a_device_with_nothing_to_do(cli: Cli, tmp_path: Path, text: str) -> None:
    spec = tmp_path / "nothing.arch"
    spec.write_text(text)
    result = cli("summary", spec, "--device", "h100")
    assert result.status == 0
    assert "no layer computes anything" in result.out


@pytest.mark.parametrize("form", [[], ["--by", "source"], ["--csv"], ["--markdown"]])
def test_expectations_are_told_after_each_form(cli: Cli, tmp_path: Path, form: list[str]) -> None:
    spec = tmp_path / "off.arch"
    spec.write_text("input 8\nfc 3\nexpect params == 5")
    result = cli("summary", spec, *form)
    assert result.status == 1
    assert "fc 3" in result.out
    assert "5 expected, 27 found" in result.err
