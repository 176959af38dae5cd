"""Syntax tree to text: the canonical form, which parses back to the same tree.

A statement a line, braces indented by two spaces, no parentheses that change nothing. The trees are
those that the parser builds: a negative number is a minus before a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.syntax import ast

INDENT = "  "

# How strongly an expression holds together; an operand that holds less gets parentheses.
_CONDITIONAL = 0
_LOGIC = {"or": 1, "and": 2, "not": 3}
_COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = 4, 5, 6, 7, 8, 9
_LEVELS = _LOGIC | dict.fromkeys(("==", "!=", "<=", ">=", "<", ">"), _COMPARISON)
_LEVELS |= {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT}
_LEVELS |= {"**": _POWER}

# What the lexer would not take for the start of an argument: `conv x3` repeats, `a or` goes on.
_NO_ARGUMENT = re.compile(r"(x[0-9]*|as|and|or|if|else)(?![A-Za-z0-9_])")


def print_spec(spec: ast.Spec) -> str:
    """The canonical text of a spec, a line end after each statement.

    >>> from archdsl.source import Source
    >>> from archdsl.syntax import parse
    >>> print(print_spec(parse(Source("input 3x8x8; conv 3x3 (2 * 8) x2;residual"))), end="")
    input 3x8x8
    conv 3x3 2*8 x2
    residual
    """
    return "".join(f"{line}\n" for line in _flow(spec.flow))


def print_expr(expr: ast.Expr) -> str:
    """The canonical text of an expression."""
    return _expr(expr, _CONDITIONAL)


# Statements: each gives its lines


def _flow(flow: ast.Flow) -> Iterator[str]:
    for statement in flow.statements:
        yield from _statement(statement)


def _statement(statement: ast.Statement) -> Iterator[str]:
    match statement:
        case ast.Step():
            yield from _step(statement)
        case ast.Param(name, value):
            yield f"param {name} = {print_expr(value)}"
        case ast.Let(name, value):
            yield f"let {name} = {print_expr(value)}"
        case ast.Block(name, formals, body):
            yield from _braced(" ".join(["block", name, *map(_formal, formals)]), body)
        case ast.Network(name, ast.Body() as body):
            yield from _braced(f"network {name}", body)
        case ast.Network(name, ast.Call() as call):
            yield from _call(f"network {name} = ", call)
        case ast.If():
            yield from _if("", statement)
        case ast.Expect(conditions):
            yield f"expect {_items(conditions)}"


def _formal(formal: ast.Formal) -> str:
    return formal.name if formal.default is None else _keyword(formal.name, formal.default)


def _if(before: str, statement: ast.If) -> Iterator[str]:
    """`if`, and the `else` that follows on the line of the closing brace."""
    lines = list(_braced(f"{before}if {print_expr(statement.condition)}", statement.then))
    otherwise = statement.otherwise
    if otherwise is None:
        yield from lines
        return
    yield from lines[:-1]
    before = f"{lines[-1]} else"
    yield from (
        _if(f"{before} ", otherwise)
        if isinstance(otherwise, ast.If)
        else _braced(before, otherwise)
    )


def _step(step: ast.Step) -> Iterator[str]:
    label = f"{step.label.id}: " if step.label else ""
    match step.item:
        case ast.Call() as call:
            lines = list(_call(label, call))
        case ast.Group(body):
            lines = list(_braced(label.rstrip(), body))
        case ast.Reference(name):
            lines = [f"{label}@{name}"]
    *first, last = lines
    yield from first
    yield last + _repeat(step.repeat)


def _repeat(repeat: ast.Repeat | None) -> str:
    if repeat is None:
        return ""
    count = _expr(repeat.count, _WHOLE)
    text = f" x{count}" if count.isdigit() else f" x {count}"
    return f"{text} as {repeat.index}" if repeat.index else text


def _call(before: str, call: ast.Call) -> Iterator[str]:
    words = [before + call.name]
    for argument in call.arguments:
        words.append(_argument(argument, first=len(words) == 1))
    head = " ".join(words)
    yield from _braced(head, call.body) if call.body else [head]


def _argument(argument: ast.Argument, first: bool) -> str:
    if argument.key is not None:
        return _keyword(argument.key, argument.value)
    text = _expr(argument.value, _SUM, tight=True)
    # After another argument a minus would subtract from it.
    subtracts = text.startswith("-") and not first
    return f"({print_expr(argument.value)})" if subtracts or _NO_ARGUMENT.match(text) else text


def _keyword(key: str, value: ast.Expr) -> str:
    return f"{key}={_expr(value, _SUM, tight=True)}"


def _braced(head: str, body: ast.Body) -> Iterator[str]:
    """A head and its braces; the bar before a branch stands in its first line's indent."""
    yield f"{head} {{".lstrip()
    for i, branch in enumerate(body.branches):
        lines = [INDENT + line for line in _flow(branch)]
        if i:
            first = lines[0].removeprefix(INDENT) if lines else ""
            lines[:1] = [f"| {first}".rstrip()]
        yield from lines
    yield "}"


