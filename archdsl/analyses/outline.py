"""A network as rows that fold: scopes over what is in them, the copies of a repetition as one.

Copies fold where a table could not tell them apart: the same layers with the same arguments on the
same shapes. A copy that differs has rows of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from archdsl.analyses import cost
from archdsl.analyses.cost import NOTHING, Totals
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ir.hierarchy import Looks, Part, RepetitionTree, ScopeTree, Unit, nodes_in, tree


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or a scope or some copies with all that is in them."""

    name: str
    """As its surroundings call it: `conv1`, `0`; of copies the first and the last: `1-35`."""
    text: str
    """The layer, or the call of the block, as the language writes it."""
    depth: int
    """How many rows it is under."""
    copies: int
    """How many it stands for; what is below it is one of them, the first."""
    totals: Totals
    """Of all that it stands for."""
    last: str
    """The path of the layer that gives its output: of copies, the last one's."""
    is_layer: bool
    """Whether it is a layer, or copies of one, and has nothing below it."""
    paths: tuple[str, ...]
    """All layers that it stands for."""


def outline(graph: Graph) -> list[Row]:
    """The rows of a network, folded; a row's parts follow it, one deeper."""
    return list(_Outline(graph).rows(tree(graph), 0))


class Calls:
    """How the blocks of a network were called."""

    def __init__(self, graph: Graph) -> None:
        self._optional: dict[str, set[str]] = defaultdict(set)
        for scope in graph.scopes:
            self._optional[scope.definition].update(scope.defaulted)

    def text(self, scope: Scope) -> str:
        """A block's call without what was left at its default; nothing of a sequence."""
        if scope.kind != "block":
            return ""
        words = [scope.definition]
        for key, value in scope.arguments.items():
            if key not in scope.defaulted:
                optional = key in self._optional[scope.definition]
                words.append(f"{key}={_value(value)}" if optional else _value(value))
        return " ".join(words)


class _Outline:
    """Goes through a tree; what was computed of a part is kept, since parts are asked for often."""

    def __init__(self, graph: Graph) -> None:
        self._calls = Calls(graph)
        self._totals: dict[int, Totals] = {}
        self._looks = Looks(self._facts, self._calls.text)

    def rows(self, parts: Sequence[Part], depth: int) -> Iterator[Row]:
        for part in parts:
            if isinstance(part, RepetitionTree):
                for start, end in self._looks.runs(part.copies):
                    yield from self._copies(part.copies[start:end], depth)
            else:
                yield from self._one(part, [part], depth)

    def _one(self, part: Part, copies: list[Part], depth: int) -> Iterator[Row]:
        """A layer or a scope, and the copies that it stands for, itself included."""
        names = [_name(copy) for copy in (copies[0], copies[-1])]
        name = names[0] if len(copies) == 1 else _range(*names)
        totals = reduce(add, map(self.totals, copies), NOTHING)
        paths = tuple(node.path for node in nodes_in(copies))
        text, is_layer = self._text(part), isinstance(part, Node)
        yield Row(name, text, depth, len(copies), totals, paths[-1], is_layer, paths)
        if isinstance(part, ScopeTree):
            yield from self.rows(part.parts, depth + 1)

    def _copies(self, copies: list[list[Part]], depth: int) -> Iterator[Row]:
        """Copies that look alike: one row if each is one layer or scope, else one for the group."""
        first = copies[0]
        if len(copies) == 1:
            yield from self.rows(first, depth)
        elif len(first) == 1 and isinstance(first[0], Node | ScopeTree):
            yield from self._one(first[0], [copy[0] for copy in copies], depth)
        else:
            totals = reduce(add, (self.totals(p) for copy in copies for p in copy), NOTHING)
            paths = tuple(node.path for copy in copies for node in nodes_in(copy))
            text = f"{{ {'; '.join(map(self._text, first))} }}"
            yield Row("", text, depth, len(copies), totals, paths[-1], False, paths)
            yield from self.rows(first, depth + 1)

    def totals(self, part: Part) -> Totals:
        """Of all layers in a part."""
        key = id(part)
        if key not in self._totals:
            match part:
                case Node():
                    found = cost.of_node(part)
                case RepetitionTree():
                    inside = (self.totals(p) for copy in part.copies for p in copy)
                    found = reduce(add, inside, NOTHING)
                case Unit():
                    found = reduce(add, map(cost.of_node, part.nodes), NOTHING)
                case _:
                    found = reduce(add, map(self.totals, part.parts), NOTHING)
            self._totals[key] = found
        return self._totals[key]

    def _facts(self, leaf: Node | Unit) -> Hashable:
        """All that a row shows of a layer, but for its name, path and field."""
        return tuple(
            (n.op, n.input_shapes, n.shape, n.shares, n.training) for n in nodes_in([leaf])
        )

    def _text(self, part: Part) -> str:
        match part:
            case Node():
                return part.op.text()
            case ScopeTree():
                return self._calls.text(part.scope)
            case RepetitionTree():
                inside = "; ".join(map(self._text, part.copies[0]))
                return f"{{ {inside} }} x{len(part.copies)}"
            case _:
                return ""


def _name(part: Part) -> str:
    match part:
        case Node():
            return part.name
        case ScopeTree():
            return part.scope.path.rpartition(".")[2]
        case _:
            return ""


def _range(first: str, last: str) -> str:
    """From one name to another: `1-35`, `conv1-4`."""
    word = first.rstrip("0123456789")
    rest = last.removeprefix(word)
    return f"{first}-{rest if rest.isdigit() else last}"


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"  # pyright: ignore[reportUnknownArgumentType]
        case Mapping():
            return "…"
        case _:
            return str(value)
