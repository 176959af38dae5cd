"""The hierarchy of modules: the graph's nodes gathered under the scopes that name them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.backends.torch.placing import Placement
from archdsl.ir import Graph, Node, Output, Scope
from archdsl.ir.records import TorchModule


@dataclass(eq=False)
class Level:
    """One scope with what it holds, in the order of execution."""

    scope: Scope
    children: list[Node | Level] = field(default_factory=list["Node | Level"])

    @property
    def name(self) -> str:
        return self.scope.path.rpartition(".")[2]

    def nodes(self) -> Iterator[Node]:
        """Every layer in it, however deep."""
        for child in self.children:
            if isinstance(child, Level):
                yield from child.nodes()
            else:
                yield child

    def levels(self) -> Iterator[Level]:
        """Itself and every level in it, the inner ones first."""
        for child in self.children:
            if isinstance(child, Level):
                yield from child.levels()
        yield self


@dataclass(eq=False)
class Tree:
    """The levels of a graph, and what goes in and out of each."""

    graph: Graph
    root: Level
    boundaries: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    chains: dict[str, str | None] = field(default_factory=dict)
    placement: Placement | None = None

    @classmethod
    def of(cls, graph: Graph, placement: Placement | None = None) -> Tree:
        levels = {scope.path: Level(scope) for scope in graph.scopes}
        placed: set[str] = {""}

        def place(path: str) -> Level:
            """The level of a path, hung under its parent where its first layer stands."""
            level = levels[path]
            if path not in placed:
                placed.add(path)
                place(level.scope.parent or "").children.append(level)
            return level

        for node in graph.nodes:
            place(node.scope).children.append(node)
        return cls(graph, levels[""], placement=placement)

    def boundary(self, level: Level) -> tuple[list[str], list[str]]:
        """The tensors that a level reads from outside, and its own that are read outside."""
        path = level.scope.path
        if path not in self.boundaries:
            self.boundaries[path] = self._boundary(level)
        return self.boundaries[path]

    def _boundary(self, level: Level) -> tuple[list[str], list[str]]:
        inside = {node.path for node in level.nodes()}
        reads = [t for node in level.nodes() for t in node.inputs if t not in inside]
        gives = [t for t in inside if any(r not in inside for r in self.graph.readers.get(t, ()))]
        order = {node.path: i for i, node in enumerate(level.nodes())}
        return list(dict.fromkeys(reads)), sorted(gives, key=order.__getitem__)

    def heads(self) -> dict[str, Output]:
        """The outputs beside the main one that are modules of their own, by path."""
        paths = {s.path for s in self.graph.scopes} | {n.path for n in self.graph.nodes}
        return {o.name: o for o in self.graph.outputs[1:] if o.name in paths}

    def chain(self, level: Level) -> str | None:
        """How a level takes its input, if each of its modules is fed by the one before."""
        path = level.scope.path
        if path not in self.chains:
            self.chains[path] = self._chain(level)
        return self.chains[path]

    def _chain(self, level: Level) -> str | None:
        shares = [c.scope.shares if isinstance(c, Level) else c.shares for c in level.children]
        if not shares or (level.scope.shares is None and any(shares)):
            return None  # what is applied again is no module of this level's own
        takes = "{0}"
        last: str | None = None
        for i, child in enumerate(level.children):
            if isinstance(child, Level):
                reads, gives = self.boundary(child)
                own = self.chain(child) if child.scope.kind == "sequence" else "{0}"
                end = gives[0] if gives else ""
            else:
                lowering = child.torch
                own = (
                    self.moved(child, lowering.takes) if isinstance(lowering, TorchModule) else None
                )
                reads, gives, end = list(child.inputs), [child.path], child.path
            if own is None or len(reads) != 1 or len(gives) != 1:
                return None
            if i == 0:
                takes = own
            elif own != "{0}" or reads[0] != last:
                return None
            if i < len(level.children) - 1 and not self._feeds(end, level.children[i + 1]):
                return None
            last = end
        return takes

    def moved(self, node: Node, template: str) -> str:
        """A layer's expression, with its inputs brought to its device."""
        if self.placement is not None:
            for i, tensor in enumerate(node.inputs):
                template = template.replace(
                    f"{{{i}}}", f"{{{i}}}{self.placement.move(node, tensor)}"
                )
        return template

    def back(self, tensor: str) -> str:
        """What brings an output of the network to where it is wanted."""
        return "" if self.placement is None else self.placement.back(tensor)

    def _feeds(self, tensor: str, child: Node | Level) -> bool:
        """Whether a tensor is read by one child alone."""
        inside = {n.path for n in child.nodes()} if isinstance(child, Level) else {child.path}
        readers = self.graph.readers.get(tensor, ())
        return bool(readers) and all(r in inside for r in readers)
