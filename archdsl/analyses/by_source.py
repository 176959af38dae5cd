"""What each line of a spec costs.

A layer is on the line that it is written on: all calls of its block together. A line that calls a
block is also told what the call brings, in brackets, since that is on the block's own lines too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archdsl.analyses import cost
from archdsl.analyses.cost import NOTHING, Totals
from archdsl.analyses.liveness import output_values
from archdsl.analyses.receptive_field import Field, fields, reach
from archdsl.ir.graph import Graph, Node
from archdsl.ir.shapes import Shape, show
from archdsl.quantity import show_bytes, show_count

MARGIN = 56  # columns in front of the text


@dataclass(slots=True)
class Line:
    """What is on one line of a spec."""

    totals: Totals = NOTHING
    """Of the layers that are written here."""
    called: Totals = NOTHING
    """Of those that blocks called here bring."""
    values: int = 0
    """Of the outputs that take memory, for one example."""
    called_values: int = 0
    shapes: list[Shape] = field(default_factory=list[Shape])
    """What goes out, in order, each shape once."""
    field: Field | None = None
    """Of the last layer that is written here, or is called from here."""

    @property
    def is_call(self) -> bool:
        """Whether nothing is written here but calls."""
        return self.totals == NOTHING and not self.values


Lines = dict[tuple[str, int], Line]


def by_line(graph: Graph) -> Lines:
    """What is on each line that has layers or calls, by file and number."""
    found: Lines = {}
    seen = fields(graph)
    values = output_values(graph)
    calls = _calls(graph)
    for node in graph.nodes:
        totals = cost.of_node(node)
        own = (node.place.file, node.place.line)
        line = found.setdefault(own, Line())
        line.totals += totals
        line.values += values[node.path]
        _last(line, node, seen[node.path])
        for place in calls[node.scope]:
            if place != own:
                line = found.setdefault(place, Line())
                line.called += totals
                line.called_values += values[node.path]
                _last(line, node, seen[node.path])
    return found


def _last(line: Line, node: Node, field: Field) -> None:
    if node.shape not in line.shapes[-1:]:
        line.shapes.append(node.shape)
    line.field = field


def _calls(graph: Graph) -> dict[str, tuple[tuple[str, int], ...]]:
    """The lines of the calls that lead to each scope, each once."""
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for scope in graph.scopes:
        above = found[scope.parent] if scope.parent is not None else ()
        own = (scope.place.file, scope.place.line)
        called = scope.kind == "block" and own not in above
        found[scope.path] = (*above, own) if called else above
    return found


def annotated(
    graph: Graph, files: Sequence[tuple[str, str]], batch: int = 1, width: int = 4
) -> str:
    """The spec itself, with the numbers of each line in its margin.

    Args:
        graph: a network.
        files: names and texts of the spec and of what it imports.
        batch: examples that the memory is for.
        width: bytes of a value.
    """
    lines = by_line(graph)
    head = _margin("params", "MACs", "memory", "output", "field")
    found: list[str] = []
    for name, text in files:
        if any(file == name for file, _ in lines):
            found += [f"{head}| {name}", f"{'-' * MARGIN}+{'-' * (len(name) + 2)}"]
            for number, source in enumerate(text.splitlines(), 1):
                line = lines.get((name, number))
                margin = _numbers(line, batch * width) if line else " " * MARGIN
                found.append(f"{margin}| {source}".rstrip())
            found.append("")
    return "\n".join(found).rstrip()


def _numbers(line: Line, width: int) -> str:
    totals, values = (
        (line.called, line.called_values) if line.is_call else (line.totals, line.values)
    )
    amounts = (
        show_count(totals.params) if totals.params else "",
        show_count(totals.macs) if totals.macs else "",
        show_bytes(width * values) if values else "",
    )
    params, macs, memory = (f"({a})" if a and line.is_call else a for a in amounts)
    several = ".." if len(line.shapes) > 1 else ""
    shape = several + show(line.shapes[-1])
    return _margin(params, macs, memory, shape, reach(line.field) if line.field else "")


def _margin(params: str, macs: str, memory: str, shape: str, field: str) -> str:
    return f"{params:>8} {macs:>8} {memory:>9} {shape:>14} {field:>11}  "[:MARGIN].ljust(MARGIN)
