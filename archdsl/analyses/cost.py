"""What a network weighs, what it computes, and what it moves.

A parameter is one trainable number; a weight that several layers share counts once. A buffer is a
number that is kept with the weights but not trained, such as a running mean. A MAC is one
multiply-add of a convolution or a matrix product; FLOPs are twice the MACs. Other work is kept
apart by its kind (see `archdsl.ir.records.Cost`). All of it is for one example, at inference.

What is moved between the memory and the arithmetic is counted as if each layer ran by itself and
nothing stayed in a cache: a layer reads its inputs and its weights and writes its output, each
value once, and what it makes for its own it writes and reads. A view moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

from archdsl.ir.graph import Graph, Node
from archdsl.ir.records import FREE, Cost, Weight
from archdsl.ir.shapes import elements


@dataclass(frozen=True, slots=True)
class Totals:
    """The weight and the work of a layer or of several."""

    params: int
    buffers: int
    cost: Cost
    moved: int = 0
    """Values of activations that are read and written, for one example."""
    read: int = 0
    """Values of weights that are read, whatever the batch: a shared one each time."""

    @property
    def macs(self) -> int:
        return self.cost.macs

    @property
    def flops(self) -> int:
        return 2 * self.cost.macs

    def traffic(self, batch: int = 1, width: int = 4) -> int:
        """Bytes moved for a batch, `width` of them a value."""
        return width * (batch * self.moved + self.read)

    def intensity(self, batch: int = 1, width: int = 4) -> float:
        """Operations for each byte moved: FLOPs, and one for each value of the other work."""
        moved = self.traffic(batch, width)
        return batch * (self.flops + self.cost.other) / moved if moved else 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.params + other.params,
            self.buffers + other.buffers,
            self.cost + other.cost,
            self.moved + other.moved,
            self.read + other.read,
        )


NOTHING = Totals(0, 0, FREE)


def of_node(node: Node) -> Totals:
    """One layer's part of the totals.

    One that shares another's weights has none of its own; one that exists in training only does no
    work at inference.
    """
    params, buffers = _weights(node.weights.values() if node.shares is None else ())
    if node.training:
        return Totals(params, buffers, FREE)
    memory = node.memory
    moved = 0
    if memory.view == "never":
        moved = sum(map(elements, (*node.input_shapes, node.shape))) + 2 * memory.scratch
    return Totals(params, buffers, node.cost, moved, sum(_weights(node.weights.values())))


def of_graph(graph: Graph) -> Totals:
    """The whole network, each weight once."""
    return reduce(add, map(of_node, graph.nodes), NOTHING)


def _weights(weights: Iterable[Weight]) -> tuple[int, int]:
    """The values of weights that are trained, and of those that are not."""
    params = buffers = 0
    for weight in weights:
        if weight.trainable:
            params += elements(weight.shape)
        else:
            buffers += elements(weight.shape)
    return params, buffers
