"""Two networks side by side: which layer of the one stands where which layer of the other does.

Layers at both ends that are alike are put together first. Of what is left, a part that is small
gets the best alignment there is, by dynamic programming (Needleman & Wunsch 1970): layers that are
alike count most, those of one word or one family less, the same block and the same path a little. A
large part is cut at its anchors, layers with a key that occurs once in either network, as many of
them as keep their order (the longest increasing subsequence), and the parts between are treated in
the same way. So 10,000 layers against 10,000 others take seconds at the worst.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from archdsl.ir.shapes import Shape

CELLS = 200_000  # of the table of a part that gets its best alignment: a fifth of a second

Pair = tuple[int | None, int | None]
"""A place in the first list and one in the second; None where the other has no counterpart."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a layer is known by."""

    path: str
    scope: str
    text: str
    shape: Shape
    word: str
    family: str

    @property
    def content(self) -> tuple[str, Shape]:
        return self.text, self.shape


# By what anchors are found: from layers that are alike to those that have something in common.
_KEYS: tuple[Callable[[Entry], Hashable], ...] = (
    lambda e: (e.path, e.content),
    lambda e: e.content,
    lambda e: (e.path, e.word),
    lambda e: e.word,
)


def align(first: Sequence[Entry], second: Sequence[Entry]) -> list[Pair]:
    """Every place of both lists once, in the order of both; what is only in the first comes first.

    >>> a, b, c = (Entry(n, "", n, (1,), n, n) for n in "abc")
    >>> align([a, b], [a, c, b])
    [(0, 0), (None, 1), (1, 2)]
    """
    pairs = [*_aligned(first, second, 0, 0, 0), (len(first), len(second))]
    found: list[Pair] = []
    i = j = 0
    for to, there in pairs:
        found += [(k, None) for k in range(i, to)]
        found += [(None, k) for k in range(j, there)]
        if to < len(first):
            found.append((to, there))
        i, j = to + 1, there + 1
    return found


def _aligned(
    first: Sequence[Entry], second: Sequence[Entry], i: int, j: int, tier: int
) -> Iterator[tuple[int, int]]:
    """The pairs of two parts, which begin at the places i and j of their networks."""
    shorter = min(len(first), len(second))
    head = 0
    while head < shorter and first[head].content == second[head].content:
        yield i + head, j + head
        head += 1
    tail = 0  # of the same path too, lest the end of a longer stack swallow what is before it
    while tail < shorter - head and _same(first[-1 - tail], second[-1 - tail]):
        tail += 1
    inner, other = first[head : len(first) - tail], second[head : len(second) - tail]
    yield from _middle(inner, other, i + head, j + head, tier)
    ends = i + len(first), j + len(second)
    yield from ((ends[0] - k, ends[1] - k) for k in range(tail, 0, -1))


def _same(x: Entry, y: Entry) -> bool:
    return x.path == y.path and x.content == y.content


def _middle(
    first: Sequence[Entry], second: Sequence[Entry], i: int, j: int, tier: int
) -> Iterator[tuple[int, int]]:
    if len(first) * len(second) <= CELLS:
        yield from ((i + k, j + m) for k, m in _best(first, second))
        return
    if tier == len(_KEYS):
        return  # nothing that they have in common keeps its order
    at = to = 0
    for k, m in [*_anchors(first, second, _KEYS[tier]), (len(first), len(second))]:
        yield from _aligned(first[at:k], second[to:m], i + at, j + to, tier + 1)
        if k < len(first):
            yield i + k, j + m
        at, to = k + 1, m + 1


def _anchors(
    first: Sequence[Entry], second: Sequence[Entry], key: Callable[[Entry], Hashable]
) -> list[tuple[int, int]]:
    """Pairs of one key, as many as keep their order; the n-th of a key goes with the n-th."""
    places = {k: m for m, k in enumerate(_numbered(second, key))}
    pairs = [(k, places[key]) for k, key in enumerate(_numbered(first, key)) if key in places]
    ends: list[int] = []  # of the increasing runs of each length, the one that ends lowest
    last: list[int] = []  # where that end is in `pairs`
    before: list[int] = []
    for at, (_, m) in enumerate(pairs):
        length = bisect_left(ends, m)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [m]
        last[length : length + 1] = [at]
    found: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _numbered(
    entries: Sequence[Entry], key: Callable[[Entry], Hashable]
) -> Iterator[tuple[Hashable, int]]:
    """Each key, with how often it occurred before."""
    seen: Counter[Hashable] = Counter()
    for entry in entries:
        own = key(entry)
        yield own, seen[own]
        seen[own] += 1


_PAIR, _FIRST, _SECOND = range(3)


def _best(first: Sequence[Entry], second: Sequence[Entry]) -> list[tuple[int, int]]:
    """The pairs whose likeness adds up to the most."""
    above = [0] * (len(second) + 1)
    moves: list[bytearray] = []
    for x in first:
        row = [0]
        steps = bytearray([_FIRST])
        left = 0
        for m, y in enumerate(second):
            likeness = _likeness(x, y)
            best, step = left, _SECOND
            if above[m + 1] > best:
                best, step = above[m + 1], _FIRST
            if likeness and above[m] + likeness >= best:
                best, step = above[m] + likeness, _PAIR
            row.append(best)
            steps.append(step)
            left = best
        above = row
        moves.append(steps)
    k, m = len(first), len(second)
    found: list[tuple[int, int]] = []
    while k and m:
        step = moves[k - 1][m]
        if step == _PAIR:
            found.append((k - 1, m - 1))
        k, m = k - (step != _SECOND), m - (step != _FIRST)
    return found[::-1]


def _likeness(x: Entry, y: Entry) -> int:
    """How good it is to have two layers at the same place; 0 if they have nothing in common."""
    if x.family != y.family:
        return 0
    if x.word != y.word:
        return 1 + (x.path == y.path)
    found = 3
    if x.text == y.text:
        found = 8 if x.shape == y.shape else 5
    return found + 4 * (x.scope == y.scope) + (x.path == y.path)
