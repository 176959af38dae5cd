"""`expect params == 61_706, macs <= 5e5`: what must be so of the network that it stands in.

Here an expectation becomes data: which quantity, of which path, compared with which value. What
the quantities are, and whether it holds, is seen on the finished graph
(`archdsl.analyses.expectations`).

One side is the quantity: a word that nothing in scope is called, or a word with parentheses that is
no function of the language, so that `depth()` is the quantity where `depth` is a parameter. The
other side is any expression. An expectation belongs to a network, or to the outermost level of a
file: there it is about the bare statements, or, in a file that has none, about each network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.elaborate.build import place
from archdsl.elaborate.expressions import FUNCTIONS, Context, evaluate
from archdsl.elaborate.values import Unknown, describe, layer_called
from archdsl.errors import Diagnostic, SpecError
from archdsl.ir.graph import PATH, Expectation
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.elaborate.elaborator import Elaborator
    from archdsl.elaborate.frame import Flow, Frame

MAX_EXPECTATIONS = 1_000  # of one network
_EXAMPLE = "for example `expect params == 61_706, macs <= 5e5`"
_TURNED = {"==": "==", "!=": "!=", "<=": ">=", ">=": "<=", "<": ">", ">": "<"}


@dataclass(frozen=True, slots=True)
class Stated:
    """An expectation, and the names that its value was computed from."""

    expectation: Expectation
    names: frozenset[str]


def in_force(e: Elaborator) -> tuple[Expectation, ...]:
    """The expectations of the network.

    An equality holds for the spec's own parameters and inputs, so it is checked only if no input
    was changed from outside, and each parameter that was is one that it computes with. Bounds are
    checked always.
    """
    return tuple(
        s.expectation
        if s.expectation.relation not in ("==", "!=")
        or (e.changed <= s.names and not e.inputs.changed)
        else s.expectation.model_copy(update={"checked": False})
        for s in e.expected
    )


def state(e: Elaborator, statement: ast.Expect, flow: Flow, frame: Frame) -> None:
    """Keep what a statement expects; report what is no expectation. The flow stays as it is."""
    if not frame.is_network and frame.depth == 0:
        return  # of an imported file
    try:
        if not frame.is_network or frame.space.path or frame.repetitions:
            text = "`expect` belongs to a network, outside of blocks, labels and repetitions"
            help = "`network name = block { expect params == 61_706 }`; `params(layer1)` is a part"
            raise SpecError(Diagnostic("A601", statement.span, text, help=help))
        if len(e.expected) + len(statement.conditions) > MAX_EXPECTATIONS:
            text = f"a network may have {MAX_EXPECTATIONS:,} expectations"
            raise SpecError(Diagnostic("A504", statement.span, text))
    except SpecError as error:
        e.report(error, frame)
        return
    for condition in statement.conditions:
        try:
            e.expected.append(_stated(condition, e.context(flow, frame)))
        except SpecError as error:
            e.report(error, frame)
        except Unknown:
            pass  # what made the shape unknown is reported


def _stated(condition: ast.Expr, context: Context) -> Stated:
    if not isinstance(condition, ast.Binary) or condition.operator not in _TURNED:
        raise _no_comparison(condition)
    relation, left, right = condition.operator, condition.left, condition.right
    if name := _quantity(left, context):
        side, other = left, right
    elif name := _quantity(right, context):
        side, other, relation = right, left, _TURNED[relation]
    else:
        raise _nothing_measured(condition, context)
    if _quantity(other, context):
        text = f"neither `{left.span.text}` nor `{right.span.text}` has a value here"
        help = "one side is a quantity, the other a value"
        raise SpecError(Diagnostic("A302", condition.span, text, help=help))
    call = side if isinstance(side, ast.Apply) else None
    expectation = Expectation(
        quantity=name,
        path=_path(call) if call else "",
        options=_options(call, context) if call else {},
        relation=relation,  # pyright: ignore[reportArgumentType]
        value=_value(other, context),
        place=place(condition.span),
    )
    return Stated(expectation, frozenset(_names(other)))


def _quantity(side: ast.Expr, context: Context) -> str:
    """The name of the quantity that one side of a comparison means, or nothing."""
    match side:
        case ast.Name(id=name):
            bound = context.scope.find(name) is not None or layer_called(name) is not None
            return "" if bound or name == "channels" else name
        case ast.Apply(function=name):
            return "" if name in FUNCTIONS else name
        case _:
            return ""


def _path(quantity: ast.Apply) -> str:
    """The path in a quantity's parentheses, a word or a text."""
    if len(quantity.arguments) > 1:
        text = f"`{quantity.function}` is of one path"
        raise SpecError(Diagnostic("A404", quantity.arguments[1].span, text))
    match quantity.arguments:
        case ():
            return ""
        case (ast.Name(id=str(path)) | ast.Literal(value=str(path)),) if re.fullmatch(PATH, path):
            return path
        case (other, *_):
            text = "a path is expected here, as `archdsl summary` shows it"
            help = "for example `field(layer4)`, `field(layer4.0.conv1)`"
            raise SpecError(Diagnostic("A403", other.span, text, help=help))


