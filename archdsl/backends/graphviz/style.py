"""Sizes of the boxes and letters of a diagram, in points."""

from __future__ import annotations

from math import ceil

from archdsl.backends.drawing.theme import Look

# Layers that cost little next to a convolution are slim, so that a page holds more.
SLIM: frozenset[Look] = frozenset({"activation", "normalization", "regularization", "reshape"})

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
