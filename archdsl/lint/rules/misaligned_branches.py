"""L305."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.analyses.receptive_field import misalignments
from archdsl.errors import Level
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class MisalignedBranches(NetworkRule):
    """Branches that look at different places are joined as if they looked at one.

    The same position of two tensors should see the same part of the picture. Where paddings differ
    (an even kernel, `pad=0` beside `pad=1`, zeros on one side only) the centres of what they see
    lie apart, and the sum or the concatenation mixes neighbours.

    Bad:

        input 3x32x32
        conv 3x3 16; relu
        concat { conv 2x2 16 pad=0 | crop 31x31; conv 1x1 16 }
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 16; relu
        concat { conv 3x3 16 | conv 1x1 16 }
        gap; fc 10
    """

    code: ClassVar[str] = "L305"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """Every join whose branches have other centres or strides."""
        for found in misalignments(net.graph):
            node = net.graph.by_path[found.path]
            yield Hit(node, f"position 0 of the branches is centred at {found}")
