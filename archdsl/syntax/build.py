"""Lark's parse tree to our syntax tree: a method for each rule of grammar/arch.lark."""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from archdsl.errors import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import ast

MAX_DIGITS = 18  # so that every number fits 64 bits
MAX_ELSE_IF = 50
MAX_NAME = 100  # characters of a name or a text


@v_args(meta=True)
class TreeBuilder(Transformer[Token, Any]):
    """Builds the nodes bottom-up; spans are those of the whole construct.

    `errors` gets what the grammar lets through and the language does not.
    """

    def __init__(self, source: Source, errors: list[Diagnostic]) -> None:
        super().__init__()
        self.source = source
        self.errors = errors

    # Tokens

    def span(self, meta: Meta | Token) -> Span:
        if isinstance(meta, Meta) and meta.empty:
            return Span(self.source, 0, 0)
        return Span(self.source, meta.start_pos or 0, meta.end_pos or 0)

    def word(self, token: Token) -> str:
        """The word of a NAME, LABEL or KEY."""
        name = token.rstrip(":= \t")
        if len(name) > MAX_NAME:
            self.report("A504", token, f"a name may have {MAX_NAME} characters")
        return str(name)

    def number(self, token: Token, digits: str) -> int:
        digits = digits.replace("_", "").lstrip("0") or "0"
        if len(digits) > MAX_DIGITS:
            label = f"{len(digits)} digits; a number may have {MAX_DIGITS}"
            self.report("A503", token, label)
            return 0
        return int(digits)

    def report(self, code: str, where: Meta | Token | Span, label: str, help: str = "") -> None:
        span = where if isinstance(where, Span) else self.span(where)
        self.errors.append(Diagnostic(code, span, label, help=help))

    # Expressions

    def atom(self, meta: Meta, children: list[Token]) -> ast.Expr:
        (token,) = children
        span = self.span(token)
        match token.type:
            case "INT":
                return ast.Literal(self.number(token, token), span)
            case "FLOAT":
                return ast.Literal(self.real(token), span)
            case "MULTIPLE":
                return ast.Literal(ast.Multiple(self.real(token)), span)
            case "SIZE":
                return ast.Literal(tuple(self.number(token, n) for n in token.split("x")), span)
            case "STRING":
                return ast.Literal(self.text(token, token), span)
            case "TRUE" | "FALSE":
                return ast.Literal(token.type == "TRUE", span)
            case _:
                return ast.Name(self.word(token), span)

    def real(self, token: Token) -> float:
        value = float(token.rstrip("x").replace("_", ""))
        if value == float("inf"):
            self.report("A503", token, "it does not fit a 64-bit float")
        return value

    def text(self, quoted: str, where: Meta | Token) -> str:
        if len(quoted) > 2 + 10 * MAX_NAME:
            self.report("A504", where, f"a text may have {10 * MAX_NAME} characters")
        return re.sub(r"\\(.)", r"\1", quoted[1:-1])

    def list(self, meta: Meta, children: list[Any]) -> ast.Expr:
        items = tuple(c for c in children if not isinstance(c, Token))
        return ast.List(items, self.span(meta))

    def unary(self, operator: str, meta: Meta, children: list[Any]) -> ast.Expr:
        return ast.Unary(operator, children[-1], self.span(meta))

    def negative(self, meta: Meta, children: list[Any]) -> ast.Expr:
        return self.unary("-", meta, children)

    def not_(self, meta: Meta, children: list[Any]) -> ast.Expr:
        return self.unary("not", meta, children)

    def binary(self, meta: Meta, children: list[Any]) -> ast.Expr:
        left, operator, right = children
        return ast.Binary(str(operator), left, right, self.span(meta))

    def or_(self, meta: Meta, children: list[Any]) -> ast.Expr:
        return self.binary(meta, [children[0], "or", children[1]])

    def and_(self, meta: Meta, children: list[Any]) -> ast.Expr:
        return self.binary(meta, [children[0], "and", children[1]])

    def index(self, meta: Meta, children: list[Any]) -> ast.Expr:
        value, index = (c for c in children if not isinstance(c, Token))
        return ast.Index(value, index, self.span(meta))

    def apply(self, meta: Meta, children: list[Any]) -> ast.Expr:
        name, *rest = children
        given = [c for c in rest if not isinstance(c, Token)]
        options = tuple(c for c in given if isinstance(c, ast.Argument))
        arguments = tuple(c for c in given if not isinstance(c, ast.Argument))
        return ast.Apply(self.word(name), arguments, options, self.span(meta))

    def path(self, meta: Meta, children: list[Token]) -> ast.Expr:
        """`layer4.0.conv1`, where a path may stand, is the text of it."""
        return ast.Literal(self.text(f'"{children[0]}"', meta), self.span(meta))

    def conditional(self, meta: Meta, children: list[Any]) -> ast.Expr:
        then, condition, otherwise = children
        return ast.Conditional(condition, then, otherwise, self.span(meta))

    def partial(self, meta: Meta, children: list[Any]) -> ast.Expr:
        name, *arguments = children
        return ast.Partial(self.word(name), self.span(name), tuple(arguments), self.span(meta))

    # Steps

    def argument(self, meta: Meta, children: list[Any]) -> ast.Argument:
        key = self.word(children[0]) if isinstance(children[0], Token) else None
        return ast.Argument(key, children[-1], self.span(meta))

    def call(self, meta: Meta, children: list[Any]) -> ast.Call:
        name, *rest = children
        body = rest.pop() if rest and isinstance(rest[-1], ast.Body) else None
        return ast.Call(self.word(name), self.span(name), tuple(rest), body, self.span(meta))

    def group(self, meta: Meta, children: list[Any]) -> ast.Group:
        body: ast.Body = children[0]
        if len(body.branches) > 1:
            self.report(
                "A407",
                meta,
                "`|` separates the branches of a combinator",
                "name the join: `concat { a | b }`, `add { a | b }`",
            )
        return ast.Group(body, self.span(meta))

    def reference(self, meta: Meta, children: list[Any]) -> ast.Reference:
        return ast.Reference(self.word(children[-1]), self.span(meta))

    def as_(self, meta: Meta, children: list[Any]) -> str:
        return self.word(children[-1])

    def repeat(self, meta: Meta, children: list[Any]) -> ast.Repeat:
        named = isinstance(children[-1], str) and not isinstance(children[-1], Token)
        index: str | None = children.pop() if named else None
        count: Any = children[-1]
        if isinstance(count, Token):
            count = ast.Literal(self.number(count, count[1:]), self.span(count))
        return ast.Repeat(count, index, self.span(meta))

    def step(self, meta: Meta, children: list[Any]) -> ast.Step:
        label = self.label(children.pop(0)) if isinstance(children[0], Token) else None
        item, *repeat = children
        return ast.Step(label, item, repeat[0] if repeat else None, self.span(meta))

    def label(self, token: Token) -> ast.Name:
        name = self.word(token)
        start = token.start_pos or 0
        return ast.Name(name, Span(self.source, start, start + len(name)))

    def flow(self, meta: Meta, children: list[Any]) -> ast.Flow:
        statements: list[Any] = []
        for child in children:
            if isinstance(child, Token):
                continue
            if isinstance(child, _Else):
                self.join_else(statements, child)
            else:
                statements.append(child)
        return ast.Flow(tuple(statements), self.span(meta))

    def body(self, meta: Meta, children: list[Any]) -> ast.Body:
        return ast.Body(tuple(c for c in children if isinstance(c, ast.Flow)), self.span(meta))

    def start(self, meta: Meta, children: list[Any]) -> ast.Flow:
        return children[0]

    def value(self, meta: Meta, children: list[Any]) -> ast.Expr:
        return children[0]

    # Definitions

    def param(self, meta: Meta, children: list[Any]) -> ast.Param:
        return ast.Param(self.word(children[-2]), children[-1], self.span(meta))

    def let(self, meta: Meta, children: list[Any]) -> ast.Let:
        return ast.Let(self.word(children[-2]), children[-1], self.span(meta))

    def formal(self, meta: Meta, children: list[Any]) -> ast.Formal:
        default = children[1] if len(children) > 1 else None
        return ast.Formal(self.word(children[0]), default, self.span(meta))

    def block(self, meta: Meta, children: list[Any]) -> ast.Block:
        name, *formals, body = children
        if len(body.branches) > 1:
            self.report("A407", meta, "a block is one flow", "put `concat { a | b }` into it")
        return ast.Block(self.word(name), tuple(formals), body, self.span(meta))

    def network(self, meta: Meta, children: list[Any]) -> ast.Network:
        name, definition = children
        body = definition.body if isinstance(definition, ast.Call) else definition
        if body is not None and len(body.branches) > 1:
            self.report("A407", meta, "a network is one flow", "put `concat { a | b }` into it")
        return ast.Network(self.word(name), definition, self.span(meta))

    def if_(self, meta: Meta, children: list[Any]) -> ast.If:
        condition, then, *otherwise = children
        for body in (then, *otherwise):
            self.one_flow(body)
        return ast.If(condition, then, otherwise[0] if otherwise else None, self.span(meta))

    def one_flow(self, body: Any) -> None:
        if isinstance(body, ast.Body) and len(body.branches) > 1:
            self.report("A407", body.span, "each side of an `if` is one flow")

    def else_(self, meta: Meta, children: list[Any]) -> _Else:
        self.one_flow(children[0])
        return _Else(children[0], self.span(meta))

    def join_else(self, statements: list[Any], found: _Else) -> None:
        """Give an `else` on a line of its own to the `if` before it."""
        chain: list[ast.If] = []
        last = statements[-1] if statements else None
        while isinstance(last, ast.If):
            chain.append(last)
            last = last.otherwise
        if len(chain) > MAX_ELSE_IF:
            self.report("A104", found.span, f"more than {MAX_ELSE_IF} `else`, one after another")
            return
        if not chain or last is not None:
            self.report("A601", found.span, "there is no `if` before this `else`")
            return
        joined: ast.Body | ast.If = found.otherwise
        for node in reversed(chain):
            joined = ast.If(
                node.condition,
                node.then,
                joined,
                Span(self.source, node.span.start, found.span.end),
            )
        statements[-1] = joined

    def expect(self, meta: Meta, children: list[Any]) -> ast.Expect:
        conditions = tuple(c for c in children if not isinstance(c, Token))
        return ast.Expect(conditions, self.span(meta))


class _Else:
    def __init__(self, otherwise: ast.Body | ast.If, span: Span) -> None:
        self.otherwise = otherwise
        self.span = span
