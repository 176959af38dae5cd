"""How a diagram looks: colours, sizes, distances.

The fills are light enough for black text and differ for the colour-blind. Those of boxes of one
height differ in lightness, so that they can be told apart when printed in grey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from archdsl.backends.graphviz.picture import Look

# Layers that cost little next to a convolution are slim, so that a page holds more.
SLIM: frozenset[Look] = frozenset({"activation", "normalization", "regularization", "reshape"})


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
    font: str = "Helvetica,Arial,sans-serif"


LIGHT = Theme(
    fills={
        "convolution": "#87C5F4",
        "linear": "#FFC881",
        "attention": "#B6A0C9",
        "pooling": "#C9F6C3",
        "normalization": "#A7CCD1",
        "activation": "#F5F1A5",
        "regularization": "#EFD1CA",
        "reshape": "#FFFFFF",
        "join": "#FFFFFF",
    },
    paper="#FFFFFF",
    ink="#000000",
    muted="#3D3D3D",
    line="#303030",
    frame="#8A8A8A",
)

# Type sizes in points, whole ones: Graphviz drops the rest.
TITLE, TEXT, SMALL, TINY = 14, 10, 9, 8


def width(text: str, size: int) -> int:
    """About how wide a text is in points, rather more than less (Helvetica's widths in classes)."""
    ems = 0.0
    for c in text:
        if c in " !',.:;I[]fijlt|()-r/":
            ems += 0.34
        elif c in "MW@%mw…" or ord(c) > 0x2FF:
            ems += 1.0
        else:
            ems += 0.74 if c.isupper() else 0.56
    return ceil(ems * size) + 2
