"""Sets of numbers as runs: most of what a page links is a stretch of layers."""

from __future__ import annotations

from collections.abc import Iterable

Runs = list[int]
"""From and to of each run, the end exclusive: 3, 6, 9, 10 are the numbers 3, 4, 5 and 9."""


def runs(numbers: Iterable[int]) -> Runs:
    """The numbers as runs, in order, each once.

    >>> runs([4, 3, 5, 9, 5])
    [3, 6, 9, 10]
    """
    found: Runs = []
    for n in sorted(set(numbers)):
        if found and found[-1] == n:
            found[-1] += 1
        else:
            found += [n, n + 1]
    return found
