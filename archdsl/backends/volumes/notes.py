"""What the user wants to be seen of the volumes: quantities below them, and what stands out."""

from __future__ import annotations

from functools import reduce
from operator import add

from archdsl.analyses import cost
from archdsl.analyses.cost import NOTHING
from archdsl.analyses.receptive_field import Field, fields, reach
from archdsl.backends.drawing.options import Mark, Options
from archdsl.backends.drawing.paths import check_paths
from archdsl.backends.volumes.figure import Series, Volume, volumes_of
from archdsl.ir import Graph
from archdsl.ir.shapes import elements
from archdsl.quantity import show_bytes, show_count

BYTES = 4  # of a number in 32 bits


def annotate(graph: Graph, series: Series, options: Options) -> None:
    """Write the notes of `label_with` to the volumes, and mark those of `highlight`.

    Raises:
        SpecError: a path is none of the network's.
    """
    check_paths(graph, options.highlight, inputs=True)
    found = fields(graph) if "field" in options.label_with else {}
    for volume in volumes_of(series):
        volume.highlighted = any(_within(p, h) for h in options.highlight for p in volume.paths)
        if volume.look != "input" or "path" in options.label_with:
            notes = (_note(mark, graph, volume, found) for mark in options.label_with)
            volume.notes = tuple(filter(None, notes))


def _within(path: str, scope: str) -> bool:
    return path == scope or path.startswith(f"{scope}.")


def _note(mark: Mark, graph: Graph, volume: Volume, found: dict[str, Field]) -> str:
    """One quantity of all layers that a volume stands for; its memory is the tensor itself."""
    nodes = [graph.by_path[p] for p in volume.paths if p in graph.by_path]
    totals = reduce(add, map(cost.of_node, nodes), NOTHING)
    match mark:
        case "params":
            return f"{show_count(totals.params)} params" if totals.params else ""
        case "macs":
            return f"{show_count(totals.macs)} MACs" if totals.macs else ""
        case "memory":
            return show_bytes(BYTES * elements(volume.shape))
        case "field":
            return f"field {reach(found[nodes[-1].path])}" if nodes else ""
        case "path":
            return volume.id.removeprefix("input/")
