"""L303."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.records import Slide
from archdsl.ir.shapes import show
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class KernelInPadding(NetworkRule):
    """A kernel that lies mostly in the padding.

    On a map about as small as itself a kernel meets more zeros than values: on 1x1, eight of the
    nine weights of a padded 3x3 are multiplied by zero at every position. They cost parameters and
    work, and get no gradient. A 1x1 convolution says the same, or the map has been made too small.

    Bad:

        input 3x8x8
        { conv 3x3 32 stride=2; relu } x3
        conv 3x3 64; relu
        gap; fc 10

    Good:

        input 3x32x32
        { conv 3x3 32 stride=2; relu } x3
        conv 3x3 64; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L303"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers of whose taps fewer than half lie on the map, over all positions."""
        for node in net.nodes:
            slide = node.op.slides(node.input_shapes, node.shape)
            if slide is None or net.kernel(node) is None:
                continue
            inside = _inside(node, slide, 0) * _inside(node, slide, 1)
            if inside < 0.5:
                at = show(node.input_shapes[0][1:])
                label = f"on {at}, {1 - inside:.0%} of what this kernel reads is padding"
                yield Hit(node, label, "use a smaller kernel, or shrink the map less before")


def _inside(node: Node, slide: Slide, axis: int) -> float:
    """The share of the taps, over all positions, that fall on the map along one axis.

    Of a large map only the ends matter, so few positions are looked at.
    """
    n, m, k = node.input_shapes[0][axis + 1], node.shape[axis + 1], slide.kernel[axis]
    if n >= 2 * slide.dilation[axis] * k:
        return 1.0  # more than half of it, whatever the padding
    first = (slide.stride[axis] * i - slide.pad[axis] for i in range(m))
    taps = [at + slide.dilation[axis] * j for at in first for j in range(k)]
    return sum(0 <= tap < n for tap in taps) / len(taps)
