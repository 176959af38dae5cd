"""A network as a tree: the layers under the scopes and the repetitions that they are in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.ir.graph import Graph, Node, Repetition, Scope


@dataclass(slots=True)
class ScopeTree:
    """A scope and what is in it, in order."""

    scope: Scope
    parts: list[Part] = field(default_factory=list["Part"])


@dataclass(slots=True)
class RepetitionTree:
    """A repetition and its copies."""

    id: int
    copies: list[list[Part]] = field(default_factory=list["list[Part]"])


@dataclass(slots=True)
class Folded:
    """Copies of which the first stands for all."""

    id: int
    count: int
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Unit:
    """Layers that are shown as one: a scope with all that is in it, or a layer and what follows."""

    path: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    """Paths of the units, or names of the network's inputs, that it reads, in order."""
    scope: ScopeTree | None = None


Part = Node | Unit | ScopeTree | RepetitionTree | Folded


def tree(graph: Graph) -> list[Part]:
    """The nodes of a graph under the scopes and repetitions that they are in."""
    root: list[Part] = []
    chains: dict[str, list[Scope | Repetition]] = {}
    for scope in graph.scopes:
        if scope.parent is None:
            chains[scope.path] = list(scope.repetitions)
        else:
            above = chains[scope.parent]
            turns = scope.repetitions[sum(isinstance(s, Repetition) for s in above) :]
            chains[scope.path] = [*above, *turns, scope]
    known: dict[tuple[int, str | int], ScopeTree | RepetitionTree] = {}
    for node in graph.nodes:
        chain = chains[node.scope]
        turns = node.repetitions[sum(isinstance(s, Repetition) for s in chain) :]
        place = root
        for step in (*chain, *turns):
            place = _enter(place, step, known)
        place.append(node)
    return root


def _enter(
    place: list[Part],
    step: Scope | Repetition,
    known: dict[tuple[int, str | int], ScopeTree | RepetitionTree],
) -> list[Part]:
    """The inside of a scope or of a copy, which is made when it is first met."""
    key = (id(place), step.path if isinstance(step, Scope) else step.id)
    found = known.get(key)
    if found is None:
        found = ScopeTree(step) if isinstance(step, Scope) else RepetitionTree(step.id)
        known[key] = found
        place.append(found)
    if isinstance(found, ScopeTree):
        return found.parts
    index = step.index if isinstance(step, Repetition) else 0
    while len(found.copies) <= index:
        found.copies.append([])
    return found.copies[index]


def nodes_in(parts: Sequence[Part]) -> Iterator[Node]:
    """Every layer in parts of a tree, in order."""
    for part in parts:
        match part:
            case Node():
                yield part
            case Unit():
                yield from part.nodes
            case RepetitionTree():
                for copy in part.copies:
                    yield from nodes_in(copy)
            case _:
                yield from nodes_in(part.parts)


class Looks:
    """What parts of a tree look like, as numbers: those that look alike have the same one.

    Args:
        of_leaf: what tells a layer or a unit from others; it has a hash.
        of_scope: the same for a scope, beside what is in it.
    """

    def __init__(
        self,
        of_leaf: Callable[[Node | Unit], Hashable],
        of_scope: Callable[[Scope], Hashable],
    ) -> None:
        self._of_leaf = of_leaf
        self._of_scope = of_scope
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, int] = {}  # parts are asked for often, and live as long as we do

    def of(self, part: Part) -> int:
        """The number of a part's look."""
        found = self._known.get(id(part))
        if found is None:
            match part:
                case Node() | Unit():
                    look = (0, self._of_leaf(part))
                case ScopeTree():
                    look = (1, self._of_scope(part.scope), self._all(part.parts))
                case RepetitionTree():
                    look = (2, tuple(map(self._all, part.copies)))
                case Folded():
                    look = (3, part.count, self._all(part.parts))
            found = self._numbers.setdefault(look, len(self._numbers))
            self._known[id(part)] = found
        return found

    def _all(self, parts: Sequence[Part]) -> tuple[int, ...]:
        return tuple(map(self.of, parts))

    def runs(
        self,
        copies: Sequence[Sequence[Part]],
        may_join: Callable[[int, int], bool] = lambda start, i: True,
    ) -> Iterator[tuple[int, int]]:
        """The ranges of copies that look alike, from and to; empty copies are in none.

        `may_join(start, i)` can refuse copy i a place in the run that begins at `start`.
        """
        looks = [self._all(copy) for copy in copies]
        start = 0
        for i in range(1, len(copies) + 1):
            if i == len(copies) or looks[i] != looks[start] or not may_join(start, i):
                if copies[start]:
                    yield start, i
                start = i
