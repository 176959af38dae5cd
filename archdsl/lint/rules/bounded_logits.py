"""L206."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node, Output
from archdsl.ir.shapes import channels
from archdsl.ir.training import Training
from archdsl.ir.training.learning import Loss
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class BoundedLogits(NetworkRule):
    """A bounded function in front of a loss that has its own.

    Cross entropy takes logits, any numbers, and applies the softmax itself. Behind a softmax they
    lie between 0 and 1, and over C classes the loss cannot fall below log(1 + (C - 1)/e): 1.461 for
    ten classes, 5.91 for a thousand, however right the network is; and where it is surely wrong,
    next to no gradient comes through the first softmax. So it is with a sigmoid in front of binary
    cross entropy, which is never below log 2 for a no. The rule looks at the losses of `train`; a
    network without that section may end in a softmax, for those who read it.

    Bad:

        input 784
        fc 100; relu; fc 10; softmax
        train { loss cross_entropy }

    Good:

        input 784
        fc 100; relu; fc 10
        train { loss cross_entropy }
    """

    code: ClassVar[str] = "L206"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers behind which an output's loss has a floor."""
        training = net.graph.training
        for output in net.graph.outputs:
            node = _last(net, net.graph.by_path.get(output.node))
            if training is None or node is None:
                continue
            low, high = node.op.bounds()
            for loss in _losses(training, output) if -inf < low and high < inf else ():
                least = loss.least(low, high, channels(output.shape))
                if least > _NOTHING:
                    label = f"on values from {low:.3g} to {high:.3g} "
                    label += f"`loss {loss.name}` stays above {least:.3f}"
                    yield Hit(node, label, "let the network end before it")


_NOTHING = 0.01


def _last(net: NetworkView, node: Node | None) -> Node | None:
    """The layer that makes an output's values, past those that only move them."""
    while node is not None and node.op.family == "reshape":
        node = net.before(node)
    return node


def _losses(training: Training, output: Output) -> list[Loss]:
    """The losses of an output; an auxiliary one has the main one's if it has none of its own."""
    own = [loss for loss in training.losses if loss.output == output.name]
    if own or output.kind != "auxiliary":
        return own
    return [loss for loss in training.losses if loss.output == "out"]
