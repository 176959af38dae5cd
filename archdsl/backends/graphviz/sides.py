"""Which boxes stand beside others: such that can be reached neither from nor to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def alone(sources: Mapping[str, Sequence[str]]) -> set[str]:
    """The boxes that every other one leads to or comes from.

    Args:
        sources: what each box reads, in topological order; what is no box itself does not count.

    All boxes before one lead to it where it is the only one of them and itself that none of these
    reads; all after it come from it where it is the only one of them and itself that reads none of
    these. So one way there and one back are enough.

    >>> sorted(alone({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"]}))
    ['a', 'd', 'e']
    """
    readers: dict[str, list[str]] = {box: [] for box in sources}
    for box, read in sources.items():
        for source in read:
            if source in readers:
                readers[source].append(box)
    order = list(sources)
    return _ends(order, sources) & _ends(order[::-1], readers)


def _ends(order: Sequence[str], before: Mapping[str, Sequence[str]]) -> set[str]:
    """The boxes that, when they come, are the only end of all that came."""
    ends: set[str] = set()
    found: set[str] = set()
    for box in order:
        ends.difference_update(before[box])
        ends.add(box)
        if len(ends) == 1:
            found.add(box)
    return found
