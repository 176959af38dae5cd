"""The names of what is drawn, from paths."""

from __future__ import annotations

import re
from collections.abc import Sequence


def spread(paths: Sequence[str]) -> str:
    """The names of copies drawn once, from their paths.

    >>> spread(["stem.conv1"]), spread(["conv1", "conv2"]), spread(["conv1", "conv2", "conv3"])
    ('conv1', 'conv1, 2', 'conv1…3')
    >>> spread(["layer1.0.conv1", "layer1.1.conv1"]), spread(["f.0", "f.2", "f.4", "f.6"])
    ('conv1', 'f.0, 2 … 6')
    """
    names = list(dict.fromkeys(map(tail, paths)))
    parts = [_numbered(name) for name in names]
    if len({stem for stem, _ in parts}) > 1 or not all(number for _, number in parts):
        return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    stem, numbers = parts[0][0], [int(number) for _, number in parts]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{stem}{numbers[0]}…{numbers[-1]}"
    if len(numbers) > 3:
        return f"{stem}{numbers[0]}, {numbers[1]} … {numbers[-1]}"
    return stem + ", ".join(map(str, numbers))


def tail(path: str) -> str:
    """The end of a path that tells something: a bare number comes with what it counts.

    >>> tail("layer1.0.conv1"), tail("features.0"), tail("a.b.3.0")
    ('conv1', 'features.0', 'b.3.0')
    """
    head, _, end = path.rpartition(".")
    while end.replace(".", "").isdecimal() and head:
        head, _, part = head.rpartition(".")
        end = f"{part}.{end}"
    return end


def _numbered(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL)
    return (found[1], found[2]) if found else (name, "")
