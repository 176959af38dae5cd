r"""From Graphviz's own drawing, as JSON, to TikZ: the same lines and letters at the same places.

The result is a `tikzpicture` for \input; it needs the package tikz alone. Letters are Helvetica
(`phv`), which every TeX has, because the boxes are as wide as its letters.

The operations are xdot's (https://graphviz.org/docs/outputs/canon/#xdot).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from archdsl.backends.drawing import latex
from archdsl.backends.drawing.options import MOST_WIDTH, POINTS
from archdsl.errors import BuildError, Diagnostic

LONGEST = 16_000  # of Graphviz's points; TeX's longest length is 16,383.99998 of its own

_HEAD = r"""% Made by archdsl; \usepackage{{tikz}}, then \input this file.
\begin{{tikzpicture}}[x={zoom}bp, y={zoom}bp, line width=0.8bp, inner sep=0pt, outer sep=0pt,
  every node/.style={{anchor=base west}}]
\fontfamily{{phv}}\selectfont
"""
_PARTS = ("_draw_", "_ldraw_", "_hdraw_", "_tdraw_", "_hldraw_", "_tldraw_")

Point = tuple[float, float]


def tikz(drawing: str, width: float | None = None) -> str:
    """A `tikzpicture` of a drawing that `dot -Tjson` gives.

    Args:
        drawing: Graphviz's output.
        width: how wide it is to be, in points; as Graphviz has it if left out.

    Raises:
        BuildError: it would be longer than any length that TeX knows.
    """
    graph: dict[str, Any] = json.loads(drawing)
    left, bottom, right, top = map(float, graph["bb"].split(","))
    zoom = 1.0 if width is None else width / (right - left)
    _check(zoom * (right - left), zoom * (top - bottom))
    pen = _Pen(zoom)
    objects = graph.get("objects", [])
    clusters = [o for o in objects if "nodes" in o or "subgraphs" in o or "bb" in o]
    nodes = [o for o in objects if o not in clusters] if clusters else objects
    lines = [
        line
        for item in (graph, *clusters, *graph.get("edges", []), *nodes)
        for part in _PARTS
        for line in pen.lines(item.get(part, []))
    ]
    colors = (
        rf"\definecolor{{{name}}}{{HTML}}{{{color}}}" for color, name in sorted(pen.colors.items())
    )
    body = "\n".join([*colors, *lines])
    return f"{_HEAD.format(zoom=_number(zoom))}{body}\n\\end{{tikzpicture}}\n"


def _check(wide: float, high: float) -> None:
    """Refuse what TeX would stop at, and say what it takes."""
    longest = max(wide, high)
    if longest <= LONGEST:
        return
    fits = int(min(wide * LONGEST / longest, MOST_WIDTH) / POINTS["cm"])
    label = f"{wide:,.0f} x {high:,.0f} points; TeX takes {LONGEST:,}"
    way = f"--width {fits}cm fits, " if fits else ""
    help = f"{way}a lower --depth shows less; .svg has no such limit"
    raise BuildError(Diagnostic("A710", None, label, help=help))


class _Pen:
    """Follows xdot's operations: some set how the next ones look."""

    def __init__(self, zoom: float) -> None:
        self.zoom = zoom
        self.colors: dict[str, str] = {}

    def lines(self, operations: list[dict[str, Any]]) -> Iterator[str]:
        line, fill, weight, dashed, bold, size = "", "", 1.0, False, False, 10.0
        for operation in operations:
            options = [f"line width={_number(weight * self.zoom)}bp", *(["dashed"] * dashed)]
            draw = [f"draw={line}", *options] if line and weight else []
            match operation:
                case {"op": "c", "color": str(color)}:
                    line = self._color(color)
                case {"op": "C", "color": str(color)}:
                    fill = self._color(color)
                case {"op": "S", "style": str(style)}:
                    if width := re.fullmatch(r"setlinewidth\(([\d.]+)\)", style):
                        weight = float(width[1])
                    elif kind := re.match("dashed|solid", style):  # more may follow by mistake
                        dashed = kind[0] == "dashed"
                case {"op": "F", "size": float() | int() as points}:
                    size, bold = float(points), False
                case {"op": "t", "fontchar": int(flags)}:
                    bold = bool(flags & 1)
                case {"op": "p" | "P" as kind, "points": list(points)}:
                    filled = [f"fill={fill}"] if kind == "P" and fill else []
                    path = " -- ".join(map(_point, points))
                    yield from self._path([*filled, *draw], f"{path} -- cycle")
                case {"op": "L", "points": list(points)}:
                    yield from self._path(draw, " -- ".join(map(_point, points)))
                case {"op": "b" | "B" as kind, "points": list(points)}:
                    filled = [f"fill={fill}"] if kind == "B" and fill else []
                    yield from self._path([*filled, *draw], _curve(points))
                case {"op": "e" | "E" as kind, "rect": [x, y, a, b]}:
                    filled = [f"fill={fill}"] if kind == "E" and fill else []
                    radii = f"x radius={_number(a)}, y radius={_number(b)}"
                    yield from self._path([*filled, *draw], f"{_point((x, y))} ellipse [{radii}]")
                case {
                    "op": "T",
                    "pt": [x, y],
                    "align": align,
                    "width": wide,
                    "text": str(text),
                } if text.strip():
                    start = x - {"l": 0, "c": wide / 2, "r": wide}[align]
                    yield self._text((start, y), text, size, bold, line)
                case _:
                    pass

    def _color(self, color: str) -> str:
        """The name of a colour; nothing if it cannot be seen."""
        if not (found := re.fullmatch("#([0-9a-fA-F]{6})([0-9a-fA-F]{2})?", color)):
            return "black" if color == "black" else ""
        if found[2] == "00":
            return ""
        return self.colors.setdefault(found[1].upper(), f"archdsl{found[1].upper()}")

    def _path(self, options: list[str], path: str) -> Iterator[str]:
        if options:
            yield rf"\path[{', '.join(options)}] {path};"

    def _text(self, place: Point, text: str, size: float, bold: bool, color: str) -> str:
        points = _number(size * self.zoom)
        lead = _number(size * self.zoom * 1.2)
        text = text.replace("\xa0", " ").rstrip()
        indent = "~" * (len(text) - len(text.lstrip()))
        words = indent + latex.escape(text.strip())
        series = r"\bfseries " if bold else ""
        font = rf"\fontsize{{{points}bp}}{{{lead}bp}}\selectfont {series}"
        return rf"\node[text={color or 'black'}] at {_point(place)} {{{font}{words}}};"


def _curve(points: list[Point]) -> str:
    """A chain of cubic curves: a start, and for each two handles and an end."""
    path = _point(points[0])
    for i in range(1, len(points) - 2, 3):
        a, b, end = map(_point, points[i : i + 3])
        path += f" .. controls {a} and {b} .. {end}"
    return path


def _point(place: Point) -> str:
    return f"({_number(place[0])}, {_number(place[1])})"


def _number(value: float) -> str:
    """At most two decimals, but four that count of what is below 1."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
