"""L406."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10, sqrt
from typing import ClassVar

from archdsl.analyses.depth import has_kernel
from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.op import curve_of
from archdsl.lint.paths import normalizes
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_FITS = (0.6, 1.7)  # one layer's factor; ELU behind Glorot's is 0.65, which does not add up to much
_MOST = 1.0  # of its logarithm
_PASS = ("pooling", "reshape", "regularization")  # what may stand between, and changes little


class MisfitInitialization(NetworkRule):
    """An initialisation that does not fit the activation behind it.

    Glorot's variance of 1/fan keeps the mean square through a layer whose activation is linear
    around zero, as tanh is (Glorot & Bengio 2010, section 4.2.1). A ReLU drops half of it, so each
    such layer keeps 0.5, and ten keep 0.001; He's variance of 2/fan makes up for that (He et al.
    2015, "Delving Deep", section 2.2). The rule looks at `init` where the spec says it and the
    spread goes by the width, and multiplies the factors along the shortest way from one
    normalisation to the next, which sets the scale anew. Beyond a factor of 10 it is told.

    Bad:

        input 784
        init glorot
        { fc 500; relu } x5
        fc 10

    Good:

        input 784
        init he
        { fc 500; relu } x5
        fc 10
    """

    code: ClassVar[str] = "L406"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The first of the misfits that follow one another and together go beyond the bound."""
        found: list[_Misfit] = []
        last: Node | None = None  # a layer with weights, and nothing but what passes them on since
        for node in net.shortest:
            if normalizes(node):
                yield from _told(found)
                found, last = [], None
            elif has_kernel(node):
                last = node
            elif node.op.family not in _PASS:
                found += _misfit(last, node) if last else []
                last = None
        yield from _told(found)


@dataclass(frozen=True, eq=False)
class _Misfit:
    """A layer, the activation behind it, and the factor that both make of the mean square."""

    layer: Node
    activation: Node
    factor: float


def _misfit(layer: Node, activation: Node) -> list[_Misfit]:
    """The two as a misfit, if they are one."""
    curve = curve_of(activation.op)  # pyright: ignore[reportArgumentType]
    own = [
        layer.init[k] for k, w in layer.weights.items() if w.role == "kernel" and k in layer.init
    ]
    keeps = own[0].keeps() if len(own) == 1 else None
    if keeps is None or curve is None or curve.saturates:
        return []  # what levels off on both sides keeps values from growing by itself
    factor = keeps * curve.signal().mean_square
    return [] if _FITS[0] <= factor <= _FITS[1] else [_Misfit(layer, activation, factor)]


def _told(found: list[_Misfit]) -> Iterator[Hit]:
    together = sum(log10(misfit.factor) for misfit in found)  # their product could underflow
    if abs(together) <= _MOST:
        return
    first = found[0]
    label = f"{first.activation.path} gives on {first.factor:.2g} of the mean square that comes in"
    label += f" here, {len(found):,} such layers {10 ** max(-300, min(together, 300)):.1g} of it"
    help = f"{1 / sqrt(first.factor):.3g} times as large weights keep it; before a ReLU, `init he`"
    yield Hit(first.layer, label, help)
