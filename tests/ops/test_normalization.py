"""Normalisation against the formulas of the papers, written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from support import assert_close, chain, check_onnx, random_arrays, random_weights, run_onnx

from archdsl.backends.onnx import write
from archdsl.ir import OpError
from archdsl.ir.records import TorchModule
from archdsl.ops.local_response import LocalResponseNorm
from archdsl.ops.normalization import BatchNorm, LayerNorm


def lrn(x: np.ndarray, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    """Krizhevsky et al. 2012, section 3.3: b_i = a_i / (k + alpha * sum_j a_j^2)^beta.

    The sum runs over the n maps at the same position from max(0, i - n/2) to min(N - 1, i + n/2).
    """
    count = x.shape[1]
    found = np.empty_like(x, dtype=np.float64)
    for i in range(count):
        low, high = max(0, i - size // 2), min(count - 1, i + size // 2)
        total = sum(x[:, j].astype(np.float64) ** 2 for j in range(low, high + 1))
        found[:, i] = x[:, i] / (k + alpha * total) ** beta
    return found.astype(np.float32)


@pytest.mark.parametrize(
    ("size", "alpha", "beta", "k"),
    [(5, 1e-4, 0.75, 2.0), (5, 0.3, 0.75, 2.0), (3, 1.0, 0.5, 1.0), (1, 0.2, 1.0, 0.5)],
)
@pytest.mark.parametrize("width", [4, 9])
def test_lrn_is_the_papers_formula(
    tmp_path: Path, size: int, alpha: float, beta: float, k: float, width: int
) -> None:
    """In onnxruntime and in PyTorch's own module; the inputs are large, so that alpha shows."""
    import torch

    op = LocalResponseNorm(size=size, alpha=alpha, beta=beta, k=k)
    shapes = ((width, 4, 5),)
    x = 20 * random_arrays(shapes, 2)[0]
    expected = lrn(x, size, alpha, beta, k)
    write(chain(op, shapes=shapes), tmp_path / "lrn.onnx", {})
    check_onnx(tmp_path / "lrn.onnx")
    assert_close(run_onnx(tmp_path / "lrn.onnx", [x])[0], expected)

    lowering = op.torch(shapes, shapes[0])
    assert isinstance(lowering, TorchModule)
    assert lowering.name == "nn.LocalResponseNorm"
    module = torch.nn.LocalResponseNorm(**lowering.arguments)
    assert_close(module(torch.from_numpy(x)).numpy(), expected)


def test_the_factor_that_pytorch_is_given_reads_like_a_persons() -> None:
    lowering = LocalResponseNorm(size=3).torch(((4, 1, 1),), (4, 1, 1))
    assert isinstance(lowering, TorchModule)
    assert lowering.arguments["alpha"] == 0.0003


def test_lrn_defaults_are_alexnets() -> None:
    op = LocalResponseNorm()
    assert (op.size, op.alpha, op.beta, op.k) == (5, 1e-4, 0.75, 2)


@pytest.mark.parametrize("size", [0, 2, 4, -3])
def test_lrn_wants_an_odd_window(size: int) -> None:
    with pytest.raises(ValidationError):
        LocalResponseNorm(size=size)


@pytest.mark.parametrize("shape", [(6, 4, 5), (3, 6), (6,)])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_is_over_the_channels_of_each_position(
    tmp_path: Path, shape: tuple[int, ...], affine: bool
) -> None:
    """Ba et al. 2016, equations 3 and 4; the variance is the biased one."""
    graph = chain(LayerNorm(eps=0.01, affine=affine), shapes=(shape,))
    weights = random_weights(graph)
    x = random_arrays((shape,), 3)[0]
    axis = 1 if len(shape) == 3 else -1
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 0.01)
    if affine:
        broad = (6, 1, 1) if len(shape) == 3 else (6,)
        expected = expected * weights["ln1.weight"].reshape(broad)
        expected = expected + weights["ln1.bias"].reshape(broad)
    write(graph, tmp_path / "ln.onnx", weights)
    assert_close(run_onnx(tmp_path / "ln.onnx", [x])[0], expected.astype(np.float32))


@pytest.mark.parametrize("shape", [(6, 4, 5), (6,)])
def test_batch_norm_uses_its_running_statistics(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Ioffe & Szegedy 2015, algorithm 2, step 11."""
    graph = chain(BatchNorm(eps=0.1), shapes=(shape,))
    weights = random_weights(graph)
    x = random_arrays((shape,), 3)[0]
    w = {
        k.split(".")[1]: v.reshape(6, *[1] * (len(shape) - 1))
        for k, v in weights.items()
        if v.shape
    }
    normal = (x - w["running_mean"]) / np.sqrt(w["running_var"] + 0.1)
    write(graph, tmp_path / "bn.onnx", weights)
    assert_close(run_onnx(tmp_path / "bn.onnx", [x])[0], normal * w["weight"] + w["bias"])


def test_batch_norm_of_tokens_points_to_layer_norm() -> None:
    with pytest.raises(OpError) as caught:
        BatchNorm().shape(((5, 6),))
    assert caught.value.code == "A201"
    assert "`ln`" in caught.value.help
