"""Folding neighbours: what looks alike is drawn once, a pooled map with what is made of it."""

from __future__ import annotations

from archdsl.backends.volumes.figure import Series, Volume

BANDS = 4  # of copies of one layer, at most


def without_pools(items: Series) -> Series:
    """The items without the pooled maps that another map is made of; its call tells of them."""
    found: Series = []
    for item in items:
        before = found[-1] if found else None
        if (
            isinstance(item, Volume)
            and isinstance(before, Volume)
            and before.look == "pooling"
            and before.window is not None
            and len(item.shape) == 3
            and not before.hanging
        ):
            item.call = (" ".join(before.call), *item.call)
            item.paths, item.window = [*before.paths, *item.paths], None
            found.pop()
        found.append(item)
    return found


def merged(items: Series) -> Series:
    """The items with neighbours that look alike as one."""
    found: Series = []
    for item in items:
        before = found[-1] if found else None
        if isinstance(item, Volume) and isinstance(before, Volume) and _alike(before, item):
            _take(before, item)
        else:
            found.append(item)
    return found


def _alike(first: Volume, second: Volume) -> bool:
    ours = (first.key, first.shape, first.look, first.shares)
    theirs = (second.key, second.shape, second.look, second.shares)
    return ours == theirs and first.key is not None and not first.hanging


def _take(first: Volume, second: Volume) -> None:
    """Let a volume stand for its neighbour too."""
    first.call = _both(first.call, second.call)
    first.copies += second.copies
    first.paths += second.paths
    first.hanging = second.hanging
    first.shortcut = second.shortcut or first.shortcut
    first.name = _range(first.name, second.name)
    if not second.bands and not first.shares:  # layers, each a band
        first.bands = (first.look,) * min(first.copies, BANDS)


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """How copies are written that differ in their kernels: `conv`, `5×5, 3×3`."""
    if len(first) < 2 or len(second) < 2 or first[0] != second[0] or "×" not in second[1]:
        return first
    known = [words.split()[0] for words in first[1].split(", ")]
    kernel = second[1].split()[0]
    return first if kernel in known else (first[0], f"{first[1]}, {kernel}", *first[2:])


def _range(first: str, last: str) -> str:
    """The name of copies: `enc1…3`; nothing where one of them has none."""
    if not first or not last:
        return ""
    start = first.partition("…")[0]
    return f"{start}…{last.removeprefix(start.rstrip('0123456789'))}"
