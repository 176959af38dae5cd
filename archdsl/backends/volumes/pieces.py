"""What a picture is put together from: bodies, circles, room for arcs, the ways between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from archdsl.backends.volumes.blocks import Block, Rect
from archdsl.backends.volumes.figure import Fork, Series

RADIUS = 5.0  # of the circle of a sum


@dataclass(slots=True)
class Mark:
    """The circle where ways are summed."""

    fork: Fork
    x: float
    y: float

    @property
    def rect(self) -> Rect:
        return Rect(-RADIUS, -RADIUS, RADIUS, RADIUS).moved(self.x, self.y)

    @property
    def entry(self) -> tuple[float, float]:
        return self.x - RADIUS, self.y

    @property
    def exit(self) -> tuple[float, float]:
        return self.x + RADIUS, self.y


@dataclass(slots=True)
class Room:
    """Room kept free for an arc."""

    room: Rect
    x: float = 0.0
    y: float = 0.0

    @property
    def rect(self) -> Rect:
        return self.room.moved(self.x, self.y)


Place = Block | Mark
Kind = Literal["next", "over", "aside", "down", "up", "turn"]


@dataclass(frozen=True, slots=True)
class Link:
    """A tensor's way from where it stands to what is made of it."""

    tail: Place
    head: Place
    kind: Kind
    lift: float = 0.0
    """Of an arc, how far above the head's middle; of a turn, where the way back is."""
    fans: bool = False
    """Whether ways part here."""
    turn: tuple[float, float] = (0.0, 0.0)
    """The left and the right end of the way back to the next line."""


@dataclass(frozen=True, slots=True)
class Port:
    """Where a tensor comes from, and over what."""

    place: Place
    kind: Kind = "next"
    lift: float = 0.0
    fans: bool = False


@dataclass(slots=True)
class Piece:
    """A part of the picture, its start at 0."""

    things: list[Block | Mark | Room] = field(default_factory=list[Block | Mark | Room])
    links: list[Link] = field(default_factory=list[Link])
    exits: list[Port] = field(default_factory=list[Port])
    hanging: list[tuple[Place, Series]] = field(default_factory=list[tuple[Place, Series]])
    heads: list[Block] = field(default_factory=list[Block])
    """What reads what comes in, where nothing does."""
    cursor: float = 0.0

    def rects(self) -> list[Rect]:
        return [t.rect for t in self.things]

    @property
    def bounds(self) -> Rect:
        return around(self.rects())

    def move(self, x: float, y: float) -> None:
        for thing in self.things:
            thing.x += x
            thing.y += y
        self.cursor += x

    def include(self, other: Piece) -> None:
        self.things += other.things
        self.links += other.links
        self.hanging += other.hanging


def around(rects: Iterable[Rect]) -> Rect:
    """The rectangle around others."""
    rects = list(rects) or [Rect(0.0, 0.0, 0.0, 0.0)]
    return Rect(
        min(r.left for r in rects),
        min(r.top for r in rects),
        max(r.right for r in rects),
        max(r.bottom for r in rects),
    )