# Expressions


def _expr(expr: ast.Expr, level: int, tight: bool = False) -> str:
    """An expression, in parentheses where it holds less than `level`; tight: no spaces in a sum."""
    match expr:
        case ast.Unary(operator, operand):
            own = _SIGN if operator == "-" else _LOGIC[operator]
            gap = "" if operator == "-" else " "
            text = operator + gap + _expr(operand, own, tight)
        case ast.Binary(operator, left, right):
            own = _LEVELS[operator]
            text = _binary(operator, left, right, tight and own >= _SUM)
        case ast.Conditional(condition, then, otherwise):
            own = _CONDITIONAL
            first, middle = (_expr(e, _LOGIC["or"]) for e in (then, condition))
            text = f"{first} if {middle} else {print_expr(otherwise)}"
        case _:
            return _whole(expr)
    return text if own >= level else f"({print_expr(expr)})"


def _binary(operator: str, left: ast.Expr, right: ast.Expr, tight: bool) -> str:
    own = _LEVELS[operator]
    sides = {_COMPARISON: (_SUM, _SUM), _POWER: (_WHOLE, _SIGN)}.get(own, (own, own + 1))
    gap = "" if tight or own >= _PRODUCT else " "
    return gap.join((_expr(left, sides[0], tight), operator, _expr(right, sides[1], tight)))


def _whole(
    expr: ast.Literal | ast.Name | ast.List | ast.Index | ast.Apply | ast.Partial,
) -> str:
    match expr:
        case ast.Literal(value):
            return _literal(value)
        case ast.Name(name):
            return name
        case ast.List(items):
            return f"[{_items(items)}]"
        case ast.Index(value, index):
            # The bracket touches a word, a number or a bracket, or it would open a list.
            head = _expr(value, _WHOLE)
            head = f"({head})" if head.endswith('"') else head
            return f"{head}[{print_expr(index)}]"
        case ast.Apply(function, arguments, options):
            given = [*map(print_expr, arguments), *(_argument(o, first=False) for o in options)]
            return f"{function}({', '.join(given)})"
        case ast.Partial(name, _, arguments):
            return f"({' '.join([name, *(_argument(a, first=False) for a in arguments)])})"


def _items(items: tuple[ast.Expr, ...]) -> str:
    return ", ".join(map(print_expr, items))


def _literal(value: int | float | bool | str | tuple[int, ...] | ast.Multiple) -> str:
    match value:
        case ast.Multiple(factor):
            return f"{factor:g}x" if float(f"{factor:g}") == factor else f"{factor!r}x"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        case tuple():
            return "x".join(map(str, value))
        case float():
            return repr(value).replace("e-0", "e-").replace("e+", "e")
        case int():
            return str(value)
