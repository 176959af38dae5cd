"""How deep a network is: its layers with kernels, one after another.

Convolutions, fully connected layers and attention (one layer) are such layers; a normalisation is
not. So the number in a network's name is mostly its depth: 16 of VGG-16, 50 of ResNet-50, 22 of
GoogLeNet. (A WRN-28 comes to 26: its paper counts the shortcuts' layers too.)
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.ir.graph import Graph, Node


def has_kernel(node: Node) -> bool:
    """Whether a layer counts into the depth: its weights are those of sums."""
    return any(weight.role == "kernel" for weight in node.weights.values())


def longest(graph: Graph) -> dict[str, int]:
    """The most layers with kernels on a way from an input to each tensor, by path."""
    found = {given.name: 0 for given in graph.inputs}
    for node in graph.nodes:
        found[node.path] = max(found[path] for path in node.inputs) + has_kernel(node)
    return found


def fewest(graph: Graph) -> dict[str, int]:
    """The fewest layers with kernels on a way from an input to each tensor, by path."""
    found = {given.name: 0 for given in graph.inputs}
    for node in graph.nodes:
        found[node.path] = min(found[path] for path in node.inputs) + has_kernel(node)
    return found


def depth(graph: Graph) -> int:
    """The most layers with kernels on a way from an input to an output, auxiliary heads apart."""
    ways = longest(graph)
    return max(ways[output.node] for output in graph.given)


def longest_way(nodes: Sequence[Node]) -> list[Node]:
    """The layers of the longest way through some of a network's, in order: without shortcuts."""
    length: dict[str, int] = {}
    before: dict[str, str] = {}
    by_path = {node.path: node for node in nodes}
    for node in nodes:
        sources = [s for s in node.inputs if s in length]
        longest = max(sources, key=lambda s: length[s], default="")
        length[node.path] = length.get(longest, 0) + 1
        before[node.path] = longest
    path = max(length, key=lambda p: length[p], default="")
    found: list[Node] = []
    while path:
        found.append(by_path[path])
        path = before[path]
    return found[::-1]
