"""What a page shows, as plain JSON: no layer is known here by its name.

Of the layers there is a list for each quantity, all in the network's order, and everything else
refers to layers by their numbers, mostly as runs (`archdsl.backends.report.runs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import lcm
from typing import Any

from archdsl.analyses import cost, memory
from archdsl.analyses.compare import compare
from archdsl.analyses.depth import depth
from archdsl.analyses.liveness import output_values
from archdsl.analyses.memory import Course
from archdsl.analyses.outline import Row, outline
from archdsl.analyses.receptive_field import Field, fields, grids
from archdsl.analyses.region import axes, coordinates, extent
from archdsl.analyses.side_by_side import diff
from archdsl.backends.report.levels import Levels
from archdsl.backends.report.runs import runs
from archdsl.backends.report.sources import sources
from archdsl.errors import Diagnostic, printable
from archdsl.ir import Graph
from archdsl.ir.shapes import show
from archdsl.version import VERSION

WIDTH = 4  # bytes of a value
STAGES = 60  # rows of the charts; what is over is the last one's


@dataclass(frozen=True, slots=True)
class Subject:
    """A network, and what is known of it beside its graph."""

    graph: Graph
    name: str
    """What it is called, where several are shown."""
    files: Sequence[tuple[str, str]] = ()
    """Names and texts of its spec and of what that imports."""
    findings: Sequence[Diagnostic] = ()
    """What the linter says."""
    torch: str = ""
    """Its PyTorch module, as a file."""


def described(subject: Subject, drawn: Levels) -> dict[str, Any]:
    """One network."""
    graph = subject.graph
    return {
        "name": printable(subject.name),
        "file": printable(graph.origin.file),
        "version": VERSION,
        "parameters": {key: _shown(value) for key, value in graph.parameters.items()},
        "inputs": [{"name": i.name, "shape": show(i.shape)} for i in graph.inputs],
        "outputs": [
            {"name": o.name, "shape": show(o.shape), "kind": o.kind} for o in graph.outputs
        ],
        "totals": _totals(graph),
        "layers": _layers(graph),
        "field": _field(graph),
        "stages": _stages(graph),
        "memory": _memory(graph),
        "files": sources(graph, subject.files, subject.findings),
        "pictures": {
            "start": drawn.start,
            "omitted": drawn.omitted,
            "levels": [
                {"name": level.name, "standing": level.standing, "closed": level.closed}
                for level in drawn.levels
            ],
        },
        "torch": subject.torch,
    }


def compared(subjects: Sequence[Subject], batch: int) -> dict[str, Any]:
    """The networks side by side, and where two of them differ."""
    found = compare(*(s.graph for s in subjects), names=[s.name for s in subjects], batch=batch)
    lines = diff(found.difference) if found.difference else []
    figures = [
        {**one.to_dict(), "stages": _stages(subject.graph, most=12)}
        for one, subject in zip(found.networks, subjects, strict=True)
    ]
    return {"batch": batch, "networks": figures, "diff": [list(line) for line in lines]}


def _shown(value: Any) -> str:
    return printable(str(value))


def _totals(graph: Graph) -> dict[str, Any]:
    totals = cost.of_graph(graph)
    other = {key: n for key, n in asdict(totals.cost).items() if key != "macs" and n}
    return {
        "layers": len(graph.nodes),
        "params": totals.params,
        "buffers": totals.buffers,
        "macs": totals.macs,
        "other": other,
        "depth": depth(graph),
        "optimizer": memory.optimizer_of(graph).name,
    }


def _layers(graph: Graph) -> dict[str, list[Any]]:
    numbers = {node.path: i for i, node in enumerate(graph.nodes)}
    values = output_values(graph)
    totals = [cost.of_node(node) for node in graph.nodes]
    nodes = graph.nodes
    families = list(dict.fromkeys(node.op.family for node in nodes))
    place = {family: i for i, family in enumerate(families)}
    return {
        "families": families,
        "path": [node.path for node in nodes],
        "text": [printable(node.op.text()) for node in nodes],
        "family": [place[node.op.family] for node in nodes],
        "shape": [show(node.shape) for node in nodes],
        "inputs": [[numbers.get(source, source) for source in node.inputs] for node in nodes],
        "params": [t.params for t in totals],
        "buffers": [t.buffers for t in totals],
        "macs": [t.macs for t in totals],
        "other": [t.cost.other for t in totals],
        "bytes": [WIDTH * values[node.path] for node in nodes],
        "shares": [numbers.get(n.shares) if n.shares and n.weights else None for n in nodes],
        "training": runs(numbers[node.path] for node in nodes if node.training),
    }


def _field(graph: Graph) -> dict[str, Any]:
    """What each layer's positions see of the input.

    Of a layer: null if nothing, `all`, or for each axis [stride, first, last, divisor]: position i
    sees from (stride i + first) / divisor to (stride i + last) / divisor, whole numbers within.
    """
    seen, on = fields(graph), grids(graph)
    return {
        "extent": list(extent(graph)),
        "inputs": list(coordinates(graph)),
        "windows": [_windows(seen[node.path]) for node in graph.nodes],
        "grids": [list(axes(n.shape) if seen[n.path].whole else on[n.path]) for n in graph.nodes],
        "misaligned": runs(i for i, n in enumerate(graph.nodes) if seen[n.path].misaligned),
        "loose": runs(_loose(graph, seen)),
    }


def _loose(graph: Graph, seen: Mapping[str, Field]) -> Iterator[int]:
    """The layers whose windows hold for all positions, while some positions read less.

    They come after a layer that enlarges what was made smaller; see `receptive_field`.
    """
    found: set[str] = set()
    for i, node in enumerate(graph.nodes):
        enlarges = any(w.stride.denominator > 1 for w in node.field.windows)
        smaller = (w.stride > 1 for p in node.inputs if p in seen for w in seen[p].windows)
        if not found.isdisjoint(node.inputs) or (enlarges and any(smaller)):
            found.add(node.path)
            yield i


def _windows(field: Field) -> str | list[list[int]] | None:
    if field.whole or not field.windows:
        return "all" if field.whole else None
    found: list[list[int]] = []
    for w in field.windows:
        parts = (w.stride, w.first, w.last)
        divisor = lcm(*(part.denominator for part in parts))
        found.append([*(int(part * divisor) for part in parts), divisor])
    return found


def _stages(graph: Graph, most: int = STAGES) -> list[dict[str, Any]]:
    """The outermost rows of the network's table; those that are too many are one."""
    numbers = {node.path: i for i, node in enumerate(graph.nodes)}
    values = output_values(graph)
    rows = [row for row in outline(graph) if row.depth == 0]
    head, rest = (rows, []) if len(rows) <= most else (rows[: most - 1], rows[most - 1 :])
    found = [_stage([row], row.name or row.text, row.text, numbers, values) for row in head]
    if rest:
        found.append(_stage(rest, f"{len(rest):,} more", "", numbers, values))
    return found


