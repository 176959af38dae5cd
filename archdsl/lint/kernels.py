"""Convolutions as the rules on economy see them: a square window, and what it mixes."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.graph import Node
from archdsl.lint.view import NetworkView


@dataclass(frozen=True, slots=True)
class Window:
    """A learned square window that slides over a map."""

    kernel: tuple[int, ...]
    """The shape of its weights: outputs, inputs of a group, rows, columns."""
    side: int
    stride: int
    dilation: int
    inputs: int
    outputs: int

    @property
    def groups(self) -> int:
        return self.inputs // self.kernel[1]

    @property
    def dense(self) -> bool:
        """Whether it reads every channel and every value that it spans."""
        return self.groups == 1 and self.dilation == 1


def window(net: NetworkView, node: Node) -> Window | None:
    """The window of a layer, if it has one that is learned and square."""
    kernel = net.kernel(node)
    slide = node.op.slides(node.input_shapes, node.shape) if kernel else None
    if kernel is None or slide is None:
        return None
    axes = set(zip(slide.kernel, slide.stride, slide.dilation, strict=True))
    if len(axes) > 1:
        return None
    side, stride, dilation = axes.pop()
    return Window(kernel.shape, side, stride, dilation, node.input_shapes[0][0], node.shape[0])
