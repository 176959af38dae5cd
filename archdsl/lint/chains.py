"""Linear layers that meet with nothing nonlinear between them, and the one layer that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from archdsl.ir.graph import Node
from archdsl.ir.records import Slide
from archdsl.ir.shapes import elements, show
from archdsl.lint.view import NetworkView


@dataclass(frozen=True, slots=True)
class Single:
    """A layer that would do what a pair does: in words, and its parameters without the bias."""

    words: str
    parameters: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two layers with a kernel, `first` before `second`; what is `between` is affine.

    Each tensor between them has one reader.
    """

    first: Node
    second: Node
    between: tuple[Node, ...]
    kernels: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """The weights of both, their biases not counted."""
        return prod(self.kernels[0]) + prod(self.kernels[1])

    @property
    def grouped(self) -> bool:
        """Whether one of them does not let every channel see every channel."""
        return _groups(self.first) > 1 or _groups(self.second) > 1

    @property
    def widths(self) -> tuple[int, int, int]:
        """How wide the flow is before, between and after.

        That is the channels of maps and the features of tokens, if it stays one of these.
        """
        if 1 in (len(self.first.shape), len(self.second.shape)):
            middle = min(elements(n.shape) for n in (self.first, *self.between))
            return elements(self.first.input_shapes[0]), middle, elements(self.second.shape)
        return _width(self.first, before=True), _width(self.first), _width(self.second)

    @property
    def narrow(self) -> bool:
        """Whether the middle is narrower than both sides: the product has a lower rank."""
        before, middle, after = self.widths
        return middle < min(before, after)

    @property
    def separable(self) -> bool:
        """Whether each acts across the other: k x 1 and 1 x k, or tokens and then features."""
        if len(self.first.shape) == 2 and any(node.field.whole for node in self.between):
            return True
        windows = [n.op.slides(n.input_shapes, n.shape) for n in (self.first, self.second)]
        if windows[0] is None or windows[1] is None:
            return False
        (a, b), (c, d) = windows[0].kernel, windows[1].kernel
        return (a > 1 == b and c == 1 < d) or (a == 1 < b and c > 1 == d)

    @property
    def flattens(self) -> bool:
        """Whether every value of a map or of tokens goes into every one of a vector."""
        sizes = {elements(node.shape) for node in (self.first, *self.between)}
        return len(self.first.shape) > 1 == len(self.second.shape) and len(sizes) == 1

    @property
    def factored(self) -> bool:
        """Whether the pair says less than the one layer: a lower rank, or shared weights."""
        if self.narrow or self.separable:
            return True
        single = self.single if self.flattens else None
        return single is not None and self.parameters < single.parameters

    @cached_property
    def _slides(self) -> list[Slide] | None:
        """The windows of the layers that have one; None where one reads its input otherwise."""
        found: list[Slide] = []
        for node in (self.first, *self.between, self.second):
            slide = node.op.slides(node.input_shapes, node.shape)
            if slide is not None:
                found.append(slide)
            elif node.field.whole or node.field.windows:
                return None
        return found

    @cached_property
    def single(self) -> Single | None:
        """The one layer that does the same, where it is known."""
        before, _, after = self.widths
        vectors = len(self.first.shape) == 1 == len(self.second.shape)
        slides = self._slides
        if self.flattens or vectors or (slides == [] and len(self.second.shape) > 1):
            return Single(f"{before:,} to {after:,} layer", before * after)
        if slides is None or 1 in (len(self.first.shape), len(self.second.shape)):
            return None
        kernel, stride = (1, 1), (1, 1)
        for slide in slides:
            reach = tuple(
                k + s * d * (own - 1)
                for k, s, own, d in zip(kernel, stride, slide.kernel, slide.dilation, strict=True)
            )
            kernel = (reach[0], reach[1])
            stride = (stride[0] * slide.stride[0], stride[1] * slide.stride[1])
        words = f"{show(kernel)} convolution from {before} to {after} channels"
        if stride != (1, 1):
            words += f" at stride {stride[0] if stride[0] == stride[1] else show(stride)}"
        return Single(words, before * after * elements(kernel))


def pairs(net: NetworkView) -> Iterator[Pair]:
    """Every two layers with a kernel between which all is affine and nothing branches off."""
    last: dict[str, tuple[Node, list[Node]]] = {}
    for node in net.nodes:
        before = net.before(node)
        found = None
        if before is not None and net.after(before) is node:
            found = last.pop(before.path, None)
        kernel = net.kernel(node)
        if kernel is not None:
            if found is not None:
                first, between = found
                own = net.kernel(first)
                assert own is not None
                yield Pair(first, node, tuple(between), (own.shape, kernel.shape))
            last[node.path] = (node, [])
        elif found is not None and node.op.is_affine:
            found[1].append(node)  # nobody else has the list: each tensor has one reader
            last[node.path] = found


def _width(node: Node, before: bool = False) -> int:
    """The channels of a map, the features of a token or a vector, on either side of a layer."""
    shape = node.input_shapes[0] if before else node.shape
    if len(shape) == 3 and len(node.shape) != 3:
        return elements(shape)  # it reads all of the map
    return shape[0] if len(shape) == 3 else shape[-1]


def _groups(node: Node) -> int:
    """How many groups of inputs a layer keeps apart."""
    (kernel,) = (w for w in node.weights.values() if w.role == "kernel")
    macs = elements(node.shape) * _width(node, before=True) * prod(kernel.shape[2:])
    if len(node.shape) == 3 and node.op.slides(node.input_shapes, node.shape) is None:
        macs = elements(node.input_shapes[0]) * node.shape[0] * prod(kernel.shape[2:])
    return max(1, macs // max(1, node.cost.macs))
