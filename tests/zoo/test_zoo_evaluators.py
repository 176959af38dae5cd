"""The networks of the zoo on small inputs: PyTorch, onnxruntime and onnx's own evaluator agree.

Layer for layer with their blocks as functions in the oldest opset, folded in the newest; weights
are random, and so are the running statistics.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from evaluators import evaluated
from support import load_weights, random_arrays, random_weights, run_onnx

import archdsl
from archdsl.backends.onnx import ExportOptions, write
from archdsl.backends.onnx.proof import apart
from archdsl.errors import ArchError

torch.set_num_threads(1)

SIDES = (33, 47, 65, 97)  # odd, and the first that a network takes
# The evaluator takes its time, for U-Net five minutes; so one of each family.
NETWORKS = (
    *("alexnet_columns", "autoencoder", "detector", "googlenet_torchvision", "lenet5_original"),
    *("mobilenet_v1", "mobilenet_v2", "plain20", "regnet_y_400mf", "resnet18_a", "se_resnet50"),
    *("shufflenet_v2_x1_0", "siamese", "simple_cnn", "vit_tiny_patch16_224", "wavenet"),
)
TOLERANCE = 1e-4  # of the largest output


def shrunk(name: str) -> archdsl.Network:
    """A network on the smallest maps that it takes."""
    net = archdsl.zoo(name)
    for side in SIDES:
        sizes = {
            i.name: (i.shape[0], *(min(side, s) for s in i.shape[1:]))
            for i in net.graph.inputs
            if len(i.shape) == 3
        }
        try:
            return archdsl.zoo(name, inputs=sizes)
        except ArchError:
            pass
    return net


@pytest.mark.parametrize("network", NETWORKS)
def test_all_three_agree(network: str, tmp_path: Path) -> None:
    net = shrunk(network)
    weights = random_weights(net.graph)
    module = load_weights(net.to_torch(), weights)
    path = tmp_path / "a.onnx"
    ways = ((1, ExportOptions(opset=17, functions=True)), (3, ExportOptions(fold=True)))
    for batch, options in ways:
        write(net.graph, path, weights, options)
        arrays = random_arrays(tuple(i.shape for i in net.graph.inputs), batch)
        with torch.no_grad():
            given = module(*map(torch.from_numpy, arrays))
        expected = given if isinstance(given, dict) else {"out": given}
        outputs = [o.name for o in net.graph.given]
        found = dict(zip(outputs, run_onnx(path, arrays), strict=True))
        for values in (found, evaluated(path, arrays) or found):
            for name, value in values.items():
                assert apart(value, expected[name].numpy())[1] < TOLERANCE, name
