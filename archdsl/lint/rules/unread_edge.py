"""L302."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.shapes import show
from archdsl.lint.rule import Hit, NetworkRule
from archdsl.lint.view import NetworkView


class UnreadEdge(NetworkRule):
    """The last rows or columns of a map are never read.

    Windows that do not come out even stop before the edge: a 2x2 pool reads 14 of 15 rows. The
    right and lower edge of the picture then counts for nothing, and a picture that is mirrored
    gives another answer. A padding, or a size that the stride divides, reads all of it.

    Bad:

        input 3x31x31
        conv 3x3 16; relu; maxpool 2x2
        gap; fc 10

    Good:

        input 3x32x32
        conv 3x3 16; relu; maxpool 2x2
        gap; fc 10
    """

    code: ClassVar[str] = "L302"
    level: ClassVar[Level] = "info"

    def check(self, net: NetworkView) -> Iterator[Hit]:
        """The layers whose windows end before the map does, strides beyond the kernel aside."""
        for node in net.nodes:
            slide = node.op.slides(node.input_shapes, node.shape)
            if slide is None or any(s > k for s, k in zip(slide.stride, slide.kernel, strict=True)):
                continue
            rows, columns = slide.unread(node.input_shapes[0], node.shape)
            if rows or columns:
                yield Hit(node, _label(rows, columns, show(node.input_shapes[0][1:])))


def _label(rows: int, columns: int, size: str) -> str:
    counts = [(n, what) for n, what in ((rows, "row"), (columns, "column")) if n]
    parts = [f"the last {what if n == 1 else f'{n} {what}s'}" for n, what in counts]
    verb = "is" if rows + columns == 1 else "are"
    return f"{' and '.join(parts)} of {size} {verb} read by no window"
