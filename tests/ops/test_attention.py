"""Attention against PyTorch's own module with the same weights, and against the formula."""

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
from torch import nn

from archdsl.backends import torch as torch_backend
from archdsl.backends.onnx import write
from archdsl.ir import OpError
from archdsl.ops.attention import Attention

Weights = dict[str, np.ndarray]


def formula(x: np.ndarray, weights: Weights, heads: int) -> np.ndarray:
    """Vaswani et al. 2017, equation 1, one head after another, in float64."""
    w = {key.partition(".")[2]: value.astype(np.float64) for key, value in weights.items()}
    d = x.shape[-1]
    made = x @ w["qkv.weight"].T + w.get("qkv.bias", 0)
    size = d // heads
    parts: list[np.ndarray] = []
    for head in range(heads):
        q, k, v = (made[..., i * d + head * size :][..., :size] for i in range(3))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(size)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        parts.append(shares / shares.sum(-1, keepdims=True) @ v)
    joined = np.concatenate(parts, -1)
    return (joined @ w["proj.weight"].T + w["proj.bias"]).astype(np.float32)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("count", "width", "heads"), [(5, 6, 1), (5, 6, 2), (7, 12, 3), (1, 4, 4)])
def test_it_is_the_formula_and_pytorchs_module(
    tmp_path: Path, count: int, width: int, heads: int, bias: bool
) -> None:
    graph = chain(Attention(heads=heads, bias=bias), shapes=((count, width),))
    weights = random_weights(graph)
    x = random_arrays(((count, width),), 3)[0]
    expected = formula(x, weights, heads)

    reference = nn.MultiheadAttention(width, heads, batch_first=True)
    state = {
        "in_proj_weight": weights["attention1.qkv.weight"],
        "in_proj_bias": weights.get("attention1.qkv.bias", np.zeros(3 * width, np.float32)),
        "out_proj.weight": weights["attention1.proj.weight"],
        "out_proj.bias": weights["attention1.proj.bias"],
    }
    reference.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=True)
    tensor = torch.from_numpy(x)
    with torch.no_grad():
        assert_close(reference.eval()(tensor, tensor, tensor)[0].numpy(), expected)
        module = load_weights(torch_backend.build(graph), weights)
        assert_close(module(tensor).numpy(), expected)

    write(graph, tmp_path / "attention.onnx", weights)
    check_onnx(tmp_path / "attention.onnx")
    assert_close(run_onnx(tmp_path / "attention.onnx", [x])[0], expected)


def test_the_examples_of_a_batch_do_not_meet(tmp_path: Path) -> None:
    graph = chain(Attention(heads=2), shapes=((5, 6),))
    weights = random_weights(graph)
    write(graph, tmp_path / "attention.onnx", weights)
    x = random_arrays(((5, 6),), 4)[0]
    together = run_onnx(tmp_path / "attention.onnx", [x])[0]
    apart = [run_onnx(tmp_path / "attention.onnx", [x[i : i + 1]])[0] for i in range(4)]
    assert_close(together, np.concatenate(apart))


def test_the_keys_are_timms() -> None:
    shapes = {k: w.shape for k, w in Attention(heads=3).weights(((197, 192),), (197, 192)).items()}
    assert list(shapes.items()) == [
        ("qkv.weight", (576, 192)),
        ("qkv.bias", (576,)),
        ("proj.weight", (192, 192)),
        ("proj.bias", (192,)),
    ]
    without = Attention(heads=3, bias=False).weights(((197, 192),), (197, 192))
    assert list(without) == ["qkv.weight", "proj.weight", "proj.bias"]


def test_both_products_are_counted() -> None:
    """Of ViT-B/16's attention: 197 tokens of 768 features."""
    cost = Attention(heads=12).cost(((197, 768),), (197, 768))
    linear = 197 * 768 * 2304 + 197 * 768 * 768
    assert cost.macs == linear + 2 * 197 * 197 * 768
    assert cost.activation == 12 * 197 * 197


def test_its_dropout_acts_in_training_alone() -> None:
    graph = chain(Attention(heads=1, dropout=0.5), shapes=((6, 4),))
    module = load_weights(torch_backend.build(graph), random_weights(graph))
    x = torch.from_numpy(random_arrays(((6, 4),), 2)[0])
    torch.testing.assert_close(module(x), module(x))
    module.train()
    assert not torch.allclose(module(x), module(x))


def test_heads_divide_the_features() -> None:
    with pytest.raises(OpError, match="10 features do not divide over 4 heads") as caught:
        Attention(heads=4).shape(((5, 10),))
    assert caught.value.code == "A203"


def test_a_map_is_pointed_to_tokens() -> None:
    with pytest.raises(OpError) as caught:
        Attention(heads=1).shape(((3, 4, 4),))
    assert caught.value.code == "A201"
    assert "`tokens`" in caught.value.help
