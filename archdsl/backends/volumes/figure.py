"""What a figure shows, before anything has a place: volumes in series, and forks of series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from archdsl.backends.drawing.theme import Look
from archdsl.ir.records import Slide
from archdsl.ir.shapes import Shape, channels


@dataclass(slots=True)
class Volume:
    """A tensor that is drawn, with how it was made and what is drawn in its place with it."""

    id: str
    """The path of the layer or scope; `input/NAME` for the network's own tensors."""
    shape: Shape
    look: Look
    call: tuple[str, ...] = ()
    """How it was made, in lines: `conv`, `3×3 /2`."""
    name: str = ""
    """What the spec calls it, where that tells something."""
    window: Slide | None = None
    """The window that made it, drawn on the volume before."""
    bands: tuple[Look, ...] = ()
    """The layers inside, where there are several, or the parts of a concatenation."""
    shares: tuple[int, ...] = ()
    """How many of the channels each band has; none where the bands are layers."""
    copies: int = 1
    shortcut: Literal["", "bare", "projection"] = ""
    """Whether a shortcut runs past it, from before to behind."""
    paths: list[str] = field(default_factory=list[str])
    """All layers that it stands for; the last gives the tensor."""
    training: bool = False
    shared: bool = False
    """Whether it uses another one's weights."""
    lanes: int = 1
    """Into how many rows of equal shares of its channels it is divided."""
    own: bool = False
    """Whether each lane reads the same lane alone."""
    groups: int = 1
    """Into how many groups the layer's channels are divided."""
    key: object = None
    """Neighbours with the same key and shape are drawn once, with their number."""
    notes: tuple[str, ...] = ()
    """What the user wants to be written below."""
    highlighted: bool = False
    hanging: list[Series] = field(default_factory=list["Series"])

    @property
    def share(self) -> Shape:
        """The shape of one lane."""
        return _with(self.shape, channels(self.shape) // self.lanes)

    def widen(self, lanes: int) -> None:
        """Make of one lane all of them."""
        self.shape = _with(self.shape, channels(self.shape) * lanes)
        self.lanes = lanes


def _with(shape: Shape, c: int) -> Shape:
    """A shape with another number of channels."""
    return (c, *shape[1:]) if len(shape) == 3 else (*shape[:-1], c)


@dataclass(slots=True)
class Fork:
    """Ways that part and meet."""

    branches: list[Series]
    """Of volumes; an empty one is the tensor itself, and drawn as an arc."""
    id: str
    symbol: str
    """The sign of the join; nothing where its tensor is drawn as the volume that follows."""
    below: bool = False
    """Whether the last branch goes through smaller maps, and is drawn below the others."""
    starts: bool = False
    """Whether the branches start with inputs of their own."""
    paths: list[str] = field(default_factory=list[str])
    """The join, and the layers behind it that change no shape."""
    hanging: list[Series] = field(default_factory=list["Series"])


Item = Volume | Fork
Series = list[Item]


def volumes_of(series: Series) -> Iterator[Volume]:
    """Every volume, in order."""
    for item in series:
        if isinstance(item, Volume):
            yield item
        else:
            for branch in item.branches:
                yield from volumes_of(branch)
        for side in item.hanging:
            yield from volumes_of(side)
