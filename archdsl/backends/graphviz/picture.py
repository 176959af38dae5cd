"""What a diagram consists of, before anything is said about DOT: boxes, clusters, edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from archdsl.backends.drawing.theme import Look


@dataclass(frozen=True, slots=True)
class Box:
    """One layer, join, input or output; or a point where a tensor enters a cluster or forks."""

    id: str
    """The node's path; `input/NAME` and `output/NAME` for the network's own tensors."""
    look: Look
    name: str = ""
    """The end of the path that tells something; `conv1…3` for copies drawn once."""
    text: str = ""
    """The layer as the language writes it, or the call of a block."""
    follows: str = ""
    """What else is in the box: `bn, relu`; of a block, what it is made of."""
    shape: str = ""
    symbol: str = ""
    """The sign of a join that has one."""
    note: str = ""
    """What else is to be known of it."""
    training: bool = False
    """Whether it exists in training only."""
    copies: int = 1
    marks: tuple[str, ...] = ()
    """Figures that were asked for."""
    share: float | None = None
    """Its part of the largest cost, from 0 to 1, if boxes are coloured by it."""
    is_group: bool = False
    """Whether it is a scope with all that is in it."""
    highlighted: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """A block, a sequence, or several things that are repeated together."""

    id: str
    kind: Literal["block", "sequence", "repetition"]
    name: str
    text: str
    """The block's definition."""
    items: tuple[Item, ...]
    copies: int = 1
    note: str = ""
    highlighted: bool = False


Item = Box | Cluster


@dataclass(frozen=True, slots=True)
class Edge:
    """A tensor's way from where it is made to where it is read."""

    tail: str
    head: str
    way: Literal["trunk", "branch", "skip"]
    """On the longest way through the network; on another one; or past layers, from fork to join."""
    shape: str = ""
    """What goes this way, where it is to be told."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One network, as it is drawn."""

    name: str
    caption: str
    items: tuple[Item, ...]
    """In topological order; inputs first, outputs last."""
    edges: tuple[Edge, ...]
    branches: bool
    """Whether layers stand side by side."""
    measure: str = ""
    """What the heat of boxes measures, and the most of it."""

    @property
    def boxes(self) -> Iterator[Box]:
        """Every box, in order, those inside clusters included."""
        return (box for box, _ in framed(self.items))


def framed(
    items: tuple[Item, ...], frames: tuple[str, ...] = ()
) -> Iterator[tuple[Box, tuple[str, ...]]]:
    """Every box, with the clusters around it, outermost first."""
    for item in items:
        if isinstance(item, Box):
            yield item, frames
        else:
            yield from framed(item.items, (*frames, item.id))
