"""Between which numbers values lie, as far as the layers before them say."""

from __future__ import annotations

from math import inf

from archdsl.ir.graph import Node
from archdsl.ir.op import curve_of
from archdsl.lint.view import NetworkView

Bounds = tuple[float, float]
_KEEP = ("pooling", "reshape", "regularization")  # what gives values that came in, means, or zeros


def arriving(net: NetworkView) -> dict[str, Bounds]:
    """The bounds of what each layer that reads one tensor is given, by path."""
    leaving: dict[str, Bounds] = {}
    found: dict[str, Bounds] = {}
    for node in net.nodes:
        if len(node.inputs) != 1:
            continue
        low, high = found[node.path] = leaving.get(node.inputs[0], (-inf, inf))
        own = node.op.bounds()
        if own != (-inf, inf):
            leaving[node.path] = own
        elif node.op.family in _KEEP:
            grown = 1 / (1 - node.op.drops())  # what is kept of a dropout is scaled up
            leaving[node.path] = (min(low, 0.0) * grown, max(high, 0.0) * grown)
    return found


def acts(node: Node, bounds: Bounds) -> bool:
    """Whether an activation changes any value within bounds; a learned one always may."""
    if node.weights:
        return True
    curve = curve_of(node.op)  # pyright: ignore[reportArgumentType]
    return curve is None or not curve.keeps(*bounds)
