"""ONNX: the graph written operator by operator, never traced, with its weights.

The names in the file are the network's. A node is called by its layer's path (where a layer takes
several operators, the last one; those before it `path/Operator`), a value by the path of the layer
that makes it, a weight by its `state_dict` key, a constant `path/name`; the inputs and the outputs
keep theirs. A layer that does nothing at inference leaves no node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.backends.onnx.bisect import differences
from archdsl.backends.onnx.fold import fold
from archdsl.backends.onnx.metadata import properties
from archdsl.backends.onnx.options import Agreement, Exported, ExportOptions
from archdsl.backends.onnx.proof import Subject, verify
from archdsl.backends.onnx.serving import checked
from archdsl.backends.onnx.sizes import any_size
from archdsl.backends.onnx.storage import save
from archdsl.backends.onnx.translate import translate
from archdsl.backends.onnx.weights import check, weights_of
from archdsl.ir import Graph, preprocess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

__all__ = ["Agreement", "ExportOptions", "Exported", "write"]


def write(
    graph: Graph,
    path: str | Path,
    weights: Mapping[str, NDArray[np.generic]],
    options: ExportOptions | None = None,
    module: nn.Module | None = None,
    spec: str | None = None,
) -> Exported:
    """Write a network as an ONNX file; large weights go to a file beside it.

    Args:
        graph: the network.
        path: where to.
        weights: an array for each key of `graph.state()`.
        options: how; layer for layer, for any batch, if left out.
        module: the network in PyTorch with the same weights, to verify the file by.
        spec: the text of the spec, for the metadata.

    Raises:
        BuildError: the weights do not fit the network, ONNX cannot say it, or the file does not
            compute what the module does; what was there before is left as it was.
        WriteError: a file cannot be written; the same.
    """
    options = options or ExportOptions()
    check(graph, weights)
    how = checked(graph, options)
    metadata = properties(graph, options, options.pictures or preprocess.of(graph), spec)
    stands: Mapping[str, str] = {}
    if options.fold:
        folded = fold(graph, weights)
        graph, weights, stands = folded.graph, folded.weights, folded.stands
    sizes = any_size(graph, options.opset) if options.dynamic_size else None
    step = sizes.step if sizes else None
    found = translate(graph, options, sizes, how, metadata)
    stored = weights_of(found, weights, options.precision)
    told: list[Exported] = []

    def prove(made: Path) -> None:
        assert module is not None, "a file is verified by a module"
        subject = Subject(made, graph, module, options, sizes, stands, how)
        agreement = verify(subject) if options.verify else None
        found = tuple(differences(subject)) if options.bisect else ()
        told.append(Exported((), step, agreement, found))

    proof = prove if options.verify or options.bisect else None
    files = save(Path(path), found.model, stored, options.inline, proof)
    return replace(told[0], files=files) if told else Exported(files, step)
