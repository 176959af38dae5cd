"""Volumes of layers and of units: parts of a network that are drawn as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from archdsl.analyses.depth import has_kernel
from archdsl.backends.drawing.theme import Look
from archdsl.backends.volumes.calls import call, change, groups, shown
from archdsl.backends.volumes.figure import Volume
from archdsl.backends.volumes.structure import Flow, Part, Region, nodes_of
from archdsl.ir import Graph, Input, Node
from archdsl.ir.records import Slide
from archdsl.ir.shapes import channels

BANDS = 6  # that can be told apart in one body


def of_input(given: Input) -> Volume:
    """The volume of an input of the network."""
    return Volume(f"input/{given.name}", given.shape, "input", name=given.name, paths=[given.name])


def of_layer(node: Node) -> Volume:
    """The volume of a layer's output."""
    bare = node.name.rstrip("0123456789") == node.op.name or node.name.isdecimal()
    return Volume(
        node.path,
        node.shape,
        node.op.family,
        call(node),
        "" if bare else node.name,
        node.op.slides(node.input_shapes, node.shape),
        paths=[node.path],
        training=node.training,
        shared=_shared(node),
        groups=groups(node),
        key=(node.op.name, groups(node), node.training),
    )


def of_join(region: Region) -> Volume:
    """The volume of a join's output, in bands by what each branch gives."""
    join = region.join
    volume = of_layer(join)
    ends = [_end(b) for b in region.branches]
    shares = tuple(map(channels, join.input_shapes))
    if len(ends) == len(shares) <= BANDS and sum(shares) == channels(join.shape):
        volume.shares = shares
        volume.bands = tuple(_family(n) for n in ends)
    return volume


def of_unit(
    graph: Graph,
    parts: Sequence[Part],
    id: str,
    words: tuple[str, ...],
    name: str,
    copy: Sequence[Part] | None = None,
) -> Volume:
    """The volume of what several parts give together; its bands tell of one copy among them."""
    nodes = [n for p in parts for n in nodes_of(p)]
    main = [n for n in nodes if shown(n)]
    looks, shares = _bands(graph, parts if copy is None else copy)
    ratio = change(nodes[0].input_shapes[0], nodes[-1].shape)
    joins = [p.join.op.name for p in parts if isinstance(p, Region)]
    return Volume(
        id,
        nodes[-1].shape,
        _dearest(main),
        (*words, ratio) if ratio and len(words) < 2 else words,
        name,
        _window(parts),
        looks if len(looks) > 1 else (),
        shares,
        shortcut=_shortcut(parts),
        paths=[n.path for n in nodes],
        training=nodes[0].training,
        shared=any(map(_shared, nodes)),
        key=(words, tuple(joins), nodes[0].training),
    )


def words(nodes: Sequence[Node]) -> tuple[str, ...]:
    """What a unit without a name consists of: its first two kinds of layers; a lone one in full."""
    layers = [n for n in nodes if n.op.family != "join"] or nodes
    calls = set(map(call, layers))
    return calls.pop() if len(calls) == 1 else tuple(dict.fromkeys(n.op.name for n in layers))[:2]


def _shared(node: Node) -> bool:
    return node.shares is not None and bool(node.weights)


def _dearest(nodes: Sequence[Node]) -> Look:
    """The kind of layer that does most of the work."""
    costs: dict[Look, int] = {"join": -1}
    for node in nodes:
        costs[_family(node)] = costs.get(_family(node), 0) + node.cost.macs
    return max(costs, key=lambda look: costs[look])


# Bands


def _bands(graph: Graph, parts: Sequence[Part]) -> tuple[tuple[Look, ...], tuple[int, ...]]:
    """The layers of a unit, in order; or the branches of its one concatenation."""
    heavy = [p for p in parts if isinstance(p, Region) or shown(p)]
    region = heavy[0] if len(heavy) == 1 else None
    if isinstance(region, Region) and not region.join.op.symbol:
        shares = tuple(channels(graph.shapes[_exit(b)]) for b in region.branches)
        if 1 < len(shares) <= BANDS and sum(shares) == channels(region.join.shape):
            return tuple(_family(_end(b)) for b in region.branches), shares
    looks: tuple[Look, ...] = tuple(_family(n) for n in _main(parts))
    return (looks if len(looks) <= BANDS else ()), ()


def _family(node: Node | None) -> Look:
    return node.op.family if node else "join"


def _main(parts: Sequence[Part]) -> Iterator[Node]:
    """The layers of a unit that are drawn: of a region those of its main way."""
    for part in parts:
        if isinstance(part, Node):
            if shown(part):
                yield part
        elif part.branches:
            yield from max((list(_main(b.parts)) for b in part.branches), key=_weight)
        else:
            yield from [n for n in part.nodes if shown(n)][:1]


def _weight(nodes: list[Node]) -> tuple[int, int]:
    """How much a way is the main one: by its layers with kernels."""
    return sum(map(has_kernel, nodes)), len(nodes)


def _end(flow: Flow) -> Node | None:
    """The last layer of a branch that is drawn."""
    nodes = [n for p in flow.parts for n in nodes_of(p) if shown(n)]
    return nodes[-1] if nodes else None


def _exit(flow: Flow) -> str:
    """The tensor that a branch gives."""
    return list(nodes_of(flow.parts[-1]))[-1].path if flow.parts else flow.source or ""


# What runs past, and what slides


def _shortcut(parts: Sequence[Part]) -> Literal["", "bare", "projection"]:
    """What runs past the layers of a unit, if they are in a residual region."""
    found: Literal["", "bare", "projection"] = ""
    for part in parts:
        if not isinstance(part, Region) or part.join.op.symbol != "+" or len(part.branches) != 2:
            continue
        short, long = sorted((list(_main(b.parts)) for b in part.branches), key=_weight)
        if _weight(long) > _weight(short) and len(short) <= 2:
            found = "projection" if short or found == "projection" else "bare"
    return found


def _window(parts: Sequence[Part]) -> Slide | None:
    """The window that all ways through a region slide, if each slides one and the same."""
    region = parts[0]
    if len(parts) != 1 or not isinstance(region, Region):
        return None
    slides: set[Slide | None] = set()
    depth: dict[str, int] = {}
    for node in region.nodes:
        before = max((depth.get(s, 0) for s in node.inputs), default=0)
        counts = shown(node) and len(node.inputs) == 1
        if counts:
            slides.add(node.op.slides(node.input_shapes, node.shape))
        depth[node.path] = before + counts
    alone = len(slides) == 1 and max(depth.values(), default=0) == 1
    return slides.pop() if alone else None
