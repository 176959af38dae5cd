"""What a writer writes: polygons, lines and words at their places, in groups with names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled outline."""

    points: tuple[Point, ...]
    fill: str
    stroke: str
    thick: float = 0.5
    dashed: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Straight pieces, with rounded corners where `round` says how far; perhaps with an arrow."""

    points: tuple[Point, ...]
    stroke: str
    thick: float = 0.6
    dashed: bool = False
    arrow: bool = False
    round: float = 0.0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """A small circle, such as that of a sum."""

    center: Point
    radius: float
    fill: str
    stroke: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; the point is on its baseline."""

    at: Point
    text: str
    size: float
    color: str
    align: Literal["left", "middle", "right"] = "middle"
    bold: bool = False
    kind: str = ""


Shape = Polygon | Line | Circle | Words


@dataclass(slots=True)
class Group:
    """Shapes that are one thing."""

    id: str
    kinds: tuple[str, ...]
    title: str
    shapes: list[Shape] = field(default_factory=list[Shape])


@dataclass(slots=True)
class Scene:
    """A picture: its groups from the back to the front, and its size in points."""

    name: str
    description: str
    groups: list[Group]
    left: float
    top: float
    width: float
    height: float
    paper: str
    ink: str
    font: str

    def shapes(self) -> Iterator[Shape]:
        for group in self.groups:
            yield from group.shapes
