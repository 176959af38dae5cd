"""L304."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class PoolOfOne(NetworkRule):
    """A pool that has one value to choose from.

    The largest, and the mean, of one value is the value. On a map of 1x1, or with a kernel of 1x1,
    a pool changes nothing: it is left over from a larger input, or its kernel was forgotten.

    Bad:

        input 3x32x32
        conv 3x3 16; relu; avgpool 32x32
        maxpool 3x3 stride=1 pad=1
        fc 10

    Good:

        input 3x32x32
        conv 3x3 16; relu; avgpool 32x32
        fc 10
    """

    code: ClassVar[str] = "L304"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The pools with a window of one value."""
        for node in net.nodes:
            slide = node.op.slides(node.input_shapes, node.shape)
            if slide is None or node.op.family != "pooling" or slide.stride != (1, 1):
                continue
            sides = zip(slide.kernel, node.input_shapes[0][1:], strict=True)
            if all(1 in (kernel, side) for kernel, side in sides):
                yield Hit(node, "every window holds one value", "take it out")
