"""Sizes of the boxes and letters of a diagram, in points."""

from __future__ import annotations

from archdsl.backends.drawing.theme import Look

# Layers that cost little next to a convolution are slim, so that a page holds more.
SLIM: frozenset[Look] = frozenset({"activation", "normalization", "regularization", "reshape"})

# Type sizes in points, whole ones: Graphviz drops the rest.
TITLE, TEXT, SMALL, TINY = 14, 10, 9, 8

LINE = 0.9  # points that a line is thick
