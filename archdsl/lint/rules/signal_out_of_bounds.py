"""L407."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.analyses.depth import has_kernel
from archdsl.errors import Level
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_LEAST, _MOST = 1e-4, 1e4


class SignalOutOfBounds(NetworkRule):
    """Values that vanish or explode on their way through the network as training starts.

    A layer multiplies the mean square of what comes in by fan times the variance of its weights,
    and a ReLU halves it: at 2/fan it stays (He et al. 2015, "Delving Deep", section 2.2). What
    PyTorch starts with unless told otherwise is 1/(3 fan): a sixth is left behind each ReLU, and
    soon the biases are all there is. Where so little of the input arrives, all inputs look alike
    to the last layers; where it explodes, so does the loss.

    The figure is computed through the graph from each layer's `init`, or PyTorch's own, for inputs
    of mean 0 and variance 1, up to the last layer with weights; averages over positions are taken
    to keep it. Beyond a factor of 10,000 either way it is told, at the layer that passes it.

    Bad:

        input 784
        init normal 0.01 bias=0
        { fc 500; relu } x5
        fc 10

    Good:

        input 784
        init he
        { fc 500; relu } x5
        fc 10
    """

    code: ClassVar[str] = "L407"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The first layer of the way to the head beyond the bounds, if the head is too."""
        way = net.shortest
        last = max((i for i, node in enumerate(way) if has_kernel(node)), default=0)
        before = way[:last]
        if not before or _LEAST <= net.signals[before[-1].path].mean_square <= _MOST:
            return
        end = net.signals[before[-1].path].mean_square
        for node in before:
            here = net.signals[node.path].mean_square
            if here < _LEAST if end < _LEAST else here > _MOST:
                label = f"mean square {here:.2g} here, {end:.2g} in front of {way[last].path}"
                label += ", where the input's is 1"
                help = "choose an `init` that keeps it, as `init he`, or normalise on the way"
                yield Hit(node, label, help)
                return
