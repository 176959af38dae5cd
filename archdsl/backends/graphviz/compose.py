"""From the graph of a network to the picture of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.analyses.cost import of_graph
from archdsl.backends.graphviz.edges import connect
from archdsl.backends.graphviz.fold import Fold, Folded, Part, RepetitionTree, ScopeTree
from archdsl.backends.graphviz.picture import Box, Cluster, Item, Picture
from archdsl.ir import Graph, Node, Output
from archdsl.ir.shapes import show


def compose(graph: Graph) -> Picture:
    """The picture of a network, its repetitions folded."""
    fold = Fold(graph)
    inputs = [Box(f"input/{i.name}", "input", i.name, "", show(i.shape)) for i in graph.inputs]
    outputs = [_output(output) for output in graph.outputs]
    drawn = [node for node in graph.nodes if fold.drawn(node.path) == node.path]
    ends = [(_source(graph, fold, s), node.path) for node in drawn for s in node.inputs]
    ends += [(_source(graph, fold, o.node), f"output/{o.name}") for o in graph.outputs]
    items, edges = connect((*inputs, *_items(fold, fold.parts), *outputs), ends)
    return Picture(graph.name, _caption(graph), items, edges, _branches(fold, drawn))


def _source(graph: Graph, fold: Fold, name: str) -> str:
    return fold.drawn(name) if name in graph.by_path else f"input/{name}"


def _caption(graph: Graph) -> str:
    totals = of_graph(graph)
    return f"{totals.params:,} parameters · {totals.macs:,} MACs"


# Boxes and clusters


def _items(fold: Fold, parts: list[Part]) -> tuple[Item, ...]:
    return tuple(_item(fold, part) for part in parts)


def _item(fold: Fold, part: Part, copies: int = 1) -> Item:
    match part:
        case Node():
            return _box(fold, part, copies)
        case ScopeTree():
            kind = "block" if part.scope.kind == "block" else "sequence"
            name = spread(fold.copies(part.scope.path))
            text = "" if part.scope.definition == name else part.scope.definition
            return Cluster(part.scope.path, kind, name, text, _items(fold, part.parts), copies)
        case Folded(parts=[Node() | ScopeTree() as only]):
            return _item(fold, only, part.count)
        case Folded():
            inside = _items(fold, part.parts)
            id = f"{_first(part.parts).path}/repetition{part.id}"
            return Cluster(id, "repetition", "", "", inside, part.count)
        case RepetitionTree():
            raise TypeError("a repetition that is not folded")


def _box(fold: Fold, node: Node, copies: int) -> Box:
    return Box(
        id=node.path,
        look=node.op.family,
        name=spread(fold.copies(node.path)),
        text=node.op.text(),
        shape=show(node.shape),
        symbol=node.op.symbol.replace("*", "×"),
        note=f"weights of {node.shares}" if node.shares and node.weights else "",
        training=node.training,
        copies=copies,
    )


def _output(output: Output) -> Box:
    training = output.kind == "auxiliary"
    note = "in training" if training else ""
    id = f"output/{output.name}"
    return Box(id, "output", output.name, "", show(output.shape), note=note, training=training)


def _first(parts: list[Part]) -> Node:
    """The first node in a part of the tree."""
    part = parts[0]
    if isinstance(part, Node):
        return part
    return _first(part.copies[0] if isinstance(part, RepetitionTree) else part.parts)


def spread(paths: Sequence[str]) -> str:
    """The names of copies drawn once, from their paths.

    >>> spread(["stem.conv1"]), spread(["conv1", "conv2"]), spread(["conv1", "conv2", "conv3"])
    ('conv1', 'conv1, 2', 'conv1…3')
    >>> spread(["layer1.0.conv1", "layer1.1.conv1"]), spread(["f.0", "f.2", "f.4", "f.6"])
    ('conv1', 'f.0, 2 … 6')
    """
    names = list(dict.fromkeys(map(tail, paths)))
    parts = [_numbered(name) for name in names]
    if len({stem for stem, _ in parts}) > 1 or not all(number for _, number in parts):
        return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    stem, numbers = parts[0][0], [int(number) for _, number in parts]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{stem}{numbers[0]}…{numbers[-1]}"
    if len(numbers) > 3:
        return f"{stem}{numbers[0]}, {numbers[1]} … {numbers[-1]}"
    return stem + ", ".join(map(str, numbers))


def tail(path: str) -> str:
    """The end of a path that tells something: a bare number comes with what it counts.

    >>> tail("layer1.0.conv1"), tail("features.0"), tail("a.b.3.0")
    ('conv1', 'features.0', 'b.3.0')
    """
    head, _, end = path.rpartition(".")
    while end.replace(".", "").isdecimal() and head:
        head, _, part = head.rpartition(".")
        end = f"{part}.{end}"
    return end


def _numbered(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL)
    return (found[1], found[2]) if found else (name, "")


def _branches(fold: Fold, drawn: list[Node]) -> bool:
    """Whether some layer can be reached neither from nor to some other: they stand side by side.

    In a single file every layer reads, directly or through joins, from the layer before it.
    """
    newest: dict[str, int] = {}
    count = 0
    for node in drawn:
        before = max((newest.get(fold.drawn(s), 0) for s in node.inputs), default=0)
        if node.op.family == "join":
            newest[node.path] = before
            continue
        if before != count:
            return True
        count += 1
        newest[node.path] = count
    return False
