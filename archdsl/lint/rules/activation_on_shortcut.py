"""L405."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.residuals import residuals
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class ActivationOnShortcut(NetworkRule):
    """An activation on the shortcut.

    A shortcut is there to carry values forward and gradients back as they are: x + F(x) has a part
    of slope 1 whatever F does, and so has a sum over many blocks. A ReLU on it stops both for every
    value below zero. He et al. (2016), "Identity Mappings", section 3, find every change to the
    identity they tried to make training worse, and put what activates in front of the branch. A
    projection where the shape changes stays linear too (He et al. 2015, section 3.3).

    Bad:

        input 3x32x32
        conv 3x3 64
        residual { relu; conv 3x3 128; relu; conv 3x3 | conv 1x1 128; relu }
        relu; gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64
        residual { relu; conv 3x3 128; relu; conv 3x3 | conv 1x1 128 }
        relu; gap; fc 10
    """

    code: ClassVar[str] = "L405"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The activations between the tensor that a block starts from and its sum."""
        for residual in residuals(net):
            for node in residual.shortcut:
                if node.op.family == "activation":
                    label = f"on the way past the branch to {residual.sum.path}"
                    yield Hit(node, label, "keep the shortcut linear; activate in the branch")
