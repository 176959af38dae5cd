"""The mean and the variance of every tensor as training starts.

Each layer says what it makes of those of its inputs and of its weights; see archdsl.ir.signal for
what is taken for granted.
"""

from __future__ import annotations

from archdsl.ir.graph import Graph
from archdsl.ir.signal import Signal

STANDARD = Signal(0.0, 1.0)  # as pictures are once they are normalised


def signals(graph: Graph, inputs: Signal = STANDARD, alike: bool = False) -> dict[str, Signal]:
    """The signal of every input and layer of a network, by path; all inputs have the one given.

    With `alike` neighbours in a map or a sequence are taken as equal, not as independent, so that
    averages of them are what they are. The truth lies between the two.
    """
    found = {i.name: inputs for i in graph.inputs}
    for node in graph.nodes:
        before = tuple(found[path] for path in node.inputs)
        if alike and node.op.family == "pooling" and node.op.is_affine:
            found[node.path] = before[0]
        else:
            found[node.path] = node.op.signal(before, node.starts, node.input_shapes, node.shape)
    return found
