"""A scene as SVG: text that can be selected, classes for style sheets, words for screen readers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape

from archdsl.backends.drawing.text import clip
from archdsl.backends.volumes.scene import Circle, Group, Line, Point, Polygon, Scene, Shape, Words

ANCHORS = {"left": "start", "middle": "middle", "right": "end"}
LONGEST = 200  # characters of an id or a title
_OTHER = re.compile(r"[^A-Za-z0-9._/]")
HEAD = 4.0  # points, the length of an arrow's head


def write(scene: Scene, width: float | None = None) -> str:
    """The scene as a document, as wide as it is or scaled to a width in points."""
    wide = scene.width if width is None else width
    tall = scene.height * wide / scene.width
    box = " ".join(map(_n, (scene.left, scene.top, scene.width, scene.height)))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(wide)}pt" height="{_n(tall)}pt"'
        f' viewBox="{box}" role="img" aria-labelledby="title description"'
        f' font-family="{_text(scene.font)}">',
        f'<title id="title">{_text(scene.name)}</title>',
        f'<desc id="description">{_text(scene.description, 100 * LONGEST)}</desc>',
        f'<rect class="paper" x="{_n(scene.left)}" y="{_n(scene.top)}" width="{_n(scene.width)}"'
        f' height="{_n(scene.height)}" fill="{scene.paper}"/>',
    ]
    taken = {"title", "description"}
    for group in scene.groups:
        lines += _group(group, taken)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _group(group: Group, taken: set[str]) -> Iterator[str]:
    id = f' id="{identifier(group.id, taken)}"' if group.id else ""
    yield f'<g{id} class="{" ".join(group.kinds)}">'
    if group.title:
        yield f"<title>{_text(group.title)}</title>"
    for shape in group.shapes:
        yield from _shape(shape)
    yield "</g>"


def identifier(path: str, taken: set[str]) -> str:
    """An id of its own: the path, with the codes of all but letters, digits and `._/`."""
    found = _OTHER.sub(lambda c: f"-{ord(c[0]):x}-", path)
    if len(found) > LONGEST:
        found = f"{found[:LONGEST]}-{sha256(path.encode()).hexdigest()[:16]}"
    number, name = 2, found
    while name in taken:
        name, number = f"{found}-{number}", number + 1
    taken.add(name)
    return name


def _shape(shape: Shape) -> Iterator[str]:
    kind = f' class="{shape.kind}"' if shape.kind else ""
    match shape:
        case Polygon():
            points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
            dashed = ' stroke-dasharray="2 1.5"' if shape.dashed else ""
            yield (
                f'<polygon{kind} points="{points}" fill="{shape.fill}" stroke="{shape.stroke}"'
                f' stroke-width="{_n(shape.thick)}" stroke-linejoin="round"{dashed}/>'
            )
        case Line():
            points = shape.points
            head = ""
            if shape.arrow:
                points, corners = arrow(points)
                tip = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
                head = f'<polygon class="head" points="{tip}" fill="{shape.stroke}"/>'
            dashed = ' stroke-dasharray="2.4 1.6"' if shape.dashed else ""
            yield (
                f'<path{kind} d="{_path(points, shape.round)}" fill="none" stroke="{shape.stroke}"'
                f' stroke-width="{_n(shape.thick)}"{dashed}/>{head}'
            )
        case Circle():
            x, y = shape.center
            yield (
                f'<circle{kind} cx="{_n(x)}" cy="{_n(y)}" r="{_n(shape.radius)}"'
                f' fill="{shape.fill}" stroke="{shape.stroke}" stroke-width="0.6"/>'
            )
        case Words():
            x, y = shape.at
            bold = ' font-weight="bold"' if shape.bold else ""
            yield (
                f'<text{kind} x="{_n(x)}" y="{_n(y)}" font-size="{_n(shape.size)}"'
                f' text-anchor="{ANCHORS[shape.align]}" fill="{shape.color}"{bold}>'
                f"{_text(shape.text)}</text>"
            )


def arrow(points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """A line shortened by the head of its arrow, and the corners of the head."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    reach = min(HEAD, length)
    bx, by = x1 - ux * reach, y1 - uy * reach
    side = 0.38 * reach
    corners = [(x1, y1), (bx - uy * side, by + ux * side), (bx + uy * side, by - ux * side)]
    return [*points[:-1], (bx, by)], corners


def rounded(points: Sequence[Point], radius: float) -> Iterator[tuple[Point, Point, Point]]:
    """Each corner of a line: where its curve starts, the corner itself, where the curve ends."""
    for a, b, c in zip(points, points[1:], points[2:], strict=False):
        yield _towards(b, a, radius), b, _towards(b, c, radius)


def _towards(start: Point, end: Point, radius: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    share = min(radius / length, 0.5) if length else 0.0
    return start[0] + dx * share, start[1] + dy * share


def _path(points: Sequence[Point], radius: float) -> str:
    found = f"M{_at(points[0])}"
    for start, corner, end in rounded(points, radius):
        found += f" L{_at(start)} Q{_at(corner)} {_at(end)}"
    return f"{found} L{_at(points[-1])}"


def _at(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    """A number with two decimals, without idle zeros; never `-0`."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if round(number, 2) else "0"


def _text(words: str, longest: int = LONGEST) -> str:
    return escape(clip(words, longest))
