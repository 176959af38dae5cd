"""From the graph of a network to the picture of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from archdsl.analyses.cost import of_graph
from archdsl.analyses.depth import has_kernel, longest_way
from archdsl.backends.drawing import Options, check_paths
from archdsl.backends.drawing.text import sign
from archdsl.backends.drawing.theme import Look
from archdsl.backends.graphviz.edges import connect
from archdsl.backends.graphviz.figures import Figures, shown
from archdsl.backends.graphviz.fold import Fold
from archdsl.backends.graphviz.names import spread
from archdsl.backends.graphviz.picture import Box, Cluster, Edge, Item, Picture
from archdsl.backends.graphviz.sides import alone
from archdsl.backends.graphviz.style import SLIM
from archdsl.backends.graphviz.units import deepest, units_in
from archdsl.ir import Graph, Node, Output
from archdsl.ir.hierarchy import Folded, Part, RepetitionTree, ScopeTree, Unit
from archdsl.ir.shapes import Shape, show

PAGE = 800  # points of height; A4 has 842
TALL = 1100  # what, shrunk to a page, can still be read
ABREAST = 6  # boxes side by side, likewise
MOST_KERNELS = 4  # layers with weights of which a block's box tells
MOST_CALLS = 2  # of blocks, likewise


def compose(graph: Graph, options: Options | None = None) -> Picture:
    """The picture of a network, its repetitions folded.

    Raises:
        SpecError: nothing has a path that is to stand out.
    """
    options = options or Options()
    check_paths(graph, options.highlight)
    match options.depth:
        case None:
            return _Composer(graph, options, fitting(graph, options)).picture()
        case "all":
            return _Composer(graph, options, None).picture()
        case int(depth):
            return _Composer(graph, options, depth).picture()


def fitting(graph: Graph, options: Options) -> int | None:
    """The depth with the most detail that fits a page, None for every layer; else the least."""
    return _fitting(graph, options).depth


def _fitting(graph: Graph, options: Options) -> _Composer:
    best = _Composer(graph, options, 1)
    for depth in (*range(2, deepest(graph) + 2), None):  # the more detail, the longer it takes
        composer = _Composer(graph, options, depth)
        if not composer.fits():
            break
        best = composer
    return best


class _Composer:
    def __init__(self, graph: Graph, options: Options, depth: int | None) -> None:
        self.graph = graph
        self.options = options
        self.fold = Fold(graph, depth)
        self.depth = depth
        self.all_layers = depth is None
        self.figures = Figures(graph, options)
        hidden = {path for unit in self.fold.units.values() if unit.scope for path in _all(unit)}
        self.open = {scope.path for scope in graph.scopes} - hidden
        """The scopes that are frames."""
        self.shared = {scope.path for scope in graph.scopes if scope.shares}
        self.drawn = [u for u in self.fold.units.values() if self.fold.drawn(u.path) == u.path]

    def picture(self) -> Picture:
        graph, fold = self.graph, self.fold
        inputs = [_tensor("input", i.name, i.shape) for i in graph.inputs]
        outputs = [_output(output) for output in graph.outputs]
        ends = [(self._source(s), unit.path) for unit in self.drawn for s in unit.inputs]
        ends += [(self._source(o.node), f"output/{o.name}") for o in graph.outputs]
        items = (*inputs, *self._items(fold.parts), *outputs)
        items, measure = self._heated(items)
        items, edges = connect(items, ends)
        branches = self._branches()
        if branches and self._has_room():
            edges = self._with_shapes(edges)
        return Picture(graph.name, self._caption(), items, edges, branches, measure)

    def fits(self) -> bool:
        """Whether the picture can be read on a page."""
        return self.height() <= (PAGE if self.all_layers else TALL) and self._abreast() <= ABREAST

    def height(self) -> int:
        """About how many points the picture is high: the boxes of its longest way, and frames."""
        branches = self._branches()
        ends: dict[str, int] = {}
        for unit in self.drawn:
            before = max((ends.get(self._source(s), 0) for s in unit.inputs), default=0)
            slim = _is_slim(unit) or _kind(unit) == "join"
            ends[unit.path] = before + (25 if slim else 44 if branches else 34)
        return 150 + max(ends.values(), default=0) + 40 * _frames(self.fold.parts)

    def _has_room(self) -> bool:
        """Whether there is room for shapes on edges; elsewhere they stand in the boxes."""
        if self.all_layers or self.options.direction != "down":
            return False
        return self.height() + 15 * sum(map(self._changes, self.drawn)) <= PAGE

    def _abreast(self) -> int:
        """How many boxes stand side by side, at most, where none is lower than it must be."""
        levels: dict[str, int] = {}
        for unit in self.drawn:
            levels[unit.path] = 1 + max(
                (levels.get(self._source(s), 0) for s in unit.inputs), default=0
            )
        return max(Counter(levels.values()).values(), default=0)

    def _source(self, name: str) -> str:
        """The box that a tensor comes from, given by the path of a layer or of a unit."""
        name = self.fold.of.get(name, name)
        return self.fold.drawn(name) if name in self.fold.units else f"input/{name}"

    def _caption(self) -> str:
        totals = of_graph(self.graph)
        return f"{totals.params:,} parameters · {totals.macs:,} MACs"

    # Boxes and clusters

    def _items(self, parts: Sequence[Part]) -> tuple[Item, ...]:
        return tuple(self._item(part) for part in parts)

    def _item(self, part: Part, copies: int = 1) -> Item:
        match part:
            case Unit():
                return self._box(part, copies)
            case ScopeTree():
                kind = "block" if part.scope.kind == "block" else "sequence"
                paths = self.fold.copies(part.scope.path)
                name = spread(paths)
                text = "" if part.scope.definition == name else part.scope.definition
                note = f"weights of {part.scope.shares}" if part.scope.shares else ""
                inside = self._items(part.parts)
                lit = any(path in self.options.highlight for path in paths)
                return Cluster(part.scope.path, kind, name, text, inside, copies, note, lit)
            case Folded(parts=[Unit() | ScopeTree() as only]):
                return self._item(only, part.count)
            case Folded():
                inside = self._items(part.parts)
                id = f"{units_in(part.parts)[0].path}/repetition{part.id}"
                return Cluster(id, "repetition", "", "", inside, part.count)
            case RepetitionTree() | Node():
                raise TypeError("a tree that is not folded")

    def _box(self, unit: Unit, copies: int) -> Box:
        first, last = unit.nodes[0], unit.nodes[-1]
        paths = self.fold.copies(unit.path)
        standing = [node for path in paths for node in self.fold.units[path].nodes]
        brief = [n.op.text() if self.all_layers else n.op.brief() for n in unit.nodes]
        text, follows = brief[0], ", ".join(brief[1:])
        told = first.scope in self.shared  # by the title of the cluster
        note = f"weights of {first.shares}" if first.shares and first.weights and not told else ""
        if unit.scope is not None:
            text, follows = self._group(unit)
            note = f"weights of {shares}" if (shares := unit.scope.scope.shares) else ""
        return Box(
            id=unit.path,
            look=_kind(unit),
            name=self._name(paths),
            text=text,
            follows=follows,
            shape=show(last.shape),
            symbol="" if unit.scope else sign(first.op.symbol),
            note=note,
            training=first.training,
            copies=copies,
            marks=self.figures.marks(standing),
            is_group=unit.scope is not None,
            highlighted=self._is_highlighted([*paths, *(node.path for node in standing)]),
        )

    def _name(self, paths: Sequence[str]) -> str:
        """What a box is called: the end of its path, or all of it if that was asked for."""
        if "path" not in self.options.label_with:
            return spread(paths)
        return paths[0] if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"

    def _group(self, unit: Unit) -> tuple[str, str]:
        """How a scope that is one box was called, and what it is made of."""
        assert unit.scope is not None
        scope = unit.scope.scope
        inner = [p.scope for p in _scopes(unit.scope.parts) if p.scope.kind == "block"]
        blocks = Counter(map(self.fold.calls.text, inner))
        if len(blocks) > MOST_CALLS:
            blocks = Counter(scope.definition for scope in inner)
        kernels = [n.op.brief() for n in longest_way(unit.nodes) if has_kernel(n)]
        joins = [n for n in unit.nodes if n.op.family == "join" and not n.op.symbol]
        if blocks:
            inside = [f"{name} ×{n}" if n > 1 else name for name, n in blocks.items()]
        elif len(kernels) <= MOST_KERNELS and not joins:
            inside = kernels
        else:
            inside = [] if scope.kind == "block" else [f"{len(unit.nodes)} layers"]
        call, contents = self.fold.calls.text(scope), " · ".join(inside)
        return (call, contents) if call else (contents, "")

    def _is_highlighted(self, paths: Sequence[str]) -> bool:
        """Whether one of these, or an asked scope that is no frame of its own, is to stand out."""
        return any(
            path == asked or (path.startswith(f"{asked}.") and asked not in self.open)
            for asked in self.options.highlight
            for path in paths
        )

    def _heated(self, items: tuple[Item, ...]) -> tuple[tuple[Item, ...], str]:
        """The items with their share of the largest cost, and what the colours stand for."""
        heat = self.options.heat
        if heat is None:
            return items, ""
        amounts: dict[str, int] = {}
        for unit in self.drawn:
            copies = (self.fold.units[path].nodes for path in self.fold.copies(unit.path))
            amounts[unit.path] = self.figures.amount(heat, (n for nodes in copies for n in nodes))
        most = max(amounts.values(), default=0)

        def heated(item: Item) -> Item:
            if isinstance(item, Cluster):
                return replace(item, items=tuple(map(heated, item.items)))
            if item.id not in amounts:
                return item
            return replace(item, share=amounts[item.id] / most if most else 0.0)

        return tuple(map(heated, items)), shown(heat, most)

    def _with_shapes(self, edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
        """The edges; those of the trunk with shapes where they change and no layer is beside."""
        main = self._alone()
        units = (u for u in self.drawn if u.path in main and self._changes(u))
        changed = {unit.path: show(unit.nodes[-1].shape) for unit in units}
        return tuple(
            replace(edge, shape=changed.get(edge.tail, ""))
            if edge.way == "trunk" and not edge.head.startswith("output/")
            else edge
            for edge in edges
        )

    def _alone(self) -> set[str]:
        """The boxes beside which there is none, but for slim ones and heads of training."""
        through: dict[str, str] = {}
        sources: dict[str, list[str]] = {}
        for unit in self.drawn:
            read = [through.get(s, s) for s in map(self._source, unit.inputs)]
            if _is_slim(unit) and len(read) == 1:
                through[unit.path] = read[0]
            elif not unit.nodes[0].training:
                sources[unit.path] = read
        return alone(sources)

    def _changes(self, unit: Unit) -> bool:
        """Whether a unit gives another shape than those that it reads."""
        inside = {node.path for node in unit.nodes}
        sources = (s for node in unit.nodes for s in node.inputs if s not in inside)
        return unit.nodes[-1].shape not in {self.graph.shapes.get(s) for s in sources}

    def _branches(self) -> bool:
        """Whether some unit can be reached neither from nor to some other: they stand side by side.

        In a single file every layer reads, directly or through joins, from the layer before it.
        """
        newest: dict[str, int] = {}
        count = 0
        for unit in self.drawn:
            before = max((newest.get(self.fold.drawn(s), 0) for s in unit.inputs), default=0)
            if _kind(unit) == "join":
                newest[unit.path] = before
                continue
            if before != count:
                return True
            count += 1
            newest[unit.path] = count
        return False


def _is_slim(unit: Unit) -> bool:
    return unit.scope is None and unit.nodes[0].op.family in SLIM


def _kind(unit: Unit) -> Look:
    """The kind of a unit: that of its layer; of a scope, of the layers that do the most work."""
    if unit.scope is None:
        return unit.nodes[0].op.family
    work: dict[Look, int] = {}
    for node in unit.nodes:
        work[node.op.family] = work.get(node.op.family, 0) + node.cost.macs
    most = max(work, key=lambda family: work[family])
    return most if work[most] else "group"


def _all(unit: Unit) -> Iterator[str]:
    """The scope that a unit is, and those within it."""
    waiting = [unit.scope] if unit.scope else []
    while waiting:
        tree = waiting.pop()
        yield tree.scope.path
        waiting += _scopes(tree.parts)


def _frames(parts: Sequence[Part]) -> int:
    """How many clusters there are."""
    return sum(1 + _frames(scope.parts) for scope in _scopes(parts))


def _scopes(parts: Sequence[Part]) -> Iterator[ScopeTree]:
    """The scopes in parts of a tree, without those within them."""
    for part in parts:
        match part:
            case ScopeTree():
                yield part
            case RepetitionTree():
                for copy in part.copies:
                    yield from _scopes(copy)
            case Folded():
                yield from _scopes(part.parts)
            case _:
                pass


def _output(output: Output) -> Box:
    training = output.kind == "auxiliary"
    note = "in training" if training else ""
    return replace(_tensor("output", output.name, output.shape), note=note, training=training)


def _tensor(look: Look, name: str, shape: Shape) -> Box:
    """One of the network's own tensors."""
    return Box(f"{look}/{name}", look, name, shape=show(shape))
