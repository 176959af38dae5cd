"""What a layer says for older opsets: onnx has the operators then, and they mean the same.

onnx's own catalogue of operators says from when on each is there with which attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import torch
from support import assert_close, check_onnx, load_weights, random_arrays, random_weights, run_onnx

import archdsl
from archdsl.backends import onnx as onnx_backend
from archdsl.backends import torch as torch_backend
from archdsl.backends.onnx import ExportOptions
from archdsl.backends.onnx.options import OPSET
from archdsl.ir import Graph, Op, layers
from archdsl.ir.records import OLDEST_OPSET, OnnxLowering, Sample
from archdsl.ir.shapes import show

torch.set_num_threads(1)

SAMPLES = [(cls, sample) for cls in layers() for sample in cls.samples]
each_sample = pytest.mark.parametrize(
    ("cls", "sample"), SAMPLES, ids=[f"{show(s.inputs[0])}; {s.text}" for _, s in SAMPLES]
)


def graph_of(sample: Sample) -> Graph:
    return archdsl.parse(f"input {show(sample.inputs[0])}\n{sample.text}").graph


def forms(lowering: OnnxLowering) -> Iterator[tuple[OnnxLowering, int]]:
    """A lowering and the older ones, each with the last opset that it is written for."""
    last = OPSET
    form: OnnxLowering | None = lowering
    while form is not None:
        yield form, last
        form, last = form.older, form.since - 1


def misfits(form: OnnxLowering, opset: int) -> list[str]:
    """What an opset does not have of it: operators, attributes, inputs."""
    found: list[str] = []
    for node in form.nodes:
        try:
            schema = onnx.defs.get_schema(node.op, opset, "")
        except onnx.defs.SchemaError:
            found.append(node.op)
            continue
        if schema.deprecated:
            found.append(f"{node.op} deprecated")
        found += [f"{node.op}.{a}" for a in node.attributes if a not in schema.attributes]
        if "*" not in node.inputs and len(node.inputs) > schema.max_input:
            found.append(f"{node.op} with {len(node.inputs)} inputs")
    return found


@each_sample
def test_operators_are_those_of_the_opset(cls: type[Op], sample: Sample) -> None:
    for node in graph_of(sample).nodes:
        for form, last in forms(node.onnx):
            for opset in range(form.since, last + 1):
                assert not misfits(form, opset), (node.path, opset)
            if form.since > OLDEST_OPSET:  # no opset is given up that could say it
                assert misfits(form, form.since - 1) or form.older is not None, node.path


def test_the_catalogue_tells_what_an_opset_lacks() -> None:
    newest = archdsl.parse("input 3x4\nrmsnorm").graph.nodes[0].onnx
    assert misfits(newest, 22) == ["RMSNormalization"]
    mean = archdsl.parse("input 3x4\ngap").graph.nodes[0].onnx
    assert misfits(mean, 17) == ["ReduceMean with 2 inputs"]


@pytest.mark.parametrize("opset", [17, 18, 20, 22])
@each_sample
def test_older_files_give_what_pytorch_gives(
    cls: type[Op], sample: Sample, opset: int, tmp_path: Path
) -> None:
    """Each opset at which something is said otherwise, for the samples that it is said of."""
    graph = graph_of(sample)
    written = [node.onnx for node in graph.nodes]
    if all(w.at(opset) is w.at(opset + 1) for w in written) and opset != OLDEST_OPSET:
        return
    path = tmp_path / "sample.onnx"
    onnx_backend.write(graph, path, random_weights(graph), ExportOptions(opset=opset))
    check_onnx(path)
    assert onnx.load(path).opset_import[0].version == opset
    module = load_weights(torch_backend.build(graph), random_weights(graph))
    arrays = random_arrays(tuple(i.shape for i in graph.inputs), 2)
    with torch.no_grad():
        expected = module(*map(torch.from_numpy, arrays)).numpy()
    (actual,) = run_onnx(path, arrays)
    assert_close(actual, expected)
