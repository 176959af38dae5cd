"""Pools against PyTorch's own functions: every shape that a small axis allows, every divisor."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import assert_close, chain, check_onnx, random_arrays, run_onnx

from archdsl.backends.onnx import write
from archdsl.ir import OpError
from archdsl.ops.adaptive_pool import AdaptiveAveragePool, GlobalAveragePool
from archdsl.ops.pool import AveragePool, MaxPool

torch.set_num_threads(1)  # the tensors are small, and the tests run side by side


def small_axes(dilations: tuple[int, ...]) -> list[tuple[int, int, int, int, int, bool]]:
    """Input, kernel, stride, padding, dilation, ceil."""
    return [
        (n, k, s, p, d, ceil)
        for n, k, s, d, ceil in product(range(1, 9), range(1, 5), range(1, 5), dilations, (0, 1))
        for p in range(k // 2 + 2)
    ]


def test_max_pool_shapes_are_exactly_pytorchs() -> None:
    """Where PyTorch refuses, archdsl does; where it does not, the shape is the same."""
    refused = 0
    for n, k, s, p, d, ceil in small_axes((1, 2, 3)):
        op = MaxPool(kernel=(k, 1), stride=(s, 1), pad=(p, 0), dilation=(d, 1), ceil=bool(ceil))
        try:
            x = torch.zeros(1, 1, n, 2)
            expected = F.max_pool2d(x, (k, 1), (s, 1), (p, 0), (d, 1), bool(ceil)).shape[1:]
        except RuntimeError:
            refused += 1
            with pytest.raises(OpError):
                op.shape(((1, n, 2),))
        else:
            assert op.shape(((1, n, 2),)) == tuple(expected), op.text()
    assert refused > 100


def test_average_pool_shapes_are_exactly_pytorchs() -> None:
    for n, k, s, p, _, ceil in small_axes((1,)):
        op = AveragePool(kernel=(1, k), stride=(1, s), pad=(0, p), ceil=bool(ceil))
        try:
            x = torch.zeros(1, 1, 2, n)
            expected = F.avg_pool2d(x, (1, k), (1, s), (0, p), bool(ceil)).shape[1:]
        except RuntimeError:
            with pytest.raises(OpError):
                op.shape(((1, 2, n),))
        else:
            assert op.shape(((1, 2, n),)) == tuple(expected), op.text()


POOLS = [  # kernel, stride, padding, ceil
    ((2, 2), (2, 2), (0, 0), False),
    ((3, 3), (2, 2), (0, 0), False),
    ((3, 3), (2, 2), (0, 0), True),
    ((3, 3), (2, 2), (1, 1), False),
    ((3, 3), (2, 2), (1, 1), True),
    ((3, 2), (2, 3), (1, 0), True),
    ((4, 4), (3, 3), (2, 2), True),
    ((4, 3), (4, 5), (2, 1), True),
    ((5, 5), (3, 3), (2, 2), False),
    ((1, 3), (1, 2), (0, 1), True),
    ((2, 2), (4, 4), (1, 1), True),
]
SIDES = [(13, 14), (14, 15), (16, 13)]  # the largest window spans 13: 5 taps, dilation 3


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize(("kernel", "stride", "pad", "ceil"), POOLS)
@pytest.mark.parametrize("count_pad", [True, False])
def test_average_pools_in_onnx(
    tmp_path: Path,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    ceil: bool,
    count_pad: bool,
    sides: tuple[int, int],
) -> None:
    """The divisor counts what PyTorch's counts: a constant input shows every padded window."""
    op = AveragePool(kernel=kernel, stride=stride, pad=pad, ceil=ceil, count_pad=count_pad)
    graph = chain(op, shapes=((2, *sides),))
    write(graph, tmp_path / "pool.onnx", {})
    check_onnx(tmp_path / "pool.onnx")
    for x in (*random_arrays(((2, *sides),), 2), np.ones((2, 2, *sides), np.float32)):
        expected = F.avg_pool2d(torch.from_numpy(x), kernel, stride, pad, ceil, count_pad).numpy()
        assert_close(run_onnx(tmp_path / "pool.onnx", [x])[0], expected)


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize(("kernel", "stride", "pad", "ceil"), POOLS)
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (3, 2)])
def test_max_pools_in_onnx(
    tmp_path: Path,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    ceil: bool,
    dilation: tuple[int, int],
    sides: tuple[int, int],
) -> None:
    """The input is negative throughout, so that a padding with zeros would win."""
    op = MaxPool(kernel=kernel, stride=stride, pad=pad, ceil=ceil, dilation=dilation)
    shapes = ((2, *sides),)
    graph = chain(op, shapes=shapes)
    x = -np.abs(random_arrays(shapes, 2)[0]) - 1
    expected = F.max_pool2d(torch.from_numpy(x), kernel, stride, pad, dilation, ceil).numpy()
    write(graph, tmp_path / "pool.onnx", {})
    check_onnx(tmp_path / "pool.onnx")
    assert_close(run_onnx(tmp_path / "pool.onnx", [x])[0], expected)


