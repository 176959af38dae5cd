"""Which copies of a repetition are drawn once.

Copies fold where nobody could tell their drawings apart: the same layers with the same arguments
and output shapes, wired alike, each one fed by the one before. A copy that differs, or whose inside
is read from elsewhere, is drawn on its own. So `conv 3x3 64 x4` is one box marked x4, while the
copies of a dense block, which grow, stay apart. A block that is one box shows its call and what it
gives, so that copies of it fold although a first one may have a projection on its shortcut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from archdsl.analyses.outline import Calls
from archdsl.backends.graphviz.units import units, units_in
from archdsl.ir import Graph, Node
from archdsl.ir.hierarchy import Folded, Looks, Part, RepetitionTree, ScopeTree, Unit


class Fold:
    """The tree of a graph with its repetitions folded, and what became of every unit.

    Args:
        graph: the network.
        depth: the level whose scopes are boxes, 1 the outermost; None shows every layer by itself.
    """

    def __init__(self, graph: Graph, depth: int | None = None) -> None:
        self.calls = Calls(graph)
        parts = units(graph, depth)
        self.units = {unit.path: unit for unit in units_in(parts)}
        """All of them by their paths, in order."""
        self.of = {node.path: unit.path for unit in self.units.values() for node in unit.nodes}
        """The unit that each layer is in."""
        self._stands_in: dict[str, str] = {}
        self._readers: dict[str, set[str]] = defaultdict(set)
        for unit in self.units.values():
            for source in unit.inputs:
                self._readers[source].add(unit.path)
        for output in graph.outputs:
            self._readers[self.of.get(output.node, output.node)].add(f"output/{output.name}")
        self._looks = Looks(self._look, lambda scope: (scope.kind, scope.definition))
        self._inside = Looks(_facts, lambda scope: (scope.kind, scope.definition))
        self.parts = self._fold(parts)
        self._copies: dict[str, list[str]] = defaultdict(list)
        for path in (*(s.path for s in graph.scopes if s.path not in self.units), *self.units):
            self._copies[self.drawn(path)].append(path)

    def drawn(self, path: str) -> str:
        """The unit or scope that stands for this one in the picture: itself, or its first copy."""
        while path in self._stands_in:
            path = self._stands_in[path]
        return path

    def copies(self, path: str) -> list[str]:
        """All that this unit or scope stands for, in order, itself included."""
        return self._copies[path]

    def _look(self, leaf: Node | Unit) -> Hashable:
        """All that the picture shows of a unit, but for its names."""
        assert isinstance(leaf, Unit)
        if leaf.scope is None:
            return _facts(leaf)
        last = leaf.nodes[-1]
        scope = leaf.scope.scope
        facts = last.shape, scope.shares is not None, last.training, len(leaf.inputs)
        if call := self.calls.text(scope):
            return call, facts
        return self._inside.of(leaf.scope), facts

    def _fold(self, parts: list[Part]) -> list[Part]:
        found: list[Part] = []
        for part in parts:
            match part:
                case ScopeTree():
                    found.append(ScopeTree(part.scope, self._fold(part.parts)))
                case RepetitionTree():
                    found.extend(self._fold_copies(part))
                case _:
                    found.append(part)
        return found

    def _fold_copies(self, repetition: RepetitionTree) -> Iterator[Part]:
        copies = repetition.copies
        leaves = [units_in(copy) for copy in copies]

        def may_join(start: int, i: int) -> bool:
            before = leaves[i - 2] if i - start > 1 else None
            wired = _continues(before, leaves[i - 1], leaves[i])
            return wired and self._read_only_by(leaves[i - 1], leaves[i])

        for start, end in self._looks.runs(copies, may_join):
            for copy in copies[start + 1 : end]:
                self._substitute(copies[start], copy)
            if end - start > 1:
                yield Folded(repetition.id, end - start, self._fold(copies[start]))
            else:
                yield from self._fold(copies[start])

    def _read_only_by(self, copy: list[Unit], following: list[Unit]) -> bool:
        """Whether what a copy computes goes to itself and the next copy alone."""
        near = {unit.path for unit in (*copy, *following)}
        return all(self._readers[unit.path] <= near for unit in copy)

    def _substitute(self, first: list[Part], copy: list[Part]) -> None:
        """Let a copy's units and scopes be drawn as the first one's."""
        for a, b in zip(_paths(first), _paths(copy), strict=True):
            self._stands_in[b] = a
        inside = {unit.path for unit in units_in(copy)}
        for a, b in zip(units_in(first), units_in(copy), strict=True):
            self._readers[a.path] |= self._readers[b.path] - inside


def _facts(leaf: Node | Unit) -> Hashable:
    nodes = leaf.nodes if isinstance(leaf, Unit) else (leaf,)
    return tuple((n.op, n.shape, n.shares, n.training) for n in nodes)


def _paths(parts: Sequence[Part]) -> Iterator[str]:
    """The paths of units and open scopes, in order."""
    for part in parts:
        match part:
            case Node() | Unit():
                yield part.path
            case RepetitionTree():
                for copy in part.copies:
                    yield from _paths(copy)
            case Folded():
                yield from _paths(part.parts)
            case ScopeTree():
                yield part.scope.path
                yield from _paths(part.parts)


Link = tuple[str, int | str]


def _links(copy: list[Unit], before: list[Unit]) -> list[list[Link]]:
    """For every input in a copy: its place there, its place in the copy before, or its path."""
    here = {unit.path: i for i, unit in enumerate(copy)}
    there = {unit.path: i for i, unit in enumerate(before)}

    def link(source: str) -> Link:
        if source in here:
            return "here", here[source]
        return ("before", there[source]) if source in there else ("outside", source)

    return [[link(source) for source in unit.inputs] for unit in copy]


def _continues(before: list[Unit] | None, copy: list[Unit], following: list[Unit]) -> bool:
    """Whether a copy's follower is wired as the copy is.

    Where the copy is the first of its run, `before` is None, and what it reads from outside is what
    the follower reads from it.
    """
    wires = _links(following, copy)
    if before is not None:
        return wires == _links(copy, before)
    carried: set[tuple[Link, Link]] = set()
    for ours, theirs in zip(_links(copy, []), wires, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            if a != b:
                carried.add((a, b))
    return all(a[0] == "outside" and b[0] == "before" for a, b in carried) and len(carried) == len(
        {a for a, _ in carried}
    ) == len({b for _, b in carried})
