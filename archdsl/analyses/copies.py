"""Lists that repeat themselves, such as a deep network's blocks: copies are told, not shown."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

PERIOD = 40  # items of a group, at most, whose copies are found


@dataclass(frozen=True, slots=True)
class Group:
    """Items from `start` to `start + period`, which come `copies` times more right after."""

    start: int
    period: int
    copies: int

    @property
    def end(self) -> int:
        """Where the last copy ends."""
        return self.start + self.period * (self.copies + 1)

    def note(self, last: str) -> str:
        """What is said of the copies; `last` is what the last item of the last one is called."""
        what = "the same" if self.period == 1 else f"the same {self.period} lines"
        times = "once" if self.copies == 1 else f"{self.copies:,} times"
        return f"… {what}, {times} more" + (f", to {last}" if last else "")


def groups(marks: Sequence[Hashable]) -> Iterator[Group]:
    """All items in groups, most of one item without a copy; equal items have equal marks.

    >>> [(g.start, g.period, g.copies) for g in groups("xababababy")]
    [(0, 1, 0), (1, 2, 3), (9, 1, 0)]
    """
    seen: dict[Hashable, int] = {}
    numbers = [seen.setdefault(mark, len(seen)) for mark in marks]
    at = 0
    while at < len(numbers):
        group = _longest(numbers, at)
        yield group
        at = group.end


def _longest(numbers: Sequence[int], at: int) -> Group:
    """The shortest group at a place whose copies cover the most."""
    best = Group(at, 1, 0)
    covered = 2  # what is folded must be worth the line that tells of it
    for period in range(1, min(PERIOD, (len(numbers) - at) // 2) + 1):
        end = at + period
        while end < len(numbers) and numbers[end] == numbers[end - period]:
            end += 1
        copies = (end - at) // period - 1
        if copies * period > covered:
            best, covered = Group(at, period, copies), copies * period
    return best
