"""What a user may ask of a picture, whatever its style."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from archdsl.backends.drawing.theme import THEMES, Theme

Quantity = Literal["params", "macs", "memory"]
Mark = Literal["params", "macs", "memory", "field", "path"]

POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}
"""Points of a unit of length; there are 72 in an inch, as in SVG's, PDF's and Graphviz's."""

DPI = 192


@dataclass(frozen=True, slots=True)
class Options:
    """How a picture is drawn; which of these a style heeds is said in `archdsl.styles`."""

    theme: str = "light"
    """Of `archdsl.backends.drawing.THEMES`."""
    direction: Literal["down", "right"] = "down"
    """Where the network runs to."""
    depth: int | None = None
    """How many levels of scopes are open: 1 shows stages, 2 blocks. None lets the style choose."""
    layers: bool = False
    """Whether every layer is shown by itself, at whatever depth: `--depth all`."""
    label_with: tuple[Mark, ...] = ()
    """What is written beside each layer."""
    heat: Quantity | None = None
    """What colours tell instead of the kinds of layers."""
    highlight: tuple[str, ...] = ()
    """Paths of layers and scopes that stand out."""
    width: float | None = None
    """How wide the picture is, in points; None leaves it as wide as it comes out."""
    dpi: int = DPI
    """Pixels of an inch, of a PNG."""
    legend: bool = True
    """Whether it says what the colours mean."""

    @property
    def look(self) -> Theme:
        return THEMES[self.theme]


def read_length(text: str) -> float:
    """The points of a length such as `8cm`, `3.5in`, `80mm` or `252pt`.

    Raises:
        ValueError: it is no such length.

    >>> read_length("1in"), round(read_length("8cm"), 1)
    (72.0, 226.8)
    """
    found = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(POINTS)})\s*", text)
    points = float(found[1]) * POINTS[found[2]] if found else 0.0
    if not 10 <= points <= 14_400:
        what = "is no width such as 8cm, 3.5in, 80mm or 252pt"
        raise ValueError(f"{text!r} {what}, of 10 to 14,400 points")
    return points
