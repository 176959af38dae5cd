"""L201."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.op import Op
from archdsl.lint.rule import Fix, Hit, NetworkRule
from archdsl.lint.view import NetworkView


class BiasBeforeNormalization(NetworkRule):
    """A bias in front of a normalisation that takes it off again.

    Batch normalisation subtracts each channel's mean, and with it any constant that was added to
    the channel; its own shift does the bias's work (Ioffe & Szegedy 2015, section 3.2). The bias
    costs a parameter a channel, memory for its gradient and an addition, and its gradient is zero.
    So it is with instance normalisation, and with group normalisation whose groups are one channel.
    Layer normalisation takes off the mean over the channels, and leaves what they differ in: there
    a bias is of use.

    The mend leaves the bias out, which leaves the function that the network can learn as it is.
    Weights that were trained with the bias do not load any more: keep it, with a reason, where such
    weights are to be loaded.

    Bad:

        input 3x32x32
        conv 3x3 64; bn; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64 bias=false; bn; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L201"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers whose bias is read by such a normalisation alone."""
        for node in net.nodes:
            before = net.before(node)
            if before is None or net.after(before) is not node:
                continue
            found = node.op.normalizes(node.input_shapes, node.shape)
            if found is None or found.group > 1 or not found.centers or net.kernel(before) is None:
                continue
            biases = [w.shape for w in before.weights.values() if w.role == "bias"]
            if biases:
                name = node.path if node.name.isdecimal() else node.name
                label = f"`{name}` subtracts these {biases[0][0]:,} values again"
                note = ((node, "the normalisation"),)
                help = "`bias=false`"
                yield Hit(before, label, help, notes=note, fix=_fix(net, before))


def _fix(net: NetworkView, node: Node) -> Fix | None:
    """Without the bias, if the layer has an argument for that."""
    if "bias" not in type(node.op).model_fields:
        return None
    edit = net.argument(node, "bias", "false")
    return edit and Fix("leave the bias out", (edit,), _without_bias)


def _without_bias(op: Op) -> Op:
    return op.model_copy(update={"bias": False})
