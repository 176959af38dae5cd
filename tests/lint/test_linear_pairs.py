"""What L101 and L102 say of two linear layers, against the numbers of PyTorch."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from support import load_weights, random_weights
from torch import Tensor

import archdsl
from archdsl.backends import torch as torch_backend
from archdsl.lint.chains import Pair, pairs
from archdsl.lint.view import FileView, NetworkView


def pairs_of(text: str) -> list[Pair]:
    net = archdsl.parse(text)
    assert net.tree is not None
    return list(pairs(NetworkView(net.graph, FileView(net.tree, (net.graph,)))))


def matrix(text: str) -> Tensor:
    """The matrix of an affine network: a row for each output value, a column for each input."""
    graph = archdsl.parse(text).graph
    module = load_weights(torch_backend.build(graph), random_weights(graph)).double()
    shape = graph.inputs[0].shape
    size = int(torch.Size(shape).numel())
    with torch.no_grad():
        zero = module(torch.zeros(1, *shape, dtype=torch.float64))
        columns = module(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - zero
    return columns.reshape(size, -1).T


@pytest.mark.parametrize(
    ("k1", "s1", "k2", "s2", "between"),
    [(*case, "") for case in product((1, 3, 5), (1, 2), (1, 3), (1, 2))]
    + [(3, 1, 3, 1, "bn;"), (3, 1, 3, 1, "avgpool 2x2;"), (3, 2, 3, 1, "dropout; bn;")],
)
def test_the_one_convolution_has_the_kernel_and_the_stride_of_both(
    k1: int, s1: int, k2: int, s2: int, between: str
) -> None:
    """Each output in the middle reads exactly that window, and windows lie that stride apart."""
    text = f"input 2x24x24\nconv {k1} 3 stride={s1}; {between} conv {k2} 4 stride={s2}"
    (pair,) = pairs_of(text)
    assert pair.single is not None
    found = matrix(text)
    side = archdsl.parse(text).graph.main.shape[1]
    reads = (found.reshape(4, side, side, 2, 24, 24).abs() > 1e-12).any(0).any(2)
    i = side // 2
    rows = [reads[n, i].any(1).nonzero() for n in (i, i + 1)]
    kernel = int(rows[0].max() - rows[0].min()) + 1
    stride = int(rows[1].min() - rows[0].min())
    assert pair.single.words.startswith(f"{kernel}x{kernel} convolution from 2 to 4 channels")
    assert pair.single.words.endswith(f"at stride {stride}" if stride > 1 else "channels")
    assert pair.single.parameters == 2 * 4 * kernel**2


@pytest.mark.parametrize(
    "text",
    [
        "input 12\nfc 5; fc 9",
        "input 4x3x3\nconv 1x1 2; conv 1x1 6",
        "input 3x4x4\nconv 3x3 8; gap; fc 20",
        "input 2x4x4\nconv 1x1 1; fc 20",
    ],
)
def test_the_rank_is_that_of_the_product(text: str) -> None:
    (pair,) = pairs_of(text)
    found = matrix(text)
    if len(archdsl.parse(text).graph.main.shape) == 3:  # 1x1 on a map: one position's
        found = found.reshape(6, 9, 4, 9)[:, 0, :, 0]
    assert pair.narrow
    assert int(torch.linalg.matrix_rank(found)) == pair.widths[1]


def test_the_one_fully_connected_layer() -> None:
    text = "input 3x8x8\nconv 3x3 16; fc 10"
    (pair,) = pairs_of(text)
    assert pair.single is not None
    assert matrix(text).shape == (10, 192)
    assert pair.single.parameters == 1920
    assert pair.parameters == 3 * 16 * 9 + 16 * 64 * 10


def test_groups() -> None:
    grouped = "input 4x8x8\n{} 4; conv 1x1 4"
    assert [p.grouped for p in pairs_of(grouped.format("conv 3x3"))] == [False]
    assert [p.grouped for p in pairs_of("input 4x8x8\ndwconv 3x3; conv 1x1 4")] == [True]
    assert [p.grouped for p in pairs_of("input 4x8x8\nconv 1x1 4; conv 3x3 4 groups=2")] == [True]
    assert [p.grouped for p in pairs_of("input 4x8x8\nupconv 2x2 4 stride=2; conv 1x1 4")] == [
        False
    ]
    assert [p.grouped for p in pairs_of("input 4x8x8\nupconv 2x2 4 groups=4; conv 1x1 4")] == [True]


@pytest.mark.parametrize(
    "middle",
    ["relu", "ln", "maxpool 2x2", "gn 2", "residual { conv 3x3 }", "mul { | gap; sigmoid }"],
)
def test_what_is_not_affine_or_branches_off_ends_a_pair(middle: str) -> None:
    found = pairs_of(f"input 4x8x8\nconv 3x3 4; {middle}; conv 3x3 4")
    assert not [p for p in found if p.first.path == "conv1"]
