"""L603."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class UnreadLayer(NetworkRule):
    """A layer or an input that no output reads.

    The flow goes on from a reference, `@name`, and what was made just before is left behind: it is
    computed, trained by nothing, and its weights are in every file. Either the reference is the
    wrong one, or a join is missing that should read both.

    Bad:

        input 3x32x32
        stem: conv 3x3 16
        relu; conv 3x3 32
        @stem; gap; fc 10

    Good:

        input 3x32x32
        stem: conv 3x3 16
        concat { relu; conv 3x3 32 | @stem }
        gap; fc 10
    """

    code: ClassVar[str] = "L603"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The last layer of each dead end, with what only it needs; the inputs."""
        alive = set(net.outputs)
        for node in reversed(net.nodes):
            if node.path in alive:
                alive.update(node.inputs)
        counted: set[str] = set()
        for node in reversed(net.nodes):
            if node.path in alive or net.readers(node.path):
                continue
            ends = _needed(net, node, alive | counted)
            counted.update(n.path for n in ends)
            params = sum(w.trainable * _size(w.shape) for n in ends for w in n.weights.values())
            more = f": {len(ends)} layers for nothing" if len(ends) > 1 else ""
            more += f", {params:,} parameters" if params else ""
            yield Hit(node, f"nothing reads it{more}", "join it to the flow, or take it out")
        for given in net.graph.inputs:
            if not net.readers(given.name):
                yield Hit(
                    net.file.span(given.place), f"nothing reads `{given.name}`", "take it out"
                )


def _needed(net: NetworkView, end: Node, known: set[str]) -> list[Node]:
    """A dead end and the layers that lead to it alone."""
    found = {end.path: end}
    left = [end]
    while left:
        for path in left.pop().inputs:
            node = net.graph.by_path.get(path)
            if node is not None and path not in known and path not in found:
                found[path] = node
                left.append(node)
    return list(found.values())


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
