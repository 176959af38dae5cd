"""What `archdsl summary --field-at` tells: one layer's field, one position's region, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from archdsl.analyses.receptive_field import LayerField, Misalignment, misalignments
from archdsl.analyses.region import Interval, Region, extent
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
    if field.whole:
        yield "field", f"the whole input, {sides}"
    elif not field.windows:
        yield "field", "nothing of the inputs that have the most axes"
    else:
        yield "size", _each(field.size)
        yield "stride", _each(field.stride)
        yield "padding", _each(field.padding)
        yield "centre", f"{', '.join(f'{c:g}' for c in field.center)} at position 0"
    for join in _on_the_way(graph, field):
        yield "misaligned", f"{join.path} joins branches centred at {join}"
    place = f"position {', '.join(map(str, region.position))}" if region.position else "reads"
    yield place, f"{_box(region.clipped)} of the input's {sides}"
    if not region.inside:
        yield "", f"{_box(region.unclipped)} if nothing ended at an edge"


def _on_the_way(graph: Graph, field: LayerField) -> list[Misalignment]:
    """The misaligned joins that the layer's field came through."""
    if not field.misaligned:
        return []
    wanted = {field.path}
    for node in reversed(graph.nodes):
        if node.path in wanted:
            wanted.update(node.inputs)
    return [m for m in misalignments(graph) if m.path in wanted]


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
