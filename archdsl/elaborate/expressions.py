"""The value of an expression. Bounded in size and time; no input or output, no attribute access."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from archdsl.elaborate.limits import MAX_INTEGER, MAX_ITEMS, MAX_LEVELS, Limits, Meter
from archdsl.elaborate.values import (
    BlockValue,
    LayerValue,
    Scope,
    Unknown,
    Value,
    describe,
    layer_called,
)
from archdsl.errors import Diagnostic, SpecError, suggestion
from archdsl.ir.op import layers, registry
from archdsl.ir.shapes import Shape, channels
from archdsl.source import Span
from archdsl.syntax import ast


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression can see: the names in scope, and the tensor that the flow has reached."""

    scope: Scope
    has_tensor: bool = False
    shape: Shape | None = None
    meter: Meter = field(default_factory=lambda: Meter(Limits().steps))


def evaluate(expr: ast.Expr, context: Context) -> Value:
    """The value of an expression.

    Raises:
        SpecError: a name is unknown, the kinds do not fit, or the result is too large.
    """
    match expr:
        case ast.Literal(value=value):
            return value
        case ast.Name():
            return _name(expr, context)
        case ast.List(items=items):
            return _list([evaluate(i, context) for i in items], expr.span, context)
        case ast.Unary():
            return _unary(expr, context)
        case ast.Binary(operator="and" | "or"):
            left = truth(expr.left, context)
            short = left if expr.operator == "or" else not left
            return left if short else truth(expr.right, context)
        case ast.Binary():
            left, right = evaluate(expr.left, context), evaluate(expr.right, context)
            return _binary(expr, left, right, context)
        case ast.Index():
            return _index(expr, context)
        case ast.Apply():
            return _apply(expr, context)
        case ast.Conditional():
            chosen = expr.then if truth(expr.condition, context) else expr.otherwise
            return evaluate(chosen, context)
        case ast.Partial():
            from archdsl.elaborate.partial import partial

            return partial(expr, context)


def truth(expr: ast.Expr, context: Context) -> bool:
    """The value of a condition.

    Raises:
        SpecError: it is neither true nor false.
    """
    value = evaluate(expr, context)
    if not isinstance(value, bool):
        label = f"a condition is true or false, this is {describe(value)}"
        raise SpecError(Diagnostic("A403", expr.span, label, help="compare it: `n > 0`"))
    return value


def integer(expr: ast.Expr, context: Context, what: str, least: int = 0) -> int:
    """The value of a count.

    Raises:
        SpecError: it is not an integer, or less than `least`.
    """
    value = evaluate(expr, context)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        label = f"{what} is an integer of at least {least}, this is {describe(value)}"
        raise SpecError(Diagnostic("A403", expr.span, label))
    return value


def _name(expr: ast.Name, context: Context) -> Value:
    if expr.id == "channels":
        if not context.has_tensor:
            raise SpecError(Diagnostic("A207", expr.span, "`channels` needs a tensor before it"))
        if context.shape is None:
            raise Unknown
        return channels(context.shape)
    value = context.scope.find(expr.id)
    if value is not None:
        return value
    if layer := layer_called(expr.id):
        return layer
    known = context.scope.visible() | set(registry()) | {"channels"}
    if any(expr.id in cls.choices(name) for cls in layers() for name in cls.arguments()):
        help = f'where no layer declares it, a choice is quoted: "{expr.id}"'
    else:
        help = suggestion(expr.id, known) or "define it with `param` or `let`; quote a text"
    raise SpecError(Diagnostic("A302", expr.span, f"`{expr.id}` is not defined here", help=help))


def _unary(expr: ast.Unary, context: Context) -> Value:
    if expr.operator == "not":
        return not truth(expr.operand, context)
    value = evaluate(expr.operand, context)
    if not _is_number(value):
        raise _no_value(expr.span, f"`-` wants a number, this is {describe(value)}")
    return -value  # pyright: ignore[reportOperatorIssue]


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(expr: ast.Binary, left: Any, right: Any, context: Context) -> Value:
    symbol = expr.operator
    context.meter.handle(sum(len(v) for v in (left, right) if isinstance(v, list)), expr.span)
    if symbol in ("==", "!="):
        return (left == right) == (symbol == "==")
    if symbol == "+" and isinstance(left, list) and isinstance(right, list):
        return _list(left + right, expr.span, context)
    if not (_is_number(left) and _is_number(right)):
        found = f"{describe(left)} {symbol} {describe(right)}"
        help = "a negative number needs parentheses after another argument: `(-1)`"
        label = f"`{symbol}` wants numbers, this is {found}"
        raise _no_value(expr.span, label, help if symbol == "-" else "")
    try:
        result = _power(left, right) if symbol == "**" else _OPERATORS[symbol](left, right)
    except ZeroDivisionError:
        raise _no_value(expr.span, "this divides by zero") from None
    except OverflowError:
        raise _too_large(expr.span) from None
    return _bounded(result, expr.span)


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and exponent * math.log2(abs(base)) > 64:
            raise OverflowError
        return base**exponent
    result = float(base) ** exponent
    if isinstance(result, complex):
        raise ZeroDivisionError
    return result


