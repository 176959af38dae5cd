"""Fully connected layers, and the convolutions that are hardest to write down, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import assert_close, chain, check_onnx, random_arrays, random_weights, run_onnx

from archdsl.backends.onnx import write
from archdsl.ir import OpError
from archdsl.ops.linear import Linear


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("shape", "fan", "output"), [((7,), 7, (5,)), ((4, 7), 7, (4, 5)), ((2, 3, 4), 24, (5,))]
)
def test_fc_is_a_matrix_product(
    tmp_path: Path, shape: tuple[int, ...], fan: int, output: tuple[int, ...], bias: bool
) -> None:
    graph = chain(Linear(features=5, bias=bias), shapes=(shape,))
    node = graph.nodes[0]
    assert node.shape == output
    assert node.weights["weight"].shape == (5, fan)
    assert ("bias" in node.weights) == bias

    weights = random_weights(graph)
    x = random_arrays((shape,), 3)[0]
    flat = x.reshape(3, -1) if len(shape) == 3 else x
    expected = flat @ weights["fc1.weight"].T + (weights["fc1.bias"] if bias else 0)
    write(graph, tmp_path / "fc.onnx", weights)
    check_onnx(tmp_path / "fc.onnx")
    assert_close(run_onnx(tmp_path / "fc.onnx", [x])[0], expected)


@pytest.mark.parametrize(("shape", "width"), [((7,), 7), ((4, 7), 7), ((2, 3, 4), 24)])
def test_fc_without_a_width_keeps_it(shape: tuple[int, ...], width: int) -> None:
    op = Linear().resolve((shape,))
    assert op.features == width
    assert op.shape((shape,))[-1] == width


def test_the_macs_of_tokens_count_each_token() -> None:
    op = Linear(features=5)
    assert op.cost(((4, 7),), (4, 5)).macs == 4 * 7 * 5


def test_fc_takes_no_other_rank() -> None:
    with pytest.raises(OpError, match="3x4x5x6"):
        Linear(features=2).shape(((3, 4, 5, 6),))


def test_fc_takes_a_map_in_channel_row_column_order(tmp_path: Path) -> None:
    graph = chain(Linear(features=1, bias=False), shapes=((2, 3, 4),))
    weight = np.zeros((1, 24), np.float32)
    weight[0, 1 * 12 + 2 * 4 + 3] = 1
    write(graph, tmp_path / "fc.onnx", {"fc1.weight": weight})
    x = random_arrays(((2, 3, 4),), 2)[0]
    assert_close(run_onnx(tmp_path / "fc.onnx", [x])[0][:, 0], x[:, 1, 2, 3])
