"""Residual blocks: sums of a branch with layers and a shortcut past it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.ir.graph import Node
from archdsl.lint.view import NetworkView

_LONGEST = 8  # weighted layers of a branch
_MOST = 64  # layers that are looked at


@dataclass(frozen=True, eq=False)
class Residual:
    """A sum of a shortcut, with at most a projection, and of branches with more weighted layers."""

    sum: Node
    shortcut: tuple[Node, ...]
    """Its layers in order; none if it is the identity."""
    ends: tuple[Node, ...]
    """The last layer of each branch, what drops values in training left out."""


def residuals(net: NetworkView) -> Iterator[Residual]:
    """Every sum of a shortcut, which is a chain of layers, and branches that start where it does.

    A branch that goes down in size and up again is the inside of an hourglass, and the other one
    what is seen on the way: they stand beside each other, and are none.
    """
    for node in net.nodes:
        fork = net.forks.of(node.inputs) if node.op.symbol == "+" else None
        if fork is None or len(node.inputs) < 2:
            continue
        lengths = {path: net.depths[path] - net.depths[fork] for path in node.inputs}
        skip = min(node.inputs, key=lambda path: lengths[path])
        branches = [path for path in lengths if lengths[skip] < lengths[path] <= _LONGEST]
        if any(_enlarges(net, fork, path) for path in branches):
            continue
        shortcut = _chain(net, fork, skip) if lengths[skip] <= 1 else None
        if shortcut is not None and branches:
            yield Residual(node, shortcut, tuple(_end(net, path) for path in branches))


def _chain(net: NetworkView, fork: str, path: str) -> tuple[Node, ...] | None:
    """The layers from behind one tensor to another, if they follow one another."""
    found: list[Node] = []
    while path != fork:
        node = net.graph.by_path[path]
        if len(node.inputs) != 1 or len(found) == _MOST:
            return None
        found.append(node)
        (path,) = node.inputs
    return tuple(reversed(found))


def _enlarges(net: NetworkView, fork: str, path: str) -> bool:
    """Whether a layer on the way from one tensor to another makes maps larger."""
    for _ in range(_MOST):
        if path == fork:
            return False
        node = net.graph.by_path[path]
        if any(window.stride < 1 for window in node.field.windows):
            return True
        path = node.inputs[0]
    return False


def _end(net: NetworkView, path: str) -> Node:
    """The layer that makes a branch's values."""
    node = net.graph.by_path[path]
    while node.op.family == "regularization" and (before := net.before(node)) is not None:
        node = before
    return node
