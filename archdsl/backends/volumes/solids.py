"""The bodies that tensors are drawn as, in oblique projection, and where their positions lie.

A body stands around the origin's height: x grows to the right from its front left edge, y grows
downwards, and 0 is its middle. Maps are boxes with the channels from left to right, the height
upwards and the width to the back; few channels are sheets; tokens are slabs, vectors are bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.backends.volumes.scale import Lengths
from archdsl.ir.shapes import Shape

Point = tuple[float, float]
Side = Literal["front", "top", "right", "sheet"]

BACK = (0.32, 0.30)  # how far a point to the back is to the right and up
FEW = 16  # channels that are sheets where no map of a figure has more
SHEET = 2.6  # points between sheets
BAR = 6.0  # points, the section of a vector's bar
ROWS = 9  # lines on a slab, at most


@dataclass(frozen=True, slots=True)
class Face:
    """One side of a body."""

    side: Side
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Solid:
    """A body: its faces from the back to the front, and its extent."""

    faces: tuple[Face, ...]
    thick: float
    """From the left to the right edge of the front."""
    tall: float
    """Of the front."""
    back: Point
    """How far the back is to the right and up."""
    flat: bool = False
    """Whether it is seen from the front: positions lie on the last sheet."""
    lines: tuple[tuple[Point, Point], ...] = ()

    @property
    def right(self) -> float:
        return self.thick + self.back[0]

    @property
    def bottom(self) -> float:
        return (self.tall + self.back[1]) / 2

    @property
    def top(self) -> float:
        return -self.bottom

    @property
    def front(self) -> float:
        """Where the front begins, below the top."""
        return self.top + self.back[1]

    def at(self, u: float, v: float, right: bool = False) -> Point:
        """A position by its shares of the height and of the width, on the left or the right."""
        if self.flat:
            offset = self.back[0]
            return offset + (self.thick) * v, self.top + self.back[1] + self.tall * u
        x = self.thick if right else 0.0
        return x + self.back[0] * v, self.front + self.tall * u - self.back[1] * v

    @property
    def entry(self) -> Point:
        """Where an arrow from the left ends."""
        x = self.back[0] * self.front / self.back[1] if self.front > 0 and not self.flat else 0.0
        return x, 0.0

    @property
    def exit(self) -> Point:
        """Where an arrow to the right starts."""
        if self.flat:
            return self.right, 0.0
        low = self.bottom - self.back[1]  # where the right side ends at the back
        if low >= 0 or not self.back[1]:
            return self.right, 0.0
        return self.thick + self.back[0] * self.bottom / self.back[1], 0.0


def solid(shape: Shape, lengths: Lengths, flat: bool) -> Solid:
    """The body of a tensor."""
    match shape:
        case (c, h, w) if h == w == 1:
            return _box(lengths.depth(c), BAR, BAR)
        case (c, h, w) if flat:
            return _sheets(c, lengths.side(h), lengths.side(w))
        case (c, h, w):
            return _box(lengths.depth(c), lengths.side(h), lengths.side(w))
        case (n, d):
            return _slab(n, lengths.depth(d), lengths.tokens(n))
        case (d,):
            return _box(BAR, lengths.vector(d), BAR)
        case _:
            return _box(20.0, 20.0, 20.0)


def _box(thick: float, tall: float, wide: float) -> Solid:
    dx, dy = wide * BACK[0], wide * BACK[1]
    bottom = (tall + dy) / 2
    top = bottom - tall
    right = ((thick, top), (thick + dx, top - dy), (thick + dx, bottom - dy), (thick, bottom))
    above = ((0.0, top), (dx, top - dy), (thick + dx, top - dy), (thick, top))
    front = ((0.0, top), (thick, top), (thick, bottom), (0.0, bottom))
    faces = (Face("top", above), Face("right", right), Face("front", front))
    return Solid(faces, thick, tall, (dx, dy))


def _slab(n: int, thick: float, tall: float) -> Solid:
    body = _box(thick, tall, 8.0)
    rows = min(n, ROWS)
    ys = [body.front + tall * i / rows for i in range(1, rows)]
    lines = tuple(((0.0, y), (thick, y)) for y in ys)
    return Solid(body.faces, thick, tall, body.back, lines=lines)


def _sheets(count: int, tall: float, wide: float) -> Solid:
    """Maps one before the other, the last in front, seen from the front."""
    reach = SHEET * (count - 1)
    top = -(tall + reach) / 2
    faces: list[Face] = []
    for i in range(count):
        x, y = SHEET * i, top + SHEET * i
        faces.append(Face("sheet", ((x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall))))
    return Solid(tuple(faces), wide, tall, (reach, reach), flat=True)
