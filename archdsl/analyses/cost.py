"""What a network weighs and what it computes.

A parameter is one trainable number; a weight that several layers share counts once. A buffer is a
number that is kept with the weights but not trained, such as a running mean. A MAC is one
multiply-add of a convolution or a matrix product; FLOPs are twice the MACs. Other work is kept
apart by its kind (see `archdsl.ir.records.Cost`). All of it is for one example, at inference.
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
    """The weight and the work of a layer or of a network."""

    params: int
    buffers: int
    cost: Cost

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.params + other.params, self.buffers + other.buffers, self.cost + other.cost
        )

    @property
    def macs(self) -> int:
        return self.cost.macs

    @property
    def flops(self) -> int:
        return 2 * self.cost.macs


def of_node(node: Node) -> Totals:
    """One layer's part of the totals.

    One that shares another's weights has none of its own; one that exists in training only does no
    work at inference.
    """
    own = node.weights.values() if node.shares is None else ()
    return _totals(own, FREE if node.training else node.cost)


def of_graph(graph: Graph) -> Totals:
    """The whole network, each weight once."""
    return _totals(graph.state().values(), reduce(add, (n.cost for n in graph.at_inference), FREE))


def _totals(weights: Iterable[Weight], cost: Cost) -> Totals:
    params = buffers = 0
    for weight in weights:
        if weight.trainable:
            params += elements(weight.shape)
        else:
            buffers += elements(weight.shape)
    return Totals(params, buffers, cost)
