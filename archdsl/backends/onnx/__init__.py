"""ONNX: the graph written operator by operator, never traced, with its weights.

The names in the file are the network's. A node is called by its layer's path (where a layer takes
several operators, the last one; those before it `path/Operator`), a value by the path of the layer
that makes it, a weight by its `state_dict` key, a constant `path/name`; the inputs and the outputs
keep theirs. A layer that does nothing at inference leaves no node.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.backends.onnx.options import Exported, ExportOptions
from archdsl.backends.onnx.sizes import any_size
from archdsl.backends.onnx.storage import save
from archdsl.backends.onnx.translate import translate
from archdsl.backends.onnx.weights import check
from archdsl.ir import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ExportOptions", "Exported", "write"]


def write(
    graph: Graph,
    path: str | Path,
    weights: Mapping[str, NDArray[np.generic]],
    options: ExportOptions | None = None,
) -> Exported:
    """Write a network as an ONNX file; large weights go to a file beside it.

    Args:
        graph: the network.
        path: where to.
        weights: an array for each key of `graph.state()`.
        options: how; layer for layer, for any batch, if left out.

    Raises:
        BuildError: the weights do not fit the network, or ONNX cannot say it.
        WriteError: a file cannot be written; what was there before is left as it was.
    """
    options = options or ExportOptions()
    check(graph, weights)
    sizes = any_size(graph, options.opset) if options.dynamic_size else None
    model, keys = translate(graph, options, sizes)
    state = graph.state()
    wanted = {key: state[key] for key in keys}
    files = save(Path(path), model, wanted, weights, options.inline)
    return Exported(files, sizes.step if sizes else None)
