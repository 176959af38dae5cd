"""Which names a spec mentions, and where."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from archdsl.source import Source, Span
from archdsl.syntax import ast


def reached(tree: ast.Spec) -> set[str]:
    """The names that the networks mention, and those that the blocks of these names mention."""
    own: dict[str, set[str]] = {}
    found: set[str] = set()
    left = [*_mentions(tree.flow, own)]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += own.get(name, ())
    return found


def _mentions(tree: object, blocks: dict[str, set[str]]) -> set[str]:
    """The names in a tree; what a block mentions goes into `blocks`, under its name."""
    found: set[str] = set()
    left: list[object] = [tree]
    while left:
        node = left.pop()
        match node:
            case ast.Block(name=name):
                inner = blocks.setdefault(name, set())
                for part in (*node.formals, node.body):
                    inner |= _mentions(part, blocks)
                continue
            case ast.Name(id=name) | ast.Call(name=name) | ast.Partial(name=name):
                found.add(name)
            case _:
                pass
        if isinstance(node, tuple):
            left += node  # pyright: ignore[reportUnknownArgumentType]
        elif is_dataclass(node) and not isinstance(node, Span | Source | type):
            left += [getattr(node, f.name) for f in fields(node)]
    return found


def head(definition: ast.Block | ast.Network | ast.Param | ast.Let) -> Span:
    """The word and the name that a definition begins with."""
    span = definition.span
    end = span.source.text.index(definition.name, span.start + 3) + len(definition.name)
    return Span(span.source, span.start, end)
