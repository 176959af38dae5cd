"""Which names a spec mentions, and where."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import MutableMapping
from dataclasses import dataclass, field, fields, is_dataclass

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
        left += _parts(node)
    return found


@dataclass(eq=False)
class Binding:
    """A name, where it is defined, and whether anything mentions it where it holds."""

    name: str
    node: ast.Param | ast.Let | ast.Block | ast.Formal | ast.Repeat
    outermost: bool
    hides: Binding | None
    """The binding of the same name in the braces around."""
    used: bool = False

    @property
    def span(self) -> Span:
        """The word and the name of a definition, or the name alone."""
        node = self.node
        if isinstance(node, ast.Formal):
            return Span(node.span.source, node.span.start, node.span.start + len(node.name))
        return node.span if isinstance(node, ast.Repeat) else head(node)


def bindings(tree: ast.Spec) -> list[Binding]:
    """Every name that a spec defines with `param`, `let`, `block`, as a parameter or an index.

    A mention counts for the innermost braces that know the name, wherever in them it stands.
    """
    walk = _Bindings()
    walk.flow(tree.flow, {})
    return walk.found


_Names = MutableMapping[str, Binding]


@dataclass(eq=False)
class _Bindings:
    """The walk over a tree; `names` are those that are known at a place."""

    found: list[Binding] = field(default_factory=list[Binding])

    def define(
        self, name: str, node: ast.Param | ast.Let | ast.Block | ast.Formal | ast.Repeat,
        own: _Names, around: _Names, outermost: bool = False,
    ) -> None:  # fmt: skip
        outer = around.get(name)
        if outer is not None and outer.span.start > node.span.start:
            outer = None  # not yet known here
        own[name] = Binding(name, node, outermost, outer)
        self.found.append(own[name])

    def flow(self, flow: ast.Flow, around: _Names, outermost: bool = True) -> None:
        """The statements of a pair of braces, which see one another's names."""
        own: _Names = {}
        for statement in flow.statements:
            if isinstance(statement, ast.Param | ast.Let | ast.Block):
                self.define(statement.name, statement, own, around, outermost)
        names = ChainMap(own, around) if own else around
        for statement in flow.statements:
            self.visit(statement, names)

    def visit(self, node: object, names: _Names) -> None:
        match node:
            case ast.Flow():
                self.flow(node, names, outermost=False)
            case ast.Block(formals=formals, body=body):
                own: _Names = {}
                for formal in formals:
                    self.define(formal.name, formal, own, names)
                inner = ChainMap(own, names)
                for part in (*(formal.default for formal in formals), body):
                    self.visit(part, inner)
            case ast.Step(repeat=ast.Repeat(index=str(index)) as repeat):
                self.visit(repeat.count, names)
                own = {}
                self.define(index, repeat, own, names)
                self.visit(node.item, ChainMap(own, names))
            case _:
                if isinstance(node, ast.Name | ast.Call | ast.Partial):
                    name = node.id if isinstance(node, ast.Name) else node.name
                    if name in names:
                        names[name].used = True
                for part in _parts(node):
                    self.visit(part, names)


def _parts(node: object) -> list[object]:
    """What a node of a syntax tree consists of, its span aside."""
    if isinstance(node, tuple):
        return list(node)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if is_dataclass(node) and not isinstance(node, Span | Source | type):
        return [getattr(node, f.name) for f in fields(node)]
    return []


def head(definition: ast.Block | ast.Network | ast.Param | ast.Let) -> Span:
    """The word and the name that a definition begins with."""
    span = definition.span
    found = _HEAD.match(span.source.text, span.start)
    return Span(span.source, span.start, found.end() if found else span.end)


_HEAD = re.compile(r"\w+\s+\w+")
