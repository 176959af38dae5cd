"""Ways through a network: the shortest one, and where branches part before they meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from archdsl.ir.graph import Graph, Node


def normalizes(node: Node) -> bool:
    """Whether values leave a layer with mean square 1, however large they come in."""
    statistics = node.op.normalizes(node.input_shapes, node.shape)
    return statistics is not None and statistics.unit


def shortest(graph: Graph, depths: Mapping[str, int]) -> tuple[Node, ...]:
    """The way from an input to the main output through the fewest weighted layers.

    Where two have as few, that through the branch written first.
    """
    found: list[Node] = []
    node = graph.by_path.get(graph.main.node)
    while node is not None:
        found.append(node)
        node = graph.by_path.get(min(node.inputs, key=lambda path: depths[path]))
    return tuple(reversed(found))


class Forks:
    """Where ways through a network part: the last tensor that is on all ways to some others.

    It is their nearest common ancestor in the tree of dominators. Each tensor keeps, beside its
    parent, one ancestor further up, so that a question takes logarithmic time (Myers 1983, "An
    applicative random-access stack").
    """

    def __init__(self, graph: Graph) -> None:
        self._parent = {"": ""}
        self._jump = {"": ""}
        self._depth = {"": 0}
        for given in graph.inputs:
            self._hang(given.name, "")
        for node in graph.nodes:
            self._hang(node.path, self._meet(node.inputs))

    def of(self, paths: Iterable[str]) -> str | None:
        """The tensor from which the ways to these tensors part; None if they have none in common.

        It may be one of them.
        """
        return self._meet(paths) or None

    def _meet(self, paths: Iterable[str]) -> str:
        return reduce(self._pair, paths)

    def _hang(self, path: str, parent: str) -> None:
        up, depth = self._jump[parent], self._depth
        same = depth[parent] - depth[up] == depth[up] - depth[self._jump[up]]
        self._parent[path], self._jump[path] = parent, self._jump[up] if same else parent
        depth[path] = depth[parent] + 1

    def _pair(self, a: str, b: str) -> str:
        depth = self._depth
        if depth[a] < depth[b]:
            a, b = b, a
        while depth[a] > depth[b]:
            a = self._jump[a] if depth[self._jump[a]] >= depth[b] else self._parent[a]
        while a != b:  # as deep as each other, so their jumps are as long
            table = self._parent if self._jump[a] == self._jump[b] else self._jump
            a, b = table[a], table[b]
        return a
