"""L504."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.shapes import channels
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_STEP = 8
_WORTH = 1_000_000


class UnalignedChannels(NetworkRule):
    """A width that is no multiple of 8.

    Tensor cores multiply 16-bit matrices in tiles, and reach their speed where the channels that go
    in and come out are multiples of 8 (NVIDIA, "Convolutional Layers User's Guide"; 16 for 8-bit
    numbers). Other widths are padded: 60 costs what 64 does, if not more. The rule leaves out what
    the task sets, which is the inputs, the last layers and the number of tokens, and layers that do
    fewer than a million multiply-adds.

    Bad:

        input 3x32x32
        conv 3x3 60; relu; conv 3x3 60; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu; conv 3x3 64; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L504"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers that mix all channels, with others behind them, and an odd width."""
        lengths = {shape[0] for shape in net.graph.shapes.values() if len(shape) == 2}
        for node in _inner(net):
            kernel, width = net.kernel(node), channels(node.shape)
            if kernel is None or width % _STEP == 0 or node.cost.macs < _WORTH:
                continue
            if len(node.shape) == 2 and width in lengths:
                continue  # it mixes tokens, and there are so many
            if {width, channels(node.input_shapes[0])} == set(kernel.shape[:2]):
                full = -(-width // _STEP) * _STEP
                label = f"{width:,} channels take at least the time of {full:,}"
                near = [f"{n:,}" for n in (full - _STEP, full) if n]
                yield Hit(node, label, " or ".join(near))


def _inner(net: NetworkView) -> Iterator[Node]:
    """The layers behind which there is another one with a kernel."""
    inner: set[str] = set()
    for node in reversed(net.nodes):
        if node.path in inner:
            yield node
        if node.path in inner or net.kernel(node) is not None:
            inner.update(node.inputs)
