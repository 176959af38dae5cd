"""The filters of a convolution as a grid, as in figure 3 of Krizhevsky et al. 2012."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.backends.drawing.paths import listed
from archdsl.backends.features.sheet import Panel, Sheet, square
from archdsl.backends.features.tiles import about_mean
from archdsl.errors import BuildError, Diagnostic, suggestion
from archdsl.ir.graph import Graph, Node

TILES = 1024  # that a sheet has at most
CHANNELS = 16  # of a filter that are shown, where they do not make a colour


def layer_with_filters(graph: Graph, path: str) -> Node:
    """The layer of this path.

    Raises:
        BuildError: it has no filters, or there is none; the message names some that have.
    """
    node = graph.by_path.get(path)
    if node is not None and node.op.has_filters:
        return node
    known = [n.path for n in graph.nodes if n.op.has_filters]
    label = f"`{path}` is no layer" if node is None else f"`{node.op.name}` has no filters"
    near = suggestion(path, known) if node is None else ""
    have = f"filters are in {listed(known)}" if known else "the network has no layer with filters"
    raise BuildError(Diagnostic("A711", None, f"{label}; {have}", help=near))


def first_with_filters(graph: Graph) -> Node | None:
    """The first layer that filters an input with windows of more than one position."""
    given = {i.name for i in graph.inputs}
    for node in graph.nodes:
        if node.inputs[0] in given and node.op.has_filters:
            weights = (w.shape[2:] for w in node.weights.values() if w.role == "kernel")
            if any(max(sides) > 1 for sides in weights):
                return node
    return None


def filters(graph: Graph, path: str, weights: Mapping[str, Any]) -> Sheet:
    """The filters of a layer, in the order of the output channels.

    One that reads three channels is a tile in colour, one that reads one a tile in grey; one that
    reads others is a row of grey tiles, a channel each, of the first 16. Each filter is scaled to
    its own range about its mean (`archdsl.backends.features.tiles.about_mean`).

    Args:
        graph: the network.
        path: of the layer.
        weights: arrays of the layer's weights, by their keys in the `state_dict`.

    Raises:
        BuildError: the layer has no filters.
    """
    import numpy as np

    node = layer_with_filters(graph, path)
    own = {name: np.asarray(weights[node.key(name)]) for name in node.weights}
    bank = node.op.filters_of(own, node.input_shapes, node.shape)
    count, width, rows, columns = bank.shape
    shown_channels = 1 if width in (1, 3) else min(width, CHANNELS)
    shown = min(count, TILES // shown_channels)
    pixels = about_mean(bank[:shown])
    if width == 3:  # the red of a pixel is that of the first channel, and so on
        tiles = _colored(bank[:shown], pixels)
    else:
        tiles = pixels[:, :shown_channels].reshape(-1, rows, columns, 3)
    notes: list[str] = []
    if shown < count:
        notes.append(f"{shown:,} of the {count:,} filters of `{path}` are shown, the first")
    if shown_channels < width and width != 3:
        notes.append(f"{shown_channels} of the {width:,} channels of each are shown, the first")
    broken = int((~np.isfinite(bank)).sum())
    if broken:
        are = "is no finite number" if broken == 1 else "are no finite numbers"
        notes.append(f"{broken:,} of the weights of `{path}` {are}; drawn in magenta")
    across = square(shown) if shown_channels == 1 else shown_channels
    how = "each about its mean" if bank[0].size > 1 else "0 is grey"
    title = f"{count:,} filters {width}x{rows}x{columns}, {how}"
    if shown < count:
        title += f"; the first {shown:,}"
    if shown_channels > 1:
        some = "" if shown_channels == width else f", {shown_channels} of its {width:,} channels"
        title += f"; a row a filter{some}"
    panel = Panel(title, path, tiles, across, tuple(range(shown)), count)
    return Sheet(f"{graph.name}, {path}: {node.op.text()}", (panel,), tuple(notes))


def _colored(bank: Any, pixels: Any) -> Any:
    """Three grey tiles as one in colour; magenta where any of them is broken."""
    import numpy as np

    from archdsl.backends.features.tiles import BROKEN

    found = np.moveaxis(pixels[..., 0], 1, -1).copy()
    found[~np.isfinite(bank).all(1)] = BROKEN
    return found