def _stage(
    rows: Sequence[Row],
    name: str,
    text: str,
    numbers: Mapping[str, int],
    values: Mapping[str, int],
) -> dict[str, Any]:
    paths = [path for row in rows for path in row.paths]
    copies = rows[0].copies if len(rows) == 1 else 1
    return {
        "name": printable(name),
        "text": printable(text),
        "copies": copies,
        "params": sum(row.totals.params for row in rows),
        "macs": sum(row.totals.macs for row in rows),
        "bytes": WIDTH * sum(values[path] for path in paths),
        "layers": runs(numbers[path] for path in paths),
    }


def _memory(graph: Graph) -> dict[str, Any]:
    numbers = {node.path: i for i, node in enumerate(graph.nodes)}
    return {
        "inference": _course(memory.inference(graph), numbers),
        "training": _course(memory.training(graph), numbers),
    }


def _course(course: Course, numbers: Mapping[str, int]) -> dict[str, Any]:
    """A run, moment by moment: bytes for each example, whatever the batch, of gradients."""
    moments = course.moments
    phases = list(_phases([m.phase for m in moments]))
    return {
        "weights": course.weights,
        "optimizer": course.optimizer,
        "layer": [numbers.get(m.path, -1) for m in moments],
        "each": [m.each for m in moments],
        "fixed": [m.fixed + m.gradients for m in moments],
        "phases": phases,
    }


def _phases(names: Sequence[str]) -> Iterator[list[Any]]:
    """Where each phase begins."""
    for i, name in enumerate(names):
        if i == 0 or name != names[i - 1]:
            yield [name, i]
