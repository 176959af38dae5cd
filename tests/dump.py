"""A syntax tree as text, for people to read: an indented line for each node, without places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

HIDDEN = {"span", "name_span", "source"}


def dump(node: Any) -> str:
    """The lines of a tree; a node's plain values stand on its own line, its parts below it."""
    return "\n".join(_lines(node, "", 0)) + "\n"


def _lines(node: Any, name: str, depth: int) -> Iterator[str]:
    head = f"{'  ' * depth}{name}"
    if isinstance(node, tuple | list):
        for each in node:
            yield from _lines(each, name, depth)
        return
    if not is_dataclass(node):
        yield f"{head}{node!r}"
        return
    values = {f.name: getattr(node, f.name) for f in fields(node) if f.name not in HIDDEN}
    plain = {n: v for n, v in values.items() if _is_plain(v)}
    shown = [f"{n}={v!r}" for n, v in plain.items() if v is not None]
    yield " ".join([f"{head}{type(node).__name__}", *shown])
    for key, value in values.items():
        if key not in plain:
            yield from _lines(value, f"{key}: ", depth + 1)


def _is_plain(value: Any) -> bool:
    """Whether a value holds no node: a word, a number, a size."""
    if isinstance(value, tuple | list):
        return bool(value) and all(_is_plain(v) for v in value)
    return not is_dataclass(value)
