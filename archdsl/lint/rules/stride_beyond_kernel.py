"""L301."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import lcm
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.graph import Node
from archdsl.ir.records import Slide
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView

_MOST = 64  # a period of strides beyond this is not looked into


class StrideBeyondKernel(NetworkRule):
    """A stride that passes over values which nothing else reads.

    A window that moves by more than its own size leaves rows and columns out: a 1x1 convolution
    with stride 2 reads one value in four. What the layer before computed there is lost, and so is
    the work. He et al. (2019), "Bag of Tricks", section 4.1, move the stride of ResNet's
    bottleneck from its first 1x1 to the 3x3 for this reason.

    A projection with stride 2 beside a branch whose 3x3 reads every value loses nothing: the rule
    counts what all the readers of a tensor read together.

    Bad:

        input 3x32x32
        conv 3x3 64; relu
        conv 1x1 128 stride=2; relu
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 64; relu
        conv 3x3 128 stride=2; relu
        gap; fc 10
    """

    code: ClassVar[str] = "L301"
    level: ClassVar[Level] = "warning"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The first reader of each tensor of which some values are never read."""
        for path, shape in net.graph.shapes.items():
            readers = net.readers(path)
            if len(shape) != 3 or not readers or path in net.outputs:
                continue
            slides = [_slide(node) for node in readers]
            if any(slide is None for slide in slides):
                continue
            known = [slide for slide in slides if slide is not None]
            read = [_share([_axis(s, a) for s in known], shape[a + 1]) for a in (0, 1)]
            if read[0] * read[1] < 1:
                label = f"{1 - read[0] * read[1]:.0%} of the values of {path} are read by nothing"
                help = "a kernel at least as large as the stride, or a pool before it, reads them"
                yield Hit(readers[0], label, help)


def _slide(node: Node) -> Slide | None:
    """The window that a layer reads its input by, None where it reads every value."""
    return node.op.slides(node.input_shapes, node.shape)


def _axis(slide: Slide, axis: int) -> tuple[int, frozenset[int]]:
    """A stride, and the places within one stride that some tap of the window reads."""
    stride, pad = slide.stride[axis], slide.pad[axis]
    taps = range(min(slide.kernel[axis], stride))
    return stride, frozenset((slide.dilation[axis] * j - pad) % stride for j in taps)


def _share(readers: Sequence[tuple[int, frozenset[int]]], side: int) -> float:
    """The share of an axis that the readers read together; the ends are another rule's."""
    period = lcm(*(stride for stride, _ in readers))
    if period > _MOST or side < period:
        return 1.0
    places = {i for i in range(period) for s, taps in readers if i % s in taps}
    return len(places) / period