ADAPTIVE = [
    ((8, 9), (4, 3)),
    ((8, 9), (3, 4)),
    ((8, 9), (1, 1)),
    ((8, 9), (8, 9)),
    ((8, 9), (1, 9)),
    ((8, 9), (5, 1)),
    ((5, 4), (7, 6)),
    ((13, 13), (6, 6)),
    ((1, 1), (3, 2)),
]


@pytest.mark.parametrize(("sides", "size"), ADAPTIVE)
def test_adaptive_pools_in_onnx(
    tmp_path: Path, sides: tuple[int, int], size: tuple[int, int]
) -> None:
    graph = chain(AdaptiveAveragePool(size=size), shapes=((3, *sides),))
    write(graph, tmp_path / "pool.onnx", {})
    check_onnx(tmp_path / "pool.onnx")
    x = random_arrays(((3, *sides),), 2)[0]
    expected = F.adaptive_avg_pool2d(torch.from_numpy(x), size).numpy()
    assert_close(run_onnx(tmp_path / "pool.onnx", [x])[0], expected)


@pytest.mark.parametrize(("sides", "size"), ADAPTIVE)
def test_adaptive_cost_is_what_the_windows_read(
    sides: tuple[int, int], size: tuple[int, int]
) -> None:
    """The gradient counts: every output's own input values."""
    x = torch.rand(1, 1, *sides, requires_grad=True)
    y = F.adaptive_avg_pool2d(x, size)
    reads = sum(
        int(torch.autograd.grad(value, x, retain_graph=True)[0].count_nonzero())
        for value in y.flatten()
    )
    op = AdaptiveAveragePool(size=size)
    assert op.cost(((3, *sides),), (3, *size)).pooling == 3 * reads


def test_a_huge_adaptive_pool_is_costed_and_refused_without_building_it() -> None:
    op = AdaptiveAveragePool(size=(2**31 - 1, 3))
    shapes = ((1, 2**30, 7),)
    assert op.cost(shapes, op.shape(shapes)).pooling == (2**30 + 2**31 - 2) * 9
    with pytest.raises(OpError, match="uneven windows"):
        op.onnx(shapes, op.shape(shapes))


@pytest.mark.parametrize(
    ("op", "shape", "code"),
    [
        (MaxPool(kernel=(3, 3)), (5, 2, 8), "A202"),
        (AveragePool(kernel=(9, 1)), (5, 8, 8), "A202"),
        (MaxPool(kernel=(3, 3), pad=(2, 2)), (5, 8, 8), "A209"),
        (AveragePool(kernel=(2, 2), pad=(0, 2)), (5, 8, 8), "A209"),
        (MaxPool(kernel=(2, 2)), (5, 8), "A201"),
        (AdaptiveAveragePool(size=(1, 1)), (7,), "A201"),
        (GlobalAveragePool(), (7,), "A201"),
    ],
)
def test_what_cannot_be_pooled_is_an_error(
    op: MaxPool | AveragePool, shape: tuple[int, ...], code: str
) -> None:
    with pytest.raises(OpError) as caught:
        op.shape((shape,))
    assert caught.value.code == code
    assert caught.value.help or isinstance(op, GlobalAveragePool)


def test_the_stride_left_out_is_the_kernel() -> None:
    op = MaxPool(kernel=(2, 3))
    assert op.shape(((1, 8, 9),)) == (1, 4, 3)
    assert op.text() == "maxpool 2x3"
