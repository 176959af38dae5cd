"""L204."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.op import curve_of
from archdsl.lint.ranges import Bounds, acts, arriving
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class ActivationAfterActivation(NetworkRule):
    """An activation right behind an activation.

    The second one sees only what the first one lets through: a sigmoid behind a ReLU gives nothing
    below 1/2, a softmax behind a ReLU cannot tell the classes that were below zero apart. What both
    do together one function does, and gradients pass through two slopes. Usually a linear layer
    between them was forgotten, or a block that ends in an activation was followed by another one.

    A rectification by the absolute value behind an odd function is meant (Jarrett et al. 2009), and
    an activation that changes nothing at all is L205.

    Bad:

        input 784
        fc 100; relu; sigmoid
        fc 10

    Good:

        input 784
        fc 100; relu
        fc 10
    """

    code: ClassVar[str] = "L204"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The second of each two, unless it changes nothing."""
        bounds = arriving(net)
        for node in net.nodes:
            before = net.before(node)
            if before is None or net.after(before) is not node:
                continue
            if {node.op.family, before.op.family} != {"activation"}:
                continue
            curve = curve_of(node.op)  # pyright: ignore[reportArgumentType]
            if curve is not None and curve.of(-1) == curve.of(1):
                continue
            if acts(node, bounds[node.path]):
                label = f"`{before.name}` gives it {_words(bounds[node.path])}"
                yield Hit(node, label, "keep one of them", notes=((before, "the first one"),))


def _words(bounds: Bounds) -> str:
    low, high = bounds
    if -inf < low and high < inf:
        return f"values from {low:.3g} to {high:.3g} alone"
    if low > -inf:
        return f"no value below {low:.3g}"
    return f"no value above {high:.3g}" if high < inf else "values that one function could give"
