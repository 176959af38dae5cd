"""The networks of the zoo, small enough for a test to run them, as `archdsl export` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.backends.onnx import ExportOptions
from archdsl.pipeline import zoo_names

torch.set_num_threads(1)

MOST_MACS, MOST_LAYERS = 1e9, 600


def small() -> list[str]:
    """One of each family and size that counts; the rest differ in width and depth alone."""
    nets = {name: archdsl.zoo(name) for name in zoo_names()}
    return [
        name
        for name, net in nets.items()
        if len(net.graph.nodes) <= MOST_LAYERS
        and sum(node.cost.macs for node in net.graph.nodes) <= MOST_MACS
    ]


@pytest.mark.parametrize("name", small())
def test_it_is_exported_and_verified(name: str, tmp_path: Path) -> None:
    """Folded in the newest opset; layer for layer in the oldest."""
    net = archdsl.zoo(name)
    model = net.to_torch()
    for options in (ExportOptions(fold=True, verify=True), ExportOptions(opset=17, verify=True)):
        agreement = net.to_onnx(tmp_path / "a.onnx", model, options=options).agreement
        assert agreement is not None and agreement.relative < 1e-5
