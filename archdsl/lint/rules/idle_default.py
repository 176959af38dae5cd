"""L606."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from archdsl.errors import Level
from archdsl.ir.op import Op, registry
from archdsl.lint.names import bindings
from archdsl.lint.rule import FileRule, Fix, Hit
from archdsl.lint.view import FileView, removal, walk
from archdsl.syntax import ast


class IdleDefault(FileRule):
    """A `default` that no layer behind it gets.

    It holds for the layers that are written after it in the same braces, and in the braces inside
    them. It does not reach into a block that is defined before it or elsewhere, which is the usual
    reason that one does nothing: write it into the block, or before it. The mend takes it out.

    Bad:

        block unit width { conv 3x3 width; bn; relu }
        default conv bias=false
        input 3x32x32
        unit 16  # lint: ignore=L201 to show that the default does not get there
        gap; fc 10

    Good:

        default conv bias=false
        block unit width { conv 3x3 width; bn; relu }
        input 3x32x32
        unit 16
        gap; fc 10
    """

    code: ClassVar[str] = "L606"
    level: ClassVar[Level] = "warning"

    def check(self, file: FileView) -> Iterator[Hit]:
        """The defaults of a layer that nothing behind them names, be it by another name."""
        names = bindings(file.tree)
        from_outside = {b.name for b in names if isinstance(b.node, ast.Param)}
        bound = {b.name for b in names if isinstance(b.node, ast.Let | ast.Formal)}
        anywhere = _called(file.tree.flow)
        for flow in walk(file.tree.flow):
            if isinstance(flow, ast.Flow):
                yield from _idle(flow, from_outside, bound, anywhere)


def _idle(
    flow: ast.Flow, from_outside: set[str], bound: set[str], anywhere: set[str]
) -> Iterator[Hit]:
    """Those of one pair of braces.

    A name `from_outside` may stand for any layer, a `bound` one for those that the file names.
    """
    later: set[str] = set()
    for statement in reversed(flow.statements):
        layer = _defaulted(statement)
        if layer is None:
            later |= _called(statement)
            continue
        known = later | anywhere if later & bound else later
        if not later & from_outside and layer not in {registry().get(name) for name in known}:
            fix = Fix("take it out", (removal(statement.span),))
            label = f"no `{layer.name}` stands behind it"
            yield Hit(statement.span, label, "take it out, or write it earlier", fix=fix)


def _defaulted(statement: ast.Statement) -> type[Op] | None:
    """The layer of a `default`."""
    item = statement.item if isinstance(statement, ast.Step) else None
    if not isinstance(item, ast.Call) or item.name != "default" or not item.arguments:
        return None
    first = item.arguments[0].value
    return registry().get(first.id) if isinstance(first, ast.Name) else None


def _called(part: ast.Flow | ast.Statement) -> set[str]:
    """The names that a part of a spec calls, or passes on, but for those that get defaults."""
    found: set[str] = set()
    defaulted: set[int] = set()
    for node in walk(part):
        match node:
            case ast.Call(name="default", arguments=(first, *_)):
                defaulted.add(id(first.value))
            case ast.Name(id=name) if id(node) not in defaulted:
                found.add(name)
            case ast.Call(name=name) | ast.Partial(name=name):
                found.add(name)
            case _:
                pass
    return found
