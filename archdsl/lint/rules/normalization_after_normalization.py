"""L203."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class NormalizationAfterNormalization(NetworkRule):
    """A normalisation right behind a normalisation.

    What the first one has brought to mean 0 and variance 1, the second one brings there again: of
    the first, little but its cost is left. Of two batch normalisations even the gain and the shift
    of the first vanish in the statistics of the second. Usually one was put in when a block changed
    hands. A normalisation with a second reader, such as the start of a shortcut, is no finding.

    Bad:

        input 3x32x32
        conv 3x3 64 bias=false; bn; ln; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L203"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The second of each two."""
        for node in net.nodes:
            before = net.before(node)
            if before is None or net.after(before) is not node:
                continue
            if _normalizes(node) and _normalizes(before):
                label = f"`{before.name}` has just normalised this"
                yield Hit(node, label, "keep one of them", notes=((before, "the first one"),))


def _normalizes(node: Node) -> bool:
    return node.op.normalizes(node.input_shapes, node.shape) is not None
