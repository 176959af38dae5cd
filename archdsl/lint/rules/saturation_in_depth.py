"""L402."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log10
from typing import ClassVar

from archdsl.analyses.depth import has_kernel
from archdsl.errors import Level
from archdsl.ir.curve import STANDARD, Curve
from archdsl.ir.graph import Node
from archdsl.ir.op import curve_of
from archdsl.ir.signal import ZERO, Signal
from archdsl.lint.paths import normalizes
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_LEAST = -3.0  # the logarithm of what a gradient may keep of its length
_FEWEST = 4
_TINY = 1e-300  # whose logarithm is a number


class SaturationInDepth(NetworkRule):
    """Gradients vanish through activations that level off on both sides.

    A sigmoid's slope is 0.25 at most, so n of them let at most 0.25^n of a gradient through: 0.001
    of it through five (Hochreiter 1991; Glorot & Bengio 2010, section 3.1, see deep sigmoid
    networks stand still for long). A tanh's is 1 at zero and less elsewhere, and weights that start
    smaller than 1/fan in variance, as PyTorch's default of 1/(3 fan), take their share.

    The figure is that of the start of training: for each activation the root of its mean square
    slope on the values that come in, for each layer of weights between two of them the root of its
    fan times their mean square. It runs along the shortest way to the last layer with weights, so
    that shortcuts count, gates beside one do not, and each normalisation starts anew, for it scales
    gradients up as it does values. Told where four or more leave less than a thousandth.

    Bad:

        input 784
        init glorot
        { fc 200; sigmoid } x6
        fc 10

    Good:

        input 784
        init he
        { fc 200; relu } x6
        fc 10
    """

    code: ClassVar[str] = "L402"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The first activation of each stretch without normalisation that lets too little pass."""
        for stretch in _stretches(net):
            acts = stretch.saturating
            if len(acts) < _FEWEST or 2 * len(acts) < stretch.activations:
                continue  # where the others are the most, so is their part
            if stretch.kept < _LEAST:
                kept = 10 ** max(stretch.kept, -300)
                label = f"{len(acts):,} such activations and the weights between them"
                label += f" give back {kept:.1g} of a gradient as training starts"
                steepest = _curve(acts[0]).steepest
                if steepest < 0.99:
                    label += f"; the slope here is {steepest:.2g} at most"
                help = "an activation that does not level off, shortcuts, or normalisation pass it"
                yield Hit(acts[0], label, help)


@dataclass(eq=False)
class _Stretch:
    """Layers that follow one another up to one with weights, no normalisation among them."""

    saturating: list[Node] = field(default_factory=list[Node])
    activations: int = 0
    kept: float = 0.0
    """The logarithm of the factor from behind the last activation to in front of the first."""


def _stretches(net: NetworkView) -> Iterator[_Stretch]:
    """The stretches of the shortest way; activations in front of a layer with weights alone."""
    stretch = _Stretch()
    acts: list[Node] = []  # since the last layer with weights, whose own factor is `gain`
    gain = 0.0
    for node in net.shortest:
        if normalizes(node):
            yield stretch
            stretch, acts, gain = _Stretch(), [], 0.0
        elif has_kernel(node):
            if acts:
                slopes = sum(_slope(act, net.signals[act.inputs[0]]) for act in acts)
                stretch.kept += slopes + (gain if stretch.activations else 0.0)
                stretch.activations += len(acts)
                stretch.saturating += [act for act in acts if _curve(act).saturates]
                gain = 0.0
            acts, gain = [], gain + _gain(node)
        elif curve_of(node.op) is not None:  # pyright: ignore[reportArgumentType]
            acts.append(node)
    yield stretch


def _curve(node: Node) -> Curve:
    curve = curve_of(node.op)  # pyright: ignore[reportArgumentType]
    assert curve is not None, "asked of activations alone"
    return curve


def _slope(node: Node, x: Signal) -> float:
    """The logarithm of the root mean square of an activation's slope."""
    return log10(max(_curve(node).mean_square_slope(x), _TINY)) / 2


def _gain(node: Node) -> float:
    """The logarithm of what weights make of the length of a difference; 0 if it is not known."""
    if not node.op.is_affine or len(node.inputs) != 1:
        return 0.0
    one, none = (
        node.op.signal((x,), node.starts, node.input_shapes, node.shape).mean_square
        for x in (STANDARD, ZERO)
    )
    return log10(max(one - none, _TINY)) / 2
