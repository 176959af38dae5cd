"""archdsl bench, on a small network for a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli

SPEC = "input 3x8x8; conv 3x3 4; relu; gap; fc 3"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.arch"
    path.write_text(SPEC)
    return path


def test_the_table(cli: Cli, spec: Path, tmp_path: Path) -> None:
    picture = tmp_path / "times.svg"
    ways = "eager,channels_last,bf16,onnxruntime"
    words = ("--ways", ways, "--seconds", "0.05", "--threads", 1, "--device", "cpu")
    result = cli("bench", spec, *words, "-o", picture)
    assert result.status == 0
    assert result.out.startswith("small on the CPU, 1 thread (PyTorch ")
    for way in ways.split(","):
        assert result.out.count(f"  {way} ") == 2  # batches 1 and 8
    assert picture.read_text().startswith("<svg ")


def test_json(cli: Cli, spec: Path) -> None:
    words = ("--ways", "eager,onnxruntime", "--seconds", "0.05", "--batch", "3", "--json")
    data = json.loads(cli("bench", spec, "--device", "cpu", *words).out)
    (heat,) = data["batches"]
    assert heat["batch"] == 3
    eager = heat["ways"]["eager"]
    assert 0 < eager["median"] <= eager["p90"] <= eager["p99"]
    assert eager["throughput"] == pytest.approx(3 / eager["median"])
    assert eager["speedup"] == {"value": 1, "low": 1, "high": 1}


def test_memory_is_the_weights_and_some_more(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "wide.arch"
    path.write_text("input 64; fc 5000; relu; fc 5000")
    words = ("--ways", "eager,onnxruntime", "--seconds", "0.05", "--batch", "1", "--memory")
    data = json.loads(cli("bench", path, "--device", "cpu", *words, "--json").out)
    weights = 4 * (64 * 5000 + 5000 + 5000 * 5000 + 5000)
    for way in data["batches"][0]["ways"].values():
        assert weights < way["memory"] < 4 * weights


def test_what_cannot_run_is_said(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "vector.arch"
    path.write_text("input 8; fc 3")
    words = ("--seconds", "0.05", "--batch", "1", "--device", "cpu")
    result = cli("bench", path, "--ways", "eager,channels_last", *words)
    assert "channels_last: no input is a map" in result.out
    nothing = cli("bench", path, "--ways", "channels_last", *words)
    assert nothing.status == 1
    assert "A709" in nothing.err


@pytest.mark.parametrize(
    "words",
    [("--batch", "0"), ("--batch", "1,x"), ("--ways", "fast"), ("-o", "times.png"),
     ("--ways", "fp16", "--device", "cpu"), ("--seconds", "0")],
)  # fmt: skip
def test_called_wrongly(cli: Cli, spec: Path, words: tuple[str, ...]) -> None:
    assert cli("bench", spec, *words).status == 2
