"""L503."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.kernels import Window, window
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_WIDE = 256


class WideSquareKernels(NetworkRule):
    """Wide 3x3 convolutions in a row that a bottleneck could replace.

    From C to C channels a 3x3 has 9 C² weights. A 1x1 to C/4, a 3x3 there and a 1x1 back have
    C²/4 + 9 C²/16 + C²/4 = 1.0625 C², 8.5 times fewer, with two activations more (He et al. 2015,
    "Deep Residual Learning", section 4.1: that is how ResNet-50 has about the cost of ResNet-34).
    Worth a thought from 256 channels on, where two such layers follow one another.

    Bad:

        input 3x32x32
        conv 3x3 256; relu; conv 3x3 256; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 256; relu
        conv 1x1 64; relu; conv 3x3 64; relu; conv 1x1 256; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L503"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The 3x3 convolutions that keep many channels, behind another of that width."""
        behind: dict[str, int] = {}  # the width of the 3x3 that a tensor comes from, on its own
        for node in net.nodes:
            found = window(net, node)
            before = behind.get(node.inputs[0]) if len(node.inputs) == 1 else None
            if found is None:
                if before is not None and net.kernel(node) is None:
                    behind[node.path] = before
                continue
            if not (found.dense and found.side == 3):
                continue
            behind[node.path] = found.outputs
            if before == found.outputs and _replaceable(found):
                own, width = 9 * found.inputs**2, found.inputs // 4
                less = 2 * found.inputs * width + 9 * width**2
                label = f"{own:,} weights; a 1x1 to {width}, a 3x3 and a 1x1 back have {less:,}"
                yield Hit(node, label, "a bottleneck, if parameters or time are short")


def _replaceable(found: Window) -> bool:
    return found.stride == 1 and found.inputs == found.outputs >= _WIDE
