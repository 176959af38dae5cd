"""What is drawn as one box: every layer by itself, or, further away, scopes and chains of layers.

From further away, a scope below the depth asked for is one box, and what costs little next to a
convolution goes into the box of the layer that it follows: `conv, bn, relu`.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.graphviz.style import SLIM
from archdsl.ir import Graph, Node
from archdsl.ir.hierarchy import Part, RepetitionTree, ScopeTree, Unit, nodes_in, tree


def units(graph: Graph, depth: int | None) -> list[Part]:
    """The tree of a graph, its leaves units.

    Args:
        graph: the network.
        depth: the level whose scopes are boxes, 1 the outermost; None shows every layer by itself.
    """
    return _Units(graph, depth).parts


def deepest(graph: Graph) -> int:
    """How many scopes the layers are in at most, the network's own left out."""
    levels = {"": 0}
    for scope in graph.scopes:
        if scope.parent is not None:
            levels[scope.path] = levels[scope.parent] + 1
    return max(levels.values())


class _Units:
    def __init__(self, graph: Graph, depth: int | None) -> None:
        self._graph = graph
        self._depth = depth
        self._of: dict[str, str] = {}
        """The unit that each layer is in."""
        self.parts = self._inputs(self._gather(tree(graph), 1))

    def _gather(self, parts: Sequence[Part], level: int) -> list[Part]:
        """The parts with their units, which do not yet know what they read."""
        found: list[Part] = []
        for part in parts:
            match part:
                case ScopeTree() if self._depth is not None and level >= self._depth:
                    found.append(self._unit(part.scope.path, tuple(nodes_in([part])), part))
                case ScopeTree():
                    found.append(ScopeTree(part.scope, self._gather(part.parts, level + 1)))
                case RepetitionTree():
                    copies = [self._gather(copy, level) for copy in part.copies]
                    found.append(RepetitionTree(part.id, copies))
                case Node():
                    last = found[-1] if found else None
                    if isinstance(last, Unit) and self._follows(part, last):
                        found[-1] = self._unit(last.path, (*last.nodes, part))
                    else:
                        found.append(self._unit(part.path, (part,)))
                case _:
                    raise TypeError("a tree that was gathered before")
        return found

    def _follows(self, node: Node, unit: Unit) -> bool:
        """Whether a layer goes into the box of the unit before it."""
        last = unit.nodes[-1]
        return (
            self._depth is not None
            and unit.scope is None
            and node.op.family in SLIM
            and unit.nodes[0].op.family not in (*SLIM, "join")
            and node.inputs == (last.path,)
            and self._graph.readers[last.path] == [node.path]
        )

    def _unit(self, path: str, nodes: tuple[Node, ...], scope: ScopeTree | None = None) -> Unit:
        self._of.update((node.path, path) for node in nodes)
        return Unit(path, nodes, (), scope)

    def _inputs(self, parts: Sequence[Part]) -> list[Part]:
        """The same parts, their units told what they read."""
        found: list[Part] = []
        for part in parts:
            match part:
                case Unit():
                    sources = (self._of.get(s, s) for node in part.nodes for s in node.inputs)
                    if len(part.nodes) > 1:
                        sources = (s for s in dict.fromkeys(sources) if s != part.path)
                    found.append(Unit(part.path, part.nodes, tuple(sources), part.scope))
                case ScopeTree():
                    found.append(ScopeTree(part.scope, self._inputs(part.parts)))
                case RepetitionTree():
                    found.append(RepetitionTree(part.id, list(map(self._inputs, part.copies))))
                case _:
                    raise TypeError("a tree whose layers are not gathered")
        return found


def units_in(parts: Sequence[Part]) -> list[Unit]:
    """Every unit in parts of a tree, in order."""
    found: list[Unit] = []
    for part in parts:
        match part:
            case Unit():
                found.append(part)
            case RepetitionTree():
                for copy in part.copies:
                    found += units_in(copy)
            case Node():
                raise TypeError("a tree whose layers are not gathered")
            case _:
                found += units_in(part.parts)
    return found
