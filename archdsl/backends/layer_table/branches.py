"""Branches that are alike, layer by layer: AlexNet's two columns.

In a network they come one after the other; in a table their layers are told once: `3x3, 192 x2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

from archdsl.ir import Node
from archdsl.ir.hierarchy import Part, nodes_in


def in_step(parts: Sequence[Part]) -> list[Part]:
    """Parts in another order: branches of layers that are alike go on side by side.

    Args:
        parts: one after the other; a layer reads what comes before it, here or elsewhere.
    """
    found: list[Part] = list(parts)
    done = 0
    for begins in sorted(_forks(parts)):
        length = begins[1] - begins[0]
        end = begins[-1] + length
        branches = [parts[begin : begin + length] for begin in begins]
        if (
            begins[0] >= done
            and all(after - before == length for before, after in pairwise(begins))
            and all(_alike(branches[0], branch) for branch in branches[1:])
            and not _goes_on(parts[end - 1 : end + 1])
        ):
            found[begins[0] : end] = chain.from_iterable(zip(*branches, strict=True))
            done = end
    return found


def _forks(parts: Sequence[Part]) -> list[list[int]]:
    """Where the branches begin that read the same layer, for each that several read."""
    places = {_last(part).path: place for place, part in enumerate(parts)}
    begins: dict[int, list[int]] = {}
    for place, part in enumerate(parts):
        if isinstance(part, Node):
            read = max((places.get(name, -1) for name in part.inputs), default=-1)
            if read < place - 1:
                begins.setdefault(read, [read + 1]).append(place)
    return list(begins.values())


def _alike(branch: Sequence[Part], other: Sequence[Part]) -> bool:
    return len(branch) == len(other) and all(
        isinstance(a, Node) and isinstance(b, Node) and _look(a) == _look(b)
        for a, b in zip(branch, other, strict=True)
    )


def _goes_on(parts: Sequence[Part]) -> bool:
    """Whether the second of two parts goes on with the first one's branch."""
    if len(parts) < 2:
        return False
    ends, begins = _last(parts[0]), next(nodes_in(parts[1:]))
    return begins.inputs == (ends.path,)


def _last(part: Part) -> Node:
    """The layer that gives what a part gives."""
    *_, last = nodes_in([part])
    return last


def _look(node: Node) -> object:
    """What is told of a layer; which part of a tensor each branch takes is not."""
    own = node.op.name if node.op.family in ("join", "reshape") else node.op.brief()
    return own, node.shape
