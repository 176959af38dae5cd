"""Networks of specs/ against what torchvision's and timm's own modules compute.

Same keys and shapes leave room for another function: the order of branches, where a stride stands,
how a pool rounds, an epsilon. So both were given the same weights and pictures, and their outputs,
recorded by reference/record.py, are held against ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from reference import fixed

import archdsl

RECORDED: dict[str, dict[str, list[float]]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "outputs.json").read_text(encoding="utf-8")
)
SIZE = {"mixer_s32_224": 224}  # of the pictures; 96 where the network takes any size


def module(name: str) -> torch.nn.Module:
    """The network as we compile it, with the fixed weights of its keys."""
    net = archdsl.zoo("googlenet_torchvision" if name == "googlenet" else name)
    drawn = fixed.weights({key: w.shape for key, w in net.graph.state().items()})
    return net.to_torch(weights={key: torch.from_numpy(v) for key, v in drawn.items()}).eval()


def compare(output: torch.Tensor, expected: list[float], tolerance: float) -> None:
    actual = fixed.digest(output.detach().numpy())
    spread = max(map(abs, expected))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * spread / 2)


@pytest.mark.parametrize("name", RECORDED)
def test_at_inference(name: str) -> None:
    x = torch.from_numpy(fixed.image(SIZE.get(name, 96)))
    with torch.no_grad():
        compare(module(name)(x), RECORDED[name]["out"], 1e-4)


def test_googlenet_in_training() -> None:
    """With both heads, the dropout taken out."""
    net = module("googlenet").train()
    for layer in net.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    outputs = net(torch.from_numpy(fixed.image(96)))
    assert set(outputs) == {"out", "aux1", "aux2"}
    for name, output in outputs.items():
        # Normalised by two examples alone, what is nearly equal comes out further apart.
        compare(output, RECORDED["googlenet"][f"training {name}"], 1e-3)
