"""Which copies of a repetition are drawn once.

Copies fold where nobody could tell their drawings apart: the same layers with the same arguments
and output shapes, wired alike, each one fed by the one before. A copy that differs, or whose inside
is read from elsewhere, is drawn on its own. So `conv 3x3 64 x4` is one box marked x4, while the
copies of a dense block, which grow, stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from archdsl.ir import Graph, Node
from archdsl.ir.hierarchy import Folded, Part, RepetitionTree, ScopeTree, nodes_in, tree


class Fold:
    """The tree of a graph with its repetitions folded, and what became of every node."""

    def __init__(self, graph: Graph) -> None:
        self._stands_in: dict[str, str] = {}
        self._readers: dict[str, set[str]] = defaultdict(set)
        for node in graph.nodes:
            for source in node.inputs:
                self._readers[source].add(node.path)
        for output in graph.outputs:
            self._readers[output.node].add(f"output/{output.name}")
        self.parts = self._fold(tree(graph))
        self._copies: dict[str, list[str]] = defaultdict(list)
        for path in (*(s.path for s in graph.scopes), *(n.path for n in graph.nodes)):
            self._copies[self.drawn(path)].append(path)

    def drawn(self, path: str) -> str:
        """The node or scope that stands for this one in the picture: itself, or its first copy."""
        while path in self._stands_in:
            path = self._stands_in[path]
        return path

    def copies(self, path: str) -> list[str]:
        """All that this node or scope stands for, in order, itself included."""
        return self._copies[path]

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
        for start, end in self._runs(copies):
            for copy in copies[start + 1 : end]:
                self._substitute(copies[start], copy)
            if end - start > 1:
                yield Folded(repetition.id, end - start, self._fold(copies[start]))
            else:
                yield from self._fold(copies[start])

    def _runs(self, copies: list[list[Part]]) -> Iterator[tuple[int, int]]:
        """The ranges of copies that may be drawn as one."""
        looks = [tuple(map(_look, copy)) for copy in copies]
        nodes = [list(nodes_in(copy)) for copy in copies]
        start = 0
        for i in range(1, len(copies)):
            before = nodes[i - 2] if i - start > 1 else None
            if (
                looks[i] != looks[start]
                or not _continues(before, nodes[i - 1], nodes[i])
                or not self._read_only_by(nodes[i - 1], nodes[i])
            ):
                yield start, i
                start = i
        yield start, len(copies)

    def _read_only_by(self, copy: list[Node], following: list[Node]) -> bool:
        """Whether what a copy computes goes to itself and the next copy alone."""
        near = {node.path for node in (*copy, *following)}
        return all(self._readers[node.path] <= near for node in copy)

    def _substitute(self, first: list[Part], copy: list[Part]) -> None:
        """Let a copy's nodes and scopes be drawn as the first one's."""
        for a, b in zip(_paths(first), _paths(copy), strict=True):
            self._stands_in[b] = a
        inside = {node.path for node in nodes_in(copy)}
        for a, b in zip(nodes_in(first), nodes_in(copy), strict=True):
            self._readers[a.path] |= self._readers[b.path] - inside


def _paths(parts: Sequence[Part]) -> Iterator[str]:
    """The paths of nodes and scopes, in order."""
    for part in parts:
        match part:
            case Node():
                yield part.path
            case RepetitionTree():
                for copy in part.copies:
                    yield from _paths(copy)
            case Folded():
                yield from _paths(part.parts)
            case ScopeTree():
                yield part.scope.path
                yield from _paths(part.parts)


def _look(part: Part) -> object:
    """All that the picture shows of a part, but for its names: equal looks are equal drawings."""
    match part:
        case Node():
            return part.op, part.shape, part.shares, part.training
        case ScopeTree():
            return part.scope.kind, part.scope.definition, tuple(map(_look, part.parts))
        case RepetitionTree():
            return tuple(tuple(map(_look, copy)) for copy in part.copies)
        case Folded():
            return part.count, tuple(map(_look, part.parts))


Link = tuple[str, int | str]


def _links(copy: list[Node], before: list[Node]) -> list[list[Link]]:
    """For every input in a copy: its place there, its place in the copy before, or its path."""
    here = {node.path: i for i, node in enumerate(copy)}
    there = {node.path: i for i, node in enumerate(before)}

    def link(source: str) -> Link:
        if source in here:
            return "here", here[source]
        return ("before", there[source]) if source in there else ("outside", source)

    return [[link(source) for source in node.inputs] for node in copy]


def _continues(before: list[Node] | None, copy: list[Node], following: list[Node]) -> bool:
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
