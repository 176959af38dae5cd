"""L501."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.shapes import Shape, channels, elements, show
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class FlattenedHead(NetworkRule):
    """A fully connected layer on a flattened map holds most of the parameters.

    It has a weight for each channel at each position: 512x7x7 to 4096 are 102,760,448 weights, 74%
    of all that VGG-16 has. Averaged over the positions first, as `gap` does (Lin, Chen & Yan 2013,
    "Network in Network", section 3.2), the same layer has one weight for each channel, the input
    may have any size, and there is less to overfit. What it loses is where in the picture a thing
    was seen, which a classifier can mostly do without.

    Bad:

        input 3x32x32
        conv 3x3 64; relu; maxpool 2x2
        fc 256; relu; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu; maxpool 2x2
        gap; fc 256; relu; fc 10
    """

    code: ClassVar[str] = "L501"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers on flattened maps that convolutions made, with more than half of the whole."""
        nodes = net.graph.at_inference
        own = [node for node in nodes if node.shares is None]
        total = sum(prod(w.shape) for n in own for w in n.weights.values() if w.trainable)
        local: set[str] = set()  # tensors that a layer with a window and weights is behind
        for node in nodes:
            kernel = net.kernel(node)
            if not local.isdisjoint(node.inputs) or (kernel and node.field.windows):
                local.add(node.path)
            if kernel is None or node.shares or node.field.windows or local.isdisjoint(node.inputs):
                continue
            before = _map(net, node)
            weights = prod(kernel.shape)
            if before is None or len(node.shape) != 1 or 2 * weights <= total:
                continue
            positions = elements(before[1:])
            if kernel.shape[-1] != elements(before) or positions == 1:
                continue
            label = f"{weights:,} of {total:,} parameters read {show(before)}, value by value; "
            label += f"on the {channels(before):,} means it would have {weights // positions:,}"
            yield Hit(node, label, "`gap` in front of it saves the others")


def _map(net: NetworkView, node: Node) -> Shape | None:
    """The map that a layer reads, in whatever shape it comes."""
    if len(node.input_shapes[0]) == 3:
        return node.input_shapes[0]
    before = net.before(node)
    while before is not None and before.op.family in ("reshape", "regularization"):
        if len(before.input_shapes[0]) == 3:
            return before.input_shapes[0]
        before = net.before(before)
    return None
