"""Three that compute a layer: PyTorch, onnxruntime, and onnx's own evaluator, which fuses nothing.

Each sample as it stands and on a map of odd sides, alone and three at a time, in the oldest opset
and in the newest.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from evaluators import evaluated
from support import assert_close, load_weights, random_arrays, random_weights, run_onnx

import archdsl
from archdsl.backends import onnx as onnx_backend
from archdsl.backends.onnx import ExportOptions
from archdsl.backends.onnx.options import OPSET
from archdsl.errors import ArchError
from archdsl.ir import Graph, Op, layers
from archdsl.ir.records import OLDEST_OPSET, Sample
from archdsl.ir.shapes import Shape, show

torch.set_num_threads(1)

SAMPLES = [(cls, sample) for cls in layers() for sample in cls.samples]
each_sample = pytest.mark.parametrize(
    ("cls", "sample"), SAMPLES, ids=[f"{show(s.inputs[0])}; {s.text}" for _, s in SAMPLES]
)


def odd(shape: Shape) -> Shape:
    """Another size of a map: sides that are odd, and not the same."""
    return (shape[0], shape[1] | 1, (shape[2] | 1) + 2) if len(shape) == 3 else shape


def graphs(sample: Sample) -> list[Graph]:
    """The sample on its own map, and on an odd one if it takes that."""
    (shape, *_), found = sample.inputs, list[Graph]()
    for given in dict.fromkeys((shape, odd(shape))):
        try:
            found.append(archdsl.parse(f"input {show(given)}\n{sample.text}").graph)
        except ArchError:
            assert given != shape
    return found


@each_sample
def test_all_three_agree(cls: type[Op], sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    for graph in graphs(sample):
        weights = random_weights(graph)
        module = load_weights(archdsl.Network(graph).to_torch(), weights)
        lowest = max(node.onnx.lowest for node in graph.nodes)
        for opset in dict.fromkeys((max(OLDEST_OPSET, lowest), OPSET)):
            onnx_backend.write(graph, path, weights, ExportOptions(opset=opset))
            for batch in (1, 3):
                arrays = random_arrays(tuple(i.shape for i in graph.inputs), batch, seed=batch)
                with torch.no_grad():
                    expected = module(*map(torch.from_numpy, arrays)).numpy()
                assert_close(run_onnx(path, arrays)[0], expected)
                if (found := evaluated(path, arrays)) is not None:
                    assert_close(found["out"], expected)
