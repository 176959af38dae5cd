"""A network as a tree: the layers under the scopes and the repetitions that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


Part = Node | ScopeTree | RepetitionTree | Folded


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
            case RepetitionTree():
                for copy in part.copies:
                    yield from nodes_in(copy)
            case _:
                yield from nodes_in(part.parts)
