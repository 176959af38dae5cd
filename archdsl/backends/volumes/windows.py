"""Windows: where a kernel lies on the map that it slides over, and the unit that it gives."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.drawing.theme import Theme
from archdsl.backends.volumes.blocks import Block
from archdsl.backends.volumes.pieces import Link
from archdsl.backends.volumes.scene import Line, Polygon, Shape
from archdsl.ir.records import Slide

ROW, COLUMN = 0.36, 0.3  # of the unit that is shown, as shares of the map
POOLED = 0.56  # the row where a window pools, to be told from the window before
NEAR = 9.0  # points between bodies below which there is no room for lines


def crosses(link: Link) -> bool:
    """Whether it leads from one lane to another."""
    tail, head = link.tail, link.head
    if link.kind != "next" or not isinstance(tail, Block) or not isinstance(head, Block):
        return False
    return tail.volume.lanes > 1 and _lane(tail) != _lane(head)


def _lane(block: Block) -> float:
    """Which lane it is, counted from the middle."""
    return block.lane - (block.volume.lanes - 1) / 2


def cone(link: Link, theme: Theme) -> Iterator[Shape]:
    """A window on one map, and lines from its corners to the unit of the next that it makes."""
    tail, head = link.tail, link.head
    if link.kind != "next" or not isinstance(tail, Block) or not isinstance(head, Block):
        return
    if link.fans:  # lines to several rows would run through words
        return
    slide = head.volume.window
    if slide is None or slide.kernel == (1, 1) or len(tail.volume.shape) != 3:
        return
    if head.entry[0] - tail.exit[0] < NEAR or abs(tail.y - head.y) > 200:
        return
    row = POOLED if head.volume.look == "pooling" else ROW
    if tail.volume.lanes == 1 < head.volume.lanes:
        row = 0.3 if head.lane == 0 else 0.6
    _, h, w = tail.volume.shape
    _, m, n = head.volume.shape
    unit = min(int(row * m), m - 1), min(int(COLUMN * n), n - 1)
    (top, bottom), (left, right) = _reach(slide, 0, unit[0], h), _reach(slide, 1, unit[1], w)
    corners = tuple(
        _moved(tail, tail.solid.at(u / h, v / w, right=True))
        for u, v in ((top, left), (top, right), (bottom, right), (bottom, left))
    )
    apex = _moved(head, head.solid.at((unit[0] + 0.5) / m, (unit[1] + 0.5) / n))
    crossing = crosses(link)
    yield Polygon(corners, "none", theme.line, 0.6, crossing, "window")
    for corner in corners:
        yield Line((corner, apex), theme.line, 0.4, crossing, kind="ray")
    x, y = apex
    dot = ((x - 0.9, y - 0.9), (x + 0.9, y - 0.9), (x + 0.9, y + 0.9), (x - 0.9, y + 0.9))
    yield Polygon(dot, theme.line, theme.line, 0.3, False, "unit")


def _reach(slide: Slide, axis: int, unit: int, size: int) -> tuple[int, int]:
    """From which row or column of a map to which the window of a unit reads, the padding aside."""
    start = unit * slide.stride[axis] - slide.pad[axis]
    end = start + slide.dilation[axis] * (slide.kernel[axis] - 1) + 1
    start, end = max(0, start), min(size, end)
    return (start, end) if start < end else (0, 1)


def _moved(block: Block, point: tuple[float, float]) -> tuple[float, float]:
    return block.x + point[0], block.y + point[1]
