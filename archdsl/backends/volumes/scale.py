"""How long the sides of a box are, in points.

Nothing is true to scale: a network has sides of 1 and of 500, and 3 channels and 4,096, and all
shall be seen. So lengths grow more slowly than sizes:

- the height and the width of a map by the square root, such that the largest map of the figure has
  110 points, and no position more than 20; at least 4 points
- its channels, and the features of a token, by the square root, 1.3 points times; from 3 to 44
- the tokens of a sequence by the square root, 5 points times; from 8 to 90
- a vector by the power 0.35, 5 points times; from 6 to 100

What is outside the limits is clipped: it is drawn at the limit, and its number tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archdsl.ir.shapes import Shape

LARGEST, POSITION, LEAST = 110.0, 20.0, 4.0
DEEP, DEPTH = 1.3, (3.0, 44.0)
TOKEN, TOKENS = 5.0, (8.0, 90.0)
LONG, VECTOR = 5.0, (6.0, 100.0)


@dataclass(frozen=True, slots=True)
class Lengths:
    """The scale of one figure."""

    unit: float
    """Points of a map's side of one position."""

    @classmethod
    def of(cls, shapes: Iterable[Shape], largest: float = LARGEST) -> Lengths:
        """The scale that suits the maps of a figure."""
        side = max((n for s in shapes if len(s) == 3 for n in s[1:]), default=1)
        return cls(min(largest / side**0.5, POSITION))

    def side(self, n: int) -> float:
        """A map's height or width."""
        return max(self.unit * n**0.5, LEAST)

    def depth(self, c: int) -> float:
        """Channels or features."""
        return _clip(DEEP * c**0.5, DEPTH)

    def tokens(self, n: int) -> float:
        """A sequence."""
        return _clip(TOKEN * n**0.5, TOKENS)

    def vector(self, d: int) -> float:
        """The features of a vector."""
        return _clip(LONG * d**0.35, VECTOR)


def _clip(length: float, limits: tuple[float, float]) -> float:
    return min(max(length, limits[0]), limits[1])
