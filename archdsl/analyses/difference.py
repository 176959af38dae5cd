"""Where two networks differ in structure: their layers aligned, and what changed from one to other.

Two layers are alike if they have the same arguments and the same shape comes out; what they are
called may differ. How weights start and how the networks are trained is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from archdsl.analyses import cost
from archdsl.analyses.align import Entry, Pair, align
from archdsl.ir.graph import Graph, Node
from archdsl.ir.op import Op
from archdsl.ir.shapes import Shape, show

Kind = Literal["alike", "changed", "first", "second"]
_INPUT = "input"  # how an input is written; no layer has this word


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or an input, of one of the two."""

    path: str
    layer: str
    """As the language writes it."""
    shape: Shape
    params: int


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise in the second network."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what} {self.first} -> {self.second}"


@dataclass(frozen=True, slots=True)
class Step:
    """One place of the alignment: a layer of either network, or of both."""

    first: Row | None
    second: Row | None
    changes: tuple[Change, ...] = ()

    @property
    def kind(self) -> Kind:
        if self.second is None:
            return "first"
        if self.first is None:
            return "second"
        return "changed" if self.changes else "alike"

    @property
    def is_input(self) -> bool:
        """Whether it is an input of the networks, and no layer."""
        row = self.first or self.second
        return row is not None and row.layer == _INPUT

    def to_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            "kind": self.kind,
            "first": self.first and asdict(self.first),
            "second": self.second and asdict(self.second),
            "changes": [asdict(change) for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two networks, layer by layer."""

    first: str
    second: str
    steps: tuple[Step, ...]

    @property
    def same(self) -> bool:
        """Whether the structure is the same, names of layers aside."""
        return all(step.kind == "alike" for step in self.steps)

    @property
    def renamed(self) -> int:
        """How many layers are alike but for their paths."""
        alike = (s for s in self.steps if s.kind == "alike" and not s.is_input)
        both = ((step.first, step.second) for step in alike)
        return sum(a is not None and b is not None and a.path != b.path for a, b in both)

    def count(self, kind: Kind) -> int:
        """How many layers are of one kind."""
        return sum(step.kind == kind for step in self.steps if not step.is_input)

    def to_dict(self) -> dict[str, Any]:
        """The alignment as plain data."""
        return {
            "first": self.first,
            "second": self.second,
            "same": self.same,
            "renamed": self.renamed,
            "steps": [step.to_dict() for step in self.steps],
        }


def difference(first: Graph, second: Graph, names: tuple[str, str] | None = None) -> Difference:
    """Align two networks; `names` are what they are called, if not as they call themselves."""
    before, after = _entries(first), _entries(second)
    pairs = align(before, after)
    partners = {before[i].path: after[j].path for i, j in pairs if i is not None and j is not None}
    wiring = _Wiring(partners, frozenset(partners.values()))
    rows = _rows(first), _rows(second)
    steps = (_step(pair, (first, second), rows, wiring) for pair in pairs)
    return Difference(*(names or (first.name, second.name)), tuple(steps))


def _entries(graph: Graph) -> list[Entry]:
    given = [Entry(i.name, "", _INPUT, i.shape, _INPUT, _INPUT) for i in graph.inputs]
    nodes = (Entry(n.path, n.scope, _text(n), n.shape, n.op.name, n.op.family) for n in graph.nodes)
    return [*given, *nodes]


def _rows(graph: Graph) -> list[Row]:
    given = [Row(i.name, _INPUT, i.shape, 0) for i in graph.inputs]
    nodes = (Row(n.path, _text(n), n.shape, cost.of_node(n).params) for n in graph.nodes)
    return [*given, *nodes]


def _text(node: Node) -> str:
    """A layer as the language writes it, and what its statement does not say."""
    notes = [f"weights of {node.shares}"] if node.shares and node.weights else []
    notes += ["in training only"] if node.training else []
    return node.op.text() + (f" ({', '.join(notes)})" if notes else "")


@dataclass(frozen=True, slots=True)
class _Wiring:
    """Which layer of the second network stands for which of the first."""

    partners: dict[str, str]
    known: frozenset[str]

    def changes(self, first: Sequence[str], second: Sequence[str]) -> Iterator[Change]:
        """What two layers read otherwise. A layer put in between is told where it stands itself."""
        if len(first) != len(second):
            yield Change("inputs", str(len(first)), str(len(second)))
            return
        for before, after in zip(first, second, strict=True):
            expected = self.partners.get(before)
            if expected is not None and after in self.known and expected != after:
                yield Change("reads", before, after)


def _step(
    pair: Pair, graphs: tuple[Graph, Graph], rows: tuple[list[Row], list[Row]], wiring: _Wiring
) -> Step:
    i, j = pair
    before = None if i is None else rows[0][i]
    after = None if j is None else rows[1][j]
    if before is None or after is None:
        return Step(before, after)
    changes: list[Change] = []
    first, second = graphs[0].by_path.get(before.path), graphs[1].by_path.get(after.path)
    if first is not None and second is not None:
        changes += _said(first, second, wiring)
        changes += wiring.changes(first.inputs, second.inputs)
    if before.shape != after.shape:
        changes.append(Change("shape", show(before.shape), show(after.shape)))
    if before.params != after.params:
        changes.append(Change("params", f"{before.params:,}", f"{after.params:,}"))
    return Step(before, after, tuple(changes))


def _said(first: Node, second: Node, wiring: _Wiring) -> Iterator[Change]:
    """What two layers' statements say otherwise, and what they are part of."""
    if type(first.op) is type(second.op):
        for name in first.op.arguments():
            before, after = getattr(first.op, name), getattr(second.op, name)
            if before != after:
                yield Change(name, _value(first.op, name, before), _value(second.op, name, after))
    else:
        yield Change("layer", first.op.text(), second.op.text())
    owners = first.shares and wiring.partners.get(first.shares, first.shares), second.shares
    if first.weights and second.weights and owners[0] != owners[1]:
        yield Change("weights of", first.shares or "its own", second.shares or "its own")
    if first.training != second.training:
        when = {True: "in training only", False: "always"}
        yield Change("is there", when[first.training], when[second.training])


def _value(op: Op, name: str, value: Any) -> str:
    """An argument as the language writes it."""
    last = list(op.arguments())[op.positional - 1] if op.positional else None
    if op.variadic and name == last:
        return " ".join(op.show(name, item) for item in value) or "nothing"
    return "none" if value is None else op.show(name, value, square=True)
