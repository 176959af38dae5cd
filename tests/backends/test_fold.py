"""Folding: what goes, what must stay, and that the numbers are PyTorch's."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support import (
    assert_close,
    check_onnx,
    load_weights,
    random_arrays,
    random_weights,
    stored_weights,
)

import archdsl
from archdsl.backends.onnx import ExportOptions, write
from archdsl.backends.onnx.fold import fold

torch.set_num_threads(1)


def folded(text: str, folder: Path) -> list[str]:
    """The operators of the folded file, once it is sure that it computes what PyTorch does."""
    net = archdsl.parse(text)
    weights = random_weights(net.graph)
    path = folder / "a.onnx"
    module = load_weights(net.to_torch(), weights)
    options = ExportOptions(fold=True, verify=True)
    exported = write(net.graph, path, weights, options, module)
    assert exported.agreement is not None and exported.agreement.relative < 1e-5
    check_onnx(path)
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ("conv 3x3 6 bias=false; bn; relu", "Conv Relu"),
        ("conv 3x3 6; bn", "Conv"),
        ("conv 3x3 6 groups=2; bn; scale 0.5; rescale 2 offset=-1", "Conv"),
        ("dwconv 3x3 multiplier=2; bn", "Conv"),
        ("upconv 2x2 6 stride=2 groups=2; bn", "ConvTranspose"),
        ("conv 3x3 6; dropout; bn; identity", "Conv"),
        ("conv 3x3 6; relu; bn", "Conv Relu BatchNormalization"),
        ("conv 3x3 6; maxpool 2x2; bn", "Conv MaxPool BatchNormalization"),
        ("gap; fc 6; bn; dropout", "GlobalAveragePool Flatten Gemm"),
        ("fc 6; bn; relu; fc 5", "Flatten Gemm Relu Gemm"),
        ("bn; conv 3x3 6", "BatchNormalization Conv"),
        ("residual { conv 3x3; bn | }; relu", "Conv Add Relu"),
        ("residual { conv 3x3 8; bn | conv 1x1 8; bn }", "Conv Conv Add"),
        ("dropout", "Identity"),
        ("relu; dropout", "Relu"),
    ],
)
def test_what_is_left(layers: str, left: str, tmp_path: Path) -> None:
    assert folded(f"input 4x6x6\n{layers}", tmp_path) == left.split()


def test_a_scale_after_attention(tmp_path: Path) -> None:
    found = folded("input 5x6\nresidual { ln; attention heads=2; scale 0.1 }", tmp_path)
    assert found.count("Mul") == 1, "the one inside of attention"


@pytest.mark.parametrize(
    "text",
    [
        # Something else reads the sum itself:
        "a: conv 3x3 4; bn; concat { | @a }",
        "a: conv 3x3 4; dropout; bn; concat { | @a }",
        # it is an output:
        "conv 3x3 4; output early { identity }; bn",
        # its weights are used at two places:
        "a: conv 3x3 4 bias=false; bn; reuse a; relu",
        # and a part that is applied twice, as a whole:
        "tower: { conv 3x3 4; bn; relu }; reuse tower",
    ],
)
def test_what_must_stay(text: str, tmp_path: Path) -> None:
    assert "BatchNormalization" in folded(f"input 4x6x6\n{text}", tmp_path)


def test_a_normalisation_whose_weights_are_shared_goes_into_each_sum(tmp_path: Path) -> None:
    found = folded("input 4x6x6\nconv 3x3 4; a: bn; relu; conv 3x3 4; reuse a", tmp_path)
    assert found == ["Conv", "Relu", "Conv"]


def test_an_auxiliary_head_does_not_count_as_a_reader(tmp_path: Path) -> None:
    text = "input 4x6x6\nconv 3x3 4\naux early weight=0.3 { gap; fc 3 }\nbn; gap; fc 3"
    assert folded(text, tmp_path) == ["Conv", "GlobalAveragePool", "Flatten", "Gemm"]


def test_names_and_weights(tmp_path: Path) -> None:
    net = archdsl.parse("input 4x6x6\nstem: { conv 3x3 6 bias=false; bn; relu }\ngap; fc 2")
    weights = random_weights(net.graph)
    write(net.graph, tmp_path / "a.onnx", weights, ExportOptions(fold=True))
    names = [n.name for n in onnx.load(tmp_path / "a.onnx").graph.node]
    assert names == ["stem.0", "stem.2", "gap1/GlobalAveragePool", "gap1", "fc1"]
    stored = stored_weights(tmp_path / "a.onnx")
    assert sorted(stored) == ["fc1.bias", "fc1.weight", "stem.0.bias", "stem.0.weight"]
    variance = weights["stem.1.running_var"].astype(np.float64)
    scale = weights["stem.1.weight"] / np.sqrt(variance + 1e-5)
    shift = weights["stem.1.bias"] - weights["stem.1.running_mean"] * scale
    kernel = (weights["stem.0.weight"] * scale[:, None, None, None]).astype(np.float32)
    np.testing.assert_array_equal(stored["stem.0.weight"], kernel)
    np.testing.assert_array_equal(stored["stem.0.bias"], shift.astype(np.float32))
    np.testing.assert_array_equal(stored["fc1.weight"], weights["fc1.weight"])


def test_the_graph_and_the_weights_that_are_given_stay_as_they_are(tmp_path: Path) -> None:
    net = archdsl.parse("input 4x6x6\nconv 3x3 6; bn; dropout; gap; fc 2")
    weights = random_weights(net.graph)
    before = net.graph.to_json(), {k: a.copy() for k, a in weights.items()}
    write(net.graph, tmp_path / "a.onnx", weights, ExportOptions(fold=True))
    assert net.graph.to_json() == before[0]
    for key, array in before[1].items():
        np.testing.assert_array_equal(weights[key], array)


def test_a_folded_graph_is_a_graph() -> None:
    """It passes its own checks, and PyTorch computes the same with it."""
    net = archdsl.parse("input 4x6x6\nconv 3x3 6; bn; dropout; relu; dwconv 3x3; bn; gap; fc 2")
    weights = random_weights(net.graph)
    found = fold(net.graph, weights)
    again = archdsl.Network(type(net.graph).from_json(found.graph.to_json()))
    state = {key: np.asarray(found.weights[key]) for key in found.graph.state()}
    (x,) = map(torch.from_numpy, random_arrays(((4, 6, 6),), 2))
    with torch.no_grad():
        expected = load_weights(net.to_torch(), weights)(x).numpy()
        assert_close(load_weights(again.to_torch(), state)(x).numpy(), expected)


def test_weights_are_worked_out_one_layer_at_a_time() -> None:
    net = archdsl.parse("input 4x6x6\n" + "conv 3x3 6 bias=false; bn; relu\n" * 3)
    weights = random_weights(net.graph)
    asked: list[str] = []

    class Watched(dict):  # type: ignore[type-arg]
        def __getitem__(self, key: str) -> object:
            asked.append(key)
            return super().__getitem__(key)

    found = fold(net.graph, Watched(weights))
    assert not any(key.startswith("conv") for key in asked), "none before it is wanted"
    found.weights["conv2.weight"]
    assert {key for key in asked if key.startswith("conv")} == {"conv2.weight"}


def test_ten_thousand_layers() -> None:
    """In time that grows with the layers, not with their square."""

    def seconds(count: int) -> float:
        net = archdsl.parse("input 2x4x4\n" + "conv 1x1 bias=false; bn\n" * (count // 2))
        weights = random_weights(net.graph)
        taken: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            assert len(fold(net.graph, weights).graph.nodes) == count // 2
            taken.append(time.perf_counter() - start)
        return min(taken)

    assert seconds(10_000) < 60 * max(seconds(1_000), 0.02)
