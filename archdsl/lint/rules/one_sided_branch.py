"""L404."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.residuals import residuals
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class OneSidedBranch(NetworkRule):
    """A residual branch ends in an activation that gives one sign alone.

    What is added to the shortcut should be able to raise and to lower it. Behind a ReLU it can only
    raise it, and so the sums grow from block to block. He et al. (2016), "Identity Mappings",
    section 4.1 and table 2, measure it: with the ReLU before the addition ResNet-110 errs on 7.84%
    of CIFAR-10, with the ReLU behind it on 6.61%. The activation goes behind the addition, or in
    front of the branch's first layer.

    Bad:

        input 3x32x32
        conv 3x3 64; relu
        residual { conv 3x3; relu; conv 3x3; relu }
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu
        residual { conv 3x3; relu; conv 3x3 }; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L404"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The last layer of each branch, if its values are never below zero, or never above."""
        for residual in residuals(net):
            if any(node.op.family == "activation" for node in residual.shortcut):
                continue  # two branches that end alike; what is on the shortcut is another rule's
            for end in residual.ends:
                low, high = end.op.bounds()
                if end.op.family == "activation" and (low >= 0 or high <= 0):
                    label = f"{residual.sum.path} can only {'raise' if low >= 0 else 'lower'}"
                    label += " what the shortcut carries"
                    yield Hit(end, label, "put it behind the addition, or leave it out")
