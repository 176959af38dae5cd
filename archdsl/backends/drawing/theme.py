"""How pictures look: a colour for each kind of layer, of paper and ink, and for heat.

The kind is the layer's own answer (`Op.family`); no style has a table of layers. Text stands out
from every fill, the fills differ for the colour-blind, and those of boxes of one height differ in
lightness, so that they can be told apart when printed in grey. The tests measure all of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from archdsl.ir.records import Family

Look = Family | Literal["input", "output", "point", "group"]
"""What a box is: a kind of layer, one of the network's own tensors, a seam of lines, a scope."""

FONT = "Arimo,Helvetica,Arial,sans-serif"
"""Whose letters are equally wide; the first comes along with archdsl."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours, and the fonts that a viewer looks for."""

    fills: Mapping[Look, str]
    """What is not among them is as the paper."""
    paper: str
    ink: str
    muted: str
    """Names and shapes, the lesser text."""
    line: str
    frame: str
    """The border of a cluster."""
    accent: str
    """The border of what is highlighted."""
    cold: str
    """The least heat; the colours between are mixed."""
    hot: str
    """The most heat."""
    font: str = FONT

    def fill(self, look: Look) -> str:
        """The colour of a box."""
        return self.fills.get(look, self.paper)

    def heat(self, share: float) -> str:
        """The colour of a share of the most, from 0 to 1."""
        return mix(self.cold, self.hot, share)


def mix(first: str, second: str, share: float) -> str:
    """The colour at a share of the way from one to another.

    >>> mix("#000000", "#FF8000", 0.5)
    '#804000'
    """
    ends = ([int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in (first, second))
    parts = (int(a + (b - a) * share + 0.5) for a, b in zip(*ends, strict=True))
    return "#" + "".join(f"{part:02X}" for part in parts)


_FILLS: Mapping[Look, tuple[str, str, str]] = {
    # light, dark, print
    "convolution": ("#87C5F4", "#0A36A6", "#BEBEBE"),
    "linear": ("#FFC881", "#7F460E", "#D6D6D6"),
    "attention": ("#B6A0C9", "#570775", "#A9A9A9"),
    "pooling": ("#C9F6C3", "#083003", "#EDEDED"),
    "normalization": ("#A7CCD1", "#164E59", "#C4C4C4"),
    "activation": ("#F5F1A5", "#5A5735", "#EDEDED"),
    "regularization": ("#EFD1CA", "#523031", "#D8D8D8"),
    "reshape": ("#FFFFFF", "#16191D", "#FFFFFF"),
    "join": ("#FFFFFF", "#16191D", "#FFFFFF"),
}


def _fills(theme: int) -> dict[Look, str]:
    return {look: colors[theme] for look, colors in _FILLS.items()}


LIGHT = Theme(
    fills=_fills(0),
    paper="#FFFFFF",
    ink="#000000",
    muted="#3D3D3D",
    line="#303030",
    frame="#8A8A8A",
    accent="#C2003A",
    cold="#FFFFFF",
    hot="#FF9245",
)

DARK = Theme(
    fills=_fills(1),
    paper="#16191D",
    ink="#FFFFFF",
    muted="#D2D6DA",
    line="#C8CCD0",
    frame="#7C838A",
    accent="#FFD400",
    cold="#16191D",
    hot="#963600",
)

# Greys alone: a kind is told by its grey among the boxes of its height, and by its words.
PRINT = Theme(
    fills=_fills(2),
    paper="#FFFFFF",
    ink="#000000",
    muted="#2A2A2A",
    line="#000000",
    frame="#6E6E6E",
    accent="#000000",
    cold="#FFFFFF",
    hot="#A6A6A6",
)

THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT}