def _index(expr: ast.Index, context: Context) -> Value:
    value = evaluate(expr.value, context)
    if not isinstance(value, list | tuple):
        raise _no_value(expr.value.span, f"only a list has items, this is {describe(value)}")
    index = evaluate(expr.index, context)
    if not isinstance(index, int) or isinstance(index, bool):
        raise _no_value(expr.index.span, f"an index is an integer, this is {describe(index)}")
    if not -len(value) <= index < len(value):
        label = f"the index is {index}, the items are 0 to {len(value) - 1}"
        raise _no_value(expr.index.span, label if value else "the list is empty")
    return value[index]


def _round(value: float, digits: int = 0) -> float:
    """To the nearest, an even one at half way; without digits, to an integer."""
    # Beyond 400 digits nothing changes any more, but integers would take forever.
    return round(value, max(-400, min(digits, 400))) if digits else round(value)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "sum": sum,
    "len": len,
}

FUNCTIONS = frozenset([*_FUNCTIONS, "range"])
"""The functions of the language."""


def _apply(expr: ast.Apply, context: Context) -> Value:
    arguments: list[Any] = [evaluate(a, context) for a in expr.arguments]
    context.meter.handle(sum(len(a) for a in arguments if isinstance(a, list)), expr.span)
    if expr.options:
        label = f"`{expr.function}` takes no arguments by name"
        raise SpecError(Diagnostic("A401", expr.options[0].span, label))
    if expr.function == "range":
        return _range(expr, arguments, context)
    function = _FUNCTIONS.get(expr.function)
    if function is None:
        known = sorted(FUNCTIONS)
        help = suggestion(expr.function, known) or f"the functions are {', '.join(known)}"
        label = f"no function is called `{expr.function}`"
        raise SpecError(Diagnostic("A302", expr.span, label, help=help))
    flat = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    if expr.function != "len" and not all(_is_number(a) for a in flat):
        raise _no_value(expr.span, f"`{expr.function}` wants numbers")
    try:
        result = function(*arguments)
    except (TypeError, ValueError):
        label = f"`{expr.function}` cannot take {', '.join(map(describe, arguments)) or 'nothing'}"
        raise _no_value(expr.span, label) from None
    except OverflowError:
        raise _too_large(expr.span) from None
    return _bounded(result, expr.span)


def _range(expr: ast.Apply, arguments: list[Any], context: Context) -> Value:
    whole = all(isinstance(a, int) and not isinstance(a, bool) for a in arguments)
    if not whole or not 1 <= len(arguments) <= 3 or (len(arguments) == 3 and arguments[2] == 0):
        raise _no_value(expr.span, "`range` wants one to three integers, the step not zero")
    return _list(list(islice(range(*arguments), MAX_ITEMS + 1)), expr.span, context)


def _list(items: list[Any], span: Span, context: Context) -> list[Any]:
    check_size(items, span, context)
    return items


def check_size(value: Value, span: Span, context: Context) -> None:
    """Bound what a value holds, whatever it shares: all of it may have to be written out.

    Raises:
        SpecError: it holds too much.
    """
    count, left = 0, [(value, 0)]
    while left:
        outer, level = left.pop()
        inner = _held(outer)
        count += len(inner)
        if count > MAX_ITEMS or level > MAX_LEVELS:
            label = f"a list may have {MAX_ITEMS:,} items, and {MAX_LEVELS} lists in one another"
            if not isinstance(value, list):
                label = f"more than {MAX_LEVELS} defaults inside one another"
            raise SpecError(Diagnostic("A504", span, label))
        left += [(v, level + 1) for v in inner if isinstance(v, list | BlockValue | LayerValue)]
    context.meter.handle(count, span)


def _held(value: Value) -> list[Any]:
    """The values in a list, or the defaults that a block or a layer comes with."""
    match value:
        case list():
            return value
        case BlockValue():
            return list(value.given.values())
        case LayerValue():
            return [given for given, _ in value.given.values()]
        case _:
            return []


def _bounded(value: Any, span: Span) -> Any:
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise _too_large(span)
    if isinstance(value, float) and not math.isfinite(value):
        raise _too_large(span)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_value(span: Span, label: str, help: str = "") -> SpecError:
    return SpecError(Diagnostic("A406", span, label, help=help))


def _too_large(span: Span) -> SpecError:
    return SpecError(Diagnostic("A503", span, "the result does not fit 64 bits"))
