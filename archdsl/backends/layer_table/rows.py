"""What a layer table says: stages as rows, networks as columns.

A stage is a labelled sequence, or layers in a row that keep the size of the map; a pool is a row of
its own, and a block of blocks that give maps of several sizes is several stages. A block is told by
the layers with kernels on its longest way, in brackets, as in table 1 of He et al. (2015), and so
are several layers that are repeated together; what a table leaves out (activations, learned
normalisations, joins, the strides inside of blocks) is said below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import groupby

from archdsl.analyses.cost import Totals, of_graph
from archdsl.analyses.depth import has_kernel, longest_way
from archdsl.analyses.outline import Calls
from archdsl.backends.layer_table.branches import in_step
from archdsl.ir import Graph, Node
from archdsl.ir.hierarchy import Part, RepetitionTree, ScopeTree, nodes_in, tree
from archdsl.ir.shapes import Shape, show
from archdsl.quantity import show_count

MOST_LINES = 8  # of a block that is written out; one with more is told by its call
_SILENT = {"activation", "regularization", "reshape", "join"}


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that are repeated together: `[1x1, 64; 3x3, 64; 1x1, 256] x3`."""

    lines: tuple[str, ...]
    times: int = 1

    def __str__(self) -> str:
        inside = "; ".join(self.lines)
        if len(self.lines) > 1:
            inside = f"[{inside}]"
        return f"{inside} x{self.times}" if self.times > 1 else inside


Cell = tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A stage of all networks; a network without it has an empty cell."""

    name: str
    size: str
    """What goes out: a map's height and width, other tensors whole."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class LayerTable:
    """The table of some networks."""

    networks: tuple[str, ...]
    rows: tuple[Row, ...]
    figures: tuple[tuple[str, tuple[str, ...]], ...]
    """The last rows, a number for each network."""
    notes: tuple[str, ...]
    """What is to be known to read it."""


def layer_table(graphs: Sequence[Graph]) -> LayerTable:
    """The table of networks, those of one family beside each other."""
    readers = [_Reader(graph, _common_kind(graphs)) for graph in graphs]
    columns = [reader.stages() for reader in readers]
    totals = list(map(of_graph, graphs))
    return LayerTable(
        tuple(graph.name for graph in graphs),
        tuple(_merged(columns)),
        tuple(_figures(totals)),
        tuple(_notes(readers)),
    )


