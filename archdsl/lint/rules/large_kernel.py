"""L502."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.shapes import show
from archdsl.lint.kernels import window
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_WORTH = 0.9


class LargeKernel(NetworkRule):
    """A large kernel at stride 1 that several 3x3 replace.

    Two 3x3 see 5x5, three see 7x7, with 18 C² weights in place of 25 C² and 27 C² in place of
    49 C², and with an activation between them more (Simonyan & Zisserman 2014, section 2.3). The
    rule counts with the channels that are there, the wider of both sides in between, and is silent
    where a tenth is not saved: a layer that reads few channels is better large.

    Bad:

        input 3x32x32
        conv 3x3 64; relu
        conv 7x7 64; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu
        { conv 3x3 64; relu } x3
        gap; fc 10
    """

    code: ClassVar[str] = "L502"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The square convolutions from 5x5 on, neither grouped nor dilated."""
        for node in net.nodes:
            found = window(net, node)
            if found is None or not found.dense or found.stride != 1 or found.side < 5:
                continue
            count, rest = divmod(found.side - 1, 2)
            wide = max(found.inputs, found.outputs)  # in between: nothing is squeezed
            stacked = 9 * wide * (found.inputs + (count - 2) * wide + found.outputs)
            own = prod(found.kernel)
            if rest == 0 and stacked <= _WORTH * own:
                size = show((found.side, found.side))
                label = f"{own:,} weights; {count} of 3x3 that see {size} too have {stacked:,}"
                yield Hit(node, label, "with an activation behind each")
