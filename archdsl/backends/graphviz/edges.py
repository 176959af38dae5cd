"""Where tensors go: how they enter clusters, and which edges are the trunk of the picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Literal

from archdsl.backends.graphviz.picture import Box, Cluster, Edge, Item

Ends = list[tuple[str, str]]


def enter(items: tuple[Item, ...], ends: Ends) -> tuple[tuple[Item, ...], Ends]:
    """Let every tensor that a cluster reads enter it at one point, and fork there.

    So a block's shortcut stays inside the block's frame, and the frame's title has a place that no
    edge crosses: beside the first point.
    """
    above = _frames(items)
    points: dict[str, dict[str, Box]] = defaultdict(dict)
    found: Ends = []
    for tail, head in ends:
        inside = above[head]
        for frame in inside[_shared(above[tail], inside) :]:
            source = tail.partition("/in/")[2] or tail
            point = Box(f"{frame}/in/{source}", "entry")
            if point.id not in points[frame]:
                points[frame][point.id] = point
                found.append((tail, point.id))
            tail = point.id
        found.append((tail, head))
    return _with(items, points), found


def _frames(items: tuple[Item, ...], above: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """The clusters around every box, outermost first."""
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        if isinstance(item, Box):
            found[item.id] = above
        else:
            found |= _frames(item.items, (*above, item.id))
    return found


def _shared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How many clusters are around both."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


def _with(items: tuple[Item, ...], points: dict[str, dict[str, Box]]) -> tuple[Item, ...]:
    return tuple(
        replace(item, items=(*points[item.id].values(), *_with(item.items, points)))
        if isinstance(item, Cluster)
        else item
        for item in items
    )


def route(ends: Ends) -> tuple[Edge, ...]:
    """The edges, each with the way that it is part of."""
    depth = _depths(ends)
    readers = Counter(tail for tail, _ in ends)
    trunk = _trunk(ends, depth)

    def way(tail: str, head: str) -> Literal["trunk", "branch", "skip"]:
        if (tail, head) in trunk:
            return "trunk"
        return "skip" if readers[tail] > 1 and depth[head] > depth[tail] + 1 else "branch"

    return tuple(Edge(a, b, way(a, b)) for a, b in ends)


def _depths(ends: Ends) -> dict[str, int]:
    """How many edges lead to each box, on the longest way."""
    following: dict[str, list[str]] = defaultdict(list)
    waiting = Counter(head for _, head in ends)
    depth: dict[str, int] = {}
    for tail, head in ends:
        following[tail].append(head)
        depth[tail] = depth[head] = 0
    ready = [box for box in depth if not waiting[box]]
    while ready:
        tail = ready.pop()
        for head in following[tail]:
            depth[head] = max(depth[head], depth[tail] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    return depth


def _trunk(ends: Ends, depth: dict[str, int]) -> set[tuple[str, str]]:
    """The edges of the longest way to the deepest box."""
    before: dict[str, str] = {}
    for tail, head in reversed(ends):  # so that the first one stays
        if depth[head] == depth[tail] + 1:
            before[head] = tail
    head = max(depth, key=lambda box: depth[box], default="")
    found: set[tuple[str, str]] = set()
    while head in before:
        found.add((before[head], head))
        head = before[head]
    return found
