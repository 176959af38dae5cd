"""Shapes without the batch: maps (C, H, W), token sequences (N, D), vectors (D,)."""

from __future__ import annotations

from math import prod

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]


def show(shape: Shape) -> str:
    """The shape as the language writes it.

    >>> show((64, 56, 56))
    '64x56x56'
    """
    return "x".join(map(str, shape))


def kind(shape: Shape) -> str:
    """What a shape of this rank is called."""
    return {3: "a map", 2: "a token sequence", 1: "a vector"}.get(len(shape), "a tensor")


def elements(shape: Shape) -> int:
    """Values in one example."""
    return prod(shape)


def channels(shape: Shape) -> int:
    """The width: a map's channels, a token's or a vector's features."""
    return shape[0] if len(shape) == 3 else shape[-1]
