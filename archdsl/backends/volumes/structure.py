"""The network as flows: layers one after another, and the regions where its ways part and meet.

A tensor that everything goes through is a cut. Between two cuts is either one layer or a region:
what lies between the tensor before and the join behind, in branches if these share nothing. What
does not lead to the main output hangs from the tensor that it reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.ir import Graph, Node

DEEPEST = 24  # regions inside of regions; what is deeper stays closed


@dataclass(slots=True)
class Region:
    """What lies between a tensor and the join that all ways from it lead to."""

    nodes: list[Node]
    """All of it but the join, in order."""
    join: Node
    source: str | None
    """The tensor that the ways start from; None where they start from several inputs."""
    branches: list[Flow] = field(default_factory=list["Flow"])
    """In the order of the join's inputs; none where the ways share layers."""


@dataclass(slots=True)
class Flow:
    """Layers and regions one after another; the first reads `source`."""

    source: str | None
    parts: list[Part] = field(default_factory=list["Part"])


Part = Node | Region


@dataclass(slots=True)
class Structure:
    """A network's main flow, and what hangs from its tensors."""

    main: Flow
    hanging: dict[str, list[Flow]] = field(default_factory=dict[str, "list[Flow]"])


def structure(graph: Graph) -> Structure:
    """The flows of a network."""
    found = Structure(Flow(None))
    found.main = _flow(list(graph.nodes), graph.main.node, found, 0)
    return found


def nodes_of(part: Part) -> Iterator[Node]:
    """The layers of a part, the join of a region last."""
    if isinstance(part, Node):
        yield part
    else:
        yield from part.nodes
        yield part.join


def _flow(nodes: list[Node], goal: str, found: Structure, depth: int) -> Flow:
    """The flow to a tensor; what of the nodes does not lead to it is hung where it starts."""
    if depth > DEEPEST:
        return Flow(nodes[0].inputs[0], [Region(nodes[:-1], nodes[-1], nodes[0].inputs[0])])
    needed = {goal}
    for node in reversed(nodes):
        if node.path in needed:
            needed.update(node.inputs)
    main = [n for n in nodes if n.path in needed]
    aside = [n for n in nodes if n.path not in needed]
    for group in _components(aside):
        entry = group[0].inputs[0]
        flow = _flow(group, group[-1].path, found, depth + 1)
        found.hanging.setdefault(entry, []).append(flow)
    return _series(main, found, depth)


def _series(nodes: Sequence[Node], found: Structure, depth: int) -> Flow:
    """Nodes that all lead to the last of them, divided at the cuts."""
    inside = {n.path for n in nodes}
    last: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for source in node.inputs:
            last[source] = i
    entries = list(dict.fromkeys(s for n in nodes for s in n.inputs if s not in inside))
    flow = Flow(entries[0] if len(entries) == 1 else None)
    live, start, source = set(entries), 0, flow.source
    for i, node in enumerate(nodes):
        live -= {s for s in node.inputs if last[s] == i}
        live.add(node.path)
        if len(live) > 1:
            continue
        if start == i and (len(set(node.inputs)) == 1):
            flow.parts.append(node)
        else:
            flow.parts.append(_region(list(nodes[start:i]), node, source, found, depth + 1))
        start, source = i + 1, node.path
    return flow


def _region(
    nodes: list[Node], join: Node, source: str | None, found: Structure, depth: int
) -> Region:
    region = Region(nodes, join, source)
    groups = _components(nodes)
    where = {n.path: i for i, group in enumerate(groups) for n in group}
    exits: dict[int, set[str]] = defaultdict(set)
    for tensor in join.inputs:
        if tensor in where:
            exits[where[tensor]].add(tensor)
    if depth > DEEPEST or any(len(e) > 1 for e in exits.values()):
        return region
    for tensor in dict.fromkeys(join.inputs):
        if tensor in where:
            region.branches.append(_series(groups[where[tensor]], found, depth))
        else:
            region.branches.append(Flow(tensor))
    return region


def _components(nodes: Iterable[Node]) -> list[list[Node]]:
    """Nodes in groups that read nothing of each other, in order."""
    above: dict[str, str] = {}

    def root(path: str) -> str:
        while above[path] != path:
            above[path] = above[above[path]]
            path = above[path]
        return path

    nodes = list(nodes)
    for node in nodes:
        above[node.path] = node.path
        for source in node.inputs:
            if source in above:
                above[root(source)] = root(node.path)
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        groups.setdefault(root(node.path), []).append(node)
    return list(groups.values())
