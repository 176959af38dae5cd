"""Shuffles, learned factors, and biases by position."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support import assert_close, chain, random_arrays, random_weights, run_onnx

import archdsl
from archdsl import ArchError
from archdsl.backends.onnx import write
from archdsl.ops.channelwise import ChannelShuffle, PositionBias, Scale


@pytest.mark.parametrize(("channels", "groups"), [(6, 2), (6, 3), (8, 4), (5, 1), (5, 5)])
def test_a_shuffle_reads_the_groups_by_columns(tmp_path: Path, channels: int, groups: int) -> None:
    """ShuffleNet, figure 1: output g + G*i is input i of group g."""
    shape = (channels, 2, 3)
    write(chain(ChannelShuffle(groups=groups), shapes=(shape,)), tmp_path / "net.onnx", {})
    x = random_arrays((shape,), 2)[0]
    y = run_onnx(tmp_path / "net.onnx", [x])[0]
    size = channels // groups
    for g in range(groups):
        for i in range(size):
            np.testing.assert_array_equal(y[:, g + groups * i], x[:, g * size + i])


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 3), (3,)])
def test_scale_is_a_factor_per_channel(tmp_path: Path, shape: tuple[int, ...]) -> None:
    graph = chain(Scale(), shapes=(shape,))
    weights = random_weights(graph)
    assert {k: w.shape for k, w in weights.items()} == {"scale1.gamma": (3,)}
    gamma = weights["scale1.gamma"]
    x = random_arrays((shape,), 2)[0]
    write(graph, tmp_path / "net.onnx", weights)
    expected = x * (gamma[:, None, None] if len(shape) == 3 else gamma)
    assert_close(run_onnx(tmp_path / "net.onnx", [x])[0], expected)


def test_scale_starts_where_it_is_told() -> None:
    state = archdsl.parse("init zeros; input 4; a: scale; b: scale 1e-5").to_torch().state_dict()
    assert (state["a.gamma"] == 1).all()
    torch.testing.assert_close(state["b.gamma"], torch.full((4,), 1e-5))


def test_a_bias_for_each_position(tmp_path: Path) -> None:
    graph = chain(PositionBias(), shapes=((2, 3, 4),))
    weights = random_weights(graph)
    x = random_arrays(((2, 3, 4),), 2)[0]
    write(graph, tmp_path / "net.onnx", weights)
    expected = x + weights["position_bias1.bias"]
    assert_close(run_onnx(tmp_path / "net.onnx", [x])[0], expected)


@pytest.mark.parametrize(
    ("k", "params"), [(128, 1_777_641), (192, 3_882_793), (256, 6_798_953), (384, 15_064_297)]
)
def test_alphagos_policy_ends_in_one_bias_for_each_point(k: int, params: int) -> None:
    """Silver et al. 2016, Methods: the counts of the whole policy network."""
    text = f"""
    init zeros bias=0.5
    input 48x19x19
    conv 5x5 {k}; relu
    {{ conv 3x3 {k}; relu }} x11
    conv 1x1 1 bias=false; position_bias; flatten; softmax
    """
    network = archdsl.parse(text)
    assert network.summary().params == params
    assert network.graph.outputs[0].shape == (361,)
    if k == 128:  # `init … bias=` is for this bias too
        assert (network.to_torch().state_dict()["position_bias1.bias"] == 0.5).all()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("input 3x4x4; shuffle groups=2", "A203"),
        ("input 4x4; shuffle groups=2", "A201"),
        ("input 3x4x4; shuffle", "A402"),
        ("input 4x4; position_bias", "A201"),
    ],
)
def test_mistakes_are_told(text: str, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text)
    assert [d.code for d in caught.value.diagnostics] == [code]
