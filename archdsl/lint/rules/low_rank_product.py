"""L102."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.chains import pairs
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class LowRankProduct(NetworkRule):
    """Two linear layers that are one of a lower rank, or of shared weights.

    `fc 1000; fc 10; fc 1000` with nothing between them but a narrow middle is one 1000 to 1000
    layer whose matrix has rank 10 at most: its outputs lie in a 10-dimensional space. That may be
    the point, to save weights (Denil et al. 2013; the linear bottleneck of MobileNetV2, Sandler et
    al. 2018, section 3.2), and so this is a hint. If it is not, L101 says what to do.

    Bad:

        input 1000
        fc 10; fc 1000; relu
        fc 5

    Good:

        input 1000
        fc 10; relu; fc 1000; relu
        fc 5
    """

    code: ClassVar[str] = "L102"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The second layer of each pair."""
        for pair in pairs(net):
            if pair.grouped or not pair.factored:
                continue
            before, middle, after = pair.widths
            single = pair.single
            told = f"together they are a {before:,} to {after:,} layer of rank {middle:,} at most"
            if not pair.narrow:
                words = single.words if single else "layer"
                told = f"together they are one {words}, its weights shared"
            if single is not None and single.parameters > pair.parameters:
                told += f": {pair.parameters:,} weights in place of {single.parameters:,}"
            note = ((pair.first, "the linear layer before it"),)
            yield Hit(pair.second, told, "fine if that is the point", notes=note)
