"""Nonlinearities against the formulas of the papers, written out in numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support import (
    assert_close,
    chain,
    check_onnx,
    load_weights,
    random_arrays,
    random_weights,
    run_onnx,
)

import archdsl
from archdsl.backends import torch as torch_backend
from archdsl.backends.onnx import write
from archdsl.ir import Op, registry
from archdsl.ops.activation import Elu, PRelu, Silu
from archdsl.ops.clipped import HardSigmoid, HardSwish, Relu6
from archdsl.ops.softmax import LogSoftmax


def relu6(x: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(x, 0), 6)


def log_softmax(x: np.ndarray) -> np.ndarray:
    axis = 1 if x.ndim == 4 else -1
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


@pytest.mark.parametrize(
    ("op", "formula"),
    [
        (Relu6(), relu6),
        (Elu(), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
        (Elu(alpha=0.3), lambda x: np.where(x > 0, x, 0.3 * (np.exp(x) - 1))),
        (Silu(), lambda x: x / (1 + np.exp(-x))),
        (HardSwish(), lambda x: x * relu6(x + 3) / 6),
        (HardSigmoid(), lambda x: relu6(x + 3) / 6),
        (LogSoftmax(), log_softmax),
    ],
    ids=lambda v: v.text() if isinstance(v, Op) else "",
)
@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5), (6,)])
def test_the_formula(
    tmp_path: Path, op: Op, formula: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]
) -> None:
    """In both backends, over a range that reaches every piece."""
    graph = chain(op, shapes=(shape,))
    x = 5 * random_arrays((shape,), 3)[0]
    expected = formula(x.astype(np.float64)).astype(np.float32)
    assert_close(torch_backend.build(graph)(torch.from_numpy(x)).numpy(), expected)
    write(graph, tmp_path / "net.onnx", {})
    assert_close(run_onnx(tmp_path / "net.onnx", [x])[0], expected)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 3), (3,)])
def test_prelu_has_a_slope_for_each_channel(
    tmp_path: Path, shape: tuple[int, ...], shared: bool
) -> None:
    """He et al. 2015, "Delving Deep into Rectifiers", equation 1; on tokens too."""
    graph = chain(PRelu(shared=shared), shapes=(shape,))
    slopes = random_weights(graph)["prelu1.weight"]
    assert slopes.shape == ((1,) if shared else (3,))
    x = random_arrays((shape,), 2)[0]
    slope = slopes.reshape(-1, *[1] * (len(shape) - 1)) if len(shape) == 3 else slopes
    expected = np.where(x > 0, x, slope * x)
    module = load_weights(torch_backend.build(graph), {"prelu1.weight": slopes})
    with torch.no_grad():
        assert_close(module(torch.from_numpy(x)).numpy(), expected)
    write(graph, tmp_path / "net.onnx", {"prelu1.weight": slopes})
    check_onnx(tmp_path / "net.onnx")
    assert_close(run_onnx(tmp_path / "net.onnx", [x])[0], expected)


def test_prelu_starts_at_its_slope_whatever_init_says() -> None:
    state = archdsl.parse("init zeros bias=1; input 4; prelu; a: prelu 0.1").to_torch().state_dict()
    assert (state["prelu1.weight"] == 0.25).all()
    assert (state["a.weight"] == 0.1).all()


def test_relu6_overwrites_without_harm() -> None:
    """After a convolution it works in place; the gradients are those of a copy."""
    network = archdsl.parse("input 2x4x4; conv 3x3; relu6; conv 3x3 1")
    assert "nn.ReLU6(inplace=True)" in network.torch_source()
    module = network.to_torch()
    x = 9 * torch.randn(2, 2, 4, 4)
    module(x).square().sum().backward()
    first, last = module.get_submodule("conv1"), module.get_submodule("conv2")
    got = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    last(first(x).clamp(0, 6)).square().sum().backward()
    want = [p.grad for p in module.parameters() if p.grad is not None]
    assert len(got) == len(want) == 4
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)


def test_silu_is_swish() -> None:
    assert registry()["swish"] is Silu
