"""What `archdsl summary --field-at` tells: one layer's field, one position's region, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from archdsl.analyses.receptive_field import LayerField, Misalignment, misalignments
from archdsl.analyses.region import Interval, Region, coordinates, extent
from archdsl.errors import printable
from archdsl.ir.graph import Graph
from archdsl.ir.shapes import show


def to_dict(graph: Graph, field: LayerField, region: Region) -> dict[str, Any]:
    """The report as plain data; an interval is its first and last index, both included."""
    return {
        "network": graph.name,
        "path": field.path,
        "shape": list(graph.shapes[field.path]),
        "whole": field.whole,
        "size": list(field.size),
        "stride": [s if isinstance(s, int) else float(s) for s in field.stride],
        "padding": list(field.padding),
        "center": list(field.center),
        "misaligned": [m.path for m in _on_the_way(graph, field)],
        "region": {
            "position": list(region.position),
            "input": list(region.extent),
            "unclipped": _plain(region.unclipped),
            "clipped": _plain(region.clipped),
        },
    }


def text(
    graph: Graph, field: LayerField, region: Region, more: Iterable[tuple[str, str]] = ()
) -> str:
    """The report as lines of plain text, each a name and a value; `more` are put at the end."""
    rows = [*_rows(graph, field, region), *more]
    width = max(len(name) + 2 for name, _ in rows)
    head = f"{graph.name}: field at {field.path}, {show(graph.shapes[field.path])}"
    lines = [f"{name:<{width}}{value}" for name, value in rows]
    return printable(head) + "\n\n" + "\n".join(map(printable, lines))


def _rows(graph: Graph, field: LayerField, region: Region) -> Iterator[tuple[str, str]]:
    sides = "x".join(map(str, extent(graph)))
    if not sides:
        yield "field", "the whole input, which is a vector"
        return
    inputs = _inputs(graph, field.path)
    if field.whole:
        yield "field", f"all of {inputs}" if len(graph.inputs) > 1 else f"the whole input, {sides}"
    elif not field.windows:
        yield "field", f"nothing of {inputs}"
    else:
        yield "size", _each(field.size)
        yield "stride", _each(field.stride)
        yield "padding", _each(field.padding)
        yield "centre", f"{', '.join(f'{c:g}' for c in field.center)} at position 0"
    for join in _on_the_way(graph, field):
        yield "misaligned", f"{join.path} joins branches centred at {join}"
    place = f"position {', '.join(map(str, region.position))}" if region.position else "reads"
    yield place, f"{_box(region.clipped)} of {inputs}"
    if not region.inside:
        yield "", f"{_box(region.unclipped)} if nothing ended at an edge"


def _inputs(graph: Graph, path: str) -> str:
    """The inputs that a field is counted on: of several those that the layer reads, by name."""
    counted = coordinates(graph)
    if len(graph.inputs) == 1:
        return f"the input's {show(*counted.values())}"
    before = _before(graph, path)
    read = {name: sides for name, sides in counted.items() if name in before} or counted
    return " and ".join(f"{name}'s {show(sides)}" for name, sides in read.items())


def _on_the_way(graph: Graph, field: LayerField) -> list[Misalignment]:
    """The misaligned joins that the layer's field came through."""
    if not field.misaligned:
        return []
    before = _before(graph, field.path)
    return [m for m in misalignments(graph) if m.path in before]


def _before(graph: Graph, path: str) -> set[str]:
    """A layer, and all layers and inputs that it depends on."""
    found = {path}
    for node in reversed(graph.nodes):
        if node.path in found:
            found.update(node.inputs)
    return found


def _each(numbers: tuple[int | Fraction, ...]) -> str:
    return " x ".join(str(n) if isinstance(n, int) else f"{float(n):.4g}" for n in numbers)


def _box(box: tuple[Interval, ...] | None) -> str:
    if box is None:
        return "nothing"
    names = ("rows", "columns") if len(box) == 2 else ("tokens",)
    sides = zip(names, box, strict=True)
    return ", ".join(f"{name} {first} to {last}" for name, (first, last) in sides)


def _plain(box: tuple[Interval, ...] | None) -> list[list[int]] | None:
    return None if box is None else [list(interval) for interval in box]
