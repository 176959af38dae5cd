"""L205."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import ClassVar

from archdsl.errors import Level
from archdsl.lint.ranges import acts, arriving
from archdsl.lint.rule import Fix, Hit, NetworkRule
from archdsl.lint.view import NetworkView


class ActivationWithoutEffect(NetworkRule):
    """An activation that gives every value as it comes.

    A ReLU behind a ReLU changes nothing, nor does a ReLU6 behind a sigmoid: all that can come in
    lies where the function is the identity. Between the two may be what keeps the range of values,
    such as pooling, dropout or a change of layout. It costs a pass over the memory, and misleads
    the reader. The mend takes it out.

    Bad:

        input 3x32x32
        conv 3x3 64; relu; maxpool 2x2; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu; maxpool 2x2
        gap; fc 10
    """

    code: ClassVar[str] = "L205"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The activations that are the identity on all that can come in."""
        bounds = arriving(net)
        for node in net.nodes:
            if node.op.family != "activation" or acts(node, bounds[node.path]):
                continue
            low, high = bounds[node.path]
            words = f"from {low:g} to {high:g}" if high < inf else f"from {low:g} up"
            edit = net.removal(node)
            fix = Fix("take it out", (edit,), lambda op: None) if edit else None
            yield Hit(
                node, f"all that comes in lies {words} and stays as it is", "take it out", fix=fix
            )
