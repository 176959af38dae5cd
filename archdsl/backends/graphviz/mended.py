"""Graphviz's SVG, where it is not as it should be."""

from __future__ import annotations

import re

from archdsl.backends.graphviz.style import LINE

# An older Graphviz, such as Debian 12's, leaves room for the spaces that a text begins with, and
# does not say that they count.
_TEXT, _SPACED = re.compile("<text (?!xml:space)"), '<text xml:space="preserve" '
# Where a line goes on as another; see `SEAM` in writer.py. Two lines of a skip meet at a corner.
_SEAM = re.compile(
    r'(<g id="(?:[^"]*/beside/[^"]*/(out|in)|[^"]*)" class="node point">\s*'
    r'<title>[^<]*</title>\s*<polygon [^>]*points=")([^"]*)"'
)

# The paper. The picture is a whole number of points, which Graphviz's own paper may fall short of.
_PAPER = re.compile(
    r'(<g id="graph0" class="graph" transform="scale\(([\d.]+)[^>]*>\s*<title>[^<]*</title>\s*)'
    r'(<polygon fill="[^"]*" stroke="none" points=")([^"]*)"'
)


def mended(svg: str) -> str:
    """The SVG with spaces that count, seams no thicker than their lines, and paper to its edges."""
    return _PAPER.sub(_covering, _SEAM.sub(_trimmed, _TEXT.sub(_SPACED, svg)), count=1)


def _covering(paper: re.Match[str]) -> str:
    before, zoom, polygon, points = paper.groups()
    (left, right), (top, bottom) = _spans(points)
    more = 1 / float(zoom)
    return before + polygon + _box((left - more, right + more), (top - more, bottom + more))


def _trimmed(seam: re.Match[str]) -> str:
    """A seam without what juts out of its lines: Graphviz knows no box as thin as these.

    It is longer than wide, to where its lines begin. At a corner one of these is across, and the
    seam ends there.
    """
    before, corner, points = seam.groups()
    spans = _spans(points)
    along = max((0, 1), key=lambda axis: spans[axis][1] - spans[axis][0])
    for axis, (low, high) in enumerate(spans):
        middle = (low + high) / 2
        if axis != along or corner == "out":
            low = middle - LINE / 2
        if axis != along or corner == "in":
            high = middle + LINE / 2
        spans[axis] = low, high
    return before + _box(*spans)


def _spans(points: str) -> list[tuple[float, float]]:
    """From where to where the points of a polygon are, to the right and down."""
    across, down = zip(*(map(float, point.split(",")) for point in points.split()), strict=True)
    return [(min(across), max(across)), (min(down), max(down))]


def _box(across: tuple[float, float], down: tuple[float, float]) -> str:
    (left, right), (top, bottom) = across, down
    around = (right, top), (left, top), (left, bottom), (right, bottom), (right, top)
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in around) + '"'
