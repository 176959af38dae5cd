"""A network cut in two where nothing that is trained comes before: a first part and the rest.

The first part is all layers that are still and read nothing but one another and the network's
inputs; the tensors between it and the rest may be several. Both are graphs of their own without
blocks: their layers are numbered, and hold the weights of the whole network under other keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.ir.graph import Graph, Input, Node, Output
from archdsl.ir.shapes import Shape, elements


@dataclass(frozen=True)
class Part:
    """Some layers of a network as a graph of their own."""

    graph: Graph
    paths: dict[str, str]
    """What its layers are called in the whole network, by their paths here."""
    keys: dict[str, str] = field(repr=False)
    """Where the whole network has its weights, by their `state_dict` keys here."""


@dataclass(frozen=True)
class Cut:
    """A network in two parts."""

    first: Part
    rest: Part
    tensors: tuple[str, ...]
    """What goes from the one to the other: paths of layers, or names of inputs."""
    shapes: tuple[Shape, ...]

    @property
    def width(self) -> int:
        """The values that go over, for one example."""
        return sum(map(elements, self.shapes))


def cut(graph: Graph, still: Collection[str]) -> Cut | None:
    """The network cut behind all layers that are still and depend on such alone.

    None where these have no weights, so that there is nothing to save, or where nothing is left.

    Args:
        graph: the network.
        still: the paths of the layers that always give the same for the same input.
    """
    known = {given.name for given in graph.inputs}
    for node in graph.nodes:
        if node.path in still and all(name in known for name in node.inputs):
            known.add(node.path)
    rest = _in_order(graph, [node for node in graph.nodes if node.path not in known])
    wanted = [name for node in rest for name in node.inputs if name in known]
    wanted += [output.node for output in graph.outputs if output.node in known]
    tensors = tuple(dict.fromkeys(wanted))
    first = _before(graph, tensors)
    if not rest or not any(node.weights for node in first):
        return None
    shapes = tuple(graph.shapes[name] for name in tensors)
    gives = [
        Output(name=f"t{i}", kind="extra" if i else "main", node=path, shape=shape)
        for i, (path, shape) in enumerate(zip(tensors, shapes, strict=True))
    ]
    return Cut(
        _part(graph, first, graph.inputs, gives),
        _part(graph, rest, _inputs(graph, tensors), graph.outputs),
        tensors,
        shapes,
    )


def _before(graph: Graph, tensors: Iterable[str]) -> list[Node]:
    """The layers that these tensors are computed by, in order."""
    wanted = set(tensors)
    found: list[Node] = []
    for node in reversed(graph.nodes):
        if node.path in wanted:
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]


def _in_order(graph: Graph, nodes: Sequence[Node]) -> list[Node]:
    """Layers in the order in which PyTorch computes them, so that dropout draws the same.

    Outputs that are parts of their own, such as auxiliary heads, come last.
    """
    names = {scope.path for scope in graph.scopes} | graph.by_path.keys()
    own = [output.name for output in graph.outputs[1:] if output.name in names]
    places = {name: i for i, name in enumerate(own, 1)}

    def place(node: Node) -> int:
        path = node.path
        while path and path not in places:
            path = path.rpartition(".")[0]
        return places.get(path, 0)

    return sorted(nodes, key=place)


def _inputs(graph: Graph, tensors: Sequence[str]) -> tuple[Input, ...]:
    place = graph.inputs[0].place
    return tuple(Input(name=name, shape=graph.shapes[name], place=place) for name in tensors)


def _part(
    graph: Graph, nodes: Sequence[Node], inputs: Sequence[Input], outputs: Sequence[Output]
) -> Part:
    """Layers as a graph, numbered; the first of those that share weights has them there."""
    start = "n"  # of the layers' names, which no output may have
    while any(output.name.startswith(start) for output in outputs):
        start += "_"
    names = {given.name: f"x{i}" for i, given in enumerate(inputs)}
    names |= {node.path: f"{start}{i}" for i, node in enumerate(nodes)}
    owners: dict[str, str] = {}
    made: list[Node] = []
    for node in nodes:
        own = names[node.path]
        owner = owners.setdefault(node.owner, own)
        changed: dict[str, Any] = {
            "path": own,
            "inputs": tuple(names[name] for name in node.inputs),
            "shares": None if owner == own else owner,
            "scope": "",
            "init": {},
            "repetitions": (),
        }
        made.append(node.model_copy(update=changed))
    pairs = list(zip(made, nodes, strict=True))
    part = Graph(
        name=graph.name,
        origin=graph.origin,
        inputs=tuple(g.model_copy(update={"name": names[g.name]}) for g in inputs),
        nodes=tuple(made),
        scopes=graph.scopes[:1],
        outputs=tuple(o.model_copy(update={"node": names[o.node]}) for o in outputs),
    )
    return Part(
        part,
        {new.path: old.path for new, old in pairs},
        {new.key(name): old.key(name) for new, old in pairs for name in new.weights},
    )
