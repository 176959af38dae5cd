"""`(bottleneck groups=32)`: a block or a layer with other defaults, as a value."""

from __future__ import annotations

from dataclasses import replace

from archdsl.elaborate.arguments import layer_arguments
from archdsl.elaborate.expressions import Context, check_size, evaluate
from archdsl.elaborate.statements import match_formals
from archdsl.elaborate.values import BlockValue, LayerValue, describe
from archdsl.errors import Diagnostic, SpecError
from archdsl.syntax import ast


def partial(expr: ast.Partial, context: Context) -> BlockValue | LayerValue:
    """The block or layer, its new defaults evaluated where they are written.

    A call still overrides them, and what is positional keeps its place.

    Raises:
        SpecError: the name is no block or layer, or it has no such argument.
    """
    value = evaluate(ast.Name(expr.name, expr.name_span), context)
    if isinstance(value, BlockValue):
        call = ast.Call(expr.name, expr.name_span, expr.arguments, None, expr.span)
        matched = match_formals(value.block, call)
        given = {key: evaluate(a.value, context) for key, a in matched.items()}
        value = replace(value, given={**value.given, **given})
    elif isinstance(value, LayerValue):
        values, init = layer_arguments(value.cls, expr.arguments, context)
        value = replace(value, given={**value.given, **values}, init={**value.init, **init})
    else:
        label = f"`{expr.name}` is {describe(value)}, no block or layer"
        raise SpecError(Diagnostic("A301", expr.name_span, label))
    check_size(value, expr.span, context)
    return value