def _options(quantity: ast.Apply, context: Context) -> dict[str, int | float | bool | str]:
    found: dict[str, int | float | bool | str] = {}
    for option in quantity.options:
        key, value = option.key or "", option.value
        if key in found:
            raise SpecError(Diagnostic("A405", option.span, f"`{key}` is given twice"))
        word = isinstance(value, ast.Name) and _quantity(value, context)
        given: Any = word or evaluate(value, context)
        if not isinstance(given, int | float | bool | str):
            text = f"an option is a number, a flag or a word, this is {describe(given)}"
            raise SpecError(Diagnostic("A403", value.span, text))
        found[key] = given
    return found


def _value(expr: ast.Expr, context: Context) -> int | float | tuple[int, ...]:
    value: Any = evaluate(expr, context)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    sides: tuple[Any, ...] = tuple(value) if isinstance(value, tuple | list) else ()
    if 1 <= len(sides) <= 3 and all(type(n) is int for n in sides):
        return sides
    text = f"a quantity is compared with a number or a size, this is {describe(value)}"
    raise SpecError(Diagnostic("A403", expr.span, text))


def _names(expr: ast.Expr) -> set[str]:
    """The names that an expression computes with."""
    match expr:
        case ast.Name(id=name):
            return {name}
        case ast.List(items=items) | ast.Apply(arguments=items):
            return {name for item in items for name in _names(item)}
        case ast.Unary(operand=operand):
            return _names(operand)
        case ast.Binary(left=left, right=right):
            return _names(left) | _names(right)
        case ast.Index(value=value, index=index):
            return _names(value) | _names(index)
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return _names(condition) | _names(then) | _names(otherwise)
        case _:
            return set()


def _no_comparison(expr: ast.Expr) -> SpecError:
    text, help = "an expectation compares a quantity with a value", _EXAMPLE
    if isinstance(expr, ast.Binary) and expr.operator == "and":
        help = "separate expectations with a comma: `expect params == 61_706, macs <= 5e5`"
    elif isinstance(expr, ast.Literal) and isinstance(expr.value, int):
        help = "the digits of a number are grouped with `_`: 61_706"
    return SpecError(Diagnostic("A403", expr.span, text, help=help))


def _nothing_measured(comparison: ast.Binary, context: Context) -> SpecError:
    text, help = "neither side is a quantity of the network", _EXAMPLE
    for side in (comparison.left, comparison.right):
        value = context.scope.find(side.id) if isinstance(side, ast.Name) else None
        if isinstance(side, ast.Name) and value is not None:
            help = f"`{side.id}` is {describe(value)} here; a quantity is `{side.id}()`"
            break
        if isinstance(side, ast.Binary | ast.Unary):
            help = "a quantity stands alone on its side: `expect params <= 2 * 10**6`"
    return SpecError(Diagnostic("A403", comparison.span, text, help=help))