def _figures(totals: Sequence[Totals]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "parameters", tuple(show_count(t.params) for t in totals)
    yield "MACs", tuple(show_count(t.macs) for t in totals)
    yield "FLOPs", tuple(show_count(t.flops) for t in totals)


def _common_kind(graphs: Sequence[Graph]) -> str:
    """The word for the layer that the maps of these networks are mostly made by: it goes unsaid."""
    kinds = Counter(
        node.op.name
        for graph in graphs
        for node in graph.nodes
        if has_kernel(node) and len(node.shape) == 3
    )
    return max(kinds, key=lambda name: kinds[name], default="")


def _notes(readers: Sequence[_Reader]) -> Iterator[str]:
    (common,) = {reader.common for reader in readers}
    if any(reader.left_unsaid for reader in readers):
        yield f"Sizes without a word are of {common}: 3x3, 64 is {common} 3x3 64."
    hidden = dict.fromkeys(word for reader in readers for word in reader.hidden)
    shown = {word for reader in readers for word in reader.shown}
    if hidden:
        words = [f"{word} inside of blocks" if word in shown else word for word in hidden]
        yield f"Not shown: {', '.join(sorted(words, key=lambda word: ' ' in word))}."
    if any(reader.heads for reader in readers):
        yield "Heads that exist in training only are left out."
    if any(reader.strides for reader in readers):
        yield "Strides inside of blocks are left out; the sizes tell them."
    yield "FLOPs are 2 x MACs."


# One network


@dataclass(frozen=True, slots=True)
class _Stage:
    """A row, as one network has it."""

    key: tuple[str, ...]
    """Stages of several networks with the same key stand beside each other."""
    name: str
    size: str
    groups: Cell


@dataclass
class _Reader:
    """Goes through one network."""

    graph: Graph
    common: str
    hidden: dict[str, None] = field(default_factory=dict[str, None])
    """The layers that are not shown, by their words."""
    shown: set[str] = field(default_factory=set[str])
    """The words of those that are, in some place."""
    strides: bool = False
    """Whether a stride inside of a block was left out."""
    left_unsaid: bool = False
    """Whether the common layer's word was."""
    heads: bool = False
    """Whether heads that exist in training only were."""

    def __post_init__(self) -> None:
        self._calls = Calls(self.graph)
        self._known: dict[int, Group | None] = {}  # by the repetitions, which live as long as we do
        self._parts = tree(self.graph)
        self._outputs = {output.name for output in self.graph.outputs}

    def stages(self) -> list[_Stage]:
        """The rows of the network, in order."""
        found: list[_Stage] = []
        for key, run in groupby(self._walk(self._parts), lambda stage: stage.key):
            stages = list(run)
            groups = joined(group for stage in stages for group in stage.groups)
            if key[0] == "layers" or len(groups) == 1:
                stages = [replace(stages[0], groups=groups)]
            found += stages
        return found

    def _walk(self, parts: Sequence[Part]) -> Iterator[_Stage]:
        for part in in_step(parts):
            match part:
                case Node() | ScopeTree() if all(node.training for node in nodes_in([part])):
                    self.heads = True
                case Node():
                    if group := self._layer(part):
                        pools = part.op.family == "pooling"
                        kind = "pool" if pools else "layers"
                        size = "1x1" if pools and len(part.shape) == 1 else _size(part.shape)
                        yield _Stage((kind, size), part.path, size, (group,))
                case ScopeTree() if self._opens(part):
                    yield from self._walk(part.parts)
                case ScopeTree():
                    yield self._scope(part)
                case RepetitionTree() if folded := self._folded(part):
                    first, *_, last = nodes_in([part])
                    size = _size(last.shape)
                    yield _Stage(("layers", size), first.path, size, (folded,))
                case RepetitionTree():
                    for copy in part.copies:
                        yield from self._walk(copy)
                case _:
                    raise TypeError("a tree that is not a network's own")

    def _scope(self, part: ScopeTree) -> _Stage:
        """A stage of a labelled sequence, of an output's own layers, or of one block."""
        path, size = part.scope.path, _size(_shape(part))
        of_block = part.scope.kind == "block"
        groups = joined(self._block(part) if of_block else self._groups(part.parts))
        merges = of_block and path not in self._outputs  # with what is before and behind
        return _Stage(("layers", size) if merges else ("stage", path, size), path, size, groups)

    def _groups(self, parts: Sequence[Part]) -> Iterator[Group]:
        """What is in a stage; a block is one group."""
        for part in in_step(parts):
            match part:
                case Node():
                    if group := self._layer(part):
                        yield group
                case ScopeTree() if part.scope.kind == "block" or not _has_blocks(part):
                    yield from self._block(part)
                case RepetitionTree() if folded := self._folded(part):
                    yield folded
                case RepetitionTree():
                    for copy in part.copies:
                        yield from self._groups(copy)
                case ScopeTree():
                    yield from self._groups(part.parts)
                case _:
                    raise TypeError("a tree that is not a network's own")

    def _block(self, part: ScopeTree) -> Iterator[Group]:
        nodes = list(nodes_in([part]))
        kernels = [node for node in longest_way(nodes) if has_kernel(node)]
        hidden = [n for n in nodes if not has_kernel(n) and n.op.family != "join"]
        forks = any(node.op.family == "join" and not node.op.symbol for node in nodes)
        call = self._calls.text(part.scope)
        if call and (forks or not 0 < len(kernels) <= MOST_LINES):
            yield Group((call,))
        elif kernels:
            self._hide(hidden)
            yield Group(tuple(self._line(node, in_block=len(kernels) > 1) for node in kernels))
        else:
            yield from filter(None, map(self._layer, nodes))

    def _folded(self, part: RepetitionTree) -> Group | None:
        """Several layers that are repeated, where all copies look alike and give one size."""
        if id(part) not in self._known:
            self._known[id(part)] = self._fold(part)
        return self._known[id(part)]

    def _fold(self, part: RepetitionTree) -> Group | None:
        nodes = [list(nodes_in(copy)) for copy in part.copies]
        if len(nodes) < 2 or not all(nodes) or len({_size(copy[-1].shape) for copy in nodes}) > 1:
            return None
        if any(node.training for copy in nodes for node in copy):
            return None
        notes = dict(self.hidden), self.strides, self.left_unsaid
        first, *others = (joined(self._groups(copy)) for copy in part.copies)
        lines = tuple(line for group in first for line in group.lines * group.times)
        if len(first) < 2 or len(lines) > MOST_LINES or any(copy != first for copy in others):
            self.hidden, self.strides, self.left_unsaid = notes  # those of what is not shown so
            return None
        return Group(lines, len(nodes))

    def _layer(self, node: Node) -> Group | None:
        """A layer by itself, unless it goes unsaid."""
        learned = node.op.family == "normalization" and bool(node.weights)
        if node.op.family in _SILENT or learned:
            self._hide([node])
            return None
        return Group((self._line(node),))

    def _opens(self, part: ScopeTree) -> bool:
        """Whether a scope is several stages: its parts (a block's blocks) give several sizes."""
        if part.scope.kind == "block":
            shapes = [_shape(p) for p in _children(part.parts) if p.scope.kind == "block"]
        else:
            shapes = list(self._steps(part.parts))
        return len(set(map(_size, shapes))) > 1

    def _steps(self, parts: Sequence[Part]) -> Iterator[Shape]:
        """The shapes that the parts of a sequence give, one by one."""
        for part in parts:
            match part:
                case Node():
                    yield part.shape
                case ScopeTree():
                    yield _shape(part)
                case RepetitionTree() if self._folded(part):
                    *_, last = nodes_in([part])
                    yield last.shape
                case RepetitionTree():
                    for copy in part.copies:
                        yield from self._steps(copy)
                case _:
                    pass

    def _hide(self, nodes: Sequence[Node]) -> None:
        self.hidden.update((node.op.name, None) for node in nodes)

    def _line(self, node: Node, in_block: bool = False) -> str:
        """A layer as a table has it: `3x3, 64, stride 2`."""
        name, *words = node.op.brief().split()
        self.shown.add(node.op.name)
        if in_block and any(word.startswith("stride=") for word in words):
            words = [word for word in words if not word.startswith("stride=")]
            self.strides = True
        words = [word.replace("=", " ") for word in words]
        if name == self.common and words:
            self.left_unsaid = True
            return ", ".join(words)
        return ", ".join([" ".join([name, *words[:1]]), *words[1:]])


def joined(groups: Sequence[Group] | Iterator[Group]) -> Cell:
    """Groups with those that repeat the one before counted.

    >>> [str(group) for group in joined([Group(("a", "b")), Group(("a", "b")), Group(("c",))])]
    ['[a; b] x2', 'c']
    """
    found: list[Group] = []
    for group in groups:
        if found and found[-1].lines == group.lines:
            found[-1] = Group(group.lines, found[-1].times + group.times)
        else:
            found.append(group)
    return tuple(found)


def _size(shape: Shape) -> str:
    return show(shape[1:] if len(shape) == 3 else shape)


def _shape(part: ScopeTree) -> Shape:
    """What a scope gives."""
    *_, last = nodes_in([part])
    return last.shape


def _has_blocks(part: ScopeTree) -> bool:
    """Whether other scopes are in one."""
    return any(True for _ in _children(part.parts))


def _children(parts: Sequence[Part]) -> Iterator[ScopeTree]:
    for part in parts:
        if isinstance(part, ScopeTree):
            yield part
        elif isinstance(part, RepetitionTree):
            for copy in part.copies:
                yield from _children(copy)


# Several networks


def _merged(columns: Sequence[Sequence[_Stage]]) -> Iterator[Row]:
    """The stages of all networks in rows, those with the same key in one."""
    order: list[tuple[str, ...]] = []
    taken: list[dict[int, _Stage]] = []
    """Of each row, the stage of each network that has it."""
    for column, stages in enumerate(columns):
        keys = [stage.key for stage in stages]
        matcher = SequenceMatcher(None, order, keys, autojunk=False)
        rows: list[tuple[tuple[str, ...], dict[int, _Stage]]] = []
        for tag, a, b, c, d in matcher.get_opcodes():
            before = list(zip(order[a:b], taken[a:b], strict=True))
            if tag == "equal":
                for (key, found), stage in zip(before, stages[c:d], strict=True):
                    rows.append((key, {**found, column: stage}))
            else:
                rows += [*before, *((stage.key, {column: stage}) for stage in stages[c:d])]
        order = [key for key, _ in rows]
        taken = [found for _, found in rows]
    above = ""
    for found in taken:
        name = _common_name([stage.name for stage in found.values()])
        cells = tuple(found[i].groups if i in found else () for i in range(len(columns)))
        size = next(iter(found.values())).size
        yield Row("" if name == above else name, size, cells)
        above = name


def _common_name(paths: Sequence[str]) -> str:
    """What paths share, without numbers at its end.

    >>> _common_name(["features.0", "features.3"]), _common_name(["layer1"])
    ('features', 'layer1')
    """
    parts = [path.split(".") for path in paths]
    shared = [names[0] for names in zip(*parts, strict=False) if len(set(names)) == 1]
    while shared and shared[-1].isdecimal():
        shared.pop()
    return ".".join(shared)
