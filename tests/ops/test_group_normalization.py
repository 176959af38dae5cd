"""Normalisation over groups, instances and root mean squares, by the formulas of the papers."""

from __future__ import annotations

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
from archdsl import ArchError
from archdsl.backends import torch as torch_backend
from archdsl.backends.onnx import write
from archdsl.ir import Op
from archdsl.ops.group_normalization import GroupNorm, InstanceNorm
from archdsl.ops.normalization import RMSNorm


def check(op: Op, x: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    """Both backends give the expected values, once gain and shift are taken into account."""
    graph = chain(op, shapes=(x.shape[1:],))
    weights = random_weights(graph)
    broad = (-1, 1, 1) if x.ndim == 4 else (-1,)
    for key, tensor in weights.items():
        last = key.rpartition(".")[2]
        if last == "weight":
            expected = expected * tensor.reshape(broad)
        else:
            expected = expected + tensor.reshape(broad)
    module = load_weights(torch_backend.build(graph), weights)
    with torch.no_grad():
        assert_close(module(torch.from_numpy(x)).numpy(), expected.astype(np.float32))
    write(graph, tmp_path / "net.onnx", weights)
    check_onnx(tmp_path / "net.onnx")
    assert_close(run_onnx(tmp_path / "net.onnx", [x])[0], expected.astype(np.float32))


def normal(x: np.ndarray, axes: tuple[int, ...], eps: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(tmp_path: Path, groups: int, affine: bool) -> None:
    """Wu & He 2018, equations 1 and 7: the variance is the biased one."""
    x = random_arrays(((6, 3, 4),), 3)[0] * 2 + 1
    grouped = x.reshape(3, groups, 6 // groups, 3, 4)
    expected = normal(grouped, (2, 3, 4), 0.01).reshape(x.shape)
    check(GroupNorm(groups=groups, eps=0.01, affine=affine), x, expected, tmp_path)


def test_group_norm_of_a_vector(tmp_path: Path) -> None:
    x = random_arrays(((6,),), 3)[0]
    expected = normal(x.reshape(3, 2, 3), (2,), 1e-5).reshape(3, 6)
    check(GroupNorm(groups=2), x, expected, tmp_path)


@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm(tmp_path: Path, affine: bool) -> None:
    """Ulyanov et al. 2016, equation 2."""
    x = random_arrays(((4, 3, 5),), 3)[0] * 2 + 1
    check(InstanceNorm(eps=0.01, affine=affine), x, normal(x, (2, 3), 0.01), tmp_path)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3, 4), (5, 6), (6,)])
def test_rms_norm(tmp_path: Path, shape: tuple[int, ...], affine: bool) -> None:
    """Zhang & Sennrich 2019, equation 4."""
    x = random_arrays((shape,), 3)[0] + 1
    axis = 1 if len(shape) == 3 else -1
    expected = x / np.sqrt((x**2).mean(axis, keepdims=True) + 0.01)
    check(RMSNorm(eps=0.01, affine=affine), x, expected, tmp_path)


@pytest.mark.parametrize("batch", [1, 2])
def test_what_pytorch_would_refuse_is_refused_here(batch: int) -> None:
    """One value has no variance; PyTorch finds out when it runs."""
    with pytest.raises(ValueError, match="Expected more than 1"):
        torch.nn.InstanceNorm2d(3)(torch.zeros(batch, 3, 1, 1))
    for text in ("input 3x1x1; instancenorm", "input 4; gn 4", "input 4x1x1; gn 4"):
        with pytest.raises(ArchError) as caught:
            archdsl.parse(text)
        assert [d.code for d in caught.value.diagnostics] == ["A201"]


@pytest.mark.parametrize(("text", "code"), [("5x6; gn 2", "A201"), ("3x4x4; gn 2", "A203")])
def test_mistakes_are_told(text: str, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(f"input {text}")
    assert [d.code for d in caught.value.diagnostics] == [code]
