"""L505."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.shapes import elements
from archdsl.lint.kernels import window
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_THIN = 4


class ThinGroups(NetworkRule):
    """Groups of two or three channels.

    Groups save multiply-adds, but not the reading and writing of the maps, and that is what then
    takes the time: eight groups that do as many multiply-adds as one take more than twice as long
    on a GPU (Ma et al. 2018, "ShuffleNet V2", guideline 2). Groups of two or three channels leave
    most of the tiles empty in which hardware multiplies, and mix next to nothing. ResNeXt stops at
    four (Xie et al. 2016, table 2); one channel a group is a depthwise convolution, for which
    libraries have code of its own.

    Bad:

        input 3x32x32
        conv 3x3 64; relu
        conv 3x3 64 groups=32; relu; conv 1x1 64; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu
        dwconv 3x3; relu; conv 1x1 64; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L505"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The grouped convolutions that are thin and not depthwise."""
        for node in net.nodes:
            found = window(net, node)
            if found is None or found.groups == 1 or not 1 < found.kernel[1] < _THIN:
                continue
            moved = elements(node.input_shapes[0]) + elements(node.shape) + prod(found.kernel)
            each = node.cost.macs / moved
            whole = moved + (found.groups - 1) * prod(found.kernel)
            dense = found.groups * node.cost.macs / whole
            label = (
                f"{found.groups:,} groups of {found.kernel[1]}: {each:.3g} multiply-adds for each"
            )
            label += f" value read or written; in one group {dense:.3g}"
            yield Hit(node, label, "four channels a group, or one, as a depthwise layer has")
