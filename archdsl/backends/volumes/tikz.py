r"""A scene as a `tikzpicture` for \input; it needs the package tikz alone.

Letters are Helvetica (`phv`), which every TeX has: places are left for letters of its widths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backends.drawing.latex import escape
from archdsl.backends.drawing.text import clip
from archdsl.backends.volumes.scene import Circle, Line, Point, Polygon, Scene, Shape, Words
from archdsl.backends.volumes.svg import LONGEST, arrow, rounded
from archdsl.errors import printable

ANCHORS = {"left": "base west", "middle": "base", "right": "base east"}


def write(scene: Scene, width: float | None = None) -> str:
    """The scene as it is, or scaled to a width in points."""
    factor = 1.0 if width is None else width / scene.width
    colors = {"none": ""}
    body = [line for shape in scene.shapes() for line in _shape(shape, colors, factor)]
    left, top = _n(scene.left), _n(scene.top)
    right, bottom = _n(scene.left + scene.width), _n(scene.top + scene.height)
    page = f"({left},{top}) rectangle ({right},{bottom});"
    paper = "" if scene.paper.upper() == "#FFFFFF" else _color(scene.paper, colors)
    names = [
        f"\\definecolor{{{name}}}{{HTML}}{{{color[1:].upper()}}}"
        for color, name in colors.items()
        if name
    ]
    lines = [
        f"% {comment(scene.name)}: made by archdsl; \\usepackage{{tikz}}, then \\input this file",
        rf"\begin{{tikzpicture}}[x={_n(factor)}bp,y=-{_n(factor)}bp,line join=round,"
        r"every node/.style={inner sep=0pt}]",
        r"\fontfamily{phv}\selectfont",
        *names,
        rf"\path[use as bounding box] {page}",
        *([rf"\path[fill={paper}] {page}"] if paper else []),
        *body,
        r"\end{tikzpicture}",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Shape, colors: dict[str, str], factor: float) -> Iterator[str]:
    def color(value: str) -> str:
        return _color(value, colors)

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


def _color(value: str, colors: dict[str, str]) -> str:
    """The name of a colour, which it gets when it first occurs."""
    return colors.setdefault(value, f"archdsl{len(colors)}")


def comment(text: str) -> str:
    """Text within a comment: one line, and nothing that LaTeX reads before it."""
    return printable(text)[:LONGEST].replace("^", "").replace("\\", "")


def _at(point: Point) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".") if round(number, 3) else "0"
