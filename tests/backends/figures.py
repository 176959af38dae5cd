"""Where the things of a figure are, read from its SVG, and networks that are hard to draw."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

from archdsl.backends.volumes.measure import width

SVG = "{http://www.w3.org/2000/svg}"
BODY = ("front", "right", "top", "sheet")

HARD = {
    "one layer": "input 3x32x32; conv 3x3 8",
    "no layer shown": "input 3x8x8; relu",
    "one position": "input 512x1x1; conv 1x1 64; relu; conv 1x1 512",
    "vectors": "input 10; fc 20; relu; fc 5",
    "tokens": "input 5x16; attention heads=2; fc 32; fc 16",
    "one axis": "input 1x8x512; conv 3x3 16; maxpool 1x2; conv 3x3 32; maxpool 2x2; gap; fc 3",
    "sound": """
        input 1x1x16000; conv 1x79 64 stride=1x4 pad=0x39; maxpool 1x4; conv 1x3 128; maxpool 1x4
        conv 1x3 256; maxpool 1x4; conv 1x3 512; gap; fc 35
        """,
    "tall": "input 1x512x8; conv 3x3 32; maxpool 2x1; gap; fc 3",
    "branches": """
        input 3x32x32; conv 3x3 16
        concat { conv 1x1 8 | conv 3x3 16; conv 3x3 8 | maxpool 3x3 stride=1 pad=1 | }; gap; fc 3
        """,
    "gate": "input 16x8x8; mul { | gap; fc 4; relu; fc 16; sigmoid }; conv 3x3 4",
    "two kinds": "input a 3x8x8; input b 5; @a; conv 3x3 5; mul { | @b }; gap",
    "many": "input 3x8x8; concat 30 { conv 1x1 2 }; concat { | conv 3x3 | relu }",
    "dense": "input 3x32x32; conv 3x3 16; { concat { | conv 3x3 12 } } x6; gap; fc 10",
    "nested": """
        input 3x32x32; conv 3x3 16
        residual { residual { conv 3x3; conv 3x3 }; residual { conv 3x3 } }; gap
        """,
    "outputs": """
        input 3x64x64; conv 3x3 16; output a { gap; fc 3 }; maxpool 2x2; conv 3x3 32
        output b { gap; fc 4 }; maxpool 2x2; output c { conv 3x3 8; gap; fc 4 }
        conv 3x3 32; gap; fc 5
        """,
    "hourglass": """
        input 1x64x64; a: conv 3x3 16; maxpool 2x2; conv 3x3 32; maxpool 2x2; conv 3x3 64
        upconv 2x2 32 stride=2; upconv 2x2 16 stride=2; concat { | @a }; conv 3x3 2
        """,
    "sums": """
        input 3x32x32; conv 3x3 16
        add { conv 3x3 | conv 5x5 | | conv 3x3; conv 3x3; conv 3x3 }; relu; fc 10
        """,
    "woven": """
        input 3x16x16; a: conv 3x3 8; b: conv 3x3 8; c: conv 3x3 8; concat { | @a }; conv 3x3
        concat { | @b }; conv 3x3
        """,
    "long names": f"""
        input 3x8x8; {"x" * 90}: conv 3x3 4; {"y" * 70}: {{ conv 3x3 8; relu; conv 3x3 8 }}; gap
        """,
}


@dataclass(frozen=True)
class Area:
    """A rectangle, in points."""

    left: float
    top: float
    right: float
    bottom: float

    def over(self, other: Area, slack: float = 0.2) -> bool:
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )

    def holds(self, other: Area) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def struck(self, a: tuple[float, float], b: tuple[float, float], slack: float = 0.3) -> bool:
        """Whether a straight line runs through it (Liang & Barsky 1984)."""
        (x, y), (dx, dy) = a, (b[0] - a[0], b[1] - a[1])
        low, high = 0.0, 1.0
        for p, q in (
            (-dx, x - self.left - slack),
            (dx, self.right - slack - x),
            (-dy, y - self.top - slack),
            (dy, self.bottom - slack - y),
        ):
            if abs(p) < 1e-9:
                if q < 0:
                    return False
            elif p < 0:
                low = max(low, q / p)
            else:
                high = min(high, q / p)
        return low < high


Line = tuple[str, list[tuple[float, float]]]


@dataclass
class Figure:
    """What is in an SVG, and where."""

    box: Area
    width: float
    height: float
    words: list[tuple[str, str, Area]] = field(default_factory=list)
    """Kind, text, room."""
    bodies: dict[str, Area] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    sizes: set[float] = field(default_factory=set)

    @property
    def scale(self) -> float:
        """Points on the page of one of the figure's own."""
        return self.width / (self.box.right - self.box.left)


def read(svg: str) -> Figure:
    """A figure from its SVG."""
    root = ElementTree.fromstring(svg)
    x, y, w, h = map(float, root.attrib["viewBox"].split())
    found = Figure(
        Area(x, y, x + w, y + h), *(float(root.attrib[k][:-2]) for k in ("width", "height"))
    )
    for group in root.iter(f"{SVG}g"):
        faces = [p for p in group.iter(f"{SVG}polygon") if p.get("class") in BODY]
        if faces:
            found.bodies[group.attrib["id"]] = around([q for p in faces for q in points(p)])
        for text in group.iter(f"{SVG}text"):
            found.words.append((text.get("class", ""), text.text or "", room(text)))
            found.sizes.add(float(text.attrib["font-size"]))
        for path in group.iter(f"{SVG}path"):
            kind = path.get("class", "")
            if kind != "row" and not path.get("stroke-dasharray"):
                found.lines.append((kind, points(path)))
    return found


def points(shape: ElementTree.Element) -> list[tuple[float, float]]:
    numbers = re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d") or "")
    return list(zip(map(float, numbers[::2]), map(float, numbers[1::2]), strict=True))


def around(found: list[tuple[float, float]]) -> Area:
    xs, ys = [p[0] for p in found], [p[1] for p in found]
    return Area(min(xs), min(ys), max(xs), max(ys))


def room(text: ElementTree.Element) -> Area:
    """Where a text is: digits and capitals rise 0.72 of the size above the baseline."""
    size, x, y = (float(text.attrib[k]) for k in ("font-size", "x", "y"))
    wide = width(text.text or "", size, text.get("font-weight") == "bold")
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.attrib["text-anchor"]]
    return Area(left, y - 0.72 * size, left + wide, y + 0.2 * size)
