"""A volume with the words around it: how much room it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from archdsl.backends.drawing.text import clip
from archdsl.backends.volumes.figure import Volume
from archdsl.backends.volumes.measure import width
from archdsl.backends.volumes.scale import Lengths
from archdsl.backends.volumes.solids import Solid, solid

SIZE = 7.0  # points, of the letters
RISE = 5.2  # points that a digit rises above the baseline
LEADING = 8.0  # points from line to line
ARC = 9.0  # points that a shortcut is above its volume
NAME = 24  # letters of a name
LANES = 16.0  # points between lanes, beside what is written there


Kind = Literal["size", "call", "name", "copies", "note"]


@dataclass(frozen=True, slots=True)
class Rect:
    """The room of something."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, x: float, y: float) -> Rect:
        return Rect(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def over(self, other: Rect, slack: float = 0.0) -> bool:
        """Whether they overlap by more than some slack."""
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text at its place from the body's origin; the point is on its baseline."""

    x: float
    y: float
    text: str
    kind: Kind
    align: Literal["left", "middle", "right"] = "middle"

    @property
    def bold(self) -> bool:
        return self.kind in ("copies", "name")

    @property
    def wide(self) -> float:
        return width(self.text, SIZE, self.bold)

    @property
    def rect(self) -> Rect:
        return _room(self)


@lru_cache(maxsize=4096)
def _room(label: Label) -> Rect:
    """The room of a line of text; a layout asks for it often."""
    left = label.x - {"left": 0.0, "middle": label.wide / 2, "right": label.wide}[label.align]
    return Rect(left, label.y - RISE, left + label.wide, label.y + 1.5)


@dataclass(slots=True)
class Block:
    """A volume, or one lane of it, with its words."""

    volume: Volume
    lane: int
    solid: Solid
    labels: list[Label] = field(default_factory=list[Label])
    x: float = 0.0
    y: float = 0.0
    """Of the origin of the body."""
    arc: float = 0.0
    """How high the top of its shortcut is above its middle; 0 without."""

    @property
    def rect(self) -> Rect:
        """All that it takes, at its place."""
        body = Rect(0.0, self.solid.top, self.solid.right, self.solid.bottom)
        rects = [body, *(label.rect for label in self.labels)]
        if self.arc:
            rects.append(Rect(-7.0, -self.arc - 1.0, self.solid.right + 7.0, 0.0))
        return Rect(
            min(r.left for r in rects),
            min(r.top for r in rects),
            max(r.right for r in rects),
            max(r.bottom for r in rects),
        ).moved(self.x, self.y)

    @property
    def entry(self) -> tuple[float, float]:
        x, y = self.solid.entry
        return self.x + x, self.y + y

    @property
    def exit(self) -> tuple[float, float]:
        x, y = self.solid.exit
        return self.x + x, self.y + y


def blocks(volume: Volume, lengths: Lengths, flat: bool) -> list[Block]:
    """The blocks of a volume, one for each lane, above each other around the height 0."""
    found = [
        Block(volume, lane, solid(volume.share, lengths, flat)) for lane in range(volume.lanes)
    ]
    for block in found:
        block.labels += _sizes(volume, block.solid)
        block.labels += _below(block, last=block.lane == volume.lanes - 1)
        top = block.solid.top
        if volume.shortcut:
            block.arc = ARC - top
            top -= ARC
        if block.lane == 0:
            block.labels += _above(volume, block.solid, top)
    return found


def _sizes(volume: Volume, body: Solid) -> Iterator[Label]:
    """The numbers at the edges: what each is the length of."""
    shape, bottom = volume.share, body.bottom
    if body.flat:
        c, h, w = shape
        yield Label(body.right / 2, bottom + RISE + 2.5, f"{c}@{h}×{w}", "size")
        return
    edge = body.right - body.thick
    match shape:
        case (c, 1, 1):
            label = Label(body.thick / 2, bottom + RISE + 2.5, f"1×1×{c}", "size")
            # Lines to its unit come from below where the map before is larger.
            yield label if label.rect.left >= 0 else replace(label, x=0.0, align="left")
        case (c, h, w):
            yield Label(body.thick / 2, bottom + RISE + 2.5, str(c), "size")
            y = max(bottom - 0.2 * body.tall + RISE / 2, RISE + 2.5)
            yield Label(-2.0, y, str(h), "size", "right")
            rise = _rise(body)
            reach = min(max(rise + RISE, 0.0), body.back[1]) / body.back[1] * edge
            yield Label(body.thick + reach + 2.0, bottom - rise, str(w), "size", "left")
        case (n, d):
            yield Label(body.thick / 2, bottom + RISE + 2.5, str(d), "size")
            y = max(bottom - 0.2 * body.tall + RISE / 2, RISE + 2.5)
            yield Label(-2.0, y, str(n), "size", "right")
        case _:
            text = "×".join(map(str, shape))
            yield Label(body.thick / 2, bottom + RISE + 2.5, text, "size")


def _rise(body: Solid) -> float:
    """How far the number at the edge to the back is above the bottom.

    On a tall body it is beside the middle of that edge. On a low one lines to what is made of it
    leave from there, a quarter of the way to the back at least, and arrows at half its height: it
    is below them.
    """
    back = body.back[1]
    rise = max(0.0, back / 2 - 3.0) if body.tall > back else min(0.0, back / 4 - RISE - 1.0)
    return min(rise, body.bottom - RISE - 2.5)


def _above(volume: Volume, body: Solid, top: float) -> Iterator[Label]:
    lines = [clip(line, NAME) for line in volume.call]
    for i, line in enumerate(reversed(lines)):
        yield Label(body.right / 2, top - 4.0 - LEADING * i, line, "call")


def _below(block: Block, last: bool) -> Iterator[Label]:
    if not last:
        return
    volume, body = block.volume, block.solid
    lines: list[tuple[str, Kind]] = []
    if volume.copies > 1:
        lines.append((f"×{volume.copies}", "copies"))
    if volume.name:
        lines.append((clip(volume.name, NAME), "name"))
    lines.extend((clip(note), "note") for note in volume.notes)
    y = body.bottom + RISE + 2.5
    for text, kind in lines:
        y += LEADING + 0.5
        yield Label(body.thick / 2 if not body.flat else body.right / 2, y, text, kind)
