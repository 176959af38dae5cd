"""A scene as a LaTeX document of one TikZ picture, to be compiled or pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backends.drawing.latex import escape
from archdsl.backends.drawing.text import clip
from archdsl.backends.volumes.scene import Circle, Line, Point, Polygon, Scene, Shape, Words
from archdsl.backends.volumes.svg import LONGEST, arrow, rounded
from archdsl.errors import printable

ANCHORS = {"left": "base west", "middle": "base", "right": "base east"}


def write(scene: Scene, width: float | None = None) -> str:
    """The scene as a document, as wide as it is or scaled to a width in points.

    It wants the classes and packages standalone, tikz, fontenc and helvet, and no more.
    """
    factor = 1.0 if width is None else width / scene.width
    colors = {"none": ""}
    body = [line for shape in scene.shapes() for line in _shape(shape, colors, factor)]
    left, top = _n(scene.left), _n(scene.top)
    right, bottom = _n(scene.left + scene.width), _n(scene.top + scene.height)
    names = [
        f"\\definecolor{{{name}}}{{HTML}}{{{color[1:].upper()}}}"
        for color, name in colors.items()
        if name
    ]
    paper = f"\\pagecolor[HTML]{{{scene.paper[1:].upper()}}}"
    lines = [
        f"% {comment(scene.name)}: drawn by archdsl; compile with pdflatex, lualatex or xelatex",
        r"\documentclass[tikz,border=0pt]{standalone}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[scaled]{helvet}",
        *names,
        *([paper] if scene.paper.upper() != "#FFFFFF" else []),
        r"\begin{document}",
        rf"\begin{{tikzpicture}}[x={_n(factor)}bp,y=-{_n(factor)}bp,line join=round,"
        r"every node/.style={inner sep=0pt,font=\sffamily}]",
        rf"\path[use as bounding box] ({left},{top}) rectangle ({right},{bottom});",
        *body,
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Shape, colors: dict[str, str], factor: float) -> Iterator[str]:
    def color(value: str) -> str:
        if value not in colors:
            colors[value] = f"archdsl{len(colors)}"
        return colors[value]

    def pen(stroke: str, thick: float, dashed: bool) -> str:
        dash = f",dash pattern=on {_n(2.2 * factor)}bp off {_n(1.6 * factor)}bp" if dashed else ""
        return f"draw={color(stroke)},line width={_n(thick * factor)}bp{dash}"

    match shape:
        case Polygon():
            given = [] if shape.fill == "none" else [f"fill={color(shape.fill)}"]
            if shape.stroke != "none":
                given.append(pen(shape.stroke, shape.thick, shape.dashed))
            outline = " -- ".join(map(_at, shape.points))
            yield f"\\path[{','.join(given)}] {outline} -- cycle;"
        case Line():
            points: Sequence[Point] = shape.points
            if shape.arrow:
                points, corners = arrow(points)
                tip = " -- ".join(map(_at, corners))
                yield f"\\path[fill={color(shape.stroke)}] {tip} -- cycle;"
            way = _at(points[0])
            for start, corner, end in rounded(points, shape.round):
                way += f" -- {_at(start)} .. controls {_at(corner)} .. {_at(end)}"
            options = pen(shape.stroke, shape.thick, shape.dashed)
            yield f"\\path[{options}] {way} -- {_at(points[-1])};"
        case Circle():
            options = f"fill={color(shape.fill)},{pen(shape.stroke, 0.6, False)}"
            yield f"\\path[{options}] {_at(shape.center)} circle[radius={_n(shape.radius)}];"
        case Words():
            size = shape.size * factor
            font = rf"\fontsize{{{_n(size)}bp}}{{{_n(1.2 * size)}bp}}\selectfont"
            bold = r"\bfseries" if shape.bold else ""
            yield (
                f"\\node[anchor={ANCHORS[shape.align]},text={color(shape.color)}] at"
                f" {_at(shape.at)} {{{font}{bold} {escape(clip(shape.text, LONGEST))}}};"
            )


def comment(text: str) -> str:
    """Text within a comment: one line, and nothing that LaTeX reads before it."""
    return printable(text)[:LONGEST].replace("^", "").replace("\\", "")


def _at(point: Point) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".") if round(number, 3) else "0"
