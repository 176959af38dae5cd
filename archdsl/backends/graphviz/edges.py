"""Where tensors go: the points where they enter clusters and fork, and the trunk of the picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Literal

from archdsl.backends.graphviz.picture import Box, Cluster, Edge, Item, framed

Ends = list[tuple[str, str]]
Points = dict[str, dict[str, Box]]
Frames = dict[str, tuple[str, ...]]


def connect(items: tuple[Item, ...], ends: Ends) -> tuple[tuple[Item, ...], tuple[Edge, ...]]:
    """The items with the points that edges run through, and the edges.

    Args:
        items: the boxes and clusters.
        ends: for every tensor that is read, the boxes that make it and read it.
    """
    frames = {box.id: above for box, above in framed(items)}
    points: Points = defaultdict(dict)
    ends = _fork(_enter(ends, frames, points), frames, points)
    items = (*_with(items, points), *points[""].values())
    return items, _ways(ends)


def _point(id: str, inside: tuple[str, ...], frames: Frames, points: Points) -> bool:
    """Put a point into a cluster, unless it is there; whether it is new."""
    frame = inside[-1] if inside else ""
    if id in points[frame]:
        return False
    points[frame][id] = Box(id, "point")
    frames[id] = inside
    return True


def _enter(ends: Ends, frames: Frames, points: Points) -> Ends:
    """Let a tensor enter each cluster at one point, however often it is read there.

    So a block's shortcut stays inside its frame, and the frame's title has a place that no edge
    crosses: beside the first point.
    """
    found: Ends = []
    for source, head in ends:
        tail, inside = source, frames[head]
        for depth in range(_shared(frames[source], inside), len(inside)):
            point = f"{inside[depth]}/in/{source}"
            if _point(point, inside[: depth + 1], frames, points):
                found.append((tail, point))
            tail = point
        found.append((tail, head))
    return found


def _fork(ends: Ends, frames: Frames, points: Points) -> Ends:
    """Let a tensor that skips layers, or goes several ways in a cluster, fork at a point."""
    ways = {(edge.tail, edge.head): edge.way for edge in _ways(ends)}
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for tail, head in ends:
        groups[tail, _shared(frames[tail], frames[head])].append(head)
    forks: dict[tuple[str, str], str] = {}
    for (tail, depth), heads in groups.items():
        skips = sum(ways[tail, head] == "skip" for head in heads)
        entered = "/in/" in tail
        if (skips and not entered) or (entered and len(heads) - skips > 1):
            forks |= {(tail, head): f"{tail}/fork/{depth}" for head in heads}
    found: Ends = []
    for tail, head in ends:
        fork = forks.get((tail, head))
        if fork is None:
            found.append((tail, head))
            continue
        if _point(fork, frames[tail][: _shared(frames[tail], frames[head])], frames, points):
            found.append((tail, fork))
        found.append((fork, head))
    return found


def _shared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How many clusters are around both."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


def _with(items: tuple[Item, ...], points: Points) -> tuple[Item, ...]:
    return tuple(
        replace(item, items=(*points[item.id].values(), *_with(item.items, points)))
        if isinstance(item, Cluster)
        else item
        for item in items
    )


def _ways(ends: Ends) -> tuple[Edge, ...]:
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
