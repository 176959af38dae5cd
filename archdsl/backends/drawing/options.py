"""What a user may ask of a picture, whatever its style."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from archdsl.backends.drawing.theme import THEMES, Theme

Quantity = Literal["params", "macs", "memory"]
Direction = Literal["down", "right"]
Mark = Literal["params", "macs", "memory", "field", "path"]

POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}
"""Points of a unit of length; there are 72 in an inch, as in SVG's, PDF's and Graphviz's."""

DPI, LEAST_DPI, MOST_DPI = 192, 10, 2400
LEAST_WIDTH, MOST_WIDTH = 10, 14_400  # points; the most is a PDF's


@dataclass(frozen=True, slots=True)
class Options:
    """How a picture is drawn; which of these a style heeds is said in `archdsl.styles`."""

    theme: str = "light"
    """Of `archdsl.backends.drawing.THEMES`."""
    direction: Direction = "down"
    """Where the network runs to."""
    depth: int | Literal["all"] | None = None
    """The level whose scopes are boxes: 1 shows stages, 2 blocks, "all" every layer by itself.
    None lets the style choose."""
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

    def __post_init__(self) -> None:
        choices = {
            "theme": THEMES,
            "direction": get_args(Direction),
            "heat": (None, *get_args(Quantity)),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(filter(None, known))}")
        if unknown := set(self.label_with) - set(get_args(Mark)):
            raise ValueError(f"{min(unknown)!r} is none of {', '.join(get_args(Mark))}")
        if self.depth is not None and self.depth != "all" and self.depth < 1:
            raise ValueError("depth is at least 1, or `all`")
        if not LEAST_DPI <= self.dpi <= MOST_DPI:
            raise ValueError(f"dpi is from {LEAST_DPI} to {MOST_DPI}")
        if self.width is not None and not LEAST_WIDTH <= self.width <= MOST_WIDTH:
            raise ValueError(f"width is from {LEAST_WIDTH} to {MOST_WIDTH:,} points")

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
    if not LEAST_WIDTH <= points <= MOST_WIDTH:
        what = "is no width such as 8cm, 3.5in, 80mm or 252pt"
        raise ValueError(f"{text!r} {what}, of {LEAST_WIDTH} to {MOST_WIDTH:,} points")
    return points
