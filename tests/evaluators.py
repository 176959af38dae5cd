"""onnx's own evaluator of models: written to be read, with no kernels and nothing fused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import onnx
from onnx.reference import ReferenceEvaluator
from support import Array


def is_right(model: onnx.ModelProto) -> bool:
    """Whether it computes what the operators are defined as; onnx 1.23.2 has two mistakes.

    LRN counts the examples where it means the channels; ConvTranspose in groups cuts the kernels
    by the channels that it makes, not by those that it reads.
    """
    nodes = [*model.graph.node, *(n for f in model.functions for n in f.node)]
    groups = (a.i for n in nodes if n.op_type == "ConvTranspose" for a in n.attribute
              if a.name == "group")  # fmt: skip
    return all(n.op_type != "LRN" for n in nodes) and all(g == 1 for g in groups)


def evaluated(path: Path, arrays: list[Array]) -> dict[str, Any] | None:
    """What it gives, by the names of the outputs; nothing where it is known to be wrong."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    if not is_right(model):
        return None
    feed = dict(zip((i.name for i in model.graph.input), arrays, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some operators divide by nothing where they pad
        found: Any = ReferenceEvaluator(model).run(None, feed)
    return dict(zip((o.name for o in model.graph.output), found, strict=True))
